"""What a device keeps is read whole and taken along; a file is closed so that another can take its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from memsync.device import ledgers
from memsync.device.database import Database
from memsync.device.history import Deed, History
from memsync.device.inventory import Inventory
from memsync.device.ledgers import carry_ledgers
from memsync.device.memories import Memories
from memsync.device.meta import Meta
from memsync.device.segments import Held
from memsync.errors import StorageError
from memsync.memory import Memory, Tombstone, new_id

KEY, SCOPE, OTHER = b"k" * 32, b"s" * 16, b"o" * 16


def made(number: int, text: str = "text", *, version: int = 0, replaces: tuple[bytes, ...] = ()) -> Memory:
    return Memory(
        id=identity(number),
        version=identity(100 + version),
        kind="semantic",
        text=text,
        created=number,
        replaces=replaces,
    )


def identity(number: int) -> bytes:
    return new_id(number, lambda length: number.to_bytes(length, "big"))


def test_everything_is_every_version_and_tombstone_of_one_scope() -> None:
    database = Database.in_memory()
    memories, inventory = Memories(database), Inventory(database)
    first = made(1)
    second = made(1, "edited", version=1, replaces=(first.version,))
    grave = Tombstone(id=identity(2), version=identity(102), forgotten=5)
    memories.write(SCOPE, [first, second, made(2), grave])
    memories.write(OTHER, [made(3)])
    assert list(inventory.everything(SCOPE)) == [first, second, grave]
    assert inventory.forgotten(SCOPE) == {grave.id}
    assert inventory.identities(SCOPE) >= {(one.id, one.version) for one in (first, second, grave)}
    assert list(inventory.everything(b"x" * 16)) == []
    database.close()


def test_held_is_what_segments_have() -> None:
    database = Database.in_memory()
    memories, inventory = Memories(database), Inventory(database)
    kept, gone = made(1), made(2)
    memories.attach(SCOPE, Held(b"d" * 32, b"o" * 16, b"e" * 16), [kept, gone])
    memories.write(SCOPE, [made(3), Tombstone(id=gone.id, version=identity(102), forgotten=5)])
    assert dict(inventory.held(SCOPE)) == {(kept.id, kept.version): kept, (gone.id, gone.version): None}
    database.close()


def test_many_pages_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memsync.device.inventory._PAGE", 3)
    database = Database.in_memory()
    memories = [made(number) for number in range(10)]
    Memories(database).write(SCOPE, memories)
    assert list(Inventory(database).everything(SCOPE)) == memories
    database.close()


def test_ledgers_are_carried_again_and_again() -> None:
    old, new = Database.in_memory(), Database.in_memory()
    History(old).append(Deed(1, "push", 1, None, None, "one"))
    for name in ("keys", "catalog:00", "kept", "catalogue"):
        Meta(old).put(name, b"old")
    Meta(new).put("keys", b"new")
    for _ in range(2):
        carry_ledgers(old, new, without={"keys", "catalog:"})
        assert [deed.detail for deed in History(new).latest()] == ["one"]
    assert {name: Meta(new).get(name) for name in Meta(new).names()} == {
        "keys": b"new", "kept": b"old", "catalogue": b"old"
    }  # fmt: skip
    old.close(), new.close()


def test_every_table_is_carried_or_made_anew() -> None:
    """Who adds a table says here which of the two it is; one that is carried names scopes by their ids, never by numbers."""
    database = Database.in_memory()
    assert set(ledgers._ledgers(database)) == {
        "change",
        "client",
        "contact",
        "disclosure",
        "history",
        "imported",
        "muted",
        "pending",
        "proposal",
        "served",
    }
    names = {row[0] for row in database.run("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert names >= ledgers._MADE_ANEW
    database.close()


def test_a_file_is_closed_alone_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "vault.db"
    first = Database.open(path, KEY)
    Meta(first).put("x", b"1")
    second = Database.open(path, KEY)
    assert Meta(second).get("x") == b"1"
    with pytest.raises(StorageError, match="open in another program; end that"):
        first.close_alone()
    Meta(first).put("x", b"2")
    assert Meta(second).get("x") == b"2"
    second.close()
    first.check_alone()
    assert Meta(first).get("x") == b"2"
    first.close_alone()
    assert [one.name for one in tmp_path.iterdir()] == ["vault.db"]
    path.rename(tmp_path / "elsewhere.db")
    moved = Database.open(tmp_path / "elsewhere.db", KEY)
    assert Meta(moved).get("x") == b"2"
    moved.close_alone()
    with pytest.raises(StorageError, match="is closed"):
        moved.run("SELECT 1")
