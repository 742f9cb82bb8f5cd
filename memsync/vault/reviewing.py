"""A vault's verbs about what tools propose: collect it, look at it beside what is kept, decide.

Nothing that a tool says becomes a memory before the person has said so, of this proposal or of this tool in this scope. What is decided is
decided in one transaction under the vault's lock, and once: who comes second is told. Refusals and trust stay on this device; what was
accepted under a keyed grant other devices know by its proof, unless the person changed it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from memsync.device.clients import Clients
from memsync.device.pending import Pending, Wish
from memsync.device.proposals import Proposals, Proposed
from memsync.errors import InputError, NotFoundError
from memsync.intake.hygiene import Standing
from memsync.intake.screening import clean, screen
from memsync.memory import SECRET_TAG, Draft, Memory, Proof, new_id
from memsync.recall.alike import fold
from memsync.recall.context import looks_like_instruction
from memsync.sync.granted import carried_scopes, known_grants
from memsync.sync.inbox import Collected, collect
from memsync.sync.replica import Replica
from memsync.vault.access import AccessVerbs
from memsync.vault.hygiene import HygieneVerbs
from memsync.vault.proposed import (
    Decided,
    Decision,
    Proposal,
    Proposer,
    Superseded,
    Waiting,
    muted_as,
    proposers,
    waiting_in_turns,
)

_ENDED = "the grant of this proposal has ended; remember the text yourself if you want it"
_TRUSTED = "trusted:"


class ReviewingVerbs(HygieneVerbs, AccessVerbs):
    """What a person does about proposals."""

    def collect(self) -> Collected:
        """Fetch what tools proposed under keyed grants; what comes under one that is trusted is accepted, unless it holds a secret, is
        shaped like an instruction, or would take another memory's place."""
        with self._lock.hold("review"):
            at, keys, standing = self._replica, self._keys(), self._standing()
            if standing is None:
                return Collected(0, ())
            ids = [grant.id for grant in standing.owner.grants]
            found = collect(at, standing.keys, at.registry.snapshot(keys.vault, ids), standing)
            with at.database.transaction():
                self._accept_trusted(at)
            return found

    def proposals(
        self, *, only: Iterable[bytes] | None = None, limit: int | None = None, examined: bool = True
    ) -> list[Proposal]:
        """What waits for a decision, as far as it was collected: one of each tool in turn, each beside what is kept about the same thing,
        which costs about a recall each, unless it is not to be ``examined``. ``only`` those with these ids, if they wait; at most
        ``limit``."""
        wanted = None if only is None else set(only)
        found = [one for one in waiting_in_turns(self._replica) if wanted is None or one.id in wanted]
        return [self._proposal(one, examined=examined) for one in found[:limit]]

    def proposers(self) -> list[Proposer]:
        """The tools of which something waits, in the order of :meth:`proposals`, and those that are blocked."""
        return proposers(self._replica)

    def decide(self, *decisions: Decision) -> Decided:
        """Do what the person says about proposals that wait: all of it, or nothing. What blocks a tool is done last.

        ``NotFoundError`` for one that waits no more, whose grant has ended, or that would take the place of a memory which isn't in its
        scope; ``InputError`` for two decisions about one.
        """
        if len({one.proposal for one in decisions}) < len(decisions):
            raise InputError("two decisions are about one proposal; say which holds")
        with self._working("review") as at:
            waits = {one.id: one for one in waiting_in_turns(at)}
            memories: list[bytes] = []
            made: dict[bytes, dict[str, Memory]] = {}
            trusted: dict[tuple[str, str], None] = {}
            blocked: dict[str, None] = {}
            for said in sorted(decisions, key=lambda one: one.verdict == "block"):
                one = _found(waits, said.proposal)
                if said.verdict in ("accept", "trust"):
                    memories.append(self._accept(at, one, said, made))
                    del waits[one.id]
                if said.verdict == "trust":
                    trusted[one.who, self._trust(at, one)] = None
                elif said.verdict == "refuse":
                    _settle(at, one, "refused")
                    del waits[one.id]
                elif said.verdict == "block":
                    self._mute(at, one)
                    blocked[one.who] = None
            for scope, new in made.items():
                self._write(at, scope, list(new.values()))
            doomed = [one for one in waits.values() if blocked and _is_muted(at, one)]
            for one in doomed:
                _settle(at, one, "refused")
            refused = sum(one.verdict == "refuse" for one in decisions) + len(doomed)
            return Decided(len(memories), refused, tuple(memories), tuple(trusted), tuple(blocked))

    def unblock(self, who: str) -> None:
        """Take what this tool proposes again: a client, or who has a keyed grant, by name. ``NotFoundError`` if it isn't blocked."""
        with self._working("review") as at:
            pending = Pending(at.database)
            meant = [who.encode(), *(grant.id for grant in known_grants(at) if grant.name == who)]
            blocked = pending.muted().intersection(meant)
            if not blocked:
                raise NotFoundError(
                    f"{who!r} is not blocked; `memsync review` lists the tools that propose and those that are blocked"
                )
            for one in blocked:
                pending.unmute(one)

    # ------------------------------------------------------------------ keyed grants alone

    def review(self) -> list[Proposed]:
        """What waits under keyed grants, as it was signed; :meth:`proposals` has all, as the person should see it."""
        return Proposals(self._replica.database).all(state="pending")

    def accept(self, proposal: Proposed) -> Memory:
        """Make a memory of what waits under a keyed grant, with ids of its own and, if nothing had to be changed, the tool's signature as
        its proof. Changed is what holds a secret, which is tagged so, or characters that show nothing."""
        with self._working("review") as at:
            waits = Proposals(at.database).waiting(proposal)
            scopes = carried_scopes(at) | {grant.id: grant.scope for grant in known_grants(at)}
            if waits.grant not in scopes:
                raise NotFoundError(_ENDED)
            memory = _memory(at, _kept(waits.draft), waits)
            self._write(at, scopes[waits.grant], [memory])
            Proposals(at.database).decide(waits, "accepted")
            return memory

    def refuse(self, proposal: Proposed) -> None:
        """Say no to what waits under a keyed grant, for good."""
        with self._working("review") as at:
            proposals = Proposals(at.database)
            proposals.decide(proposals.waiting(proposal), "refused")

    # ------------------------------------------------------------------ behind them

    def _proposal(self, one: Waiting, *, examined: bool) -> Proposal:
        at = self._replica
        scope = None if one.scope is None else at.scopes.name_of(one.scope)
        if one.draft is None:
            doomed = self._one(one.scope, one.memory)
            return Proposal(
                id=one.id,
                who=one.who,
                via=one.via,
                scope=scope,
                deed="forget",
                text=doomed.text if doomed else "",
                kind=doomed.kind if doomed else "semantic",
                tags=doomed.tags if doomed else (),
                happened=doomed.happened if doomed else None,
                received=one.received,
                memory=doomed,
            )
        draft, looked = _kept(one.draft), screen(one.draft.text)
        proposal = Proposal(
            id=one.id,
            who=one.who,
            via=one.via,
            scope=scope,
            deed="remember",
            text=draft.text,
            kind=draft.kind,
            tags=draft.tags,
            happened=draft.happened,
            received=one.received,
            removed=looked.removed,
            secrets=looked.secrets,
            instruction=looks_like_instruction(one.draft.text),
        )
        standing = self._standing_in(one.scope, draft.text) if examined else None
        if standing is None:
            return proposal
        return replace(
            proposal,
            same_as=self._one(one.scope, standing.exact),
            near=self._several(one.scope, standing.near),
            supersedes=self._superseded(one, standing),
            echoes=standing.echoes,
            echo=self._several(one.scope, standing.echoed),
        )

    def _standing_in(self, scope: bytes | None, text: str) -> Standing | None:
        """How a text stands to what is kept in a scope; None for a scope that is no more."""
        names = {one.id: one.name for one in self._replica.scopes.all()}
        return self.examine(text, scope=names[scope]) if scope in names else None

    def _superseded(self, one: Waiting, standing: Standing) -> tuple[Superseded, ...]:
        named = () if one.draft is None else one.draft.supersedes
        reasons = dict(standing.supersedes)
        found = []
        for memory_id in dict.fromkeys([*named, *reasons]):
            memory = self._one(one.scope, memory_id)
            if memory is not None:
                reason = reasons.get(memory_id) or f"{one.who} says so"
                found.append(Superseded(memory, reason, named=memory_id in named))
        return tuple(found)

    def _one(self, scope: bytes | None, memory: bytes | None) -> Memory | None:
        if scope is None or memory is None:
            return None
        try:
            return self._replica.memories.get(scope, memory)[0]
        except NotFoundError:
            return None

    def _several(self, scope: bytes | None, memories: Sequence[bytes]) -> tuple[Memory, ...]:
        found = (self._one(scope, one) for one in memories)
        return tuple(one for one in found if one is not None)

    def _accept(
        self, at: Replica, one: Waiting, said: Decision, made: dict[bytes, dict[str, Memory]]
    ) -> bytes:
        """Do what is proposed, but for writing what is ``made``, by scope and folded text, with the rest; returns the id of the memory that
        it is now, or that it forgot."""
        if one.scope is None:
            raise NotFoundError(_ENDED)
        if one.draft is None:
            if said.text is not None or said.supersedes:
                raise InputError(
                    "there is no text in what would be forgotten; accept it as it is, or refuse it"
                )
            doomed = self._one(one.scope, one.memory)
            if doomed is not None:
                self._forget(at, [(one.scope, doomed.id)])
            _settle(at, one, "accepted")
            return one.memory or b""
        draft = _kept(one.draft) if said.text is None else _edited(one.draft, said.text)
        new, text = made.setdefault(one.scope, {}), fold(draft.text)
        known = new[text].id if text in new else self._same_as(one.scope, draft.text)
        if known is not None and (said.text is None or text in new):
            _settle(at, one, "accepted", known)
            return known
        for superseded in said.supersedes:
            at.memories.get(one.scope, superseded)
        draft = replace(draft, supersedes=tuple(sorted(set(said.supersedes))))
        new[text] = _memory(at, draft, one.of if isinstance(one.of, Proposed) else None)
        _settle(at, one, "accepted", new[text].id)
        return new[text].id

    def _same_as(self, scope: bytes, text: str) -> bytes | None:
        standing = self._standing_in(scope, text)
        return None if standing is None else standing.exact

    def _trust(self, at: Replica, one: Waiting) -> str:
        """Have what this tool proposes in this scope need no review; returns the scope's name."""
        name = at.scopes.name_of(one.scope or b"")
        if isinstance(one.of, Proposed):
            at.meta.put(_TRUSTED + one.of.grant.hex(), Proposals(at.database).last().to_bytes(8, "big"))
            return name
        clients = Clients(at.database)
        grants = [
            grant.id for grant in clients.grants(one.who, at=at.latest_time()) if grant.scope == one.scope
        ]
        if not grants:
            raise NotFoundError(f"{one.who} has no grant that holds in {name}; accept it, and grant anew")
        for grant in grants:
            clients.trust(grant)
        return name

    def _mute(self, at: Replica, one: Waiting) -> None:
        for who in muted_as(at, one):
            Pending(at.database).mute(who, at.now_ms())
            at.meta.delete(_TRUSTED + who.hex())

    def _accept_trusted(self, at: Replica) -> None:
        """Accept what has come under trusted grants since they are trusted, as far as that needs no person."""
        proposals = Proposals(at.database)
        for grant in known_grants(at):
            since = at.meta.get(_TRUSTED + grant.id.hex())
            if since is None:
                continue
            for one in proposals.all(state="pending", grant=grant.id, after=int.from_bytes(since, "big")):
                draft = _kept(one.draft)
                standing = self._standing_in(grant.scope, draft.text)
                if standing is None or standing.secrets or standing.instruction_shaped or draft.supersedes:
                    continue
                if standing.exact is None:
                    self._write(at, grant.scope, [_memory(at, draft, one)])
                proposals.decide(one, "accepted")


