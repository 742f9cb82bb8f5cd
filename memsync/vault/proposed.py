"""What waits for the person, from both ways in: the wishes of this device's tools, and what came in parcels under keyed grants.

In goes a vault's database, out come plain values in the order of the review: one of each tool in turn, so that a tool which floods stands
in nobody's way. Nothing is decided here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Literal

from memsync.device.clients import Clients
from memsync.device.pending import Deed, Pending, Wish
from memsync.device.proposals import Proposals, Proposed
from memsync.memory import Draft, Memory, MemoryKind
from memsync.sync.granted import carried_scopes, known_grants
from memsync.sync.replica import Replica

Via = Literal["client", "grant"]
Verdict = Literal["accept", "refuse", "trust", "block"]


@dataclass(frozen=True, slots=True)
class Superseded:
    """A memory that a proposal may put an end to, and why that is thought; ``named``: the tool itself says so."""

    memory: Memory
    reason: str
    named: bool


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a tool would like done, with what the person should see beside it. ``id``: 16 bytes; ``received``, ``happened``: ms.

    ``who``: the tool, a ``client`` of this device or who has a keyed ``grant``; ``scope``: its name, None where the grant has ended: then
    it can be refused only. ``text``: as it would be kept, ``removed`` characters that show nothing shorter; of a ``forget``, the text of
    ``memory``, which is None if that is gone. ``same_as``: what has this text already; accepting keeps no second copy. ``near``: what says
    the same thing. ``echoes``: it repeats what recall gives out, of ``echo`` as far as that is known. ``secrets``: kinds, sorted.
    ``instruction``: it is shaped like an order to a model, by a guess.
    """

    id: bytes
    who: str
    via: Via
    scope: str | None
    deed: Deed
    text: str
    kind: MemoryKind
    tags: tuple[str, ...]
    happened: int | None
    received: int
    removed: int = 0
    memory: Memory | None = None
    same_as: Memory | None = None
    near: tuple[Memory, ...] = ()
    supersedes: tuple[Superseded, ...] = ()
    echoes: bool = False
    echo: tuple[Memory, ...] = ()
    secrets: tuple[str, ...] = ()
    instruction: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What the person says about a proposal (its id, 16 bytes).

    ``accept`` it, with another ``text`` if one is given, and taking the place of what is in ``supersedes`` (ids of memories, 16 bytes);
    ``refuse`` it for good; ``trust``: accept it, and what comes after it from this tool in this scope; ``block``: refuse all that waits of
    this tool, and drop what it proposes from now on.
    """

    proposal: bytes
    verdict: Verdict
    text: str | None = None
    supersedes: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Decided:
    """How many were accepted and refused, the ids of the memories that the accepted ones are now (or were), and who is trusted in which
    scope, and who blocked."""

    accepted: int
    refused: int
    memories: tuple[bytes, ...]
    trusted: tuple[tuple[str, str], ...]
    blocked: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Proposer:
    """A tool of which ``waiting`` proposals wait, or whose proposals are dropped (``blocked``)."""

    who: str
    via: Via
    waiting: int
    blocked: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """One that waits: its id in the review (16 bytes), ``tool``: what its tool is told apart by, the scope's id if the grant still has one,
    and the wish or the proposal itself."""

    id: bytes
    who: str
    via: Via
    tool: bytes
    scope: bytes | None
    deed: Deed
    draft: Draft | None
    memory: bytes | None
    received: int
    of: Wish | Proposed = field(repr=False)


def waiting_in_turns(at: Replica) -> list[Waiting]:
    """All that waits: the first of each tool, then the second of each, and so on."""
    by_tool: dict[tuple[Via, bytes], list[Waiting]] = {}
    for one in sorted([*_of_clients(at), *_of_grants(at)], key=lambda one: one.received):
        by_tool.setdefault((one.via, one.tool), []).append(one)
    return [one for turn in zip_longest(*by_tool.values()) for one in turn if one is not None]


def proposers(at: Replica) -> list[Proposer]:
    """The tools of which something waits, in the order of the review, and those that are blocked."""
    counts: dict[tuple[Via, bytes], Proposer] = {}
    muted = Pending(at.database).muted()
    for one in waiting_in_turns(at):
        before = counts.get((one.via, one.tool))
        blocked = not muted.isdisjoint(muted_as(at, one))
        counts[one.via, one.tool] = Proposer(one.who, one.via, before.waiting + 1 if before else 1, blocked)
    for grant in known_grants(at):
        if grant.id in muted:
            counts.setdefault(("grant", grant.account), Proposer(grant.name, "grant", 0, blocked=True))
    for client in Clients(at.database).all():
        if client.name.encode() in muted:
            counts.setdefault(
                ("client", client.name.encode()), Proposer(client.name, "client", 0, blocked=True)
            )
    return list(counts.values())


def muted_as(at: Replica, one: Waiting) -> list[bytes]:
    """Under what a tool is muted: a client's name, or the ids of all grants of the one who has this."""
    if isinstance(one.of, Wish):
        return [one.tool]
    others = [grant.id for grant in known_grants(at) if grant.account == one.tool]
    return list(dict.fromkeys([one.of.grant, *others]))


def _of_clients(at: Replica) -> Iterable[Waiting]:
    for wish in Pending(at.database).waiting():
        yield Waiting(
            id=wish.id,
            who=wish.client,
            via="client",
            tool=wish.client.encode(),
            scope=wish.scope,
            deed=wish.deed,
            draft=wish.draft,
            memory=wish.memory,
            received=wish.received,
            of=wish,
        )


def _of_grants(at: Replica) -> Iterable[Waiting]:
    known = {grant.id: grant for grant in known_grants(at)}
    scopes = carried_scopes(at) | {grant.id: grant.scope for grant in known.values()}
    for one in Proposals(at.database).all(state="pending"):
        grant = known.get(one.grant)
        yield Waiting(
            # A tool chooses the ids of its proposals, and could choose one that waits.
            id=hashlib.sha256(one.grant + one.id).digest()[:16],
            who=one.grant.hex()[:12] if grant is None else grant.name,
            via="grant",
            tool=one.grant if grant is None else grant.account,
            scope=scopes.get(one.grant),
            deed="remember",
            draft=one.draft,
            memory=None,
            received=one.received,
            of=one,
        )
