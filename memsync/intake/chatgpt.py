"""ChatGPT's export, read into memories: the zip that "Export data" mails, as a stream.

In comes a path, out comes one :class:`Incoming` per visible message of the person or the assistant on the current branch, verbatim,
conversation by conversation in the export's order, and what the person wrote as custom instructions. At most one conversation is in
memory; nothing is unpacked to disk. What is left out is counted by reason.

It stores nothing, so all or nothing is the caller's to keep: whatever is wrong with the export raises before the iteration ends, and what
was yielded until then is to be thrown away (one transaction does it).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from memsync.errors import InputError
from memsync.intake.chatgpt_message import Instructions, Said, clean, read_message
from memsync.intake.chatgpt_tree import Tree, read_time, read_tree
from memsync.intake.cutting import cut_text
from memsync.intake.export_file import export_size, read_parts
from memsync.intake.incoming import ImportOptions, Incoming, Reason, Report, Tally
from memsync.intake.json_items import read_items
from memsync.memory import Source

TOOL: Final = "chatgpt"
_CONVERSATION_MARKS: Final = frozenset({"mapping", "current_node", "conversation_id", "create_time"})
_LONGEST_TITLE: Final = 200


class ChatGPTExport:
    """An export that can be gone through, again and again.

    ``seen`` holds the keys of earlier imports. A key is looked for just before its memory is yielded, so a caller that adds each key as it
    stores it is also safe from an export that holds a conversation twice. Iterating raises ``InputError`` for what is no export of ChatGPT,
    or a damaged one.
    """

    def __init__(
        self, path: Path | str, options: ImportOptions | None = None, *, seen: Container[bytes] = frozenset()
    ) -> None:
        self.path = Path(path)
        self.options = options or ImportOptions()
        self._seen = seen
        self._tally = self._new_tally(0)
        self._instructions: set[bytes] = set()

    def __iter__(self) -> Iterator[Incoming]:
        self._tally = self._new_tally(export_size(self.path))
        self._instructions = set()
        for part in read_parts(self.path):
            for number, conversation in enumerate(read_items(part.read, part.name), 1):
                self._tally.conversations += 1
                where = f"conversation {number} of {part.name}"
                _require_chatgpt(conversation, where)
                yield from self._read_conversation(conversation, where)
        self._tally.complete = True

    def report(self) -> Report:
        """What the last iteration found; ``complete`` when it came to its end."""
        return self._tally.report()

    def _new_tally(self, size: int) -> Tally:
        return Tally(str(self.path.absolute()), size, self.options.dry_run)

    def _read_conversation(self, conversation: Mapping[str, Any], where: str) -> Iterator[Incoming]:
        tree = read_tree(conversation, where)
        tally = self._tally
        tally.nodes += len(tree.nodes)
        title = _read_title(conversation.get("title"))
        if self.options.title is not None and self.options.title.casefold() not in title.casefold():
            tally.left_out[Reason.TITLE] += len(tree.nodes)
            return
        tally.lost_parents += sum(node.lost for node in tree.nodes)
        taken = 0
        for found in _read_nodes(tree, conversation):
            if (left := self._left_out(found)) is not None:
                tally.left_out[left] += 1
                continue
            taken += 1
            memories = self._remember(found, title) if isinstance(found.read, Said) else self._instruct(found)
            for memory in memories:
                if memory.key in self._seen:
                    tally.known += 1
                else:
                    tally.memories += 1
                    yield memory
        tally.empty_conversations += not taken

    def _left_out(self, found: _Found) -> Reason | None:
        options, read = self.options, found.read
        if isinstance(read, Reason):
            return read
        if isinstance(read, Said):
            if not (found.current or options.all_branches):
                return Reason.BRANCH
            if options.only == "user" and read.role != "user":
                return Reason.ASSISTANT
        if options.since is None:
            return None
        if found.time is None:
            return Reason.UNTIMED
        return Reason.EARLIER if found.time < options.since else None

    def _remember(self, found: _Found, title: str) -> list[Incoming]:
        said = found.read
        if not isinstance(said, Said):
            return []
        pieces = cut_text(said.text)
        tally = self._tally
        tally.messages += 1
        tally.cut += len(pieces) > 1
        tally.note_time(found.time)
        return [
            Incoming(
                key=_key("message", found.conversation, found.node, number),
                kind="episodic",
                text=piece,
                source=Source(
                    tool=TOOL,
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

    def _instruct(self, found: _Found) -> list[Incoming]:
        """ChatGPT repeats them in every conversation: each wording is taken once, where it first stands."""
        texts = found.read.texts if isinstance(found.read, Instructions) else ()
        wordings = {_key("instructions", text): text for text in texts}
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
                    key=_key("instructions", text, number),
                    kind="semantic",
                    text=piece,
                    source=Source(tool=TOOL, part=_part(number, pieces), role="user"),
                    happened=found.time,
                    tags=("custom-instructions",),
                    scope=self.options.scope,
                )
                for number, piece in enumerate(pieces, 1)
            ]
        return memories


@dataclass(frozen=True, slots=True)
class _Found:
    """A node in its place: ``time`` is its own, or that of what it answers, or the conversation's."""

    node: str
    conversation: str
    turn: int
    time: int | None
    current: bool
    read: Said | Instructions | Reason


def survey(
    path: Path | str, options: ImportOptions | None = None, *, seen: Container[bytes] = frozenset()
) -> Report:
    """Go through the whole export and store nothing: the report of what an import would do. ``InputError`` as when importing."""
    export = ChatGPTExport(path, options, seen=seen)
    for _ in export:
        pass
    return export.report()


def _read_nodes(tree: Tree, conversation: Mapping[str, Any]) -> Iterator[_Found]:
    name = _conversation_id(conversation, tree)
    model = conversation.get("default_model_slug")
    default_model = model if isinstance(model, str) and model else None
    begun = read_time(conversation.get("create_time"))
    # By node: the turn and the time that its answers go on from. A piece after a lost parent goes on from the highest turn so far.
    reached: dict[str | None, tuple[int, int | None]] = {None: (0, begun)}
    for node in tree.nodes:
        turn, time = reached[node.parent]
        time = time if node.time is None else node.time
        current = node.id in tree.current
        read = read_message(node.message, default_model)
        turn += isinstance(read, Said)
        reached[node.id] = (turn, time)
        if current:
            reached[None] = (max(turn, reached[None][0]), begun)
        yield _Found(node.id, name, turn, time, current, read)


def _require_chatgpt(conversation: Mapping[str, Any], where: str) -> None:
    if "chat_messages" in conversation:
        raise InputError(f"{where} is of Claude's export, not of ChatGPT's: import it as claude")
    if not _CONVERSATION_MARKS & conversation.keys():
        raise InputError(f"{where} is no conversation: is it ChatGPT's conversations.json?")


def _read_title(title: object) -> str:
    return clean(" ".join(title.split()))[:_LONGEST_TITLE] if isinstance(title, str) else ""


def _conversation_id(conversation: Mapping[str, Any], tree: Tree) -> str:
    for name in ("conversation_id", "id"):
        if isinstance(found := conversation.get(name), str) and found:
            return clean(found)
    # Exports of early 2023 name no conversation; its first message has an id that is nobody else's.
    return next((clean(node.id) for node in tree.nodes if node.message is not None), "")


def _part(number: int, pieces: list[str]) -> str | None:
    return f"{number}/{len(pieces)}" if len(pieces) > 1 else None


def _key(*parts: str | int) -> bytes:
    return hashlib.sha256(b"memsync/intake/" + json.dumps([TOOL, *parts]).encode()).digest()[:16]
