"""The vault as one tool of this device may use it: each call goes by the grants that hold at that moment, and is written down.

In go questions and wishes, out come memories of the scopes that the tool may read, and of no other: a scope that isn't granted is never
searched, counted or named, so that no answer depends on it. What leaves is in the ledger before it leaves; where that can't be written,
nothing leaves. What a tool would like remembered or forgotten waits for the person, unless they trust it in that scope.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeVar

from memsync.device.clients import Clients, Served
from memsync.device.disclosures import Disclosure, Disclosures
from memsync.device.pending import Deed, Pending, Wish
from memsync.errors import AccessError, InputError, NotFoundError, TokenRefused
from memsync.format.rights import READ, WRITE
from memsync.intake.screening import screen
from memsync.memory import SECRET_TAG, Draft, Memory, MemoryKind, Source, new_id
from memsync.recall import Hit
from memsync.recall.context import BUDGET, Context, looks_like_instruction
from memsync.recall.profile import BUDGET as PROFILE_BUDGET
from memsync.recall.profile import Profile
from memsync.sync.replica import Replica
from memsync.vault.base import to_ms
from memsync.vault.hygiene import HygieneVerbs
from memsync.vault.selection import SelectionVerbs

MAX_PROPOSED: Final = 32 * 1024
"""Bytes of UTF-8 that a tool's text may have."""
_QUESTION: Final = 1000  # characters of a question that the ledger keeps
_DOING: Final = {READ: "read", WRITE: "write to"}
_T = TypeVar("_T")
Moment = int | datetime | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a wish: ``kept`` or ``forgotten`` at once, ``known`` already, ``pending``, or ``refused`` when it was before.

    ``memory``: the memory's id where there is one, else the proposal's in ``proposal`` (16 bytes each).
    """

    state: Literal["kept", "forgotten", "known", "pending", "refused"]
    memory: bytes | None = None
    proposal: bytes | None = None


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


class ServedVault:
    """A vault for one client. ``TokenRefused`` once its token is another, ``AccessError`` for what isn't granted, by every method."""

    def __init__(self, vault: ServableVerbs, at: Replica, client: str, token: bytes, channel: str) -> None:
        self.client = client
        self._vault = vault
        self._at = at
        self._token = token
        self._channel = channel

    def __repr__(self) -> str:
        return f"ServedVault({self.client!r})"

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
            "; ".join(one for one in (question, *queries) if one),
            scope,
            ask,
            lambda found: [(self._scope_of(one.id), one.id) for one in found.memories],
        )

    def profile(self, *, scope: str | None = None, tokens: int = PROFILE_BUDGET) -> Profile:
        """As ``Vault.profile``, of the granted scopes or one of them. Secrets are never in it."""
        return self._given(
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
                raise _no_memory()
            return kept[:limit]

        asked = query if query is not None else f"tag {tag}" if tag else None
        return self._given(
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
            raise _no_memory() from None

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

    # ------------------------------------------------------------------ wishes

    def remember(
        self,
        text: str,
        *,
        scope: str | None = None,
        kind: MemoryKind = "semantic",
        tags: Iterable[str] = (),
        happened: Moment = None,
        conversation: str | None = None,
        supersedes: Iterable[bytes] = (),
    ) -> Outcome:
        """Propose a text; one that the client is trusted with is kept at once, unless it holds a secret or is shaped like an instruction.

        What the client reads in that scope already, or recalled text that comes back, is ``known`` and waits for nobody. To a client that
        reads nothing there, nothing of the sort is said.

        ``scope`` may be left out where the client can write to one only. ``supersedes``: ids of memories that it reads there.
        """
        looked = screen(text)
        if not looked.text.strip():
            raise InputError("an empty text is nothing to remember; give one")
        if len(looked.text.encode()) > MAX_PROPOSED:
            raise InputError(f"a text has at most {MAX_PROPOSED >> 10} KiB; say it in several")
        grant = self._writable(scope)
        replaced = tuple(sorted(set(supersedes)))
        self._check_in(grant, replaced)
        draft = Draft(
            kind=kind,
            text=looked.text,
            created=self._at.now_ms(),
            tags=tuple(sorted({*tags, *looked.tags})),
            source=Source(tool=self.client, conversation=conversation),
            happened=to_ms(happened),
            supersedes=replaced,
        )
        digest = _digest("remember", _folded(draft.text).encode())
        known = self._known(grant, digest) or self._kept_already(grant, draft.text)
        if known is not None:
            return known
        if grant.trusted and not looked.secrets and not looks_like_instruction(draft.text):
            return self._keep(grant, draft)
        return self._wish(grant, "remember", digest, draft=draft)

    def forget(self, memories: Iterable[bytes], *, scope: str | None = None) -> list[Outcome]:
        """Propose to forget these (ids of 16 bytes, of memories that the client reads and can write to), all or none; a trusted client's
        are forgotten at once."""
        ids = tuple(dict.fromkeys(memories))
        found: list[tuple[Served, bytes]] = []
        for one in ids:
            name, memory = self._visible(one, scope)
            found.append((self._writable(name), memory.id))
        outcomes = []
        with self._at.database.transaction():
            for grant, memory_id in found:
                digest = _digest("forget", memory_id)
                known = self._known(grant, digest, again_when_refused=False)
                if known is None and not grant.trusted:
                    known = self._wish(grant, "forget", digest, memory=memory_id)
                if known is not None:
                    outcomes.append(known)
        trusted = [(grant, memory) for grant, memory in found if grant.trusted]
        for grant, memory_id in trusted:
            self._vault.forget_many([memory_id], scope=self._at.scopes.name_of(grant.scope))
            outcomes.append(Outcome("forgotten", memory_id))
        return outcomes

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
            Disclosure(
                at=at.now_ms(),
                who=self.client,
                channel=self._channel,
                scope=where,
                question=None if question is None else question[:_QUESTION],
                memories=tuple(dict.fromkeys(ids)),
            )
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

    def _visible(self, memory: bytes, scope: str | None) -> tuple[str, Memory]:
        """A memory that the client reads, without giving it."""
        for one in self._granted(READ, scope):
            name = self._at.scopes.name_of(one.scope)
            versions = self._versions(one.scope, memory)
            if versions and (one.secrets or SECRET_TAG not in versions[0].tags):
                return name, versions[0]
        raise _no_memory()

    def _writable(self, scope: str | None) -> Served:
        found = self._granted(WRITE, scope)
        if len(found) > 1:
            names = ", ".join(sorted(self._at.scopes.name_of(one.scope) for one in found))
            raise InputError(f"{self.client} can write to {names}; name the scope")
        if Pending(self._at.database).is_muted(self.client.encode()):
            raise AccessError(
                f"the person takes no proposals of {self.client}; they can, by `memsync client unmute {self.client}`"
            )
        return found[0]

    def _check_in(self, grant: Served, memories: Iterable[bytes]) -> None:
        """``NotFoundError`` unless the client reads each of these in the grant's scope."""
        for one in memories:
            self._visible(one, self._at.scopes.name_of(grant.scope))

    def _known(self, grant: Served, digest: bytes, *, again_when_refused: bool = True) -> Outcome | None:
        """What became of the same wish before, where that still stands."""
        before = Pending(self._at.database).known(self.client, grant.scope, digest)
        if before is None:
            return None
        if before.state == "pending":
            return Outcome("pending", proposal=before.id)
        if before.state == "refused":
            return Outcome("refused", proposal=before.id) if again_when_refused else None
        if before.memory and before.deed == "remember" and self._versions(grant.scope, before.memory):
            return Outcome("known", before.memory if grant.rights & READ else None)
        return None

    def _kept_already(self, grant: Served, text: str) -> Outcome | None:
        """What the client reads in this scope and says again: judged by that alone, and written down, for the id leaves."""
        if not grant.rights & READ:
            return None
        at = self._at
        found = self._vault.examine(text, scope=at.scopes.name_of(grant.scope), secrets=grant.secrets)
        if found.exact is None and not found.echoes:
            return None
        memory = found.exact or next(iter(found.echoed), None)
        if memory is not None:
            with at.database.transaction():
                self._check_in(grant, [memory])
                given = Disclosure(at.now_ms(), self.client, self._channel, grant.scope, None, (memory,))
                Disclosures(at.database).append(given)
        return Outcome("known", memory)

    def _keep(self, grant: Served, draft: Draft) -> Outcome:
        memory = self._vault.remember(
            draft.text,
            scope=self._at.scopes.name_of(grant.scope),
            kind=draft.kind,
            tags=draft.tags,
            source=draft.source,
            happened=draft.happened,
            supersedes=draft.supersedes,
        )
        return Outcome("kept", memory.id)

    def _wish(
        self,
        grant: Served,
        deed: Deed,
        digest: bytes,
        *,
        draft: Draft | None = None,
        memory: bytes | None = None,
    ) -> Outcome:
        now = self._at.now_ms()
        wish = new_id(now, self._at.random)
        Pending(self._at.database).add(Wish(wish, self.client, grant.scope, deed, digest, draft, memory, now))
        return Outcome("pending", proposal=wish)

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


def _no_memory() -> NotFoundError:
    return NotFoundError("no memory of that id is granted; `recall` and `list` show ids")


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def _digest(deed: Deed, what: bytes) -> bytes:
    return hashlib.sha256(deed.encode() + b"\0" + what).digest()
