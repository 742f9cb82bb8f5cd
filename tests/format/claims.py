"""What ``docs/format.md`` and ``docs/threat-model.md`` promise about who learns what, each as a function from a life to its breaches.

In goes a :class:`Life`, out come the names of what somebody could open or learn and should not have: nothing, if the promise held. Who is
``told`` where everything lies has only keys to fail with; who is not has ids to find as well. That the same search does reach what it may
is for the tests to show.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from memsync.format.rights import READ
from memsync.ipld.dagcbor import Value, decode
from tests.format.disclosure import Form, Opened, Thief
from tests.format.lessons import Role, Secret, records
from tests.format.opening import be4
from tests.format.watched import Life, Terms

ZERO16 = bytes(16)
UNDER_CONTENT = ("entry", "catalog", "segment", "since")
UNDER_EPOCH = (*UNDER_CONTENT, "lockbox")
UNDER_POINTER = ("root", "access")
OF_EPOCHS = (Role.EPOCH, Role.CONTENT, Role.HISTORY)
OF_GENERATIONS = (Role.GENERATION, Role.OWNER, Role.BOX, Role.SIGNER, Role.AUTHOR)


def other_scopes(life: Life) -> set[str]:
    """A reader of one scope reaches nothing of another."""
    found: set[str] = set()
    for who, terms in life.tools.items():
        mine = {ZERO16, *(one.scope for one in terms)}
        thief = life.thief(who)
        found |= {_say(life, who, one) for one in thief.opened.values() if one.place.scope not in mine}
        found |= {
            _say(life, who, one)
            for one in thief.secrets & life.truth.secrets
            if one.role in OF_EPOCHS and one.scope not in mine
        }
    return found


def later_epochs(life: Life) -> set[str]:
    """From K(n), with every pointer key and every grant's secret, nothing of n + 1 on is reached; from contentKey(n), with every pointer
    key, nothing but n."""
    found: set[str] = set()
    pairwise = life.truth.have(Role.PAIRWISE)
    for key in life.truth.have(Role.EPOCH, Role.CONTENT):
        whole = key.role is Role.EPOCH
        thief = life.with_secrets([key, *life.pointers, *(pairwise if whole else ())])
        reached = [one for one in thief.opened.values() if one.place.kind in UNDER_EPOCH]
        found |= {
            _say(life, life.name(key), one)
            for one in reached
            if (one.place.scope, life.number(one) - key.number) != (key.scope, 0)
            and not (whole and one.place.scope == key.scope and life.number(one) < key.number)
        }
    return found


def the_past(life: Life) -> set[str]:
    """A reader from now on reaches no earlier epoch, no epoch key, and no memory that was there before its grant."""
    found: set[str] = set()
    for who, terms in life.tools.items():
        if not any(one.reads and one.from_now_on for one in terms):
            continue
        (one,) = terms
        first, thief = life.number_at(one.scope, one.granted), life.thief(who)
        found |= {
            _say(life, who, opened)
            for opened in thief.opened.values()
            if (opened.place.kind in UNDER_EPOCH and life.number(opened) < first)
            or opened.place.kind == "lockbox"
        }
        found |= {
            _say(life, who, secret)
            for secret in thief.secrets & life.truth.secrets
            if secret.role in (Role.EPOCH, Role.HISTORY)
            or (secret.role is Role.CONTENT and secret.number < first)
            or (secret.role is Role.PAIRWISE and secret not in life.pairwise(who))
        }
        found |= {f"{who}: {text}" for text, when in _texts(life, thief) if when <= one.granted}
    return found


def after_the_end(life: Life) -> set[str]:
    """A revoked or expired reader reaches nothing sealed after the push that noticed, but which root is current while others read on; told
    where everything lies, it opens rewrites of what it could read, and no memory that is new."""
    found: set[str] = set()
    for who, terms in life.tools.items():
        ended = [one for one in terms if one.reads and one.ended is not None]
        if not ended or len(ended) < len(terms):
            continue
        end = max(one.ended or 0 for one in ended)
        last = {one.scope: life.number_at(one.scope, end - 1) for one in ended}
        told, own = life.thief(who), life.thief(who, told=False)
        alone = not any(_reads_at(one, end) for others in life.tools.values() for one in others)
        found |= {
            _say(life, who, one)
            for one in told.opened.values()
            if one.place.kind in UNDER_EPOCH and life.number(one) > last[one.place.scope]
        }
        found |= {f"{who}: {text}" for text, when in _texts(life, told) if when >= end}
        found |= {
            _say(life, who, one)
            for one in own.opened.values()
            if life.when(one) >= end and (alone or one.place.kind not in UNDER_POINTER)
        }
    return found


def after_removal(life: Life) -> set[str]:
    """A removed device reaches no later epoch, generation, since block, slot or parcel."""
    found: set[str] = set()
    for who, removed in life.devices.items():
        if removed is None:
            continue
        told, own = life.thief(who), life.thief(who, told=False)
        last = {scope: life.number_at(scope, removed - 1) for scope in life.scopes}
        generation = _generation_at(life, removed)
        found |= {_say(life, who, one) for one in told.opened.values() if _is_later(life, one, removed, last)}
        found |= {f"{who}: {text}" for text, when in _texts(life, told) if when >= removed}
        found |= {
            _say(life, who, one)
            for one in told.secrets & life.truth.secrets
            if (one.role in OF_EPOCHS and one.number > last[one.scope])
            or (one.role in OF_GENERATIONS and one.number >= generation)
        }
        found |= {
            _say(life, who, one)
            for one in own.opened.values()
            if life.when(one) >= removed and one.place.kind not in UNDER_POINTER
        }
    return found


def later_generations(life: Life) -> set[str]:
    """From W of a generation and every pointer key, nothing of a later generation is reached."""
    found: set[str] = set()
    for key in life.truth.have(Role.GENERATION):
        thief = life.with_secrets([key, *life.pointers])
        name = f"W {key.number}"
        found |= {
            _say(life, name, one)
            for one in thief.secrets & life.truth.secrets
            if one.role in OF_GENERATIONS and one.number > key.number
        }
        found |= {
            _say(life, name, one)
            for one in thief.opened.values()
            if one.place.kind == "owner" and decode(one.plaintext)["generation"] > key.number
        }
    return found


def more_than_an_envelope(life: Life) -> set[str]:
    """A write-only tool opens its envelopes and nothing else."""
    return {
        _say(life, who, one)
        for who, terms in life.tools.items()
        if not any(term.reads for term in terms)
        for one in life.thief(who).opened.values()
        if one.place.kind != "envelope"
    }


def without_a_key(life: Life) -> set[str]:
    """Storage, or a thief with every public byte, opens nothing, even if told where everything lies."""
    thief = life.thief()
    return {_say(life, "nobody", one) for one in [*thief.opened.values(), *thief.secrets]}


def other_readers(life: Life) -> set[str]:
    """A reader opens no slot but its own, and nothing that it opens below the memories names another reader, a device, or their keys."""
    found: set[str] = set()
    for who, terms in life.tools.items():
        mine, thief = {one.id for one in terms}, life.thief(who)
        opened = [one for one in thief.opened.values() if one.place.kind not in ("segment", "parcel")]
        found |= {
            _say(life, who, one)
            for one in opened
            if one.place.kind == "slot" and one.place.object[16:] not in mine
        }
        found |= {f"{who}: names {name}" for name in named(life, opened, mine)}
    return found


def named(life: Life, opened: Iterable[Opened], but: set[bytes]) -> set[str]:
    """Who of the owner blocks' grants and devices is named in plaintexts, by whatever tells one; ``but``: ids of own grants."""
    together = b"|".join(one.plaintext for one in opened)
    return {name for name, marks in life.marks(but).items() if any(mark in together for mark in marks)}


