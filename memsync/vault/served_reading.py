"""What one tool of this device reads of the vault: each call goes by the grants that hold at that moment, and is written down.

In go questions, out come memories of the scopes that the tool may read, and of no other: a scope that isn't granted is never searched,
counted or named, so that no answer depends on it. What leaves is in the ledger before it leaves; where that can't be written, nothing
leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from memsync.device.clients import Clients, Served
from memsync.device.disclosures import Disclosure, Disclosures
from memsync.device.pending import Pending
from memsync.errors import AccessError, NotFoundError, TokenRefused
from memsync.format.rights import READ, WRITE
from memsync.memory import SECRET_TAG, Memory
from memsync.recall import Hit
from memsync.recall.context import BUDGET, Context
from memsync.recall.profile import BUDGET as PROFILE_BUDGET
from memsync.recall.profile import Profile
from memsync.sync.replica import Replica
from memsync.vault.hygiene import HygieneVerbs
from memsync.vault.selection import SelectionVerbs

_QUESTION: Final = 1000  # characters of a question that the ledger keeps
_DOING: Final = {READ: "read", WRITE: "write to"}
_T = TypeVar("_T")
Moment = int | datetime | None


@dataclass(frozen=True, slots=True)
class Granted:
    """What a client may do in one scope: can, until (Unix seconds), and how many memories it may read there."""

    scope: str
    can: int
    end: int
    memories: int
    secrets: bool
    trusted: bool


class ServableVerbs(SelectionVerbs, HygieneVerbs):
    """The verbs that a served vault stands on."""

    def all_or_nothing(self, doing: str) -> AbstractContextManager[Replica]:
        """Several verbs and a look before them, as one: the lock and one transaction around them."""
        return self._working(doing)


class ServedReader:
    """What a client reads. ``TokenRefused`` once its token is another, ``AccessError`` for what isn't granted, by every method."""

    def __init__(self, vault: ServableVerbs, at: Replica, client: str, token: bytes, channel: str) -> None:
        self.client = client
        self._vault = vault
        self._at = at
        self._token = token
        self._channel = channel

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.client!r})"

    # ------------------------------------------------------------------ reading

    def recall(
        self,
        question: str = "",
        *,
        queries: Sequence[str] = (),
        k: int = 10,
        scope: str | None = None,
        since: Moment = None,
        until: Moment = None,
        now: Moment = None,
    ) -> list[Hit]:
        """As ``Vault.recall``, of the granted scopes or one of them."""

        def ask(scopes: list[str], secrets: Collection[str]) -> list[Hit]:
            return self._vault.recall(
                question,
                queries=queries,
                k=k,
                scope=scopes,
                since=since,
                until=until,
                now=now,
                secrets=secrets,
            )

        return self._given(
            "recall",
            "; ".join(one for one in (question, *queries) if one),
            scope,
            ask,
            lambda hits: [(hit.scope, hit.memory.id) for hit in hits],
        )

    def context(
        self,
        question: str = "",
        *,
        queries: Sequence[str] = (),
        tokens: int = BUDGET,
        scope: str | None = None,
        since: Moment = None,
        until: Moment = None,
    ) -> Context:
        """As ``Vault.context``, of the granted scopes or one of them."""

        def ask(scopes: list[str], secrets: Collection[str]) -> Context:
            return self._vault.context(
                question,
                queries=queries,
                tokens=tokens,
                scope=scopes,
                since=since,
                until=until,
                secrets=secrets,
            )

        return self._given(
            "context",
            "; ".join(one for one in (question, *queries) if one),
            scope,
            ask,
            lambda found: [(self._scope_of(one.id), one.id) for one in found.memories],
        )

    def profile(self, *, scope: str | None = None, tokens: int = PROFILE_BUDGET) -> Profile:
        """As ``Vault.profile``, of the granted scopes or one of them. Secrets are never in it."""
        return self._given(
            "profile",
            None,
            scope,
            lambda scopes, _: self._vault.profile(scope=scopes if scope is None else scope, tokens=tokens),
            lambda found: [(self._scope_of(one.memory), one.memory) for one in found.lines],
        )

    def find(
        self,
        *,
        query: str | None = None,
        ids: Iterable[bytes] = (),
        tag: str | None = None,
        scope: str | None = None,
        since: Moment = None,
        until: Moment = None,
        limit: int | None = None,
    ) -> list[tuple[str, Memory]]:
        """As ``Vault.find``, of the granted scopes or one of them; without any condition, the latest."""
        ids = tuple(ids)

        def ask(scopes: list[str], secrets: Collection[str]) -> list[tuple[str, Memory]]:
            fewer = 0 if limit is None else sum(self._secrets_in(one) for one in scopes if one not in secrets)
            found = self._vault.find(
                query=query,
                ids=ids,
                tag=tag,
                scope=scopes,
                since=since,
                until=until,
                limit=None if limit is None else limit + fewer,
            )
            kept = [one for one in found if one[0] in secrets or SECRET_TAG not in one[1].tags]
            if len({memory.id for _, memory in kept}) < len(set(ids)):
                raise no_memory()
            return kept[:limit]

        asked = query if query is not None else f"tag {tag}" if tag else None
        return self._given(
            "get" if ids else "list",
            asked,
            scope,
            ask,
            lambda found: [(self._at.scopes.id_of(name), one.id) for name, one in found],
        )

    def get(self, memory: bytes, *, scope: str | None = None) -> tuple[str, Memory]:
        """The scope's name and the memory of this id (16 bytes). ``NotFoundError``, the same for one that isn't granted."""
        try:
            return self.find(ids=[memory], scope=scope)[0]
        except NotFoundError:
            raise no_memory() from None

    def granted(self) -> list[Granted]:
        """What the client may do now, by scope; none where nothing is granted."""
        self._check_token()
        found = []
        for one in self._live():
            name = self._at.scopes.name_of(one.scope)
            count = self._vault.count(scope=name) if one.rights & READ else 0
            hidden = 0 if one.secrets or not count else self._secrets_in(name)
            found.append(Granted(name, one.rights, one.end, count - hidden, one.secrets, one.trusted))
        return sorted(found, key=lambda one: one.scope)

    def waiting(self) -> int:
        """How many of the client's wishes wait."""
        self._check_token()
        return len(Pending(self._at.database).waiting(self.client))

    def scope_name(self, scope: bytes) -> str:
        """The name of a scope that something was found in."""
        return self._at.scopes.name_of(scope)

    # ------------------------------------------------------------------ behind them

    def _check_token(self) -> None:
        if not Clients(self._at.database).has(self.client, self._token):
            raise TokenRefused(
                f"this token is {self.client}'s no more; have the person say `memsync client token {self.client} --renew`"
            )

    def _live(self, right: int = 0, scope: str | None = None) -> list[Served]:
        """The grants that hold now and allow this, in one scope if asked."""
        at = self._at
        return [
            one
            for one in Clients(at.database).grants(self.client, at=at.latest_time())
            if one.rights & right == right and scope in (None, at.scopes.name_of(one.scope))
        ]

    def _granted(self, right: int, scope: str | None) -> list[Served]:
        self._check_token()
        found = self._live(right, scope)
        if not found:
            named = "anything" if scope is None else "a scope of that name"
            raise AccessError(
                f"{self.client} has no grant to {_DOING[right]} {named}; the person gives one by "
                f"`memsync grant {self.client} --scope SCOPE --can {'read' if right == READ else 'read+write'} --for 30d`"
            )
        return found

    def _given(
        self,
        verb: str,
        question: str | None,
        scope: str | None,
        ask: Callable[[list[str], Collection[str]], _T],
        what: Callable[[_T], list[tuple[bytes, bytes]]],
    ) -> _T:
        """What ``ask`` finds in the granted scopes, written down: all of it, or nothing is given."""
        at, grants = self._at, self._granted(READ, scope)
        names = {one.scope: at.scopes.name_of(one.scope) for one in grants}
        found = ask(list(names.values()), {names[one.scope] for one in grants if one.secrets})
        given: dict[bytes, list[bytes]] = {}
        for where, memory in what(found):
            given.setdefault(where, []).append(memory)
        rows = [
            self._disclosure(verb, where, question, ids)
            for where, ids in (given or {one: [] for one in names}).items()
        ]
        with at.database.transaction():
            still = {one.scope: one.secrets for one in self._granted(READ, scope)}
            if any(still.get(one.scope, False) < one.secrets or one.scope not in still for one in grants):
                raise AccessError("the grant ended while this was answered, and nothing was given; ask again")
            ledger = Disclosures(at.database)
            for row in rows:
                ledger.append(row)
        return found

    def _disclosure(
        self, verb: str, scope: bytes, question: str | None, memories: Iterable[bytes]
    ) -> Disclosure:
        return Disclosure(
            at=self._at.now_ms(),
            who=self.client,
            channel=self._channel,
            verb=verb,
            scope=scope,
            question=None if question is None else question[:_QUESTION],
            memories=tuple(dict.fromkeys(memories)),
        )

    def _visible(self, memory: bytes, scope: str | None) -> tuple[str, Memory]:
        """A memory that the client reads, without giving it."""
        for one in self._granted(READ, scope):
            name = self._at.scopes.name_of(one.scope)
            versions = self._versions(one.scope, memory)
            if versions and (one.secrets or SECRET_TAG not in versions[0].tags):
                return name, versions[0]
        raise no_memory()

    def _versions(self, scope: bytes, memory: bytes) -> tuple[Memory, ...]:
        try:
            return self._at.memories.get(scope, memory)
        except NotFoundError:
            return ()

    def _secrets_in(self, scope: str) -> int:
        return self._at.memories.count_tagged(self._at.scopes.id_of(scope), SECRET_TAG)

    def _scope_of(self, memory: bytes) -> bytes:
        """In which of the scopes that the client reads a memory is."""
        for one in self._live(READ):
            if self._versions(one.scope, memory):
                return one.scope
        raise AccessError("the grant ended while this was answered, and nothing was given; ask again")


def no_memory() -> NotFoundError:
    """Of an id that isn't there, or isn't granted: the same."""
    return NotFoundError("no memory of that id is granted; `recall` and `list` show ids")
