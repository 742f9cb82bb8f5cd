"""What people and tools do in the flows, in their words."""

from __future__ import annotations

from pathlib import Path

from memsync.chain.registry import Registry
from memsync.device.keystore_file import CHEAP_COST
from memsync.shared import SharedVault, Tool
from memsync.store.port import BlockStore
from memsync.testing import MemoryRegistry, MemoryStore
from memsync.vault import Grant, Vault

PASSPHRASE = "correct horse battery staple"


class World:
    """A chain, a store and people with devices."""

    def __init__(
        self, folder: Path, registry: Registry | None = None, store: BlockStore | None = None
    ) -> None:
        self.folder = folder
        self.registry = registry or MemoryRegistry()
        self.store = store or MemoryStore()
        self.open: list[Vault | SharedVault] = []
        self.homes = 0

    def close(self) -> None:
        for one in self.open:
            one.close()

    def now(self) -> int:
        return self.registry.snapshot(bytes(32)).block.time

    def clock(self) -> float:
        return float(self.now())

    def home(self) -> Path:
        self.homes += 1
        return self.folder / f"home-{self.homes}"

    def vault(self, *, pushed: bool = False, **where: object) -> Vault:
        vault = Vault.create(
            passphrase=PASSPHRASE,
            store=where.get("store", self.store),
            registry=where.get("registry", self.registry),
            home=self.home(),
            cost=CHEAP_COST,
            clock=self.clock,
        )
        self.open.append(vault)
        if pushed:
            vault.push()
        return vault

    def restored(self, words: str, **where: object) -> Vault:
        vault = Vault.restore(
            words,
            passphrase=PASSPHRASE,
            store=where.get("store", self.store),
            registry=where.get("registry", self.registry),
            home=self.home(),
            cost=CHEAP_COST,
            clock=self.clock,
        )
        self.open.append(vault)
        return vault

    def two_devices(self) -> tuple[Vault, Vault]:
        """Two devices of one person, both up to date."""
        first = self.vault()
        words = first.words
        first.push()
        return first, self.restored(words)

    def granted(self, vault: Vault, tool: Tool | None = None, **terms: object) -> tuple[Tool, Grant]:
        tool = tool or Tool.generate()
        card = tool.card("research tool", now=self.now())
        return tool, vault.grant(card, **{"scope": "personal", "until": "30d", **terms})

    def accepted(self, tool: Tool, grant: Grant, **where: object) -> SharedVault:
        shared = SharedVault.accept(
            grant.link,
            key=tool,
            registry=where.get("registry", self.registry),
            store=where.get("store", self.store),
            clock=self.clock,
        )
        self.open.append(shared)
        return shared


def texts(of: Vault | SharedVault) -> set[str]:
    return {memory.text for memory in of.memories()}
