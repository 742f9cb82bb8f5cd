"""The clients of the Model Context Protocol that can be told of MemSync: each with its own file of servers, and that file's shape.

In goes what the machine is like (system, home folder, environment), out comes where a client's file is. The places and keys are those
of the clients' own pages: Claude Desktop (modelcontextprotocol.io, "Connect to local MCP servers"), Claude Code (code.claude.com/docs,
"MCP" and "Environment variables"), Cursor (cursor.com/docs/mcp), VS Code (code.visualstudio.com, "MCP configuration reference"), Codex
(developers.openai.com/codex/mcp). Nothing is read or written here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from memsync.errors import InputError


@dataclass(frozen=True, slots=True)
class Machine:
    """``system`` as ``sys.platform`` says it, the person's home folder, the environment."""

    system: str
    home: Path
    environ: Mapping[str, str]

    @classmethod
    def this(cls) -> Machine:
        """The one this runs on. ``InputError`` where nobody's home is known."""
        try:
            return cls(sys.platform, Path.home(), os.environ)
        except RuntimeError as err:
            raise InputError("no home folder is known; let HOME name it") from err

    @property
    def applications(self) -> Path:
        """Where applications keep what is the person's: Electron's ``appData``."""
        if self.system == "darwin":
            return self.home / "Library" / "Application Support"
        if self.system == "win32":
            return self.named("APPDATA", self.home / "AppData" / "Roaming")
        return self.named("XDG_CONFIG_HOME", self.home / ".config")

    def named(self, variable: str, otherwise: Path) -> Path:
        """The folder that a variable names; ``otherwise`` where it names none from the root on."""
        given = Path(self.environ.get(variable) or "")
        return given if given.is_absolute() else otherwise


@dataclass(frozen=True, slots=True)
class Client:
    """One client. ``folder`` is its own, by which it is known to be here; ``user_file`` has the servers for every project, ``project_file``
    those of one, from the project's folder on, and ``key`` is what they stand under. ``typed``: an entry says ``"type": "stdio"``;
    ``comments``: its JSON may have them; ``after`` is what the person does to have the file read again."""

    name: str
    title: str
    program: str
    folder: Callable[[Machine], Path]
    user_file: Callable[[Machine], Path]
    project_file: str | None
    key: str
    typed: bool
    comments: bool
    after: str


def _claude_code(machine: Machine) -> Path:
    return machine.named("CLAUDE_CONFIG_DIR", machine.home / ".claude")


def _claude_code_file(machine: Machine) -> Path:
    return machine.named("CLAUDE_CONFIG_DIR", machine.home) / ".claude.json"


def _claude_desktop(machine: Machine) -> Path:
    return machine.applications / "Claude"


def _vscode(machine: Machine) -> Path:
    return machine.applications / "Code" / "User"


def _codex(machine: Machine) -> Path:
    return machine.named("CODEX_HOME", machine.home / ".codex")


CLIENTS: Final[Mapping[str, Client]] = MappingProxyType(
    {
        one.name: one
        for one in (
            Client(
                name="claude-code",
                title="Claude Code",
                program="claude",
                folder=_claude_code,
                user_file=_claude_code_file,
                project_file=".mcp.json",
                key="mcpServers",
                typed=True,
                comments=False,
                after="start Claude Code anew",
            ),
            Client(
                name="claude-desktop",
                title="Claude Desktop",
                program="claude-desktop",
                folder=_claude_desktop,
                user_file=lambda machine: _claude_desktop(machine) / "claude_desktop_config.json",
                project_file=None,
                key="mcpServers",
                typed=False,
                comments=False,
                after="quit Claude Desktop and open it again",
            ),
            Client(
                name="cursor",
                title="Cursor",
                program="cursor",
                folder=lambda machine: machine.home / ".cursor",
                user_file=lambda machine: machine.home / ".cursor" / "mcp.json",
                project_file=".cursor/mcp.json",
                key="mcpServers",
                typed=True,
                comments=True,
                after="restart Cursor",
            ),
            Client(
                name="vscode",
                title="VS Code",
                program="code",
                folder=_vscode,
                user_file=lambda machine: _vscode(machine) / "mcp.json",
                project_file=".vscode/mcp.json",
                key="servers",
                typed=True,
                comments=True,
                after="restart VS Code",
            ),
            Client(
                name="codex",
                title="Codex",
                program="codex",
                folder=_codex,
                user_file=lambda machine: _codex(machine) / "config.toml",
                project_file=".codex/config.toml",
                key="mcp_servers",
                typed=False,
                comments=True,
                after="start Codex anew",
            ),
        )
    }
)


def find_client(name: str) -> Client:
    """The client of that name. ``InputError``."""
    if name not in CLIENTS:
        raise InputError(f"{name!r} is no client that is known; known are {', '.join(CLIENTS)}")
    return CLIENTS[name]
