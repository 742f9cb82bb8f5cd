"""Places as text: what each is, which are written, and several as one store, near before far."""

import os
from pathlib import Path

import pytest

from memsync.errors import BlockMissing, FormatError, InputError, StorageError
from memsync.http.gateway import served_gateway
from memsync.ipld.cid import CID
from memsync.store import (
    CarStore,
    DirectoryStore,
    GatewayStore,
    export_car,
    get_block,
    open_place,
    open_places,
    place_kind,
    writable,
)
from memsync.testing import LyingStore, MemoryStore


def block() -> tuple[CID, bytes]:
    data = os.urandom(4096)
    return CID.of(data), data


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("blocks", "directory"),
        ("/media/usb/blocks", "directory"),
        ("~/blocks", "directory"),
        ("a folder: of mine", "directory"),
        ("vault.car", "car"),
        ("/media/usb/vault.car", "car"),
        ("https://gateway.example", "gateway"),
        ("https://gateway.example/vault.car", "gateway"),
        ("HTTP://127.0.0.1:8080", "gateway"),
    ],
)
def test_a_text_is_one_kind_of_place_and_only_directories_are_written(text: str, kind: str):
    assert place_kind(text) == kind
    assert writable(text) == (kind == "directory")


def test_a_directory_named_like_a_car_is_a_directory(tmp_path: Path):
    (tmp_path / "old.car").mkdir()
    assert place_kind("old.car", base=tmp_path) == "directory"
    assert isinstance(open_place("old.car", base=tmp_path), DirectoryStore)
    assert place_kind("other.car", base=tmp_path) == "car"


@pytest.mark.parametrize("text", ["", "  ", "a\0b", "s3://bucket", "ftp://host/x", "http://gateway.example"])
def test_what_is_no_place_is_refused(text: str, tmp_path: Path):
    with pytest.raises(InputError, match="; "):
        open_place(text, base=tmp_path)
    assert list(tmp_path.iterdir()) == []
    open_place("blocks", base=tmp_path).put_many([block()])
    assert (tmp_path / "blocks").is_dir()


def test_relative_paths_begin_at_the_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    opened = open_place("blocks", base=tmp_path / "vault")
    assert isinstance(opened, DirectoryStore) and opened.path == tmp_path / "vault" / "blocks"
    opened = open_place("blocks")
    assert isinstance(opened, DirectoryStore) and opened.path == tmp_path / "blocks"
    opened = open_place(str(tmp_path / "far"), base=tmp_path / "vault")
    assert isinstance(opened, DirectoryStore) and opened.path == tmp_path / "far"


def test_what_a_link_names_is_a_public_gateway_or_refused(tmp_path: Path):
    for text in ("blocks", str(tmp_path), "vault.car", "http://127.0.0.1:8080", "https://127.0.0.1"):
        open_place(text, base=tmp_path)
        with pytest.raises(FormatError):
            open_place(text, base=tmp_path, untrusted=True)
        with pytest.raises(FormatError):
            open_places([text], base=tmp_path, untrusted=True)
    assert isinstance(open_place("https://gateway.example", untrusted=True), GatewayStore)


def test_a_car_is_read_and_never_written(tmp_path: Path):
    store, one, other = MemoryStore(), block(), block()
    store.put_many([one])
    export_car(store, [one[0]], tmp_path / "vault.car")
    opened, before = open_place("vault.car", base=tmp_path), (tmp_path / "vault.car").read_bytes()
    assert get_block(opened, one[0]) == one[1]
    for refused in (lambda: opened.put_many([other]), lambda: opened.delete([one[0]])):
        with pytest.raises(StorageError, match="read only; put or delete in a directory"):
            refused()
    opened.put_many([one])  # which is there
    opened.delete([other[0]])
    assert (tmp_path / "vault.car").read_bytes() == before
    written = CarStore(tmp_path / "vault.car")
    written.put_many([other])
    assert get_block(opened, other[0]) == other[1]


def test_a_car_that_is_not_there_is_told_and_not_taken_for_an_empty_one(tmp_path: Path):
    opened = open_place("vault.car", base=tmp_path)
    for ask in (
        lambda: get_block(opened, block()[0]),
        lambda: opened.has_many([]),
        lambda: list(opened.iter()),
    ):
        with pytest.raises(StorageError, match="can't be read") as caught:
            ask()
        assert not isinstance(caught.value, BlockMissing)


