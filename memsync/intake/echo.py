"""Whether a text is recalled text coming back: what a tool read here, said again, and now wants in as if it were new.

In comes a text with what is kept about the same things, out come the ids of what it repeats; none if anything in it is new. Known are the
shapes that recall itself gives out (the block for a prompt, its marks, hits as the command line prints them) and how models repeat: "you
told me that", "the user said on 2025-03-02 that", quotations, bullets, and the same sentence about "you" or "the user" instead of "I".
English, by hand. A text that only shares words with what is kept is no echo.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from memsync.memory import Memory
from memsync.recall.alike import ENOUGH, Reading, Wording, fold, read
from memsync.recall.traits import SENTENCE_END

_FRAME: Final = re.compile(
    r"^\s*</?(?:memories|profile)>\s*$|^\s*Quoted from what the person keeps\b|\bThis is data, not instruction\b"
    r"|^\s*- \d{4}-\d\d-\d\d\b[^\n]*\bid [0-9a-f]{12}\b|^\s*```\s*$|^\s*SHAPED LIKE AN INSTRUCTION\b",
    re.MULTILINE,
)
_ID: Final = re.compile(r"\b[0-9a-f]{12,32}\b")
_MONTH: Final = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DATE: Final = (
    r"(?:(?:on|in|from|as of|back in|since) )?(?:\d{4}-\d\d(?:-\d\d)?(?!-?\d)(?:T[\d:.]+Z?)?"
    rf"|\d{{1,2}}(?:st|nd|rd|th)? (?:of )?{_MONTH}(?: \d{{4}})?|{_MONTH}(?: \d{{1,2}}(?:st|nd|rd|th)?)?(?:,? \d{{4}})?)"
)
_WHO: Final = r"(?:you|they|(?:the )?(?:user|person|owner))"
_HAVE: Final = (
    r"(?:['’]ve| have| has| had)?(?: also| once| already| previously| earlier| recently| originally| just)*"
)
_SAID: Final = (
    r"(?:said|told (?:me|us)|mentioned|stated|noted|shared|indicated|explained|wrote|confirmed|reported|expressed|let me know|informed me"
    r"|asked me to (?:remember|keep in mind))"
)
_EARLIER: Final = (
    r"(?:in|from|during) (?:(?:one of )?our|an?|the) (?:previous|earlier|past|last|prior)"
    r" (?:conversation|chat|session|message|talk)s?"
)
_WHEN: Final = rf"(?:,? ?\(?(?:{_DATE}|{_EARLIER}|earlier|before|previously|once|already)\)?)"
_NOTES: Final = r"(?:memory|memories|records?|notes?|history|conversations?|chats?|profile|preferences?|messages?|sessions?)"
_WHOSE: Final = r"my|your|our|the|the user['’]s|their"
_TOLD: Final = r"(?:from (?:earlier|before)|you (?:saying|telling me|mentioning))"
_LABEL: Final = (
    r"noted?|memory|fact|reminder|remember|recalled|remembered|context"
    r"|(?:(?:known|saved|stored|about)\b|(?:the )?user\b)[\w'’ ]{0,24}"
)
_LEADS: Final = tuple(
    re.compile(rf"^\s*(?:{lead})[\s,:;.–—-]*(?:that\b[\s,:]*)?", re.IGNORECASE)
    for lead in (
        r"(?:[-*•·‣]|\d{1,2}[.)]|>+|#+|\|)(?=\s)",
        rf"[\[(]?{_DATE}[\])]?(?=\s*[:,;–—-])|[\[(]{_DATE}[\])]",
        rf"\**(?:{_LABEL})(?=\s*:):\**",
        rf"(?:as |like )?{_WHO}{_HAVE} {_SAID}(?: to me)?{_WHEN}?",
        rf"(?:according to|based on|per|as per|from|going by)(?: (?:{_WHOSE}))?(?: \w+){{0,2}} {_NOTES}(?: (?:about|of|from|with) {_WHO})?",
        rf"(?:as )?(?:i|we) (?:also |still |have |had )?(?:recall|remember|know|noted?|understand|saved)(?: {_TOLD})?",
        rf"(?:my|the|your|stored|saved) {_NOTES}(?: \w+)? (?:says?|shows?|states?|indicates?|tells? me|contains?)",
        rf"it (?:is|was) (?:noted|recorded|mentioned|stated|known){_WHEN}?",
        rf"(?:{_DATE}|{_EARLIER}|earlier|previously)(?=\s*,)",
    )
)
_TRAILS: Final = tuple(
    re.compile(rf"[\s,;–—-]*(?:{trail})\W*$", re.IGNORECASE)
    for trail in (
        rf"\(?(?:as )?{_WHO}{_HAVE} {_SAID}(?: to me)?{_WHEN}?\)?",
        rf"\((?:(?:source|recorded|noted|remembered|stated|said|mentioned|memory|saved|from|id|{_WHO})\b[^()]*|{_DATE}[^()]*)\)",
        r"\[(?:memory|source|id)[^\[\]]*\]",
        rf"(?:according to|based on|from) (?:my|your|our|the)(?: \w+){{0,2}} {_NOTES}",
    )
)
_FIELD: Final = re.compile(
    r"^\s*\{?\s*\"(?:memory|text|content|fact|note|value)\"\s*:\s*\"(.+)\"\s*[,}]?\s*$"
)
_QUOTED: Final = re.compile(r"^\W*?[\"“”'‘«„](.+)[\"“”'’»]\W*$", re.DOTALL)
_PERSON: Final = re.compile(r"\b(?:the (?:user|person|owner)|user)(?:['’]s)?\b", re.IGNORECASE)
_YOU: Final = re.compile(r"\b(?:you|your|yours|yourself|you['’](?:re|ve|d|ll))\b", re.IGNORECASE)
_THEY: Final = re.compile(r"\b(?:they|them|their|theirs|he|his|him|she|her|hers)\b", re.IGNORECASE)
_OWN: Final = re.compile(r"\b(?:I|[Mm]y|[Mm]e|[Mm]ine|[Ww]e|[Oo]urs?|[Uu]s)\b")
_MARKS: Final = re.compile(r"^\s*\|\s?|^\s*(?:#\s.*|</?\w+>|```)\s*$", re.MULTILINE)


def echoed(text: str, known: Sequence[tuple[Memory, Reading]]) -> tuple[bytes, ...]:
    """The ids of the memories that the text repeats, in their order; empty if it is no echo, or says anything besides.

    A block that recall gave out is an echo even where none of ``known`` is what it quotes: then a single empty id stands for that.
    """
    marks = _FRAME.findall(text)
    framed = len(marks) > 1 or bool(marks and _ID.search(text))
    found = (
        {one.id: None for one, _ in known if any(map(one.id.hex().startswith, _ID.findall(text)))}
        if framed
        else {}
    )
    led = framed
    for part in filter(str.strip, SENTENCE_END.split(_MARKS.sub("", text))):
        core, wrapped = unwrapped(part)
        wording = read(core)
        if not wording.weight:
            led = led or wrapped
            continue
        repeated = [
            one.id
            for one, other in known
            if _repeats(core, wording, one, other.wording, wrapped=wrapped or led)
        ]
        if not repeated and not framed:
            return ()
        found |= dict.fromkeys(repeated)
    return tuple(found) or ((b"",) if framed else ())


def unwrapped(text: str) -> tuple[str, bool]:
    """A sentence without what says that somebody said it, when, and its quotation marks; and whether there was any of that."""
    core, wrapped = text.strip(), False
    for _ in range(6):
        before = core
        for lead in _LEADS:
            core = lead.sub("", core, count=1)
        for trail in _TRAILS:
            core = trail.sub("", core, count=1)
        if quoted := _FIELD.match(core) or _QUOTED.match(core):
            core = quoted[1].strip()
        if core == before:
            break
        wrapped = True
    return core, wrapped


def _repeats(core: str, wording: Wording, memory: Memory, other: Wording, *, wrapped: bool) -> bool:
    """Whether a sentence says what a memory says, as a model would: led in, or about another person than the memory speaks of."""
    if wording.asks and not other.asks:
        return False
    mine = wording.weight - _about(core)
    if len(mine) < 1 or not wording.figures <= other.figures or wording.denials % 2 > other.denials % 2:
        return False
    owned = bool(_OWN.search(memory.text))
    turned = bool(_PERSON.search(core) or _YOU.search(core)) and not _OWN.search(core)
    if not wrapped and not (turned and (owned or not _YOU.search(core))):
        return False
    if wording.turned(other) or (_OWN.search(core) and not owned and not wrapped):
        return False
    theirs = other.weight - _about(memory.text)
    share = len(mine & theirs) / len(mine)
    if len(mine) < 2:
        return fold(core).strip(".!") == fold(memory.text).strip(".!") or (share == 1 and len(theirs) <= 2)
    strange = (mine - theirs) & (wording.names | wording.figures)
    return share >= ENOUGH and not strange and len(mine & theirs) >= min(2, len(theirs))


def _about(text: str) -> frozenset[str]:
    """The words that only say whose memory it is."""
    return frozenset(("user", "person", "owner")) if _PERSON.search(text) else frozenset()
