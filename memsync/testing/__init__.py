"""Adapters in memory for your own tests: they keep to the ports and need no disk and no chain."""

from memsync.testing.lying import LyingStore
from memsync.testing.registry import MemoryRegistry
from memsync.testing.store import MemoryStore

__all__ = ["LyingStore", "MemoryRegistry", "MemoryStore"]
