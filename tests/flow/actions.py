"""What people and tools do in the flows, in their words."""

from __future__ import annotations

from pathlib import Path

from memsync.chain.calls import RevokeAll, sign_call
from memsync.chain.registry import Registry
from memsync.crypto.pointer import open_pointer
from memsync.device.keystore_file import CHEAP_COST
from memsync.errors import PointerInvalid
from memsync.format.envelope import Envelope
from memsync.format.pairing import Request
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

    def pass_time(self, seconds: int) -> None:
        self.registry.now += seconds  # type: ignore[attr-defined]

    def can_open_pointer(self, envelope: Envelope) -> bool:
        """Whether the pointer key in an envelope still unseals the head."""
        state = self.registry.snapshot(envelope.vault).vault
        try:
            open_pointer(
                envelope.pointer.secret, envelope.vault, state.sequence, state.salt_bytes, state.pointer
            )
        except PointerInvalid:
            return False
        return True

    def revoke_all(self, vault: Vault) -> None:
        keys = vault._replica.keys()
        state = self.registry.snapshot(keys.vault).vault
        call = RevokeAll(keys.vault, state.grant_epoch)
        signer = keys.generation.signer()
        self.registry.send(
            sign_call(call, signer, self.now() + 60, chain_id=keys.chain_id, contract=keys.contract)
        )

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

    def reopened(self, vault: Vault) -> Vault:
        """The same device after its program has ended, however it ended."""
        vault.close()
        home = vault.paths.folder.parents[1]
        again = Vault.open(
            passphrase=PASSPHRASE, home=home, store=self.store, registry=self.registry, clock=self.clock
        )
        self.open.append(again)
        return again

    def two_devices(self) -> tuple[Vault, Vault]:
        """Two devices of one person, both up to date."""
        first = self.vault()
        words = first.words
        first.push()
        return first, self.restored(words)

    def restored_texts(self, vault: Vault) -> set[str]:
        """What a reader with history finds in the vault's personal scope, from chain and store alone."""
        reader = self.accepted(*self.granted(vault))
        reader.pull()
        return texts(reader)

    def granted(self, vault: Vault, tool: Tool | None = None, **terms: object) -> tuple[Tool, Grant]:
        tool = tool or Tool.generate()
        card = tool.card(f"tool {tool.account.address.hex()[:8]}", now=self.now())
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


class Household(World):
    """A person with a laptop that has the words on paper, and further devices that came by pairing."""

    def __init__(self, folder: Path, registry: MemoryRegistry | None = None) -> None:
        super().__init__(folder, registry)
        self.laptop = self.vault()
        self.words = self.laptop.words
        self.laptop.rename_device(self.laptop.devices()[0].name, "laptop")
        self.laptop.remember("Before everything.")
        self.laptop.push()

    def asks(self, name: str, home: Path) -> Request:
        return Vault.request(passphrase=PASSPHRASE, device=name, home=home, cost=CHEAP_COST, clock=self.clock)

    def joins(self, home: Path, answer: bytes, **more: object) -> Vault:
        joined = Vault.join(
            answer,
            passphrase=PASSPHRASE,
            home=home,
            store=more.pop("store", self.store),
            registry=more.pop("registry", self.registry),
            clock=self.clock,
            **more,
        )
        self.open.append(joined)
        return joined

    def added(self, name: str, by: Vault | None = None) -> Vault:
        """A device that came by pairing."""
        home, by = self.home(), by or self.laptop
        return self.joins(home, by.add_device(self.asks(name, home)).answer)


def texts(of: Vault | SharedVault) -> set[str]:
    return {memory.text for memory in of.memories()}
