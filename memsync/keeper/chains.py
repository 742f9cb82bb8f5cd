"""The way to a chain: one connection at a time, kept for as long as the same one is asked for.

Ape's connection belongs to a whole process, so whoever uses one has it alone; another network waits, and the connection is made anew.
``node`` is the node of this machine, whose calls count as sent only when they are on its disk. Ape itself is loaded when a chain is first
needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING

from memsync.device.config import Settings
from memsync.errors import ChainError, ChainUnreachable

if TYPE_CHECKING:
    from memsync.chain.ape import ApeRegistry
    from memsync.chain.registry import Registry

OWN_NODE = "node"


class Chains:
    """The connection of one process."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._turn = RLock()
        self._stack = ExitStack()
        self._to: tuple[str, str | None] | None = None
        self._found: ApeRegistry | None = None

    @contextmanager
    def connected(self, settings: Settings, passphrase: str | None = None) -> Iterator[Registry]:
        """The registry on the chain of these settings, for this block alone.

        ``ChainError`` where none is chosen, Ape is missing or the own node doesn't run; what ``connect`` raises.
        """
        with self._turn:
            network, own = self._network(settings)
            registry = self._connect(network, settings.payer)
            if passphrase is not None:
                registry.unlock_payer(passphrase)
            try:
                yield self._saved(registry) if own else registry
            except ChainUnreachable:
                self.close()  # the next call connects anew
                raise

    def close(self) -> None:
        """End the connection, if there is one."""
        with self._turn:
            self._to = self._found = None
            self._stack.close()

    def _connect(self, network: str, payer: str | None) -> ApeRegistry:
        if self._found is None or self._to != (network, payer):
            self.close()
            try:
                from memsync.chain.ape import connect
            except ModuleNotFoundError as err:
                raise ChainError(str(err)) from err
            self._found = self._stack.enter_context(connect(network, payer=payer))
            self._to = (network, payer)
        return self._found

    def _network(self, settings: Settings) -> tuple[str, bool]:
        """The network to connect to, and whether it is this machine's own node."""
        from memsync.chain.lasting import is_own_node, node_status

        folder = node_folder(self._home)
        if settings.network == OWN_NODE:
            status = node_status(folder)
            if not status.running:
                raise ChainUnreachable("this machine's node is not running; say `memsync node start`")
            return status.url, True
        if settings.network is None:
            raise ChainError("no chain is chosen; say `memsync chain use NETWORK`")
        return settings.network, settings.network.startswith("http") and is_own_node(folder, settings.network)

    def _saved(self, registry: ApeRegistry) -> Registry:
        from memsync.chain.lasting import SavedRegistry

        return SavedRegistry(registry, node_folder(self._home))


def node_folder(home: Path) -> Path:
    """Where the node of this machine keeps its chain."""
    return home / "node"
