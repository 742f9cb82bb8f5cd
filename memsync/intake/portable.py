"""A memory as plain JSON, for a file that a person keeps or another program reads, and back.

In goes a memory with its scope's name, out comes a dict whose values are JSON, and the reverse: the same content, whoever reads it. Times
are ISO 8601 in UTC to the millisecond (the number of milliseconds where no calendar has it), ids hexadecimal. Keys of later versions stand
under ``unknown`` in DAG-JSON (https://ipld.io/specs/codecs/dag-json/spec/), with one escape of ours for a map that has a ``/`` itself.

What a tool proposed goes out without its author and proof: the proof names a grant on a chain, and who exports a text vouches for it, as
with an edit.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final, cast

from memsync.errors import FormatError, InputError
from memsync.intake.dates import read_exact, write_date
from memsync.intake.incoming import Incoming, Own, key_of
from memsync.ipld.cid import CID
from memsync.ipld.dagcbor import Value
from memsync.memory import SOURCE_KEYS, InvalidMemory, Memory, Source

IDENTITY: Final = frozenset({"id", "version"})
"""What only a memory that MemSync wrote has, both of it."""

_TIMES: Final = ("created", "happened", "valid_from", "valid_until")
_KEYS: Final = IDENTITY | {
    *_TIMES,
    "scope",
    "kind",
    "text",
    "tags",
    "source",
    "supersedes",
    "replaces",
    "unknown",
}


def write_portable(memory: Memory, scope: str) -> dict[str, Any]:
    """The memory as JSON; a key that would be empty is left out."""
    source = memory.source
    value: dict[str, Any] = {
        "id": memory.id.hex(),
        "version": memory.version.hex(),
        "scope": scope,
        "kind": memory.kind,
        "text": memory.text,
    }
    value |= {name: write_date(at) for name in _TIMES if (at := getattr(memory, name)) is not None}
    if memory.tags:
        value["tags"] = list(memory.tags)
    if source is not None:
        value["source"] = {name: text for name in SOURCE_KEYS if (text := getattr(source, name)) is not None}
    for name in ("supersedes", "replaces"):
        if ids := getattr(memory, name):
            value[name] = [one.hex() for one in ids]
    if memory.unknown:
        value["unknown"] = {name: _dag_json(one) for name, one in memory.unknown.items()}
    return value


def read_portable(value: Mapping[str, Any], where: str) -> Incoming:
    """What :func:`write_portable` wrote; ``InputError`` naming ``where`` for anything else."""
    try:
        _refuse_strange(value)
        own = Own(
            id=_id(value["id"]),
            version=_id(value["version"]),
            replaces=_ids(value.get("replaces", [])),
            supersedes=_ids(value.get("supersedes", [])),
        )
        times: dict[str, Any] = {
            name: _time(value[name]) for name in _TIMES if name in value or name == "created"
        }
        tags, source, unknown = value.get("tags", []), value.get("source"), value.get("unknown", {})
        incoming = Incoming(
            key=key_of("memsync", own.id.hex(), own.version.hex()),
            kind=value["kind"],
            text=value["text"],
            source=None if source is None else Source(**source),
            tags=tuple(tags),
            unknown={name: _from_dag_json(one) for name, one in unknown.items()},
            own=own,
            **times,
        )
        incoming.draft(0)
    except KeyError as error:
        raise InputError(f"{where} has no {error.args[0]}; export again") from None
    except InvalidMemory as error:
        raise InputError(f"{where}: {error}; export again") from None
    except (TypeError, ValueError, AttributeError, FormatError, RecursionError, binascii.Error) as error:
        what = str(error) if type(error) is ValueError else "it is not what `memsync export` writes"
        raise InputError(f"{where}: {what}; export again") from None
    return incoming


def _refuse_strange(value: Mapping[str, Any]) -> None:
    if strange := sorted(value.keys() - _KEYS):
        raise ValueError(f"{strange[0][:40]!r} has no meaning")


def _id(text: object) -> bytes:
    found = bytes.fromhex(cast(str, text))
    if len(found) != 16 or found[6] >> 4 != 7 or found[8] >> 6 != 2:
        raise ValueError("an id is not a UUIDv7 in hexadecimal")
    return found


def _ids(texts: list[str]) -> tuple[bytes, ...]:
    return tuple(sorted({_id(one) for one in texts}))


def _time(value: object) -> int:
    ms = read_exact(value)
    if ms is None:
        raise ValueError(f"{str(value)[:40]!r} is no time")
    return ms


def _dag_json(value: object) -> Any:
    if isinstance(value, bytes):
        return {"/": {"bytes": base64.b64encode(value).decode().rstrip("=")}}
    if isinstance(value, CID):
        return {"/": str(value)}
    if isinstance(value, Mapping):
        found = {name: _dag_json(one) for name, one in value.items()}
        return {"/": {"map": found}} if "/" in found else found
    if isinstance(value, list | tuple):
        return [_dag_json(one) for one in value]
    return value


def _from_dag_json(value: Any) -> Value:
    if isinstance(value, float):
        raise ValueError("no memory holds a number with a fraction")  # noqa: TRY004 it is told as what the file holds
    if isinstance(value, list):
        return [_from_dag_json(one) for one in value]
    if not isinstance(value, dict):
        return cast(Value, value)
    inside = value.get("/")
    if len(value) == 1 and isinstance(inside, str):
        return CID.parse(inside)
    if len(value) == 1 and isinstance(inside, dict) and len(inside) == 1:
        [(kind, held)] = inside.items()
        if kind == "bytes":
            return base64.b64decode(held + "=" * (-len(held) % 4), validate=True)
        if kind == "map":
            return _map(held)
    return _map(value)


def _map(value: dict[str, Any]) -> Value:
    return {name: _from_dag_json(one) for name, one in value.items()}
