"""Fields of decoded DAG-CBOR, each taken as the type, length and range that ``docs/format.md`` gives it, or refused.

``what`` names the thing read and ``name`` the field; every refusal is ``FormatError(what, fault, …)`` with fault ``type``, ``length``,
``value``, ``key`` or ``missing``. A bool is never an integer here.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from memsync.errors import FormatError
from memsync.ipld.dagcbor import Value

MS_LIMIT: Final = 1 << 53
"""Unix times in milliseconds are less than this in magnitude (``ms``)."""


def check_version(value: Value, *, what: str) -> None:
    """Refuse any version but 1: ``FormatError(what, "version")``."""
    if type(value) is not int or value != 1:
        raise FormatError(what, "version", "not version 1; update MemSync for a newer one")


def as_list(value: Value, length: int | None = None, *, what: str, name: str) -> list[Value]:
    """A list, of exactly ``length`` elements if given."""
    if type(value) is not list:
        raise FormatError(what, "type", f"{name} is not a list")
    if length is not None and len(value) != length:
        raise FormatError(what, "length", f"{name} has {len(value)} elements instead of {length}")
    return value


def as_map(value: Value, keys: Collection[str] | None = None, *, what: str, name: str) -> dict[str, Value]:
    """A map, with exactly ``keys`` if given."""
    if type(value) is not dict:
        raise FormatError(what, "type", f"{name} is not a map")
    if keys is not None and value.keys() != frozenset(keys):
        if missing := sorted(frozenset(keys) - value.keys()):
            raise FormatError(what, "missing", f"{name} lacks {', '.join(missing)}")
        raise FormatError(what, "key", f"{name} has a key that is not defined")
    return value


def as_bytes(value: Value, length: int | None = None, *, what: str, name: str) -> bytes:
    """A byte string, of exactly ``length`` bytes if given."""
    if type(value) is not bytes:
        raise FormatError(what, "type", f"{name} is not a byte string")
    if length is not None and len(value) != length:
        raise FormatError(what, "length", f"{name} has {len(value)} bytes instead of {length}")
    return value


def as_text(value: Value, *, what: str, name: str) -> str:
    """A text."""
    if type(value) is not str:
        raise FormatError(what, "type", f"{name} is not a text")
    return value


def as_uint(value: Value, bits: int, *, what: str, name: str) -> int:
    """An unsigned integer below 2 to the power of ``bits``."""
    if type(value) is not int:
        raise FormatError(what, "type", f"{name} is not an integer")
    if not 0 <= value < 1 << bits:
        raise FormatError(what, "value", f"{name} is not below 2^{bits}")
    return value


def as_ms(value: Value, *, what: str, name: str) -> int:
    """A Unix time in milliseconds, signed."""
    if type(value) is not int:
        raise FormatError(what, "type", f"{name} is not an integer")
    if not -MS_LIMIT < value < MS_LIMIT:
        raise FormatError(what, "value", f"{name} is not a time within 2^53 milliseconds of 1970")
    return value
