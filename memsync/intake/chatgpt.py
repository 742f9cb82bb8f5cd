"""ChatGPT's export, read into memories: the zip that "Export data" mails, as a stream.

In comes a path, out comes one :class:`Incoming` per visible message of the person or the assistant on the current branch, verbatim,
conversation by conversation in the export's order, and what the person wrote as custom instructions. At most one conversation is in
memory; nothing is unpacked to disk. What is left out is counted by reason.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from memsync.errors import InputError
from memsync.intake.chatgpt_message import Instructions, Said, clean, read_message
from memsync.intake.chatgpt_tree import Tree, read_time, read_tree
from memsync.intake.export_file import read_parts
from memsync.intake.formats import CHATGPT
from memsync.intake.incoming import ImportOptions, Incoming, Reason, Report
from memsync.intake.json_items import read_items
from memsync.intake.talks import TalkExport

_CONVERSATION_MARKS: Final = frozenset({"mapping", "current_node", "conversation_id", "create_time"})


class ChatGPTExport(TalkExport):
    """An export of ChatGPT."""

    format = CHATGPT

    def _read(self) -> Iterator[Incoming]:
        self._instructions = set()
        for part in read_parts(self.path):
            for number, conversation in enumerate(read_items(part.read, part.name), 1):
                where = f"conversation {number} of {part.name}"
                _require_chatgpt(conversation, where)
                tree = read_tree(conversation, where)
                model = conversation.get("default_model_slug")
                yield from self._talk(
                    tree,
                    name=_conversation_id(conversation, tree),
                    title=conversation.get("title"),
                    begun=read_time(conversation.get("create_time")),
                    model=model if isinstance(model, str) and model else None,
                )

    def _read_node(self, message: object, model: str | None) -> Said | Instructions | Reason:
        return read_message(message, model)


def survey(
    path: Path | str, options: ImportOptions | None = None, *, seen: Container[bytes] = frozenset()
) -> Report:
    """Go through the whole export and store nothing: the report of what an import would do. ``InputError`` as when importing."""
    export = ChatGPTExport(path, options, seen=seen)
    for _ in export:
        pass
    return export.report()


def _require_chatgpt(conversation: Mapping[str, Any], where: str) -> None:
    if "chat_messages" in conversation:
        raise InputError(f"{where} is of Claude's export, not of ChatGPT's: import it as claude")
    if not _CONVERSATION_MARKS & conversation.keys():
        raise InputError(f"{where} is no conversation: is it ChatGPT's conversations.json?")


def _conversation_id(conversation: Mapping[str, Any], tree: Tree) -> str:
    for name in ("conversation_id", "id"):
        if isinstance(found := conversation.get(name), str) and found:
            return clean(found)
    # Exports of early 2023 name no conversation; its first message has an id that is nobody else's.
    return next((clean(node.id) for node in tree.nodes if node.message is not None), "")
