"""What a verb works on: one call's target, resolved to an open vault, a tool's key, stores and a chain.

In goes who is meant (a vault's or key's name, perhaps other stores or another chain for this call only) and what is held open; out come
the things themselves, each opened when it is first asked for and closed when the call ends.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

from memsync.device.config import Settings, settings
from memsync.errors import ChainError, InputError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from memsync.chain.registry import Registry
    from memsync.shared import Tool
    from memsync.store import BlockStore
    from memsync.vault import Vault


@dataclass(frozen=True, slots=True)
class Target:
    """What a call is about. None: what the settings say.

    ``stores`` come beside the vault's own; ``token_file`` holds the token for the gateways among them; ``payer_passphrase`` opens the
    payer's account.
    """

    vault: str | None = None
    stores: tuple[str, ...] | None = None
    network: str | None = None
    payer: str | None = None
    payer_passphrase: str | None = None
    token_file: str | None = None
    key: str = "default"

    @classmethod
    def taken_from(cls, given: dict[str, object]) -> Self:
        """The target in a call's arguments, which are taken out of them. ``InputError`` for one of another type."""
        found: dict[str, object] = {}
        for name in cls.__slots__:
            if name in given:
                value = given.pop(name)
                if (
                    name == "stores"
                    and isinstance(value, (list, tuple))
                    and all(isinstance(one, str) for one in value)
                ):
                    found[name] = tuple(value)
                elif value is None or (name != "stores" and isinstance(value, str)):
                    found[name] = value
                else:
                    raise InputError(
                        f"{name!r} must be {'a list of texts' if name == 'stores' else 'a text'}; give it so"
                    )
        return cls(**{name: value for name, value in found.items() if value is not None})  # type: ignore[arg-type]


class Held(Protocol):
    """What is open: vaults and keys by name, and the way to a chain."""

    home: Path

    def open_vault(
        self, name: str, store: BlockStore | None, registry: Registry | None
    ) -> AbstractContextManager[Vault]:
        """The vault; a ``LockedError`` where it isn't open."""
        ...

    def open_key(self, name: str) -> Tool:
        """The key; a ``LockedError`` where it isn't open."""
        ...

    def connected(self, settings: Settings, passphrase: str | None) -> AbstractContextManager[Registry]:
        """The chain that the settings name."""
        ...


class At:
    """One call's surroundings; a context manager."""

    def __init__(self, target: Target, held: Held) -> None:
        self.target = target
        self.held = held
        self._stack = ExitStack()
        self.clock = time.time

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def home(self) -> Path:
        return self.held.home

    @cached_property
    def settings(self) -> Settings:
        """The settings, with what this call says instead."""
        found, said = settings(self.target.vault, self.home), self.target
        network = said.network or found.network
        return replace(
            found,
            network=network,
            payer=said.payer or (found.payer if network == found.network else None),
            stores=(*found.stores, *(said.stores or ())),
        )

    @cached_property
    def vault(self) -> Vault:
        """The vault, without a chain."""
        return self._stack.enter_context(self.held.open_vault(self.settings.vault, self._other_store(), None))

    @cached_property
    def vault_on_chain(self) -> Vault:
        """The vault, with its chain."""
        registry = self.registry
        return self._stack.enter_context(
            self.held.open_vault(self.settings.vault, self._other_store(), registry)
        )

    @cached_property
    def tool(self) -> Tool:
        """The tool's key."""
        return self.held.open_key(self.target.key)

    @cached_property
    def registry(self) -> Registry:
        """The chain. ``ChainError`` where none is chosen."""
        if self.settings.network is None:
            raise ChainError(
                "no chain is chosen; say `memsync chain use NETWORK`, or `memsync node start` for one on this machine"
            )
        return self._stack.enter_context(self.held.connected(self.settings, self.target.payer_passphrase))

    def chain_or_none(self) -> Registry | None:
        """The chain if one is chosen and answers."""
        try:
            return self.registry
        except ChainError:
            return None

    def store_of(self, places: tuple[str, ...]) -> BlockStore:
        """These places as one store, by the tokens that the settings know."""
        from memsync.store.places import open_places
        from memsync.vault.places import read_token, read_tokens

        tokens = read_tokens(self.settings)
        if self.target.token_file is not None:
            token = read_token(Path(self.target.token_file))
            tokens |= {place: token for place in places if "://" in place}
        return open_places(places, tokens=tokens, base=self.held.home / "vaults" / self.settings.vault)

    def _other_store(self) -> BlockStore | None:
        """The vault's own places and those that this call names; None where it names none."""
        return None if self.target.stores is None else self.store_of(self.settings.stores)