def beyond_the_table(life: Life) -> set[str]:
    """Each tool opens what the table in section 9 says, and nothing else."""
    return {
        _say(life, who, one)
        for who in life.tools
        for one in life.thief(who).opened.values()
        if not _in_the_table(life, who, one)
    }


def seen_twice(life: Life) -> set[str]:
    """No 16 bytes of what is sealed come twice, whatever was sealed, nor a salt, a tag or an object id."""
    sealed = {*life.truth.opened, *life.truth.closed}
    blocks = [one.data for one in sealed if one.form is Form.BLOCK]
    parts = [one.data for one in sealed if one.form is not Form.BLOCK]
    chunks = Counter(data[at : at + 16] for data in (*blocks, *parts) for at in range(0, len(data) - 15, 16))
    found = {f"16 bytes {chunk.hex()}" for chunk, times in chunks.items() if times > 1}
    ids = Counter(
        one.place.object
        for one in life.truth.opened.values()
        if one.place.kind in ("owner", "access", "catalog", "segment", "lockbox", "since")
    )
    found |= {f"object id {one.hex()}" for one, times in ids.items() if times > 1}
    roots = [decode(one.plaintext) for one in life.truth.opened.values() if one.place.kind == "root"]
    tags = Counter(tag for root in roots for tag, _ in root["entries"])
    found |= {f"tag {tag.hex()}" for tag, times in tags.items() if times > 1}
    return found | {
        f"{field} of a root"
        for field in ("salt", "witness")
        if len({root[field] for root in roots}) < len(roots)
    }


