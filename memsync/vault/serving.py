"""A vault's verbs about the tools of this device: which there are, what each may do, and what each was given.

A served grant needs no chain: this device is asked, and enforces scope, rights and time on each call. It holds for who comes with the
client's token; a program that runs as the person themself could read the keeper's memory, and no grant keeps it out.
"""

from __future__ import annotations

import hashlib
import os
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal, TypeVar

from memsync.device.clients import Client, Clients, Served
from memsync.device.disclosures import Disclosure, Disclosures
from memsync.device.paths import check_name
from memsync.device.pending import Pending
from memsync.errors import InputError, NotFoundError, TokenRefused
from memsync.store.directory import flush
from memsync.store.faults import named
from memsync.sync.replica import Replica
from memsync.terms import parse_rights, parse_times, show_rights
from memsync.vault.base import to_ms
from memsync.vault.contacts import ContactVerbs
from memsync.vault.served import ServableVerbs, ServedVault

Channel = Literal["mcp", "http"]
_T = TypeVar("_T")
_TOKEN: Final = re.compile(r"memsync_[A-Za-z0-9_-]{43}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ServedGrant:
    """A served grant: its id (16 bytes), the client's name, the scope's name, what it can, from and until (Unix seconds).

    ``secrets``: it reads what is tagged as a secret too; ``trusted``: what it writes needs no review; ``lives``: it holds now.
    """

    id: bytes
    client: str
    scope: str
    can: str
    start: int
    end: int
    secrets: bool
    trusted: bool
    lives: bool


class ServingVerbs(ServableVerbs, ContactVerbs):
    """What a person says about tools of this device."""

    def add_client(self, name: str) -> str:
        """Make a client known, or give one that is known a new token in place of its old; returns the token, which is kept nowhere else.

        ``InputError`` for a name that is no client's, or that a contact has.
        """
        self.check_client_name(name)
        token = f"memsync_{urlsafe_b64encode(self._replica.random(32)).rstrip(b'=').decode()}"
        self._at_once("client", lambda at: Clients(at.database).add(name, _digest(token), at.now_ms()))
        return token

    def check_client_name(self, name: str) -> None:
        """``InputError`` for a name that no client can have."""
        check_name(name, "a client")
        if any(one.name == name for one in self.contacts()):
            raise InputError(
                f"{name!r} is a contact, whose grants are on the chain; give the client another name"
            )

    def client_token(self, name: str, *, renew: bool = False) -> bool:
        """Have the client's token lie in its file, :meth:`VaultPaths.client_token`, for this user alone. One that holds stays as it is
        unless ``renew``. Returns whether one was made."""
        file = self.paths.client_token(name)
        with self._lock.hold("client"):
            if not renew and self._holds(name):
                return False
            token = self.add_client(name)
            with named(f"file {file}", "written"):
                file.parent.mkdir(mode=0o700, exist_ok=True)
                written = file.with_name(f".{file.name}.new")
                with os.fdopen(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as opened:
                    opened.write(token + "\n")
                flush(written)
                written.replace(file)
            return True

    def clients(self) -> list[Client]:
        """The tools of this device that are known, by name."""
        return Clients(self._replica.database).all()

    def remove_client(self, name: str) -> None:
        """End all grants of a client and know its token no longer; what it was given stays in the ledger."""

        def remove(at: Replica) -> None:
            clients = Clients(at.database)
            clients.named(name)
            for one in clients.grants(name):
                clients.end(one.id, at.now_ms())
            clients.remove(name)
            Pending(at.database).unmute(name.encode())

        self._at_once("client", remove)
        with named(f"the client's token in {self.paths.folder}", "removed"):
            self.paths.client_token(name).unlink(missing_ok=True)

    def grant_served(
        self,
        client: str,
        *,
        scope: str,
        until: str | int | datetime | timedelta = "30d",
        can: str = "read",
        secrets: bool = False,
        trusted: bool = False,
    ) -> ServedGrant:
        """Let a client of this device read a scope, or write to it, until a time. A grant of it in the same scope that holds is replaced.

        ``secrets``: also what is tagged as a secret; ``trusted``: what it writes is kept without review. ``NotFoundError`` for a client
        or scope that isn't there.
        """
        rights = parse_rights(can)
        with self._working("grant") as at:
            clients, now = Clients(at.database), int(at.clock())
            clients.named(client)
            _, end = parse_times(until, now)
            made = Served(
                id=at.random(16),
                client=client,
                scope=at.scopes.id_of(scope),
                rights=rights,
                start=now,
                end=end,
                secrets=secrets,
                trusted=trusted,
                made=at.now_ms(),
            )
            for one in clients.grants(client):
                if one.scope == made.scope:
                    clients.end(one.id, at.now_ms())
            clients.grant(made)
            return self._served_grant(made, at.latest_time())

    def served_grants(self, client: str | None = None, *, ended: bool = False) -> list[ServedGrant]:
        """The served grants that hold, of one client if asked, by client and end; with those that have ``ended`` if asked."""
        at = self._replica
        now = at.latest_time()
        found = Clients(at.database).grants(client, at=None if ended else now)
        return [self._served_grant(one, now) for one in found]

    def revoke_served(self, client: str, *, scope: str | None = None) -> list[ServedGrant]:
        """End what a client may do, in one scope or all, from its next call on; returns what was ended. What was read stays read."""

        def revoke(at: Replica) -> list[ServedGrant]:
            clients, now = Clients(at.database), at.latest_time()
            clients.named(client)
            meant = None if scope is None else at.scopes.id_of(scope)
            found = [one for one in clients.grants(client, at=now) if meant in (None, one.scope)]
            if not found:
                raise NotFoundError(f"{client} has no grant that holds; `memsync grants` lists them")
            for one in found:
                clients.end(one.id, at.now_ms())
            return [self._served_grant(replace(one, ended=at.now_ms()), now) for one in found]

        return self._at_once("revoke", revoke)

    def block_client(self, name: str, *, blocked: bool = True) -> None:
        """Drop what a client proposes from now on, or take it again. What waits already stays for the review."""

        def block(at: Replica) -> None:
            Clients(at.database).named(name)
            pending = Pending(at.database)
            if blocked:
                pending.mute(name.encode(), at.now_ms())
            else:
                pending.unmute(name.encode())

        self._at_once("client", block)

    def serve(self, token: str, *, channel: Channel = "mcp") -> ServedVault:
        """The vault as the client with this token may use it. ``TokenRefused`` for a token that is no client's."""
        digest = _digest(token) if _TOKEN.fullmatch(token) else bytes(32)
        client = Clients(self._replica.database).with_token(digest)
        if client is None:
            raise TokenRefused(
                "this token opens nothing here; have the person say `memsync client token NAME --renew`"
            )
        return ServedVault(self, self._replica, client.name, digest, channel)

    def disclosures(
        self,
        *,
        who: str | None = None,
        scope: str | None = None,
        since: int | datetime | None = None,
        until: int | datetime | None = None,
        memory: bytes | None = None,
        limit: int = 1000,
    ) -> list[Disclosure]:
        """What this device gave to whom, the latest first: to one client, of one scope, in a time, or in which one memory was."""
        at = self._replica
        return Disclosures(at.database).query(
            who=who,
            scope=None if scope is None else at.scopes.id_of(scope),
            since=to_ms(since),
            until=to_ms(until),
            memory=memory,
            limit=limit,
        )

    def disclosure_counts(self, *, since: int | datetime | None = None) -> dict[str, int]:
        """How many answers each client got, since a time if asked."""
        return Disclosures(self._replica.database).counts(since=to_ms(since))

    def _at_once(self, doing: str, change: Callable[[Replica], _T]) -> _T:
        """Make a change that nothing may delay: a push holds the lock for as long as its chain takes. It is made again once the lock is
        free, for a vault that moves to another chain meanwhile would forget it."""
        with self._replica.database.transaction():
            found = change(self._replica)
        with suppress(NotFoundError), self._working(doing) as at:
            change(at)
        return found

    def _holds(self, name: str) -> bool:
        """Whether the client's file has the token that it is known by."""
        try:
            token = self.paths.client_token(name).read_text().strip()
        except (OSError, UnicodeDecodeError):
            return False
        return Clients(self._replica.database).has(name, _digest(token))

    def _served_grant(self, one: Served, now: int) -> ServedGrant:
        return ServedGrant(
            id=one.id,
            client=one.client,
            scope=self._replica.scopes.name_of(one.scope),
            can=show_rights(one.rights),
            start=one.start,
            end=one.end,
            secrets=one.secrets,
            trusted=one.trusted,
            lives=one.lives(now),
        )


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
