"""Which blocks this device has put into the vault's stores, and which parcels it has taken in: what nobody else can know of a block.

A block is opaque, and other vaults may share its folder. In come digests, before the blocks are stored; out they come again when somebody
looks for what no root leads to. A name stays until its block is known to be in no place any more.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from memsync.device.database import Database, blob, text
from memsync.device.meta import Meta

PUT, PARCEL = "put:", "parcel:"


@dataclass(frozen=True, slots=True)
class Parcel:
    """A parcel that was taken in: its grant (32 bytes), its number there, its digest."""

    grant: bytes
    number: int
    digest: bytes


class Puts:
    """The digests, one row of the database for each push."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._meta = Meta(database)

    def note(self, digests: Iterable[bytes], *, at: int) -> None:
        """Note blocks (32 bytes each) that are about to be put, at ``at`` (ms)."""
        self._meta.put(f"{PUT}{at:015d}:{secrets.token_hex(4)}", b"".join(digests))

    def all(self) -> dict[bytes, int]:
        """Every digest, with when it was put (ms)."""
        return {digest: int(name.split(":")[1]) for name, row in self._rows(PUT) for digest in _cut(row)}

    def note_parcel(self, parcel: Parcel) -> None:
        """Note a parcel that was taken in."""
        self._meta.put(f"{PARCEL}{parcel.grant.hex()}:{parcel.number}", parcel.digest)

    def parcels(self) -> list[Parcel]:
        """Every parcel that was taken in."""
        found = []
        for name, digest in self._rows(PARCEL):
            _, grant, number = name.split(":")
            found.append(Parcel(bytes.fromhex(grant), int(number), digest))
        return found

    def forget(self, digests: Collection[bytes]) -> None:
        """Note no longer what is in no place any more."""
        with self._db.transaction():
            for name, row in (*self._rows(PUT), *self._rows(PARCEL)):
                left = b"".join(digest for digest in _cut(row) if digest not in digests)
                if not left:
                    self._meta.delete(name)
                elif left != row:
                    self._meta.put(name, left)

    def _rows(self, prefix: str) -> list[tuple[str, bytes]]:
        end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        rows = self._db.run(
            "SELECT name, value FROM meta WHERE name >= ? AND name < ? ORDER BY name", (prefix, end)
        )
        return [(text(name), blob(value)) for name, value in rows]


def _cut(row: bytes) -> list[bytes]:
    return [row[at : at + 32] for at in range(0, len(row), 32)]