def _in_the_table(life: Life, who: str, one: Opened) -> bool:
    place, terms = one.place, life.tools[who]
    match place.kind:
        case "root" | "access":
            return any(term.reads for term in terms)
        case "envelope":
            return one.by in life.own(who)
        case "slot":
            return place.object[16:] in {term.id for term in terms}
        case "since":
            return one.by.value in life.since_keys(who)
        case "lockbox" | "entry" | "catalog" | "segment":
            number = life.number(one)
            return any(
                _first(life, term) <= number <= _last(life, term)
                for term in terms
                if term.reads
                and term.scope == place.scope
                and not (term.from_now_on and place.kind == "lockbox")
            )
        case _:
            return False


def _first(life: Life, term: Terms) -> int:
    return life.number_at(term.scope, term.granted) if term.from_now_on else 0


def _last(life: Life, term: Terms) -> int:
    return 1 << 32 if term.ended is None else life.number_at(term.scope, term.ended - 1)


def _is_later(life: Life, one: Opened, removed: int, last: dict[bytes, int]) -> bool:
    match one.place.kind:
        case "root" | "access":
            return False
        case "owner" | "slot" | "parcel" | "envelope":
            return life.when(one) >= removed
        case _:
            return life.number(one) > last[one.place.scope]


def _reads_at(term: Terms, sequence: int) -> bool:
    """Whether a grant that was there before the push of this sequence reads on after it."""
    return bool(term.rights & READ) and term.granted < sequence and (term.ended or sequence + 1) > sequence


def _generation_at(life: Life, sequence: int) -> int:
    roots = [one for one in life.truth.opened.values() if one.place.kind == "root"]
    value: Value = next(decode(one.plaintext) for one in roots if one.place.object == be4(sequence))
    return int(value["generation"])


def _texts(life: Life, thief: Thief) -> Iterator[tuple[str, int]]:
    """Each text that a thief reads, and by which push that version was first published."""
    for one in thief.opened.values():
        if one.place.kind == "segment":
            for memory in records("segment", one.plaintext):
                if "text" in memory:
                    yield memory["text"], life.first_seen[memory["id"], memory["version"]]


def _say(life: Life, who: str, what: Opened | Secret) -> str:
    return f"{who}: {life.name(what)}"
