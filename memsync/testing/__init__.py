"""Adapters in memory for your own tests: they keep to the ports and need no disk, no chain and no model."""

from memsync.testing.embedder import HashingEmbedder
from memsync.testing.lying import LyingStore
from memsync.testing.registry import MemoryRegistry
from memsync.testing.store import MemoryStore

__all__ = ["HashingEmbedder", "LyingStore", "MemoryRegistry", "MemoryStore"]
