"""A bundle for one click in Claude Desktop (MCPB: a zip with a ``manifest.json``), which runs the MemSync that is on this machine.

In go a version, the command's path and what it must be told; out come the bundle's bytes, the same for the same. The bundle holds a script
of two lines and no MemSync of its own: keys, vault and keeper stay where they are. It has no secret. The manifest is that of version 0.3
(github.com/modelcontextprotocol/mcpb, MANIFEST.md). Pure: no file is touched here.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any, Final

CLIENT: Final = "claude-desktop"
_SCRIPT: Final = "server/memsync"
_LAUNCHER: Final = f"""#!/bin/sh
exec "${{MEMSYNC:-memsync}}" mcp --client {CLIENT} "$@"
"""
_LONG: Final = (
    "Lets Claude recall what you granted it, and propose memories that wait for your review. The vault is encrypted on this device. "
    "MemSync must be installed and unlocked (`memsync unlock`), and Claude be granted something: "
    "`memsync grant claude-desktop --scope personal --for 30d`."
)


def bundle(version: str, command: str, environ: Mapping[str, str]) -> bytes:
    """The bundle. ``command``: the whole path of ``memsync``, which the person can choose anew; ``environ`` as it shall have it."""
    files = {
        "manifest.json": (json.dumps(_manifest(version, command, environ), indent=2, ensure_ascii=False) + "\n", 0o644),
        _SCRIPT: (_LAUNCHER, 0o755),
    }  # fmt: skip
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, (text, mode) in files.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # Unix, whose modes the next line has
            entry.external_attr = (0o100000 | mode) << 16
            archive.writestr(entry, text.encode())
    return out.getvalue()


def _manifest(version: str, command: str, environ: Mapping[str, str]) -> dict[str, Any]:
    return {
        "manifest_version": "0.3",
        "name": "memsync",
        "display_name": "MemSync",
        "version": version,
        "description": "Memory for AI that belongs to the person it is about.",
        "long_description": _LONG,
        "author": {"name": "The MemSync authors"},
        "license": "Apache-2.0",
        "keywords": ["memory", "encrypted", "local"],
        "server": {
            "type": "binary",
            "entry_point": _SCRIPT,
            "mcp_config": {
                "command": f"${{__dirname}}/{_SCRIPT}",
                "args": [],
                "env": {"MEMSYNC": "${user_config.memsync}", **environ},
            },
        },
        "tools_generated": True,
        "compatibility": {"platforms": ["darwin", "linux"]},
        "user_config": {
            "memsync": {
                "type": "file",
                "title": "The memsync command",
                "description": "Where MemSync is installed: the whole path of its command.",
                "required": False,
                "default": command,
            }
        },
    }