def _found(waits: Mapping[bytes, Waiting], proposal: bytes) -> Waiting:
    one = waits.get(proposal)
    if one is None:
        raise NotFoundError(f"proposal {proposal.hex()} waits no more; `memsync review` lists those that do")
    return one


def _is_muted(at: Replica, one: Waiting) -> bool:
    return not Pending(at.database).muted().isdisjoint(muted_as(at, one))


def _settle(
    at: Replica, one: Waiting, outcome: Literal["accepted", "refused"], memory: bytes | None = None
) -> None:
    if isinstance(one.of, Wish):
        Pending(at.database).decide(one.of, outcome, memory)
    else:
        Proposals(at.database).decide(one.of, outcome)


def _memory(at: Replica, draft: Draft, proposed: Proposed | None) -> Memory:
    """A draft as a memory; proven, if it is to the letter what was ``proposed`` and signed."""
    now = at.now_ms()
    author, proof = None, None
    if proposed is not None and draft == proposed.draft:
        author = proposed.author
        proof = Proof(proposed.grant, proposed.parcel, proposed.id, proposed.signature)
    return draft.accepted(new_id(now, at.random), new_id(now, at.random), author=author, proof=proof)


def _kept(draft: Draft) -> Draft:
    """A draft as it is kept: text and tags without characters that show nothing, tagged if it holds a secret."""
    looked = screen(draft.text)
    tags = {*filter(str.strip, map(clean, draft.tags)), *looked.tags}
    return replace(draft, text=looked.text or draft.text, tags=tuple(sorted(tags)))


def _edited(draft: Draft, text: str) -> Draft:
    """A draft with the person's text, which is kept verbatim."""
    tags = {one for one in draft.tags if one != SECRET_TAG and not one.startswith(f"{SECRET_TAG}:")}
    return replace(draft, text=text, tags=tuple(sorted({*tags, *screen(text).tags})))
