"""Somebody's home with a client's file of servers in it, for tests: what it says, and installs and uninstalls done for real."""

from __future__ import annotations

from pathlib import Path

from memsync.mcp_server.change import Change
from memsync.mcp_server.clients import CLIENTS, Machine
from memsync.mcp_server.registering import find_place, make_entry, plan_install, plan_uninstall, write

COMMAND = ["/opt/memsync/bin/memsync"]


class Desk:
    """Somebody's home, with a file of servers in it."""

    def __init__(self, folder: Path, name: str = "cursor", *, project: bool = False) -> None:
        self.machine = Machine("linux", folder / "home", {})
        self.project, self.records = folder / "project", folder / "memsync"
        for one in (self.machine.home, self.project):
            one.mkdir(exist_ok=True)
        self.place = find_place(CLIENTS[name], self.machine, self.project if project else None)

    def says(self, text: str) -> None:
        self.place.real.parent.mkdir(parents=True, exist_ok=True)
        self.place.real.write_bytes(text.encode())

    def plan(self, command: list[str] = COMMAND, **environ: str) -> Change:
        return plan_install(self.place, make_entry(self.place.client, command, environ), self.records)

    def install(self, command: list[str] = COMMAND, **environ: str) -> Change:
        return write(self.place, lambda: self.plan(command, **environ), self.records)

    def uninstall(self) -> Change:
        return write(self.place, lambda: plan_uninstall(self.place, self.records), self.records)

    @property
    def bytes(self) -> bytes | None:
        return self.place.real.read_bytes() if self.place.real.exists() else None

    def left(self) -> set[str]:
        return {
            str(one.relative_to(self.machine.home)) for one in self.machine.home.rglob("*") if one.is_file()
        }
