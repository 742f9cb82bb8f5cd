"""The cards that this device has met, so that a changed key is noticed.

A contact is remembered by account and by name, with the fingerprint that the person compared. A card with other keys under a known account
or name is refused until the contact is removed; the same keys on a newer card are taken. Cards are kept as their verified bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

from memsync.device.database import Database, Row, Value, blob, number, text
from memsync.errors import IntegrityError, NotFoundError


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody met: account (20 bytes), name, fingerprint (16 bytes), the card's bytes, when added and last seen (ms)."""

    account: bytes
    name: str
    fingerprint: bytes
    card: bytes
    added: int
    seen: int


class Contacts:
    """The contacts of this device."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def meet(self, *, account: bytes, name: str, fingerprint: bytes, card: bytes, now: int) -> Contact:
        """Remember a verified card; ``IntegrityError`` when this account or this name is known with other keys."""
        with self._db.transaction():
            for known in self._select("account = ? OR name = ?", (account, name)):
                if known.fingerprint != fingerprint or known.account != account:
                    raise IntegrityError(
                        f"the key of {name!r} has changed: {grouped(known.fingerprint)} is known, this card has {grouped(fingerprint)}; "
                        f"ask them over another way, and if it is true remove the contact {known.name!r} first"
                    )
            self._db.run(
                "INSERT INTO contact (account, name, fingerprint, card, added, seen) VALUES (?1, ?2, ?3, ?4, ?5, ?5)"
                " ON CONFLICT (account) DO UPDATE SET name = ?2, card = ?4, seen = ?5",
                (account, name, fingerprint, card, now),
            )
            return self.of_account(account)

    def of_account(self, account: bytes) -> Contact:
        """The contact with this account; ``NotFoundError``."""
        found = self._select("account = ?", (account,))
        if not found:
            raise NotFoundError(f"no contact has the account 0x{account.hex()}")
        return found[0]

    def named(self, name: str) -> Contact:
        """The contact of this name; ``NotFoundError`` names those that there are."""
        found = self._select("name = ?", (name,))
        if not found:
            known = ", ".join(contact.name for contact in self.all()) or "none yet"
            raise NotFoundError(f"no contact {name!r}; there are: {known}")
        return found[0]

    def all(self) -> list[Contact]:
        """Every contact, by name."""
        return self._select("1", ())

    def remove(self, account: bytes) -> None:
        """Forget a contact and its keys."""
        self._db.run("DELETE FROM contact WHERE account = ?", (account,))

    def _select(self, condition: str, values: tuple[Value, ...]) -> list[Contact]:
        rows = self._db.run(
            f"SELECT account, name, fingerprint, card, added, seen FROM contact WHERE {condition} ORDER BY name",  # noqa: S608 ours
            values,
        )
        return [_contact(row) for row in rows]


def grouped(fingerprint: bytes) -> str:
    """A fingerprint as a person compares it: hex in groups of four."""
    shown = fingerprint.hex()
    return " ".join(shown[at : at + 4] for at in range(0, len(shown), 4))


def _contact(row: Row) -> Contact:
    account, name, fingerprint, card, added, seen = row
    return Contact(blob(account), text(name), blob(fingerprint), blob(card), number(added), number(seen))
