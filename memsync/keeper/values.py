"""How memories, grants and times are written as JSON, and how a person's times are read.

Times are ISO 8601 in UTC, ids and keys hexadecimal.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from memsync.errors import InputError

if TYPE_CHECKING:
    from memsync.device.contacts import Contact
    from memsync.device.history import Deed
    from memsync.memory import Memory
    from memsync.vault import Device, Grant, ListedVault, Proposal

_AGO = re.compile(r"([1-9][0-9]{0,4})(h|d|w|y)")
_HOURS = {"h": 1, "d": 24, "w": 168, "y": 8760}


def memory_value(memory: Memory, scope: str | None = None) -> dict[str, object]:
    """A memory, with its scope's name where that is known."""
    source = memory.source
    value: dict[str, object] = {
        "id": memory.id.hex(),
        "text": memory.text,
        "kind": memory.kind,
        "when": iso(memory.when),
        "created": iso(memory.created),
        "tags": list(memory.tags),
        "source": {name: getattr(source, name) for name in source.__slots__} if source else None,
        "author": memory.author.hex() if memory.author else None,
    }
    return value if scope is None else value | {"scope": scope}


def grant_value(grant: Grant) -> dict[str, object]:
    """A grant, with the link to hand over."""
    return {
        "id": grant.id.hex(),
        "name": grant.name,
        "scope": grant.scope,
        "can": grant.can,
        "start": iso(grant.start * 1000),
        "until": iso(grant.end * 1000),
        "from_now": grant.from_now,
        "link": grant.link,
    }


def vault_value(vault: ListedVault) -> dict[str, object]:
    """A further vault: which of its words it is, and what it is called on this device, if it is on it."""
    return {
        "number": vault.number,
        "name": vault.name,
        "id": "0x" + vault.id.hex(),
        "listed": vault.listed,
        "here": vault.here,
    }


def contact_value(contact: Contact) -> dict[str, object]:
    """A contact: name, account and what the person compared."""
    from memsync.device.contacts import grouped

    return {
        "name": contact.name,
        "account": "0x" + contact.account.hex(),
        "fingerprint": grouped(contact.fingerprint),
        "added": iso(contact.added),
        "seen": iso(contact.seen),
    }


def device_value(device: Device) -> dict[str, object]:
    """A device of the person's."""
    return {
        "id": device.id.hex(),
        "fingerprint": device.fingerprint,
        "name": device.name,
        "added": iso(device.added * 1000),
        "this": device.this,
        "listed": device.listed,
    }


def deed_value(deed: Deed) -> dict[str, object]:
    """One line of the history."""
    return {
        "at": iso(deed.at),
        "kind": deed.kind,
        "sequence": deed.sequence,
        "block": deed.block,
        "transaction": None if deed.transaction is None else "0x" + deed.transaction.hex(),
        "detail": deed.detail,
    }


def proposal_value(one: Proposal) -> dict[str, object]:
    """What a tool proposes, with what the person should see beside it."""
    known = {"same_as": one.same_as, "memory": one.memory}
    several = {"near": one.near, "echo": one.echo}
    return {
        "id": one.id.hex(),
        "who": one.who,
        "via": one.via,
        "scope": one.scope,
        "deed": one.deed,
        "text": one.text,
        "removed": one.removed,
        "kind": one.kind,
        "tags": list(one.tags),
        "happened": iso(one.happened),
        "received": iso(one.received),
        **{name: None if memory is None else memory_value(memory) for name, memory in known.items()},
        **{name: [memory_value(memory) for memory in memories] for name, memories in several.items()},
        "echoes": one.echoes,
        "supersedes": [
            {"memory": memory_value(old.memory), "reason": old.reason, "named": old.named}
            for old in one.supersedes
        ],
        "secrets": list(one.secrets),
        "instruction": one.instruction,
    }


def iso(ms: int | None) -> str | None:
    """Unix milliseconds as ISO 8601 in UTC; None for none, or for a time that no calendar has."""
    if ms is None:
        return None
    try:
        return (
            datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        )
    except (OverflowError, ValueError, OSError):
        return None


def read_time(text: str | None, *, now: float) -> int | None:
    """Unix milliseconds of what a person says: an ISO date or time (local unless it says otherwise), or ``7d`` for that long ago."""
    if text is None:
        return None
    ago = _AGO.fullmatch(text.strip())
    if ago:
        return int((now - timedelta(hours=int(ago[1]) * _HOURS[ago[2]]).total_seconds()) * 1000)
    try:
        return int(datetime.fromisoformat(text.strip()).astimezone().timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        raise InputError(f"{text!r} is no time; say for example 2025-01-31, 2025-01-31T18:00 or 7d") from None


def read_id(text: str) -> bytes:
    """The bytes of an id, or of how one begins."""
    try:
        found = bytes.fromhex(text if len(text) % 2 == 0 else text[:-1])
    except ValueError:
        raise InputError(f"{text!r} is no id: `list` and `recall` show them, in hexadecimal") from None
    if not found:
        raise InputError(f"{text!r} is too short for an id; give two digits or more")
    return found
