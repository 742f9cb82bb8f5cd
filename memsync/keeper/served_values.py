"""What tools send and get, as schemas and as JSON: the arguments and answers of the verbs in ``served``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Final

from memsync.keeper.values import iso, read_time
from memsync.keeper.verb import Says, Schema
from memsync.memory import KINDS

if TYPE_CHECKING:
    from memsync.memory import Memory
    from memsync.vault import Outcome

ID: Final = "[0-9a-f]{32}"
_YEAR: Final = "[12][0-9]{3}"
_LEAP: Final = "(?:[12][0-9](?:0[48]|[2468][048]|[13579][26])|(?:12|16|20|24|28)00)"
_DAY: Final = (
    f"(?:{_YEAR}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    f"|{_LEAP}-02-29)"
)
_CLOCK: Final = "(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])?"
_TIME: Final = Says(
    "an ISO 8601 day or time such as 2025-01-31, or 7d for so long ago",
    pattern=f"{_DAY}(?:T{_CLOCK})?|[1-9][0-9]{{0,3}}[hdwy]",
)
Time = Annotated[str, _TIME]
Question = Annotated[str, Says("The question, in plain words.", 1, 4000)]
Also = Annotated[list[str], Says("Other wordings, or parts of a hard question.", 0, 8, each=4000)]
ScopeName = Annotated[str, Says("One of the scopes that `status` lists; all of them if left out.", 1, 200)]
Tag = Annotated[str, Says("Only memories with this tag.", 1, 200)]
Id = Annotated[
    str, Says("a memory's id of 32 hexadecimal digits, as `recall` and `list` give it", pattern=ID)
]


def closed(**properties: Schema) -> Schema:
    """The schema of an object with these keys and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def many(items: Schema) -> Schema:
    """The schema of a list."""
    return {"type": "array", "items": items}


TEXT: Final[Schema] = {"type": "string"}
ID_TEXT: Final[Schema] = {"type": "string", "pattern": f"^{ID}$"}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
WHEN: Final[Schema] = {"type": ["string", "null"], "description": "ISO 8601, UTC"}
NULLABLE: Final[Schema] = {"type": ["string", "null"]}
_SOURCE: Final = closed(
    tool=NULLABLE,
    conversation=NULLABLE,
    title=NULLABLE,
    turn=NULLABLE,
    part=NULLABLE,
    role=NULLABLE,
    model=NULLABLE,
)
_MEMORY: Final[dict[str, Schema]] = {
    "id": ID_TEXT,
    "scope": TEXT,
    "text": TEXT,
    "kind": {"type": "string", "enum": list(KINDS)},
    "when": WHEN,
    "created": WHEN,
    "tags": many(TEXT),
    "source": {"anyOf": [_SOURCE, {"type": "null"}]},
}
MEMORY: Final = closed(**_MEMORY)
HIT: Final = closed(**_MEMORY, score={"type": "number"}, why=many(TEXT), labels=many(TEXT))
STATES: Final = ("kept", "forgotten", "known", "pending", "refused", "empty")
OUTCOME: Final[dict[str, Schema]] = {
    "state": {"type": "string", "enum": list(STATES)},
    "memory": {"anyOf": [ID_TEXT, {"type": "null"}]},
    "proposal": {"anyOf": [ID_TEXT, {"type": "null"}]},
}
NOTES: Final = {
    "kept": "kept",
    "forgotten": "forgotten",
    "known": "kept already; nothing was added",
    "pending": "waits for the person, who decides by `memsync review`",
    "refused": "the person said no to this before",
    "empty": "there is nothing in it to keep",
}


def memory_value(memory: Memory, scope: str) -> dict[str, object]:
    """A memory as a tool gets it: without the key of who proposed it."""
    source = memory.source
    return {
        "id": memory.id.hex(),
        "scope": scope,
        "text": memory.text,
        "kind": memory.kind,
        "when": iso(memory.when),
        "created": iso(memory.created),
        "tags": list(memory.tags),
        "source": {name: getattr(source, name) for name in source.__slots__} if source else None,
    }


def url_of(memory: Memory) -> str:
    """Where a memory is, as a resource."""
    return f"memory://{memory.id.hex()}"


def outcome_value(outcome: Outcome) -> dict[str, object]:
    """What became of a wish."""
    return {
        "state": outcome.state,
        "memory": outcome.memory.hex() if outcome.memory else None,
        "proposal": outcome.proposal.hex() if outcome.proposal else None,
    }


def title_of(memory: Memory) -> str:
    """The beginning of a memory, in one line of at most 80 characters."""
    line = " ".join(memory.text.split())
    return line if len(line) <= 80 else line[:79] + "…"


def to_ms(text: str | None) -> int | None:
    """Unix milliseconds of a time as a tool says it."""
    return read_time(text, now=time.time())
