"""The demo's last act: what an outsider saw, and what the same outsider sees of a vault without encryption.

In goes what the acts left; out come two searches, told as a table. Fails if anything at all is found, and if anything of the control is
not.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import wrap

from memsync.chain.node import local_node
from memsync.demo.acts import MARGIN, WIDTH, Played, Teller
from memsync.demo.evidence import BLOCKS, CALLS, LOGS, STORAGE, Part, block_parts, chain_parts
from memsync.demo.outsider import KINDS, Findings, needles_of, search
from memsync.demo.plain import publish_plainly
from memsync.demo.stage import PAYER_ALIAS, Stage
from memsync.demo.story import PROPOSAL
from memsync.errors import IntegrityError
from memsync.ipld.cid import CID
from memsync.store import DirectoryStore

_NAMES = {CALLS: "calls", LOGS: "logs", STORAGE: "words of storage", BLOCKS: "blocks"}
_IN_THE_OPEN = (
    "In the open on purpose: who pays ({paid} of {calls} calls), when and how often something changes, how many blocks there are. Each "
    "block is filed under its hash; that hash stands in no call, log, word of storage or other block."
)


@dataclass(frozen=True, slots=True)
class Watched:
    """What was found of the vault, and of the control; calls in all, and calls on which the payer stands."""

    sealed: Findings
    plain: Findings
    calls: int
    paid: int


def watch(stage: Stage, played: Played, teller: Teller) -> Watched:
    """Search everything public of the vault, then of the control, with the same search."""
    parts = [*chain_parts(stage.node), *block_parts(stage.server)]
    sealed = _searched(played, list(stage.server.iter()), parts)
    calls = [part for part in parts if part.place == CALLS]
    watched = Watched(
        sealed, _control(stage, played), len(calls), sum(played.payer in part.data for part in calls)
    )
    _tell(watched, teller)
    judge(watched)
    return watched


def judge(watched: Watched) -> None:
    """``IntegrityError`` if anything was found, or if the same search missed what lay open."""
    if not watched.sealed.nothing:
        raise IntegrityError("the outsider found something, see the table; please report it")
    if not watched.plain.everything:
        raise IntegrityError("the search missed what lay open, so its zeros mean nothing; please report it")


def _searched(played: Played, cids: list[CID], parts: list[Part]) -> Findings:
    memories = [memory for kept in played.memories.values() for memory in kept]
    titles = [memory.source.title for memory in memories if memory.source and memory.source.title]
    needles = needles_of(
        texts=[*(memory.text for memory in memories), *titles],
        scopes=played.memories,
        tool=played.card,
        words=played.words,
        cids=cids,
    )
    return search(needles, parts)


def _control(stage: Stage, played: Played) -> Findings:
    """The same memories, tool and words, published on a chain of their own, and the same search."""
    from memsync.chain.ape import connect

    store = DirectoryStore(stage.folder / "without-encryption")
    with local_node() as node, connect(node.url, payer=PAYER_ALIAS) as registry:
        cids = publish_plainly(
            played.memories,
            PROPOSAL,
            tool=played.tool,
            card=played.card,
            words=played.words,
            store=store,
            registry=registry,
            node=node,
        )
        return _searched(played, cids, [*chain_parts(node), *block_parts(store)])


def _tell(watched: Watched, teller: Teller) -> None:
    sealed, plain = watched.sealed, watched.plain
    searched = ", ".join(
        f"{sealed.parts[place]} {name} ({sealed.size[place]:,} bytes)" for place, name in _NAMES.items()
    )
    teller.tell(
        "Watched",
        "An outsider takes every byte that was ever public and looks for what it would like to know, "
        "as UTF-8, UTF-16, raw, hex, base32 and base64, from either end.",
        searched,
    )
    rows = [("", "found", "without encryption")]
    for kind in KINDS:
        here, there = (f"{found.found.get(kind, 0)} of {found.needles[kind]}" for found in (sealed, plain))
        rows.append((kind, here, there))
    for kind, here, there in rows:
        teller.say(" " * MARGIN + f"{kind:<42}{here:>12}{there:>22}")
    teller.say("")
    for line in wrap(_IN_THE_OPEN.format(paid=watched.paid, calls=watched.calls), WIDTH - MARGIN):
        teller.say(" " * MARGIN + line)
