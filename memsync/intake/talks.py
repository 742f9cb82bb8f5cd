"""Conversations as memories, whichever tool they were had in: one memory per visible message of the current branch, verbatim.

In comes the tree of a conversation and a function that reads one of its messages, out come :class:`Incoming` values in order, each with
its turn. What is left out is counted by reason.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from memsync.intake.chatgpt_message import Instructions, Said, clean
from memsync.intake.chatgpt_tree import Tree
from memsync.intake.cutting import cut_text
from memsync.intake.export import Export
from memsync.intake.incoming import ImportOptions, Incoming, Reason, key_of
from memsync.memory import Source

_LONGEST_TITLE: Final = 200


@dataclass(frozen=True, slots=True)
class Found:
    """A node in its place: ``time`` is its own, or that of what it answers, or the conversation's."""

    node: str
    conversation: str
    turn: int
    time: int | None
    current: bool
    read: Said | Instructions | Reason


class TalkExport(Export):
    """An export of conversations."""

    def __init__(
        self, path: Path | str, options: ImportOptions | None = None, *, seen: Container[bytes] = frozenset()
    ) -> None:
        super().__init__(path, options, seen=seen)
        self._instructions: set[bytes] = set()

    @abstractmethod
    def _read_node(self, message: object, model: str | None) -> Said | Instructions | Reason:
        """One message; ``model`` is the conversation's."""

    def _talk(
        self, tree: Tree, *, name: str, title: object, begun: int | None, model: str | None
    ) -> Iterator[Incoming]:
        """What is new in one conversation."""
        tally = self._tally
        tally.groups += 1
        tally.entries += len(tree.nodes)
        titled = _read_title(title)
        if self.options.title is not None and self.options.title.casefold() not in titled.casefold():
            tally.left_out[Reason.TITLE] += len(tree.nodes)
            return
        tally.lost_parents += sum(node.lost for node in tree.nodes)
        taken = 0
        for found in self._in_turn(tree, name, begun, model):
            if (left := self._left_out(found)) is not None:
                tally.left_out[left] += 1
                continue
            taken += 1
            said = found.read
            yield from self._fresh(
                self._remember(found, said, titled) if isinstance(said, Said) else self._instruct(found)
            )
        tally.empty_groups += not taken

    def _in_turn(self, tree: Tree, name: str, begun: int | None, model: str | None) -> Iterator[Found]:
        # By node: the turn and the time that its answers go on from. A piece after a lost parent goes on from the highest turn so far.
        reached: dict[str | None, tuple[int, int | None]] = {None: (0, begun)}
        for node in tree.nodes:
            turn, time = reached[node.parent]
            time = time if node.time is None else node.time
            current = node.id in tree.current
            read = self._read_node(node.message, model)
            turn += isinstance(read, Said)
            reached[node.id] = (turn, time)
            if current:
                reached[None] = (max(turn, reached[None][0]), begun)
            yield Found(node.id, name, turn, time, current, read)

    def _left_out(self, found: Found) -> Reason | None:
        options, read = self.options, found.read
        if isinstance(read, Reason):
            return read
        if isinstance(read, Said):
            if not (found.current or options.all_branches):
                return Reason.BRANCH
            if options.only == "user" and read.role != "user":
                return Reason.ASSISTANT
        return self._too_early(found.time)

    def _remember(self, found: Found, said: Said, title: str) -> list[Incoming]:
        pieces = cut_text(said.text)
        tally = self._tally
        tally.taken += 1
        tally.cut += len(pieces) > 1
        tally.note_time(found.time)
        return [
            Incoming(
                key=key_of(self.format.name, "message", found.conversation, found.node, number),
                kind="episodic",
                text=piece,
                source=Source(
                    tool=self.format.name,
                    conversation=found.conversation,
                    title=title or None,
                    turn=str(found.turn),
                    part=_part(number, pieces),
                    role=said.role,
                    model=said.model,
                ),
                happened=found.time,
                tags=said.tags if found.current else tuple(sorted({*said.tags, "branch"})),
                scope=self.options.scope,
            )
            for number, piece in enumerate(pieces, 1)
        ]

    def _instruct(self, found: Found) -> list[Incoming]:
        """ChatGPT repeats them in every conversation: each wording is taken once, where it first stands."""
        texts = found.read.texts if isinstance(found.read, Instructions) else ()
        wordings = {key_of(self.format.name, "instructions", text): text for text in texts}
        fresh = wordings.keys() - self._instructions
        self._instructions |= fresh
        if fresh:
            self._tally.instructions += 1
        else:
            self._tally.left_out[Reason.REPEATED] += 1
        memories = []
        for text in (wordings[key] for key in wordings if key in fresh):
            pieces = cut_text(text)
            memories += [
                Incoming(
                    key=key_of(self.format.name, "instructions", text, number),
                    kind="semantic",
                    text=piece,
                    source=Source(tool=self.format.name, part=_part(number, pieces), role="user"),
                    happened=found.time,
                    tags=("custom-instructions",),
                    scope=self.options.scope,
                )
                for number, piece in enumerate(pieces, 1)
            ]
        return memories


def _read_title(title: object) -> str:
    return clean(" ".join(title.split()))[:_LONGEST_TITLE] if isinstance(title, str) else ""


def _part(number: int, pieces: list[str]) -> str | None:
    return f"{number}/{len(pieces)}" if len(pieces) > 1 else None
