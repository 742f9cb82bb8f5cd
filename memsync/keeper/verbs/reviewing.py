"""The verb about what tools propose: review."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from memsync.errors import ChainError, InputError, NotFoundError, StorageError
from memsync.keeper.at import At
from memsync.keeper.values import proposal_value, read_id
from memsync.keeper.verb import Needs, Values, verb
from memsync.vault.proposed import Decision

if TYPE_CHECKING:
    from memsync.vault import Proposal, Vault
    from memsync.vault.proposed import Verdict


@verb("review", Needs.CHAIN, "Vault.proposals")
def review(
    at: At,
    *,
    accept: list[str] | None = None,
    accept_all: list[str] | None = None,
    refuse: list[str] | None = None,
    trust: list[str] | None = None,
    block: list[str] | None = None,
    unblock: list[str] | None = None,
    edit: list[str] | None = None,
    supersede: list[str] | None = None,
    only: list[str] | None = None,
    limit: int = 100,
    here: bool = False,
) -> Values:
    """What tools propose, or decisions about it: all of them or none. ``accept``, ``refuse``, ``trust`` (accept, and always what this tool
    proposes in this scope), ``block`` (refuse all of this tool, and drop what it proposes): ids or how they begin; ``accept_all``,
    ``unblock``: tools' names.

    ``edit``: ``ID=TEXT``, what to accept instead; ``supersede``: ``ID=MEMORY``, whose place it takes. ``only``: the proposals to answer
    with, at most ``limit``. ``here``: without asking the chain, as where none is chosen; one that does not answer is among the troubles.
    """
    vault, troubles = at.vault, [] if here else _collect(at)
    waiting = vault.proposals(examined=False)
    decisions = [
        *_accepting(vault, waiting, accept, accept_all, trust, edit, supersede),
        *(Decision(_one(waiting, start).id, "refuse") for start in refuse or ()),
        *(Decision(_one(waiting, start).id, "block") for start in block or ()),
    ]
    decided = vault.decide(*decisions)
    for name in unblock or ():
        vault.unblock(name)
    meant = None if only is None else [one.id for one in waiting if one.id.hex().startswith(tuple(only))]
    proposers = vault.proposers()
    return {
        "accepted": decided.accepted,
        "refused": decided.refused,
        "memories": [one.hex() for one in decided.memories],
        "trusted": [{"who": who, "scope": scope} for who, scope in decided.trusted],
        "blocked": list(decided.blocked),
        "waiting": sum(one.waiting for one in proposers),
        "tools": [
            {"who": one.who, "via": one.via, "waiting": one.waiting, "blocked": one.blocked}
            for one in proposers
        ],
        "proposals": [proposal_value(one) for one in vault.proposals(only=meant, limit=limit)],
        "troubles": troubles,
    }


def _collect(at: At) -> list[Values]:
    """Fetch what came under keyed grants; what of it, or that nothing, could be fetched."""
    if at.settings.network is None or at.vault.status().vault is None:
        return []
    try:
        collected = at.vault_on_chain.collect()
    except (ChainError, StorageError) as err:
        return [{"name": at.settings.network, "why": str(err)}]
    return [{"name": name, "why": why} for name, why in collected.refused]


def _accepting(
    vault: Vault,
    waiting: list[Proposal],
    accept: list[str] | None,
    accept_all: list[str] | None,
    trust: list[str] | None,
    edit: list[str] | None,
    supersede: list[str] | None,
) -> Iterator[Decision]:
    """The decisions to accept. Of all of a tool, what would forget, holds a secret, is shaped like an instruction or has no grant any more
    is left for a decision of its own."""
    texts = {_one(waiting, start).id: text for start, text in map(_pair, edit or ())}
    over: dict[bytes, list[bytes]] = {}
    for start, memory in map(_pair, supersede or ()):
        one = _one(waiting, start)
        over.setdefault(one.id, []).append(vault.get(read_id(memory), scope=one.scope).id)
    trusted = [_one(waiting, start).id for start in trust or ()]
    accepted = [_one(waiting, start).id for start in accept or ()]
    for name in accept_all or ():
        accepted += _harmless(waiting, name)
    for meant in dict.fromkeys([*accepted, *texts, *over, *trusted]):
        verdict: Verdict = "trust" if meant in trusted else "accept"
        yield Decision(meant, verdict, texts.get(meant), tuple(over.get(meant, ())))


def _harmless(waiting: list[Proposal], name: str) -> list[bytes]:
    of_it = [one for one in waiting if one.who == name]
    if not of_it:
        tools = ", ".join(dict.fromkeys(one.who for one in waiting)) or "nothing"
        raise NotFoundError(f"nothing of {name!r} waits; there is: {tools}")
    return [
        one.id
        for one in of_it
        if one.deed == "remember" and one.scope is not None and not one.secrets and not one.instruction
    ]


def _pair(text: str) -> tuple[str, str]:
    start, equals, value = text.partition("=")
    if not equals:
        raise InputError(f"{text!r} must be a proposal's id, =, and what it is about; give it so")
    return start, value


def _one(waiting: list[Proposal], start: str) -> Proposal:
    found = [one for one in waiting if start and one.id.hex().startswith(start.lower())]
    if len(found) != 1:
        count = len(found) or "none"
        raise NotFoundError(
            f"{count} of the proposals that wait begin with {start!r}; `memsync review` lists them"
        )
    return found[0]
