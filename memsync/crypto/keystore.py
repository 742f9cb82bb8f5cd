"""The keystore's bytes: what a device keeps of its keys, locked by a passphrase.

In go a passphrase and a plaintext, out come the bytes of the file, and back::

    "memsync keystore 1\\n" | header length be4 | header | sealed | SHA-256 of all before
    header = cbor({kdf: "argon2id", lanes, memory: KiB, passes, salt b16})

The key is Argon2id (RFC 9106) of the passphrase in NFKC; the header is bound to the seal. The checksum tells a damaged file from a wrong
passphrase; it protects nothing. Parameters are bounded before any memory is taken for them. It reads and writes no file.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from memsync.crypto.kdf import PREFIX, equal, hash256
from memsync.crypto.randomness import Random, system_random
from memsync.crypto.sealing import SIZES, open_block, seal_block
from memsync.errors import FormatError, InputError, LockedError, WrongPassphrase
from memsync.ipld.dagcbor import decode, encode

MAGIC: Final = b"memsync keystore 1\n"
MEMORY: Final = range(8 * 1024, 1024 * 1024 + 1)
"""KiB: 8 MiB to 1 GiB."""

PASSES: Final = range(1, 17)
LANES: Final = range(1, 17)

_WHAT: Final = "keystore"
_KDF: Final = "argon2id"
_START: Final = len(MAGIC) + 4
_MAX_HEADER: Final = 128
_HASH: Final = 32


def seal_keystore(
    passphrase: str,
    plaintext: bytes,
    *,
    random: Random = system_random,
    memory: int = 65536,
    passes: int = 3,
    lanes: int = 4,
) -> bytes:
    """The bytes of a keystore. ``memory`` in KiB (8 MiB to 1 GiB), ``passes`` and ``lanes`` 1 to 16."""
    if not passphrase:
        raise InputError("a keystore needs a passphrase")
    if memory not in MEMORY or passes not in PASSES or lanes not in LANES:
        raise InputError("Argon2id takes 8 MiB to 1 GiB of memory, 1 to 16 passes and 1 to 16 lanes here")
    salt = random(16)
    header = encode({"kdf": _KDF, "lanes": lanes, "memory": memory, "passes": passes, "salt": salt})
    key = _stretch(passphrase, salt, memory, passes, lanes)
    sealed = seal_block(key, _aad(header), plaintext, random=random)
    body = MAGIC + len(header).to_bytes(4, "big") + header + sealed
    return body + hash256(body)


def open_keystore(passphrase: str, data: bytes) -> bytes:
    """The plaintext of a keystore.

    Raises ``WrongPassphrase`` for a whole file, ``FormatError("keystore", …)`` for one that is damaged (``hash``, ``length``), of another
    version (``version``), or made to harm (``value``, ``size``, …).
    """
    header, sealed = _split(data)
    salt, memory, passes, lanes = _parameters(header)
    key = _stretch(passphrase, salt, memory, passes, lanes)
    try:
        return open_block(key, _aad(header), sealed, what=_WHAT)
    except FormatError as error:
        if error.fault == "key":
            raise WrongPassphrase("this passphrase does not open the keystore") from None
        raise


def _split(data: bytes) -> tuple[bytes, bytes]:
    if data[: len(MAGIC)] != MAGIC:
        raise FormatError(
            _WHAT, "version", "not a MemSync keystore of version 1; update MemSync for a newer one"
        )
    if len(data) > _START + _MAX_HEADER + SIZES[-1] + _HASH:
        raise FormatError(_WHAT, "size", f"{len(data)} bytes is longer than any keystore")
    if len(data) < _START + _HASH or not equal(hash256(data[:-_HASH]), data[-_HASH:]):
        raise FormatError(_WHAT, "hash", "damaged: take a copy or the 24 words")
    length = int.from_bytes(data[len(MAGIC) : _START], "big")
    if length > min(_MAX_HEADER, len(data) - _START - _HASH):
        raise FormatError(_WHAT, "length", f"a header of {length} bytes")
    return data[_START : _START + length], data[_START + length : -_HASH]


def _parameters(header: bytes) -> tuple[bytes, int, int, int]:
    found = decode(header, what=_WHAT)
    if not isinstance(found, dict) or set(found) != {"kdf", "lanes", "memory", "passes", "salt"}:
        raise FormatError(_WHAT, "key", "the header has other fields than kdf, lanes, memory, passes, salt")
    salt, memory, passes, lanes = found["salt"], found["memory"], found["passes"], found["lanes"]
    if found["kdf"] != _KDF:
        raise FormatError(_WHAT, "value", "another kdf than argon2id")
    if not isinstance(salt, bytes) or len(salt) != 16:
        raise FormatError(_WHAT, "length", "a salt has 16 bytes")
    return (
        salt,
        _within("memory", memory, MEMORY),
        _within("passes", passes, PASSES),
        _within("lanes", lanes, LANES),
    )


def _within(name: str, value: object, bounds: range) -> int:
    if type(value) is not int or value not in bounds:
        raise FormatError(_WHAT, "value", f"{name} outside {bounds.start} … {bounds.stop - 1}")
    return value


def _stretch(passphrase: str, salt: bytes, memory: int, passes: int, lanes: int) -> bytes:
    try:
        material = unicodedata.normalize("NFKC", passphrase).encode("utf-8")
    except UnicodeEncodeError:
        raise InputError("a passphrase with a lone surrogate can't be written as UTF-8") from None
    try:
        return Argon2id(salt=salt, length=32, iterations=passes, lanes=lanes, memory_cost=memory).derive(
            material
        )
    except UnsupportedAlgorithm:
        raise LockedError(
            "this build of the Python package cryptography has no Argon2id: install its own wheel"
        ) from None
    except MemoryError:
        raise LockedError(f"this keystore needs {memory // 1024} MiB of memory to be opened") from None


def _aad(header: bytes) -> bytes:
    return encode([PREFIX, "keystore", header])