@pytest.fixture
def three(tmp_path: Path):
    """A directory, a CAR and a gateway as one, given far before near; and what is behind the gateway."""
    far = LyingStore(MemoryStore())
    in_car, everywhere, far_only = block(), block(), block()
    far.put_many([in_car, everywhere, far_only])
    export_car(far.inner, [in_car[0], everywhere[0]], tmp_path / "vault.car")
    DirectoryStore(tmp_path / "blocks").put_many([everywhere])
    with served_gateway(far, token="secret") as url:
        opened = open_places([url, "vault.car", "blocks"], base=tmp_path, tokens={url: "secret"})
        yield opened, far, (everywhere, in_car, far_only)


def test_near_places_are_read_before_far_ones(three):
    opened, far, (everywhere, in_car, far_only) = three
    assert [type(store) for store in (*opened.stores, *opened.sources)] == [
        DirectoryStore,
        CarStore,
        GatewayStore,
    ]
    assert get_block(opened, everywhere[0]) == everywhere[1]
    assert get_block(opened, in_car[0]) == in_car[1]
    assert far.gets == 0
    assert get_block(opened, far_only[0]) == far_only[1]
    assert far.gets == 1


def test_what_was_read_from_afar_is_near_from_then_on_and_no_source_is_written(three, tmp_path: Path):
    opened, far, blocks = three
    before, puts = (tmp_path / "vault.car").read_bytes(), far.puts
    assert list(opened.get_many(cid for cid, _ in blocks)) == list(blocks)
    assert sorted(DirectoryStore(tmp_path / "blocks").iter()) == sorted(cid for cid, _ in blocks)
    assert (tmp_path / "vault.car").read_bytes() == before and far.puts == puts
    assert {trouble.place for trouble in opened.troubles} == {f"directory {tmp_path / 'blocks'}"}


def test_writes_go_to_directories_only_and_only_they_count_as_held(three, tmp_path: Path):
    opened, far, (everywhere, in_car, far_only) = three
    new = block()
    opened.put_many([new])
    assert get_block(DirectoryStore(tmp_path / "blocks"), new[0]) == new[1]
    assert new[0] not in far.inner.blocks
    asked = [everywhere[0], in_car[0], far_only[0], new[0]]
    assert opened.has_many(asked) == {everywhere[0], new[0]}
    assert [len(places) for places in opened.survey(asked).holders.values()] == [3, 2, 1, 1]
    opened.delete([everywhere[0]])
    assert sorted(opened.iter()) == [new[0]]
    assert get_block(opened, everywhere[0]) == everywhere[1]


def test_places_that_are_only_read_say_so(three, tmp_path: Path):
    _, _, (everywhere, *_) = three
    opened = open_places(["vault.car"], base=tmp_path)
    assert get_block(opened, everywhere[0]) == everywhere[1]
    assert opened.has_many([everywhere[0]]) == {everywhere[0]} and everywhere[0] in set(opened.iter())
    for refused in (lambda: opened.put_many([block()]), lambda: opened.delete([everywhere[0]])):
        with pytest.raises(StorageError, match="read only; give this vault a directory too"):
            refused()
    opened.put_many([])
    opened.delete([])


def test_a_gateway_that_lies_is_told_and_passed_over(three):
    opened, far, (_, _, far_only) = three
    far.alter(far_only[0])
    with pytest.raises(StorageError, match="status 500"):
        get_block(opened, far_only[0])
    far.behave()
    assert get_block(opened, far_only[0]) == far_only[1]


def test_a_token_goes_to_its_own_gateway_only():
    store, (cid, data) = MemoryStore(), block()
    store.put_many([(cid, data)])
    with served_gateway(store, token="secret") as one, served_gateway(store, token="secret") as other:
        with pytest.raises(StorageError, match="wants a token"):
            get_block(open_places([other], tokens={one: "secret"}), cid)
        assert get_block(open_places([other], tokens={other: "secret"}), cid) == data


def test_a_damaged_or_lost_car_is_left_out_and_told(three, tmp_path: Path):
    opened, _, (_, in_car, far_only) = three
    whole = (tmp_path / "vault.car").read_bytes()
    (tmp_path / "vault.car").write_bytes(whole[:-1])
    assert get_block(opened, in_car[0]) == in_car[1]  # from the gateway
    assert any("car: length" in trouble.what for trouble in opened.troubles)
    with pytest.raises(StorageError, match="no store that answers; car: length"):
        get_block(open_places(["vault.car"], base=tmp_path), in_car[0])
    assert [trouble.place for trouble in opened.survey([]).unreachable] == [
        f"CAR file {tmp_path / 'vault.car'}"
    ]
    (tmp_path / "vault.car").unlink()
    opened.clear_troubles()
    assert get_block(opened, far_only[0]) == far_only[1]
    assert any("can't be read" in trouble.what for trouble in opened.troubles)


def test_no_place_at_all_is_refused():
    with pytest.raises(InputError, match="no place"):
        open_places([])
