"""Forms of English words that no ending tells: "went" is a form of "go", "children" of "child".

In come the stems of a text, out comes the same with each irregular form as the word it is a form of, so that whoever asks "when did I
buy it?" finds "I bought it". Written by hand. Left out is what another word looks like ("ate" stems as "at", "lives" as "live"), and
forms of words that no question is searched by (be, have, do).
"""

from __future__ import annotations

from typing import Final

_FORMS: Final = """\
    become became; begin began begun; bend bent; bind bound; bleed bled; blow blew blown; break broke broken; bring brought;
    build built; burn burnt; buy bought; catch caught; choose chose chosen; cling clung; come came; creep crept; deal dealt;
    dig dug; draw drew drawn; dream dreamt; drink drank drunk; drive drove driven; eat eaten; fall fell fallen; feed fed; feel
    felt; fight fought; find found; flee fled; fly flew flown flies; forbid forbade forbidden; forget forgot forgotten;
    forgive forgave forgiven; freeze froze frozen; get got gotten; give gave given; go went gone goes; grow grew grown; hang
    hung; hear heard; hide hid hidden; hold held; keep kept; kneel knelt; know knew known; lay laid; lead led; lean leant;
    leap leapt; learn learnt; leave left; lend lent; light lit; lose lost; make made; mean meant; meet met; overcome overcame;
    pay paid; prove proven; ride rode ridden; ring rang; rise risen; run ran; say said; see saw seen; seek sought; sell sold;
    send sent; sew sewn; shake shook shaken; shine shone; shoot shot; show shown; shrink shrank shrunk; sing sang sung; sink
    sank sunk; sit sat; sleep slept; slide slid; smell smelt; speak spoke spoken; speed sped; spell spelt; spend spent; spill
    spilt; spin spun; spring sprang sprung; stand stood; steal stole stolen; stick stuck; sting stung; strike struck; swear
    swore sworn; sweep swept; swell swollen; swim swam swum; swing swung; take took taken; teach taught; tear tore torn; tell
    told; think thought; throw threw thrown; tread trod trodden; understand understood; undertake undertook undertaken; wake
    woke woken; wear wore worn; weave wove woven; weep wept; win won; withdraw withdrew withdrawn; write wrote written; child
    children; man men; woman women; person people; foot feet; tooth teeth; mouse mice; goose geese; wife wives; knife knives;
    half halves; shelf shelves; wolf wolves; thief thieves
"""


def irregular() -> tuple[tuple[str, str], ...]:
    """Each irregular form, and the word it is a form of."""
    groups = [group.split() for group in _FORMS.split(";")]
    return tuple((form, word) for word, *forms in groups for form in forms)
