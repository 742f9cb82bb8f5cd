"""Write server.json, what the registry of MCP servers is told, or with --check say whether it is of this version and name.

The name is the README's ``mcp-name``, by which the registry sees that the package on PyPI is the same owner's; the shape is the registry's
schema of 2025-12-11 (modelcontextprotocol.io/registry).
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from memsync import __version__

ROOT = Path(__file__).parents[1]
FILE = ROOT / "server.json"


def server() -> str:
    """The whole file."""
    [name] = re.findall(
        r"^<!-- mcp-name: (\S+) -->$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    package = {
        "registryType": "pypi",
        "registryBaseUrl": "https://pypi.org",
        "identifier": "memsync",
        "version": __version__,
        "runtimeHint": "uvx",
        "runtimeArguments": [{"type": "named", "name": "--with", "value": "memsync[mcp]"}],
        "packageArguments": [
            {"type": "positional", "value": "mcp"},
            {
                "type": "named",
                "name": "--client",
                "description": "Who is calling: the name that `memsync grant` gave a scope to",
                "isRequired": True,
            },
        ],
        "transport": {"type": "stdio"},
    }
    found = {
        "$schema": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json",
        "name": name,
        "title": "MemSync",
        "description": "Memory for AI that belongs to the person it is about: encrypted on their own device.",
        "version": __version__,
        "packages": [package],
    }
    return json.dumps(found, indent=2) + "\n"


def main() -> None:
    text = server()
    if "--check" in sys.argv:
        if not FILE.exists() or FILE.read_text(encoding="utf-8") != text:
            sys.exit("server.json is not of this version and name; run `make docs`")
        return
    FILE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
