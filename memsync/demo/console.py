"""A vault and a tool to play with at once, as ``ape console`` has them at hand.

``demo_vault`` takes in the sample export and sorts it into scopes; ``demo_tool`` is granted one of them. Both are on a registry that is
handed in, else on one in memory, and their files in a temporary folder that goes with the process.
"""

from __future__ import annotations

import atexit
import secrets
import shutil
import tempfile
import time
from pathlib import Path

from memsync.chain.registry import Registry
from memsync.demo.story import SCOPE, TITLES, TOOL_NAME
from memsync.device.keystore_file import CHEAP_COST
from memsync.intake import ImportOptions, write_sample_export
from memsync.shared import SharedVault, Tool
from memsync.store import BlockStore, DirectoryStore
from memsync.testing import MemoryRegistry
from memsync.vault import Vault


class DemoVault(Vault):
    """A vault of made-up memories that says where its blocks and its pointer are."""

    store: BlockStore
    registry: Registry


def demo_vault(registry: Registry | None = None) -> DemoVault:
    """A new vault with 351 made-up memories in the scopes ``novel``, ``research``, ``project`` and ``personal``, pushed.

    ``registry``: with an account that pays, such as ``ApeRegistry.at(registry, payer)``; without one, a chain in memory.
    """
    folder = Path(tempfile.mkdtemp(prefix="memsync-demo-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    registry = MemoryRegistry(now=int(time.time())) if registry is None else registry
    store = DirectoryStore(folder / "blocks")
    vault = DemoVault.create(
        passphrase=secrets.token_hex(16), home=folder, store=store, registry=registry, cost=CHEAP_COST
    )
    vault.store, vault.registry = store, registry
    sort_export(vault, write_sample_export(folder / "chatgpt-export.zip"))
    vault.push()
    return vault


def demo_tool(vault: DemoVault, *, scope: str = SCOPE) -> SharedVault:
    """A new tool with a grant to read one scope and propose to it for 30 days, accepted and pulled."""
    tool = Tool.generate()
    grant = vault.grant(tool.card(f"{TOOL_NAME} {secrets.token_hex(2)}"), scope=scope, can="read+write")
    shared = SharedVault.accept(grant.link, key=tool, registry=vault.registry, store=vault.store)
    shared.pull()
    return shared


def sort_export(vault: Vault, export: Path) -> None:
    """Import a ChatGPT export: conversations into scopes by their titles, all others into ``personal``."""
    for scope, titles in TITLES.items():
        vault.add_scope(scope)
        for title in titles:
            vault.import_chatgpt(export, ImportOptions(scope=scope, title=title))
    vault.import_chatgpt(export)
