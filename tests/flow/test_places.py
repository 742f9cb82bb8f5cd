"""Where a vault's blocks are kept: a second place gets everything, the last copy stays, what one lost comes back from another."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from memsync.device.config import settings
from memsync.device.keystore_file import CHEAP_COST
from memsync.errors import BlockMissing, InputError, NotFoundError, StorageError
from memsync.http.gateway import served_gateway
from memsync.store.directory import DirectoryStore
from memsync.testing import MemoryRegistry
from memsync.vault import Vault
from tests.flow.actions import PASSPHRASE


@pytest.fixture
def registry() -> MemoryRegistry:
    return MemoryRegistry()


@pytest.fixture
def vault(tmp_path: Path, registry: MemoryRegistry) -> Iterator[Vault]:
    """A vault with two pushes, its blocks beside it."""
    with Vault.create(passphrase=PASSPHRASE, home=tmp_path / "home", cost=CHEAP_COST) as made:
        made.add_scope("novel")
    with again(tmp_path, registry) as opened:
        opened.remember("The tide turns at noon.", scope="novel")
        opened.push()
        opened.remember("The safe is behind the map.")
        opened.push()
        yield opened


def again(tmp_path: Path, registry: MemoryRegistry) -> Vault:
    """The vault, opened with its stores as the settings have them."""
    return Vault.open(passphrase=PASSPHRASE, home=tmp_path / "home", registry=registry)


def files(folder: Path) -> set[str]:
    return {file.name for file in folder.rglob("b*") if file.is_file()}


def test_a_second_place_gets_all_that_is_needed_and_every_later_push(
    vault: Vault, tmp_path: Path, registry: MemoryRegistry
):
    second = tmp_path / "usb"
    assert len(vault.status().places) == 1
    copied = vault.add_store(str(second))
    needed = {str(cid) for cid in vault.needed()}
    assert (copied.copied, files(second)) == (len(needed), needed)
    assert vault.store_names() == ("blocks", str(second))
    assert len(vault.status().places) == 2
    vault.remember("Kept twice.")
    vault.push()
    assert files(second) >= {str(cid) for cid in vault.needed()}
    with again(tmp_path, registry) as opened:
        assert [one.missing for one in opened.stores()] == [0, 0]
        assert opened.verify(deep=True).ok


def test_a_place_that_is_away_does_not_stop_a_push_is_told_and_catches_up(vault: Vault, tmp_path: Path):
    second = tmp_path / "usb"
    vault.add_store(str(second))
    shutil.move(second, tmp_path / "away")
    second.write_text("in the way")
    vault.remember("While the disk was away.")
    vault.push()
    assert [str(second) in trouble for trouble in vault.troubles()] == [True]
    assert len(vault.status().places) == 1
    second.unlink()
    shutil.move(tmp_path / "away", second)
    assert [one.missing > 0 for one in vault.stores()] == [False, True]
    done = vault.repair_stores()
    assert done.copied > 0
    assert done.missing == ()
    assert [one.missing for one in vault.stores()] == [0, 0]
    assert len(vault.status().places) == 2


def test_what_one_place_lost_or_damaged_comes_back_from_the_other(vault: Vault, tmp_path: Path):
    second = tmp_path / "usb"
    vault.add_store(str(second))
    needed, own = vault.needed(), DirectoryStore(vault.paths.blocks)
    lost, bad = (
        own._file(needed[1]),
        own._file(needed[-1]),
    )  # the access block and a segment, which finding out reads neither
    lost.unlink()
    bad.write_bytes(b"x" * bad.stat().st_size)
    assert not vault.verify(deep=True).ok
    assert vault.repair_stores().copied == 2
    assert vault.verify(deep=True).ok


def test_a_block_that_no_place_has_is_said_and_nothing_is_called_mended(vault: Vault, tmp_path: Path):
    segment = DirectoryStore(vault.paths.blocks)._file(vault.needed()[-1])
    segment.unlink()
    with pytest.raises(StorageError, match="in none of its stores"):
        vault.add_store(str(tmp_path / "usb"))
    assert vault.store_names() == ("blocks",)
    assert len(vault.repair_stores().missing) == 1


def test_the_only_copy_and_the_only_writable_place_are_not_let_go(vault: Vault, tmp_path: Path):
    with pytest.raises(InputError, match="the only store that can be written"):
        vault.remove_store("blocks")
    second = tmp_path / "usb"
    vault.add_store(str(second))
    DirectoryStore(second)._file(vault.needed()[-1]).unlink()
    with pytest.raises(InputError, match="are in blocks only"):
        vault.remove_store("blocks")
    vault.repair_stores()
    vault.remove_store("blocks")
    assert vault.store_names() == (str(second),)
    assert files(vault.paths.blocks)  # what is there stays there
    with pytest.raises(NotFoundError, match="no store of this vault"):
        vault.remove_store("blocks")


def test_what_can_not_be_a_store_changes_nothing(vault: Vault, tmp_path: Path):
    (tmp_path / "file").write_text("x")
    for place, error in (
        ("blocks", InputError),
        (str(tmp_path / "vault.car"), InputError),
        ("s3://bucket", InputError),
        ("http://gateway.example", InputError),
        (str(tmp_path / "file"), StorageError),
        ("http://127.0.0.1:9", StorageError),
    ):
        with pytest.raises(error):
            vault.add_store(place)
    assert settings("default", tmp_path / "home").stores == ("blocks",)


def test_a_gateway_is_read_with_the_token_that_its_file_holds(
    vault: Vault, tmp_path: Path, registry: MemoryRegistry
):
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(vault.paths.blocks, elsewhere)
    token = tmp_path / "token"
    token.write_text("only-for-her\n")
    with served_gateway(DirectoryStore(elsewhere), token="only-for-her") as url:
        with pytest.raises(StorageError, match="token"):
            vault.add_store(url)
        vault.add_store(url, token_file=token)
        shutil.rmtree(vault.paths.blocks)
        with again(tmp_path, registry) as opened:
            assert [one.kind for one in opened.stores()] == ["directory", "gateway"]
            assert opened.verify(deep=True).blocks > 0
            assert opened.repair_stores().missing == ()
            assert files(opened.paths.blocks) == {str(cid) for cid in opened.needed()}
        vault.remove_store(url)
    assert dict(settings("default", tmp_path / "home").tokens) == {}


def test_a_vault_is_restored_from_a_file_and_keeps_its_own_copy(
    vault: Vault, tmp_path: Path, registry: MemoryRegistry
):
    from memsync.store.car import CarStore

    with Vault.create("other", passphrase=PASSPHRASE, home=tmp_path / "home", cost=CHEAP_COST) as fresh:
        words = fresh.words
    with Vault.open("other", passphrase=PASSPHRASE, home=tmp_path / "home", registry=registry) as other:
        other.remember("To be carried.")
        other.push()
        other.export_car(tmp_path / "vault.car")
    where = {"home": tmp_path / "second", "registry": registry, "cost": CHEAP_COST}
    carried = CarStore(tmp_path / "vault.car")
    with Vault.restore(words, passphrase=PASSPHRASE, store=carried, **where) as back:
        back.keep_from(carried)
        assert files(back.paths.blocks) == {str(cid) for cid in back.needed()}
        (tmp_path / "vault.car").unlink()
        back.remember("And pushed on.")
        assert back.push().sequence == 2
    with (
        pytest.raises(BlockMissing),
        Vault.restore(
            words,
            passphrase=PASSPHRASE,
            home=tmp_path / "third",
            registry=registry,
            store=DirectoryStore(tmp_path / "empty"),
        ),
    ):
        pass
