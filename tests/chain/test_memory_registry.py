"""What only the registry in memory does: blocks that are final later, and blocks that are undone."""

from __future__ import annotations

import pytest

from memsync.errors import InputError, Stale
from memsync.testing import MemoryRegistry
from tests.chain.test_conformance import Party


def test_a_block_is_final_when_so_many_others_lie_upon_it() -> None:
    registry = MemoryRegistry(confirmations=2)
    party = Party(registry)
    party.open()
    assert registry.snapshot(party.vault).vault.sequence == 1
    assert registry.final_vault(party.vault) is None
    registry.send(party.commit(1))
    registry.mine()
    assert registry.final_vault(party.vault).sequence == 1
    registry.mine(5)
    assert registry.final_vault(party.vault) == registry.snapshot(party.vault).vault


def test_undone_blocks_leave_no_trace_and_their_calls_may_be_mined_again() -> None:
    registry = MemoryRegistry(confirmations=3)
    party = Party(registry)
    party.open()
    before, events = registry.snapshot(party.vault, [party.grant]), registry.events(party.vault)
    share, commit = party.share(1, 2**39), party.commit(2)
    registry.send(share)
    registry.send(commit)
    assert registry.snapshot(party.vault, [party.grant]).grants[party.grant].known
    assert registry.undo(2) == [share, commit]
    after = registry.snapshot(party.vault, [party.grant])
    assert (after.vault, after.grants, registry.events(party.vault)) == (before.vault, before.grants, events)
    assert after.block.number == before.block.number
    assert after.block.hash != before.block.hash
    with pytest.raises(Stale):
        registry.send(commit)
    for call in (share, commit):
        registry.send(call)
    assert registry.snapshot(party.vault).vault.sequence == 3


def test_what_is_final_is_not_undone() -> None:
    registry = MemoryRegistry(confirmations=1)
    party = Party(registry)
    party.open()
    registry.mine()
    with pytest.raises(InputError, match="final"):
        registry.undo(2)
    assert registry.undo(1) == []
    with pytest.raises(InputError, match="final"):
        MemoryRegistry().undo()
