"""Claude's export, read into memories: the zip that "Export data" mails, as a stream.

In comes a path, out comes one :class:`Incoming` per message of the person or the assistant, verbatim, and what Claude remembers of the
person and of projects (``memories.json``), section by section. At most one conversation is in memory. A message's text is that of its
``text`` blocks, for the flat ``text`` beside them has placeholders for blocks of other kinds; exports before 2025 have the flat one alone.
Where messages name their parents, the current branch is taken, as with ChatGPT.

The export's shape is not published; ours follows what many of its readers agree on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from memsync.errors import InputError
from memsync.intake.chatgpt_message import Instructions, Said, clean
from memsync.intake.chatgpt_tree import Tree, read_tree
from memsync.intake.dates import read_date
from memsync.intake.export_file import CONVERSATIONS, MEMORIES, read_parts
from memsync.intake.formats import CLAUDE
from memsync.intake.incoming import Incoming, Reason, key_of
from memsync.intake.json_items import read_objects
from memsync.intake.talks import TalkExport
from memsync.memory import Source

MEMORY_MARKS: Final = frozenset({"conversations_memory", "project_memories"})

_ROLES: Final = {"human": "user", "user": "user", "assistant": "assistant"}
_NOT_TEXT: Final = {
    "thinking": Reason.REASONING,
    "redacted_thinking": Reason.REASONING,
    "tool_use": Reason.TOOL_CALL,
    "tool_result": Reason.TOOL,
}
_SECTION: Final = re.compile(r"\n{2,}(?=\*\*[^*\n]+\*\*[ \t]*\n)")
_TAG: Final = "claude-memory"


class ClaudeExport(TalkExport):
    """An export of Claude."""

    format = CLAUDE

    def _read(self) -> Iterator[Incoming]:
        anything = False
        for kind in (CONVERSATIONS, MEMORIES):
            if self.path.is_file() and kind is MEMORIES and self.path.suffix.lower() == ".json":
                break  # the one file was read already, whatever its name
            for part in read_parts(self.path, CLAUDE, kind, needed=kind is MEMORIES and not anything):
                anything = True
                for number, item in enumerate(read_objects(part.read, part.name, CLAUDE), 1):
                    if MEMORY_MARKS & item.keys():
                        yield from self._remembered(item)
                    else:
                        yield from self._conversation(item, f"conversation {number} of {part.name}")

    def _conversation(self, found: Mapping[str, Any], where: str) -> Iterator[Incoming]:
        if "mapping" in found:
            raise InputError(f"{where} is of ChatGPT's export, not of Claude's: import it as chatgpt")
        messages = found.get("chat_messages")
        if messages is None and "uuid" in found and "created_at" in found:
            messages = []
        if not isinstance(messages, list) or not all(isinstance(one, dict) for one in messages):
            raise InputError(f"{where} is no conversation: is it Claude's conversations.json?")
        tree = _read_tree(messages, found.get("current_leaf_message_uuid"), where)
        model = found.get("model")
        yield from self._talk(
            tree,
            name=clean(_string(found.get("uuid"))) or next((node.id for node in tree.nodes), ""),
            title=found.get("name"),
            begun=read_date(found.get("created_at")),
            model=clean(model) if isinstance(model, str) and model else None,
        )

    def _read_node(self, message: object, model: str | None) -> Said | Instructions | Reason:
        if not isinstance(message, dict):
            return Reason.MALFORMED
        sender = message.get("sender") or message.get("role")
        role = _ROLES.get(sender) if isinstance(sender, str) else None
        if role is None:
            return Reason.SYSTEM if sender == "system" else Reason.MALFORMED
        texts, tags, others = _blocks(message)
        texts += [
            f"[file: {_one_line(_string(one.get('file_name'))) or 'untitled'}]"
            for name in ("attachments", "files")
            for one in _dicts(message.get(name))
        ]
        text = "\n\n".join(one for one in texts if one.strip())
        if not text.strip():
            return others or Reason.EMPTY
        return Said(role, clean(text), model if role == "assistant" else None, tags)

    def _remembered(self, item: Mapping[str, Any]) -> Iterator[Incoming]:
        """What Claude keeps of the person, and of each project."""
        texts = [("", item.get("conversations_memory"))]
        projects = item.get("project_memories")
        if isinstance(projects, dict):
            texts += [(clean(name), text) for name, text in projects.items()]
        texts += [
            (clean(_string(one.get("path") or one.get("name"))), one.get("content"))
            for one in _dicts(item.get("memory_files"))
        ]
        for about, text in texts:
            if text is None or text == "":
                continue
            for section in _SECTION.split(text) if isinstance(text, str) else [None]:
                self._tally.entries += 1
                if self.options.title is not None:
                    self._leave(Reason.TITLE)
                elif self.options.only == "user":
                    self._leave(Reason.ASSISTANT)
                elif section is None or not section.strip():
                    self._leave(Reason.MALFORMED if section is None else Reason.EMPTY)
                else:
                    yield from self._take(_noted(about, clean(section.strip("\n"))), "memory", about, section)


def _noted(about: str, text: str) -> Incoming:
    return Incoming(
        key=key_of(CLAUDE.name, "memory", about, text),
        kind="semantic",
        text=text,
        source=Source(tool=CLAUDE.name, conversation=about or None, role="assistant"),
        tags=(_TAG,) if not about else (_TAG, "project"),
    )


def _read_tree(messages: list[dict[str, Any]], leaf: object, where: str) -> Tree:
    names = [clean(_string(one.get("uuid"))) or f"#{number}" for number, one in enumerate(messages)]
    if len(set(names)) < len(names):
        raise InputError(f"two messages of {where} have one id: download the export again")
    parents = [_string(one.get("parent_message_uuid")) for one in messages]
    if not set(parents) & set(names):
        parents = ["", *names][: len(names)]
    known = set(names)
    mapping = {
        name: {
            "id": name,
            # The first message names a parent that no export holds.
            "parent": parent if parent in known else None,
            "message": one
            | {"create_time": None if (at := read_date(one.get("created_at"))) is None else at / 1000},
        }
        for name, parent, one in zip(names, parents, messages, strict=True)
    }
    return read_tree({"mapping": mapping, "current_node": leaf}, where)


def _blocks(message: Mapping[str, Any]) -> tuple[list[str], tuple[str, ...], Reason | None]:
    """The texts of a message, its tags, and why it has no text where it has none."""
    content = message.get("content")
    if isinstance(content, str):
        return [content], (), None
    blocks = _dicts(content)
    if not blocks:
        return [_string(message.get("text"))], (), None
    texts, tags, others = [], set(), None
    for block in blocks:
        kind = block.get("type")
        if kind in _NOT_TEXT:
            others = _NOT_TEXT[kind]
            if (artifact := _artifact(block)) is not None:
                tags.add("artifact")
                texts.append(artifact)
        elif isinstance(text := block.get("text"), str):
            texts.append(text)
            if kind == "voice_note":
                tags.add("voice")
    return texts, tuple(sorted(tags)), others


def _artifact(block: Mapping[str, Any]) -> str | None:
    """What the assistant wrote beside the conversation, whole; None for a patch to a part of it, which means nothing by itself."""
    given = block.get("input")
    if block.get("name") != "artifacts" or not isinstance(given, dict):
        return None
    content = given.get("content")
    if not isinstance(content, str) or not content.strip():
        return None
    return f"[artifact: {_one_line(_string(given.get('title'))) or 'untitled'}]\n\n{content}"


def _one_line(text: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text[:120]).split())


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""


def _dicts(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
