"""A scope at a glance: every current version once, told apart from its record without reading that."""

from __future__ import annotations

import os
from dataclasses import replace

from memsync.device.database import Database
from memsync.device.lines import Lines
from memsync.device.memories import Memories
from memsync.memory import Memory, Source, Tombstone, new_id

SCOPE, OTHER = b"a" * 16, b"b" * 16


def made(text: str, **more) -> Memory:
    return Memory(id=new_id(1, os.urandom), version=new_id(1, os.urandom), text=text, created=5, **more)


def test_every_current_version_is_read_once_with_what_it_is():
    database = Database.in_memory()
    memories, lines = Memories(database), Lines(database)
    assert lines.rows(SCOPE) == set() and list(lines.read(SCOPE)) == []
    stated = made("stated", kind="semantic", source=Source(role="user"))
    answer = made("answered", kind="episodic", source=Source(tool="x", role="assistant"), happened=9)
    gone, old = made("gone", kind="semantic"), made("old", kind="procedural")
    new = replace(old, version=new_id(2, os.urandom), text="new", replaces=(old.version,))
    memories.write(SCOPE, [stated, answer, gone, old])
    memories.write(OTHER, [made("elsewhere", kind="semantic")])
    memories.write(SCOPE, [new, Tombstone(id=gone.id, version=new_id(3, os.urandom), forgotten=3)])
    found = list(lines.read(SCOPE))
    assert [(one.text, one.at, one.semantic, one.assistant) for one in found] == [
        ("stated", 5, True, False),
        ("answered", 9, False, True),
        ("new", 5, False, False),
    ]
    assert {one.row for one in found} == lines.rows(SCOPE)
    assert [one.text for one in lines.read(SCOPE, after=found[0].row)] == ["answered", "new"]


def test_more_than_a_page_is_read_whole():
    database = Database.in_memory()
    Memories(database).write(SCOPE, [made(f"text {number}", kind="episodic") for number in range(4500)])
    found = [one.text for one in Lines(database).read(SCOPE)]
    assert found == [f"text {number}" for number in range(4500)]
    assert len(Lines(database).rows(SCOPE)) == 4500
