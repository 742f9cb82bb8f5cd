"""An export of our own making, for the demo, for trying out and for tests: one woman's year in ChatGPT, 47 conversations, 296 messages.

``conversations.json`` beside this file is written by ``tools/make_sample_export.py`` from dialogues by hand. Nobody in it exists.
"""

from __future__ import annotations

import zipfile
from importlib.resources import files
from pathlib import Path

_DATE = (2025, 9, 4, 6, 30, 0)
_USER = '{"id": "user-vera", "email": "vera@example.org", "chatgpt_plus_user": true}'


def write_sample_export(path: Path | str) -> Path:
    """Write the zip that "Export data" would have mailed, the same bytes each time; its path. ``OSError`` when it can't be written."""
    conversations = files(__name__).joinpath("conversations.json").read_bytes()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in (
            ("user.json", _USER.encode()),
            ("conversations.json", conversations),
            ("message_feedback.json", b"[]"),
            ("shared_conversations.json", b"[]"),
        ):
            archive.writestr(zipfile.ZipInfo(name, _DATE), data, zipfile.ZIP_DEFLATED)
    return Path(path)
