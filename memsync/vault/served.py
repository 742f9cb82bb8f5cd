"""The vault as one tool of this device may use it: what it reads, and what it would like remembered or forgotten.

That waits for the person, unless they trust the tool in that scope; whatever is said to the tool depends on nothing that it may not see.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from memsync.device.clients import Served
from memsync.device.disclosures import Disclosures
from memsync.device.pending import Deed, Pending, Wish
from memsync.errors import AccessError, InputError
from memsync.format.rights import READ, WRITE
from memsync.intake.screening import screen
from memsync.memory import Draft, MemoryKind, Source, new_id
from memsync.recall.alike import fold
from memsync.recall.context import looks_like_instruction
from memsync.vault.base import to_ms
from memsync.vault.served_reading import Granted, Moment, ServableVerbs, ServedReader

__all__ = ["MAX_PROPOSED", "Granted", "Outcome", "ServableVerbs", "ServedVault"]

MAX_PROPOSED: Final = 32 * 1024
"""Characters that a tool's text may have."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a wish: ``kept`` or ``forgotten`` at once, ``known`` already, ``pending``, ``refused`` when it was before, or nothing
    for an ``empty`` text.

    ``memory``: the memory's id where there is one, else the proposal's in ``proposal`` (16 bytes each).
    """

    state: Literal["kept", "forgotten", "known", "pending", "refused", "empty"]
    memory: bytes | None = None
    proposal: bytes | None = None


class ServedVault(ServedReader):
    """A vault for one client. ``TokenRefused`` once its token is another, ``AccessError`` for what isn't granted, by every method."""

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
        if len(text) > MAX_PROPOSED:
            raise InputError(f"a text has at most {MAX_PROPOSED:,} characters; say it in several")
        grant = self._writable(scope)
        if not looked.text.strip():
            return Outcome("empty")
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
        digest = _digest("remember", fold(draft.text).encode())
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
        trusted = [(grant, memory) for grant, memory in found if grant.trusted]
        with self._vault.all_or_nothing("forget") if trusted else self._at.database.transaction():
            self._check_still(grant for grant, _ in found)
            for grant, memory_id in found:
                digest = _digest("forget", memory_id)
                known = self._known(grant, digest, again_when_refused=False)
                if known is None and not grant.trusted:
                    known = self._wish(grant, "forget", digest, memory=memory_id)
                if known is not None:
                    outcomes.append(known)
            for grant, memory_id in trusted:
                self._vault.forget_many([memory_id], scope=self._at.scopes.name_of(grant.scope))
                outcomes.append(Outcome("forgotten", memory_id))
        return outcomes

    # ------------------------------------------------------------------ behind them

    def _writable(self, scope: str | None) -> Served:
        found = self._granted(WRITE, scope)
        if len(found) > 1:
            names = ", ".join(sorted(self._at.scopes.name_of(one.scope) for one in found))
            raise InputError(f"{self.client} can write to {names}; name the scope")
        if Pending(self._at.database).is_muted(self.client.encode()):
            raise AccessError(
                f"the person takes no proposals of {self.client}; they can, by `memsync client unblock {self.client}`"
            )
        return found[0]

    def _check_still(self, grants: Iterable[Served]) -> None:
        """``AccessError`` unless these hold as they did when the call began, which may have waited since."""
        still = {one.id: one.trusted for one in self._granted(WRITE, None)}
        if any(still.get(one.id, False) < one.trusted or one.id not in still for one in grants):
            raise AccessError("the grant ended while this was answered, and nothing was done; ask again")

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
                Disclosures(at.database).append(self._disclosure("remember", grant.scope, None, [memory]))
        return Outcome("known", memory)

    def _keep(self, grant: Served, draft: Draft) -> Outcome:
        with self._vault.all_or_nothing("remember"):
            self._check_still([grant])
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
        with self._at.database.transaction():
            self._check_still([grant])
            Pending(self._at.database).add(
                Wish(wish, self.client, grant.scope, deed, digest, draft, memory, now)
            )
        return Outcome("pending", proposal=wish)


def _digest(deed: Deed, what: bytes) -> bytes:
    return hashlib.sha256(deed.encode() + b"\0" + what).digest()
