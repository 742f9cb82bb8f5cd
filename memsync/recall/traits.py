"""What in a text says something lasting about the person: who they are, where they live, whom they know, what they do, prefer and decided.

In comes a text, out comes the one sentence of it that says most, under which heading, and how sure that is. Only what is said in the first
person, or is marked as a decision or a rule, counts; questions, plans that are still open and what holds for today only don't. English, by
hand, from how people write of themselves; a guess that only ranks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, get_args

Heading = Literal["identity", "places", "people", "work", "preferences", "decisions"]
HEADINGS: Final[tuple[Heading, ...]] = get_args(Heading)
SENTENCE_END: Final = re.compile(
    r"\n+|(?<=[^\d][.!?…])(?<!\b[A-Z]\.)(?<!\b(?:Mr|Ms|Dr|St|No)\.)(?<!\b(?:Mrs|e\.g|i\.e)\.)[\"”’]?\s+(?=[\"“A-Z0-9-])"
)
_SHORT: Final = 180
"""Characters of a text that is given whole, so that a sentence keeps what stands beside it."""
_LONGEST: Final = 240


def _any(*shapes: str) -> re.Pattern[str]:
    return re.compile("|".join(shapes))


_KIN: Final = (
    r"(?:wife|husband|spouse|partner|girlfriend|boyfriend|fianc[ée]e?|sons?|daughters?|child|children|kids|sisters?|brothers?|mother|mom"
    r"|mum|father|dad|aunt|uncle|niece|nephew|cousin|grand\w+|(?:best )?friend|boss|manager|supervisor|editor|agent|publisher|doctor"
    r"|dentist|therapist|teacher|tutor|landlord|landlady|neighbou?r|flatmates?|roommates?|colleague|deputy|dog|cat)"
)
_ACTIVITY: Final = "(?:writing|building|leading|studying|learning|researching|training|working|starting|finishing|running|developing)"
_OWN_WORK: Final = "(?:job|work|company|employer|team|thesis|project|client|role|degree|profession|novel|book|business|start-?up|field)"
_ADVERB: Final = r"(?: really| always| usually| still| only| much| now| just| currently| both)?"
_AM: Final = r"\bI(?:['’]m| am)"
_DONT: Final = r"\bI (?:don['’]t|do not|no longer)"
_PATTERNS: Final[tuple[tuple[Heading, float, re.Pattern[str]], ...]] = (
    (
        "identity",
        3.0,
        _any(
            r"\b(?:[Mm]y name is|[Cc]all me)\b",
            r"\b[Mm]y (?:birthday|pronouns|mother tongue|native language|blood type|shoe size|passport)\b",
            rf"{_AM} (?:\d{{1,3}}\b(?! (?:minutes|hours|days|pages|words))|from [A-Z]|born|allergic|vegan|vegetarian|native)",
            rf"{_AM} (?:(?:left|right)-handed|married|single|divorced|retired|deaf|blind|colou?r-?blind|diabetic|dyslexic|afraid of)",
            rf"{_AM} an? (?!bit|little|lot|few|fan|mess|bad|step|day|week|month|year|minute|word|page|huge|big|great)\w",
            r"\bI was born\b|\bI grew up\b|\bI speak [A-Z]",
            r"\bI(?:['’]ve| have) (?:asthma|diabetes|an? (?:\w+ )?allergy|adhd)\b",
            r"\bI have (?:\w+ ){1,2}(?:children|kids|sons?|daughters?|sisters?|brothers?|cats?|dogs?)\b",
        ),
    ),
    (
        "places",
        3.0,
        _any(
            rf"\b(?:I|[Ww]e)(?:['’](?:m|re|ve)| am| are| have)?{_ADVERB} (?:live|living|based|reside)\b(?! (?:on|by|with) (?:it|that))",
            rf"\b(?:I|[Ww]e)(?:['’]ve| have)?{_ADVERB} moved (?:to|back|from) (?:the )?[A-Z]",
            r"\b(?:[Mm]y|[Oo]ur) (?:home|flat|apartment|house|address|office|hometown|studio|garden) (?:is|stands|lies)\b",
        ),
    ),
    (
        "people",
        2.4,
        _any(
            rf"\b[Mm]y (?:[\w-]+ )?{_KIN}(?:['’]s name)?(?:,? [A-Z]\w+| is\b| are\b| lives?\b| works?\b)",
            r"\b[A-Z]\w+(?: [A-Z]\w+)? is (?:my|our|the client['’]s) \w+",
            r"^(?:[Tt]he )?[Tt]eam: ",
        ),
    ),
    (
        "work",
        2.5,
        _any(
            r"\bI (?:work|lead|run|manage|teach|study|maintain|own|freelance)\b(?! (?:to|out|into|away|it\b))",
            rf"{_AM} (?:now )?{_ACTIVITY}\b",
            rf"\b(?:[Mm]y|[Oo]ur) {_OWN_WORK} (?:is|are|has|deals|starts|runs|needs)\b|\b(?:[Ww]orking title|[Pp]roject name)\b",
            r"\b[Ww]e(?:['’]re| are) (?:building|developing|researching|studying)\b",
            r"\b(?:new )?[Dd]eadline (?:for [\w ]+ )?(?:is|of)\b",
        ),
    ),
    (
        "preferences",
        2.6,
        _any(
            rf"\bI{_ADVERB} (?:prefer|like|love|hate|dislike|loathe|enjoy|avoid|never|always)\b(?! (?:that|this|it)\b)",
            r"\bI (?:can['’]t|cannot) stand\b|\bI(?:['’]d| would) rather\b|\b[Mm]y favou?rite\b",
            rf"{_AM} (?:not )?a (?:big |huge )?fan of\b|{_DONT} (?:like|eat|drink|want|use|read|work)\b",
            r"\bI want (?:answers|no|all|every|short|my)\b|^(?:[Pp]lease )?(?:[Aa]lways|[Nn]ever) (?!again|mind)\w+",
            r"^(?:[A-Z]\w+ )?[Rr]ule(?: \w+)?: ",
            r"^(?:[Pp]lease )?(?:[Aa]nswer|[Rr]eply|[Ww]rite|[Uu]se) (?:me )?(?:in|briefly|only|with|metric|British|American)\b",
        ),
    ),
    (
        "decisions",
        2.2,
        _any(
            r"^(?:Changed )?[Dd]ecision\b|^(?:Reversed|Agreed|Settled|Rule|Lessons?|Condition|Naming|Principle|New plan|Final title)\s*:",
            r"\b(?:[Ww]e|I)(?:['’]ve| have)?(?: now| finally| all)? (?:decided|agreed|settled on|chose)\b(?! (?:nothing|later))",
            r"^(?:New|Final) title\b|\bfor good\.|\b[Ff]rom now on\b|\b(?:is|are) now called\b",
            r"\b(?:[Ff]inal|[Nn]ew official|[Oo]fficial) (?:title|name|figure|date)\b",
        ),
    ),
)
_ANY: Final = _any(
    r"\b(?:I|[Mm]y|[Ww]e|[Oo]ur|[Dd]ecision|[Rr]ule|[Cc]all|[Tt]itle|[Tt]eam|[Aa]lways|[Nn]ever|[Aa]nswer|[Rr]eply|[Ww]rite|[Uu]se)\b",
    r"\b(?:[Dd]eadline|[Pp]roject|Reversed|Agreed|Settled|Lessons?|Condition|Naming|Principle|plan|good|official|called|now)\b",
)
_PASSING: Final = re.compile(
    r"\b(?:today|tonight|yesterday|tomorrow|this (?:morning|afternoon|evening|week|minute)|last (?:night|week)|right now|at the moment"
    r"|just (?:now|got|had)|again)\b",
    re.IGNORECASE,
)
_OPEN: Final = re.compile(
    r"\b(?:maybe|perhaps|might|not sure|wonder\w*|if I|whether I|I think|I guess|probably|idea|dream\w*|suppose|for later|as if)\b",
    re.IGNORECASE,
)
_TASK: Final = re.compile(
    r"\b(?:I want you to|I need (?:you|help)|can you|could you|help me|write (?:me )?an?\b|explain|give me)\b",
    re.IGNORECASE,
)
_SPEAKER: Final = re.compile(r"([A-Z][\w'’-]+)(?: [A-Z][\w'’-]+)?: ")
_NO_SPEAKER: Final = frozenset(
    "Decision Changed Reversed Agreed Settled Rule Lesson Lessons Condition Naming Principle New Final Team Style Main Note".split()
)


@dataclass(frozen=True, slots=True)
class Trait:
    """``text`` to be shown, the ``sentence`` that counts, its ``heading``, and how sure it is that it says something lasting (1 to 4)."""

    text: str
    sentence: str
    heading: Heading
    weight: float


def trait(text: str) -> Trait | None:
    """The most lasting thing that a text says about the person who wrote it; None if it says nothing of the kind."""
    if not _ANY.search(text):
        return None
    best: Trait | None = None
    other = (named := _SPEAKER.match(text)) is not None and named[1] not in _NO_SPEAKER
    for sentence in filter(str.strip, SENTENCE_END.split(text) if len(text) > 40 else [text]):
        for heading, weight, pattern in _PATTERNS:
            if (other and heading != "decisions") or not pattern.search(sentence):
                continue
            sure = weight - _doubt(sentence)
            if sure >= 1 and (best is None or sure > best.weight):
                best = Trait("", sentence.strip(), heading, sure)
    if best is None:
        return None
    return Trait(_shown(text, best.sentence), best.sentence, best.heading, best.weight)


def _doubt(sentence: str) -> float:
    if sentence.rstrip().endswith("?"):
        return 9.0
    doubt = (
        1.5 * bool(_PASSING.search(sentence))
        + 1.5 * bool(_OPEN.search(sentence))
        + 2.0 * bool(_TASK.search(sentence))
    )
    return doubt + 0.5 * (len(sentence) > _SHORT)


def _shown(text: str, sentence: str) -> str:
    whole = " ".join(text.split())
    if len(whole) <= _SHORT and "?" not in whole:
        return whole
    cut = " ".join(sentence.split())
    return cut if len(cut) <= _LONGEST else cut[: cut.rfind(" ", 0, _LONGEST)] + " …"
