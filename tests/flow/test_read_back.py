"""A push reads back what it committed: as every reader does, but that records in bytes that it has just sealed are not read again."""

from __future__ import annotations

import dataclasses

import pytest

from memsync.errors import FormatError
from memsync.format import segment
from memsync.format.records import Record
from memsync.format.segment import check_contents
from memsync.format.stream import read_stream
from memsync.memory import Draft
from memsync.sync import pull
from tests.flow.actions import World


def test_a_text_forgotten_between_its_sealing_and_its_landing_is_rewritten_out_by_the_next_push(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = world.vault(pushed=True)
    kept, gone = vault.remember("kept"), vault.remember("gone before it landed")
    at, send = vault._replica, world.registry.send
    scope = at.scopes.id_of("personal")

    def forgetting(call):
        vault._forget(at, [(scope, gone.id)])
        return send(call)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(world.registry, "send", forgetting)
        vault.push()
    [stale] = at.memories.forgotten_in(scope).values()
    assert stale == {(gone.id, gone.version)}
    vault.push()
    assert at.memories.forgotten_in(scope) == {}
    assert world.restored_texts(vault) == {kept.text}


def test_a_push_opens_its_own_segments_as_any_reader_but_reads_none_of_their_records_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault, other = world.two_devices()
    read = []

    def counting(length: int, stream: bytes) -> list[Record]:
        read.append(length)
        return read_stream(length, stream)

    monkeypatch.setattr(segment, "read_stream", counting)
    vault.remember_many(Draft(kind="semantic", text=f"Goose {n} " * 20, created=n) for n in range(500))
    vault.push()
    assert read == []
    other.pull()
    assert len(read) == 1 and other.count() == 500

    def lying(data, contents, **keys):
        check_contents(data, dataclasses.replace(contents, inflated=bytes(32)), **keys)

    monkeypatch.setattr(pull, "check_contents", lying)
    vault.remember_many(Draft(kind="semantic", text=f"Duck {n} " * 20, created=n) for n in range(500))
    with pytest.raises(FormatError, match="something else than was sealed"):
        vault.push()
