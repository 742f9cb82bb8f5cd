"""What is wrong is found, named with the command that mends it, and nothing is touched on the way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from memsync.chain.calls import SetSigner, sign_call
from memsync.crypto.sealing import Kind
from memsync.crypto.secp256k1 import SecpKey
from memsync.crypto.tree import RootKey
from memsync.crypto.words import from_words
from memsync.ipld.cid import CID, RAW
from memsync.store.directory import DirectoryStore
from memsync.store.mirror import MirrorStore
from memsync.sync.reachable import needed_by_vault
from memsync.testing import LyingStore, MemoryRegistry, MemoryStore
from memsync.vault import Finding, Vault
from tests.flow.actions import PASSPHRASE, World


def wrongs(vault: Vault, *, deep: bool = False) -> list[tuple[str, str]]:
    return [(one.what, one.next) for one in vault.verify(deep=deep).findings if one.wrong]


def notes(vault: Vault) -> list[tuple[str, str]]:
    return [(one.what, one.next) for one in vault.verify().findings if not one.wrong]


def block(vault: Vault, kind: Kind) -> CID:
    standing, at = vault._standing(), vault._replica
    needed = needed_by_vault(standing.root, standing.owner, vault=at.keys().vault, fetch=at.fetch)
    return next(CID(RAW, one.digest) for one in needed if one.kind == kind)


def full(world: World, **where: object) -> Vault:
    vault = world.vault(**where)
    vault.add_scope("work")
    old = vault.remember("The tide turns at noon.")
    vault.remember("Another.", scope="work")
    vault.push()
    vault.edit(old, "The tide turns at one.")
    vault.forget(vault.remember("Gone."))
    world.granted(vault)
    world.granted(vault, from_now=True)
    _, grant = world.granted(vault, scope="work")
    vault.revoke(grant)
    vault.revoke(world.granted(vault)[1])
    return vault


def test_a_whole_vault_has_nothing_wrong(world: World) -> None:
    vault = full(world)
    shallow, deep = vault.verify(), vault.verify(deep=True)
    assert shallow.findings == deep.findings == ()
    assert shallow.ok and deep.ok
    assert shallow.blocks == deep.blocks == deep.checked > shallow.checked > 0


def test_what_waits_is_mentioned_and_not_wrong(world: World) -> None:
    vault = world.vault()
    vault.remember("First.")
    assert notes(vault) == [
        ("the vault is on no chain yet: nothing of it is in blocks", "memsync push"),
        ("waiting in the journal: 1", "memsync push"),
    ]
    vault._bind()
    assert notes(vault)[0] == ("the vault is not on chain 31337 yet", "memsync push")
    vault.push()
    assert notes(vault) == []
    vault.remember("Second.")
    assert notes(vault) == [("waiting in the journal: 1", "memsync push")]
    assert vault.verify().ok


def test_a_commit_that_is_not_final_is_mentioned(tmp_path: Path) -> None:
    world = World(tmp_path, MemoryRegistry(confirmations=2))
    vault = world.vault()
    vault.remember("First.")
    vault.push()
    assert "signed commits that may still land" in notes(vault)[-1][0]
    world.close()


def test_what_another_device_pushed_is_for_a_pull(world: World) -> None:
    first, second = world.two_devices()
    first.remember("News.")
    first.push()
    assert notes(second) == [
        ("the chain is at sequence 2, this device has taken in sequence 1", "memsync pull")
    ]
    assert second.verify(deep=True).ok
    assert second.count() == 0, "it only reads"


def test_a_grant_that_ended_is_mentioned_until_its_keys_are_taken_away(world: World) -> None:
    vault = full(world)
    world.pass_time(31 * 86_400)
    assert [then for what, then in notes(vault) if "has ended, and its keys are still in use" in what] == [
        "memsync push"
    ] * 2
    vault.push()
    assert notes(vault) == []


def test_without_a_chain_the_rest_is_looked_at(world: World) -> None:
    vault = full(world)
    home = vault.paths.folder.parents[1]
    vault.close()
    with Vault.open(passphrase=PASSPHRASE, home=home, store=world.store) as alone:
        found = alone.verify(deep=True)
        assert found.findings == (
            Finding(
                "no chain was asked: only this device and its store were looked at",
                "memsync chain use NETWORK",
                wrong=False,
            ),
        )
        assert found.blocks == found.checked > 5
        world.store.delete([block_of(world, alone)])
        assert wrongs(alone) != []


def block_of(world: World, alone: Vault) -> CID:
    from memsync.sync.settling import head_taken

    root, _ = head_taken(alone._replica, alone._replica.keys())
    return CID(RAW, root.access.digest)


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in (Kind.ENTRY, Kind.SLOT, Kind.PARCEL)])
@pytest.mark.parametrize("deep", [False, True])
def test_a_lost_block_of_every_kind_is_found(world: World, kind: Kind, deep: bool) -> None:  # noqa: FBT001
    vault = full(world)
    cid = block(vault, kind)
    world.store.delete([cid])
    found = wrongs(vault, deep=deep)
    assert [then for _, then in found] == ["memsync store repair"]
    if kind in (Kind.ROOT, Kind.OWNER):
        assert str(cid) in found[0][0]
    else:
        assert f"memory lacks 1 block (1 {kind})" in found[0][0]


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in (Kind.ENTRY, Kind.SLOT, Kind.PARCEL)])
def test_an_altered_block_of_every_kind_is_found_by_a_deep_look(world: World, kind: Kind) -> None:
    vault = full(world)
    cid = block(vault, kind)
    data = world.store.blocks[cid]
    world.store.blocks[cid] = data[:-1] + bytes([data[-1] ^ 1])
    found = vault.verify(deep=True)
    said = [one for one in found.findings if one.wrong]
    assert said and {one.next for one in said} == {"memsync store repair"}
    if kind not in (Kind.ROOT, Kind.OWNER):
        assert found.checked == found.blocks - 1
        assert any("memory has altered 1 block" in one.what for one in said)


def test_each_place_of_a_mirror_is_named_and_none_is_mended(world: World, tmp_path: Path) -> None:
    first, second = MemoryStore("first"), DirectoryStore(tmp_path / "second")
    third = LyingStore(MemoryStore("third"))
    vault = full(world, store=MirrorStore([first, second, third]))
    assert vault.verify(deep=True).findings == ()
    segment, access = block(vault, Kind.SEGMENT), block(vault, Kind.ACCESS)
    first.delete([segment])
    third.alter(access)
    before = dict(first.blocks)
    total = vault.verify().blocks
    assert wrongs(vault) == [(f"first lacks 1 block (1 segment) of {total} blocks", "memsync store repair")]
    assert wrongs(vault, deep=True) == [
        (f"first lacks 1 block (1 segment) of {total} blocks", "memsync store repair"),
        ("lying third has altered 1 block (1 access)", "memsync store repair"),
    ]
    assert first.blocks == before
    second.delete([segment])
    third.lose(segment)
    assert ("no place that answers has 1 block (1 segment)", "memsync store repair") in wrongs(vault)


def test_a_place_that_does_not_answer_is_named(world: World) -> None:
    from memsync.errors import StorageError

    lying = LyingStore(MemoryStore("away"))
    vault = full(world, store=MirrorStore([MemoryStore("here"), lying]))
    lying.fail(StorageError("away is unplugged; plug it in"))
    assert wrongs(vault, deep=True) == [
        ("lying away does not answer: away is unplugged; plug it in", "memsync store repair")
    ]


def test_another_chain_and_one_that_does_not_answer_are_named(world: World) -> None:
    vault = full(world)
    at = vault._replica
    at._registry = MemoryRegistry(chain_id=5)
    assert ["chain 5 was asked" in what for what, _ in wrongs(vault)] == [True]
    at._registry = MemoryRegistry()
    assert ["no longer knows this vault" in what for what, _ in wrongs(vault)] == [True]
    at._registry = world.registry
    world.registry.reachable = False
    assert ["told not to answer" in what for what, _ in wrongs(vault)] == [True]
    assert {then for _, then in wrongs(vault)} == {"memsync chain use NETWORK"}


def rolled_back(world: World, vault: Vault) -> None:
    keys = vault._replica.keys()
    old = world.registry._vaults[keys.vault]
    vault.remember("Newer.")
    vault.push()
    world.registry._vaults[keys.vault] = old


def forged(world: World, vault: Vault) -> None:
    from dataclasses import replace

    keys = vault._replica.keys()
    world.registry._vaults[keys.vault] = replace(world.registry._vaults[keys.vault], pointer=b"\x01" * 32)


@pytest.mark.parametrize(
    ("harm", "said"), [(rolled_back, "has seen"), (forged, "not sealed by this vault's keys")]
)
def test_a_head_that_lies_is_named(world: World, harm: Callable, said: str) -> None:
    vault = full(world)
    harm(world, vault)
    [(what, then)] = wrongs(vault)
    assert said in what and then == "memsync chain use NETWORK"


def test_a_removed_device_is_told(world: World) -> None:
    vault = world.vault()
    words = vault.words
    vault.push()
    keys = vault._replica.keys()
    owner = RootKey(from_words(words)).owner(keys.chain_id, keys.contract, 0)
    signer = keys.generation.signer().address
    call = SetSigner(owner.address, 0, signer, SecpKey.derive(b"\x05" * 32, "other").address)
    world.registry.send(
        sign_call(call, owner, world.now() + 60, chain_id=keys.chain_id, contract=keys.contract)
    )
    [(what, then)] = wrongs(vault)
    assert "another signer" in what and then == "memsync restore"


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        (
            "UPDATE memory SET text = 'forged' WHERE row = (SELECT min(row) FROM memory WHERE NOT dead)",
            "1 otherwise",
        ),
        ("DELETE FROM memory WHERE row = (SELECT min(row) FROM memory)", "lacks 1"),
        (
            "UPDATE memory SET version = x'01900000000070008000000000000001' WHERE row = (SELECT max(row) FROM memory)",
            "lacks 1",
        ),
    ],
)
def test_a_device_that_holds_other_memories_than_the_root_is_told(world: World, sql: str, said: str) -> None:
    vault = full(world)
    vault._replica.database.run(sql)
    assert vault.verify().ok
    [(what, then)] = wrongs(vault, deep=True)
    assert said in what and "scope personal" in what and then == "memsync restore"


def test_verifying_changes_nothing(world: World) -> None:
    vault = full(world)
    vault.remember("Waits.")
    at = vault._replica
    at.database.changed_elsewhere()
    tables = [
        row[0]
        for row in at.database.run(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'words%'"
        )
    ]
    before = {table: at.database.run(f"SELECT * FROM {table}") for table in tables}  # noqa: S608
    blocks = dict(world.store.blocks)
    vault.verify(deep=True)
    assert {table: at.database.run(f"SELECT * FROM {table}") for table in tables} == before  # noqa: S608
    assert world.store.blocks == blocks
