"""One message of ChatGPT's export: what was said, the person's standing instructions, or why it is neither.

In comes the ``message`` of a node as parsed, whatever it is; out comes :class:`Said`, :class:`Instructions` or a :class:`Reason`. Text is
verbatim. Parts that are no text become a line in brackets (``[image: title]``), a spoken part its transcript, a code part a fenced block.
Fields that an older ChatGPT doesn't write are not missed: ``recipient``, ``weight``, ``end_turn``, ``channel``, ``metadata``.

The export's shape is not published; ours follows what many of its readers agree on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from memsync.intake.incoming import Reason

_REASONING: Final = frozenset({"thoughts", "reasoning_recap"})
_CODE_TOOLS: Final = frozenset({"python", "code_interpreter"})
_CANVAS: Final = frozenset({"canmore.create_textdoc", "canmore.update_textdoc"})
_VOICE: Final = frozenset(
    {"audio_asset_pointer", "real_time_user_audio_video_asset_pointer", "video_container_asset_pointer"}
)
_WRAPPERS: Final = ("The user provided", "Very important:")
_WRAPPED: Final = re.compile(r"```(.*)```", re.DOTALL)
_TICKS: Final = re.compile(r"`{3,}")
_LONGEST_TITLE: Final = 120


@dataclass(frozen=True, slots=True)
class Said:
    """A visible message: ``role`` is ``user`` or ``assistant``, ``tags`` say ``image``, ``voice``, ``canvas`` where it held that."""

    role: str
    text: str
    model: str | None
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Instructions:
    """Custom instructions: what ChatGPT is to know about the person, and how it is to answer."""

    texts: tuple[str, ...]


def read_message(message: object, default_model: str | None) -> Said | Instructions | Reason:
    """Read the ``message`` of a node; ``default_model`` is the conversation's, for an answer that names none."""
    if message is None:
        return Reason.STRUCTURE
    if not isinstance(message, dict):
        return Reason.MALFORMED
    content, author, metadata = (_mapping(message.get(name)) for name in ("content", "author", "metadata"))
    kind, role = _string(content.get("content_type")), _string(author.get("role"))
    if texts := _instructions(content, metadata):
        return Instructions(texts)
    if role == "system" or kind in {"user_editable_context", "model_editable_context"}:
        return Reason.SYSTEM
    if role == "tool":
        return Reason.TOOL
    if role not in {"user", "assistant"}:
        return Reason.MALFORMED
    if metadata.get("is_visually_hidden_from_conversation") is True:
        return Reason.HIDDEN
    if kind in _REASONING or message.get("channel") == "analysis":
        return Reason.REASONING
    text, tags = _compose(content, metadata, _string(message.get("recipient")) or "all")
    if text is None:
        return Reason.TOOL_CALL
    if not text.strip():
        return Reason.EMPTY
    model = metadata.get("model_slug")
    named = model if isinstance(model, str) and model else default_model
    return Said(role, clean(text), clean(named) if named and role == "assistant" else None, tags)


def clean(text: str) -> str:
    """``text`` with U+FFFD for halves of a surrogate pair, which UTF-8 has no bytes for; all else stays."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _compose(
    content: Mapping[str, Any], metadata: Mapping[str, Any], recipient: str
) -> tuple[str | None, tuple[str, ...]]:
    """The text and its tags; None when the message is not to the person but to a tool."""
    if recipient in _CANVAS:
        return _canvas_text(content), ("canvas",)
    if recipient != "all" and recipient not in _CODE_TOOLS:
        return None, ()
    if content.get("content_type") == "code" or recipient in _CODE_TOOLS:
        return _code_block(content), ()
    parts = content.get("parts")
    if not isinstance(parts, list):
        only = content.get("text")
        parts = [only] if isinstance(only, str) else []
    attachments = [found for found in _list(metadata.get("attachments")) if isinstance(found, dict)]
    spoken = any(
        isinstance(part, dict) and part.get("content_type") == "audio_transcription" for part in parts
    )
    texts, tags, shown = [], set(), set()
    for part in parts:
        if isinstance(part, str):
            texts.append(part)
        elif isinstance(part, dict):
            of = _string(part.get("content_type"))
            if of == "image_asset_pointer":
                tags.add("image")
                shown.add(_file_id(part))
                texts.append(f"[image: {_image_title(part, attachments)}]")
            elif of == "audio_transcription" or of in _VOICE:
                tags.add("voice")
                heard = _string(part.get("text")) if of == "audio_transcription" else ""
                texts.append(heard if spoken else "[voice message]")
            else:
                texts.append(_string(part.get("text")) or f"[{_one_line(of) or 'something that is no text'}]")
    texts += [f"[file: {_title_of(found)}]" for found in attachments if found.get("id") not in shown]
    return "\n\n".join(text for text in texts if text), tuple(sorted(tags))


def _code_block(content: Mapping[str, Any]) -> str:
    text = _plain_text(content)
    if not text.strip():
        return ""
    language = _string(content.get("language"))
    fence = max((found[0] for found in _TICKS.finditer(text)), key=len, default="``") + "`"
    return f"{fence}{'' if language == 'unknown' else _one_line(language)}\n{text}\n{fence}"


def _canvas_text(content: Mapping[str, Any]) -> str | None:
    """What the assistant wrote onto a canvas, whole; None for a patch to a part of it, which means nothing by itself."""
    try:
        call = json.loads(_plain_text(content))
    except (ValueError, RecursionError):
        return None
    if not isinstance(call, dict):
        return None
    if isinstance(written := call.get("content"), str):
        return f"[canvas: {_one_line(_string(call.get('name'))) or 'untitled'}]\n\n{written}"
    for update in _list(call.get("updates")):
        written = _mapping(update).get("replacement")
        if isinstance(written, str) and _mapping(update).get("pattern") == ".*":
            return f"[canvas]\n\n{written}"
    return None


def _instructions(content: Mapping[str, Any], metadata: Mapping[str, Any]) -> tuple[str, ...]:
    data = _mapping(metadata.get("user_context_message_data"))
    texts = [_string(data.get(name)) for name in ("about_user_message", "about_model_message")]
    if not any(texts) and content.get("content_type") == "user_editable_context":
        texts = [_unwrap(_string(content.get(name))) for name in ("user_profile", "user_instructions")]
    return tuple(clean(text) for text in texts if text.strip())


def _unwrap(text: str) -> str:
    """What the person wrote: ChatGPT sets it between fences, under words of its own that change with the day."""
    if not text.startswith(_WRAPPERS):
        return text.strip()
    found = _WRAPPED.search(text)
    return found[1].strip() if found else ""


def _image_title(part: Mapping[str, Any], attachments: list[dict[str, Any]]) -> str:
    file = _file_id(part)
    for found in attachments:
        if file and found.get("id") == file:
            return _title_of(found)
    prompt = _mapping(_mapping(part.get("metadata")).get("dalle")).get("prompt")
    return _one_line(_string(prompt)) or "untitled"


def _file_id(part: Mapping[str, Any]) -> str:
    return _string(part.get("asset_pointer")).rpartition("/")[2]


def _title_of(attachment: Mapping[str, Any]) -> str:
    return _one_line(_string(attachment.get("name"))) or "untitled"


def _one_line(text: str) -> str:
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text[:1000]).split())
    return line if len(line) <= _LONGEST_TITLE else line[: _LONGEST_TITLE - 1] + "…"


def _plain_text(content: Mapping[str, Any]) -> str:
    parts = (part for part in _list(content.get("parts")) if isinstance(part, str))
    return _string(content.get("text")) or "\n".join(parts)


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
