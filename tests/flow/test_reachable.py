"""The blocks that a vault or a grantee needs: with these alone everything works, and without any one of them something does not."""

from __future__ import annotations

import stat
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from memsync.crypto.sealing import Kind
from memsync.device.keystore_file import CHEAP_COST
from memsync.errors import AccessError, BlockMissing, ChainError, InputError, NotFoundError, WrongPassphrase
from memsync.ipld.cid import CID, RAW
from memsync.memory import Draft
from memsync.shared import Tool
from memsync.store.car import CarStore
from memsync.sync.reachable import Needed, needed_by_reader, needed_by_vault
from memsync.testing import MemoryStore
from memsync.vault import Exported, Grant, Vault
from tests.flow.actions import PASSPHRASE, World, texts

OLD = {f"old {number}" for number in range(3)}


class Estate:
    """A vault with a past: two scopes, several epochs, a reader of everything, one from now on, one who only writes."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.vault = world.vault()
        self.words = self.vault.words
        self.vault.add_scope("work")
        self.vault.remember_many(Draft(kind="semantic", text=text, created=1) for text in sorted(OLD))
        self.vault.remember("Secret of work.", scope="work")
        self.reader = world.granted(self.vault)
        self.newcomer = world.granted(self.vault, from_now=True)
        self.vault.remember("new 1")
        self.rotate()
        self.vault.remember("new 2")
        self.writer = world.granted(self.vault, can="write")
        self.rotate()
        self.vault.remember("new 3")
        self.vault.push()

    def rotate(self) -> None:
        _, grant = self.world.granted(self.vault)
        self.vault.revoke(grant)

    @property
    def needed(self) -> list[Needed]:
        standing, at = self.vault._standing(), self.vault._replica
        return list(needed_by_vault(standing.root, standing.owner, vault=at.keys().vault, fetch=at.fetch))

    def needed_by(self, grant: Grant) -> list[Needed]:
        standing, at = self.vault._standing(), self.vault._replica
        found = next(one for one in standing.owner.grants if one.id == grant.id)
        return list(
            needed_by_reader(standing.root, standing.owner, found, vault=at.keys().vault, fetch=at.fetch)
        )

    def store_of(self, needed: Iterable[Needed]) -> MemoryStore:
        store = MemoryStore()
        store.put_many(self.world.store.get_many(CID(RAW, one.digest) for one in needed))
        return store

    def read(self, who: tuple[Tool, Grant], store: MemoryStore) -> set[str]:
        with self.world.accepted(*who, store=store) as shared:
            shared.pull()
            return texts(shared)

    def everybody_reads(self, store: MemoryStore) -> None:
        with self.world.restored(self.words, store=store) as back:
            assert texts(back) == texts(self.vault)
        assert self.read(self.reader, store) == OLD | {"new 1", "new 2", "new 3"}
        assert self.read(self.newcomer, store) == {"new 1", "new 2", "new 3"}
        self.world.accepted(*self.writer, store=store)


@pytest.fixture
def estate(world: World) -> Estate:
    return Estate(world)


def test_the_vault_needs_these_blocks_and_every_one_of_them(estate: Estate) -> None:
    needed = estate.needed
    assert len({one.digest for one in needed}) == len(needed)
    kinds = Counter(one.kind for one in needed)
    assert kinds.keys() == {
        Kind.ROOT, Kind.ACCESS, Kind.OWNER, Kind.ENVELOPE, Kind.SINCE, Kind.LOCKBOX, Kind.CATALOG, Kind.SEGMENT
    }  # fmt: skip
    assert (kinds[Kind.ENVELOPE], kinds[Kind.SINCE], kinds[Kind.LOCKBOX]) == (3, 1, 1)
    assert kinds[Kind.CATALOG] > 3, "a tree with inner nodes"
    assert len(needed) < sum(1 for _ in estate.world.store.iter()), "what is over is not among them"
    estate.everybody_reads(estate.store_of(needed))
    for without in needed:
        with pytest.raises(BlockMissing):
            estate.everybody_reads(estate.store_of(one for one in needed if one != without))


def test_a_reader_needs_these_blocks_and_every_one_of_them(estate: Estate) -> None:
    everything = {one.digest for one in estate.needed}
    for who, wanted in (
        (estate.reader, OLD | {"new 1", "new 2", "new 3"}),
        (estate.newcomer, {"new 1", "new 2", "new 3"}),
    ):
        needed = estate.needed_by(who[1])
        assert {one.digest for one in needed} < everything
        assert Kind.OWNER not in {one.kind for one in needed}
        assert estate.read(who, estate.store_of(needed)) == wanted
        for without in needed:
            with pytest.raises(BlockMissing):
                estate.read(who, estate.store_of(one for one in needed if one != without))


def test_a_writer_needs_its_envelope_only(estate: Estate) -> None:
    assert [one.kind for one in estate.needed_by(estate.writer[1])] == [Kind.ENVELOPE]


def test_since_blocks_are_known_until_their_grant_ends(estate: Estate) -> None:
    estate.vault.revoke(estate.newcomer[1])
    assert Kind.SINCE not in {one.kind for one in estate.needed}
    standing = estate.vault._standing()
    assert "since" not in standing.owner.settings


def test_a_vault_goes_into_one_file_and_comes_back(estate: Estate, tmp_path: Path) -> None:
    path = tmp_path / "vault.car"
    exported = estate.vault.export_car(path)
    assert exported == Exported(len(estate.needed), path.stat().st_size)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert CarStore(path).roots == (CID(RAW, estate.vault._standing().root.digest),)
    estate.everybody_reads(CarStore(path))
    assert [one.name for one in tmp_path.glob("*.car*")] == ["vault.car"]


def test_a_grantee_reads_from_a_file_with_what_is_its_and_no_more(estate: Estate, tmp_path: Path) -> None:
    for number, (tool, grant) in enumerate((estate.reader, estate.newcomer)):
        path = tmp_path / f"{number}.car"
        meant = (grant, grant.id, grant.name)[number]
        assert estate.vault.export_car(path, grant=meant).blocks == len(estate.needed_by(grant))
        assert set(CarStore(path).iter()) == {CID(RAW, one.digest) for one in estate.needed_by(grant)}
        assert "new 3" in estate.read((tool, grant), CarStore(path))
    with pytest.raises(BlockMissing):
        estate.read(estate.reader, CarStore(tmp_path / "1.car"))


def test_an_export_needs_no_chain_once_the_vault_was_on_one(estate: Estate, tmp_path: Path) -> None:
    home = estate.vault.paths.folder.parents[1]
    estate.vault.close()
    with Vault.open(passphrase=PASSPHRASE, home=home, store=estate.world.store) as alone:
        alone.remember("Not pushed.")
        assert alone.export_car(tmp_path / "vault.car").blocks == len(
            set(CarStore(tmp_path / "vault.car").iter())
        )
    with estate.world.restored(estate.words, store=CarStore(tmp_path / "vault.car")) as back:
        assert "new 3" in texts(back)


def test_an_export_of_nothing_or_for_nobody_is_refused(world: World, tmp_path: Path) -> None:
    path = tmp_path / "x.car"
    with world.vault(registry=None) as nowhere, pytest.raises(ChainError, match="push first"):
        nowhere.export_car(path)
    vault = world.vault()
    with pytest.raises(ChainError, match="push first"):
        vault.export_car(path)
    vault.push()
    with pytest.raises(NotFoundError, match="no live grant"):
        vault.export_car(path, grant="nobody")
    assert not path.exists()


def test_a_failed_export_leaves_what_was_there(estate: Estate, tmp_path: Path) -> None:
    path = tmp_path / "vault.car"
    path.write_bytes(b"older")
    [segment] = [one for one in estate.needed if one.kind == Kind.SEGMENT][:1]
    estate.world.store.delete([CID(RAW, segment.digest)])
    with pytest.raises(BlockMissing):
        estate.vault.export_car(path)
    assert path.read_bytes() == b"older"
    assert [one.name for one in tmp_path.glob("*.car*")] == ["vault.car"]


def test_a_file_opens_no_grant_that_has_ended(estate: Estate, tmp_path: Path) -> None:
    path = tmp_path / "grant.car"
    tool, grant = estate.reader
    estate.vault.export_car(path, grant=grant)
    shared = estate.world.accepted(tool, grant, store=CarStore(path))
    shared.pull()
    estate.vault.revoke(grant)
    for refused in (shared.pull, lambda: estate.world.accepted(tool, grant, store=CarStore(path))):
        with pytest.raises(AccessError, match="revoked; ask the granter for a new one"):
            refused()
    tool, grant = estate.newcomer
    estate.vault.export_car(path, grant=grant)
    estate.world.pass_time(31 * 86_400)
    with pytest.raises(AccessError, match="expired; ask the granter for a new one"):
        estate.world.accepted(tool, grant, store=CarStore(path))


def test_a_file_from_before_the_head_names_the_block_it_lacks(estate: Estate, tmp_path: Path) -> None:
    path = tmp_path / "grant.car"
    estate.vault.export_car(path, grant=estate.reader[1])
    estate.vault.remember("Later.")
    estate.vault.push()
    shared = estate.world.accepted(*estate.reader, store=CarStore(path))
    with pytest.raises(BlockMissing, match="CAR file"):
        shared.pull()


def test_a_passphrase_is_changed(world: World) -> None:
    vault = world.vault()
    vault.remember("Still here.")
    with pytest.raises(WrongPassphrase):
        vault.change_passphrase("wrong", "new")
    with pytest.raises(InputError, match="empty"):
        vault.change_passphrase(PASSPHRASE, "")
    vault.change_passphrase(PASSPHRASE, "new", cost=CHEAP_COST)
    assert texts(vault) == {"Still here."}
    home = vault.paths.folder.parents[1]
    vault.close()
    with pytest.raises(WrongPassphrase):
        Vault.open(passphrase=PASSPHRASE, home=home)
    with Vault.open(passphrase="new", home=home) as again:
        assert texts(again) == {"Still here."}
