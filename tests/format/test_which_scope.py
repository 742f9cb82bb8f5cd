"""Who lacks a scope's content key sees *that* something changed and how much, and not which scope: two futures that differ in that only.

The outsider has the pointer key (a reader of another scope, or a former one), every block, and sees which are new. It is told from the same
beginning that one scope changes, or another; what it sees must be the same but for random bytes. How much is written does show.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from memsync.crypto.epochs import ContentKey, new_epoch
from memsync.format.entry import Entry, ScopeEntry, seal_entries
from memsync.format.rights import READ
from memsync.ipld.dagcbor import decode
from tests.format.disclosure import Form
from tests.format.leaks import tags_without_the_roots_salt
from tests.format.real_life import Biography, live
from tests.format.story import Story
from tests.format.watched import Life, told

SCOPES = ("work", "health", "travel")


@dataclass(frozen=True)
class Seen:
    """What an outsider sees of one push: sizes of new blocks; the root's fields that are as before, and the lengths of all; how many
    entries and slots there are, and how many of them stood in any root before."""

    new: tuple[int, ...]
    same: frozenset[str]
    lengths: tuple[tuple[str, int], ...]
    entries: int
    kept_tags: int
    kept_entries: int
    slots: int


def outsider(life: Life) -> list[Seen]:
    """What who has the pointer keys sees of each push, in order."""
    thief = life.with_secrets(life.pointers, told=False)
    assert {one.place.kind for one in thief.opened.values()} == {"root", "access"}
    opened = {one.sealed.digest: decode(one.plaintext) for one in thief.opened.values()}
    roots = sorted((one for one in opened.values() if "sequence" in one), key=lambda root: root["sequence"])
    seen, before = [], {}
    tags: set[bytes] = set()
    sealed: set[bytes] = set()
    for root in roots:
        new = [digest for digest, push in life.published.items() if push == root["sequence"]]
        now_tags, now_sealed = ({entry[part] for entry in root["entries"]} for part in (0, 1))
        seen.append(
            Seen(
                tuple(
                    sorted(len(life.public.blocks[digest]) for digest in new if digest in life.public.blocks)
                ),
                frozenset(name for name in root if before.get(name) == root[name]),
                tuple((name, len(value)) for name, value in root.items() if isinstance(value, bytes)),
                len(root["entries"]),
                len(now_tags & tags),
                len(now_sealed & sealed),
                len(opened[root["access"][1]][1]),
            )
        )
        before, tags, sealed = root, tags | now_tags, sealed | now_sealed
    return seen


def changed(life: Life) -> list[set[bytes]]:
    """For each push after the first, the scopes whose entry says something new: what the owner sees."""
    entries = [one for one in life.truth.opened.values() if one.sealed.form is Form.ENTRY]
    by_root: dict[bytes, dict[bytes, bytes]] = {}
    for one in entries:
        by_root.setdefault(one.place.object, {})[one.place.scope] = one.plaintext
    states = [by_root[root] for root in sorted(by_root)]
    return [
        {scope for scope in after if before.get(scope) != after[scope]} for before, after in pairwise(states)
    ]


def told_life(order: list[str], *, length: int = 16) -> Life:
    """Three scopes alike and a reader of a fourth; then a push that changes each scope of ``order``."""

    def tell() -> Story:
        story = Story("which")
        story.add_device("laptop")
        for scope in ("home", *SCOPES):
            story.add_scope(scope)
            story.remember(scope, "From the beginning.")
        story.grant("Reader", "home", READ)
        story.push()
        for number, scope in enumerate(order):
            story.remember(scope, random.Random(number).randbytes(length).hex())
            story.push()
        return story

    return told(tell)


def lived_life(order: list[str], folder: Path, *, revoked: str = "") -> Life:
    """The same by the real code, where one scope has been edited and forgotten in, too."""

    def story(world: Biography) -> None:
        vault = world.mine
        first = {}
        for scope in SCOPES:
            vault.add_scope(scope)
            first[scope] = [vault.remember(f"Number {number}.", scope=scope) for number in range(3)]
        vault.push()
        world.share("Reader", "personal")
        for scope in SCOPES:
            world.share(f"Reader of {scope}", scope)
        for number, scope in enumerate(order):
            vault.remember(f"Later, number {number}.", scope=scope)
            vault.push()
        scope = order[0]
        vault.edit(first[scope][0], "Edited.")
        vault.push()
        vault.forget(first[scope][1])
        vault.push()
        vault.revoke(f"Reader of {scope}")
        world.share("From now on", scope, from_now=True)

    return live(folder, story)


def test_an_outsider_sees_the_same_whichever_scope_changes():
    one, two = (
        told_life(["work", "health", "work", "travel"]),
        told_life(["travel", "work", "travel", "health"]),
    )
    assert outsider(one) == outsider(two)
    assert changed(one) != changed(two), "control: the owner sees which"
    assert outsider(told_life(["work", "health", "work", "travel"], length=5000)) != outsider(one), (
        "control: how much was written shows"
    )


def test_an_outsider_of_a_real_vault_sees_the_same_whichever_scope_changes(tmp_path):
    one = lived_life(["work", "health", "work", "travel"], tmp_path / "one")
    two = lived_life(["travel", "work", "travel", "health"], tmp_path / "two")
    assert outsider(one) == outsider(two)
    three = lived_life(["work", "health", "work"], tmp_path / "three")
    assert outsider(three) != outsider(one), "control: one push less shows"


def test_every_entry_is_fresh_in_every_root_whether_its_scope_changed_or_not():
    life = told_life([*SCOPES] * 4)
    assert all(len(one) == 1 for one in changed(life)), "control: one scope changes with each push"
    seen = outsider(life)
    assert {(one.kept_tags, one.kept_entries) for one in seen} == {(0, 0)}
    assert {one.entries for one in seen} == {4}


def test_tags_that_hang_on_no_salt_would_show(monkeypatch):
    tags_without_the_roots_salt(monkeypatch)
    assert outsider(told_life(["work"]))[-1].kept_tags == 4


def ranks_over(roots: int, *, fresh: bool = True) -> dict[int, Counter[int]]:
    """How often each of three scopes' entries stood at each of four positions; ``fresh``: each root has a salt of its own."""
    chance = random.Random(7).randbytes
    keys = [new_epoch(0, chance).content for _ in range(3)]
    scopes = [ScopeEntry(chance(16), key, Entry(0, None, None, 0)) for key in keys]
    found: dict[int, Counter[int]] = {0: Counter(), 1: Counter(), 2: Counter()}
    salt = chance(32)
    for sequence in range(1, roots + 1):
        salt = chance(32) if fresh else salt
        sealed = seal_entries(scopes, vault=bytes(32), sequence=sequence, root_salt=salt, random=chance)
        tags = [entry.tag for entry in sealed]
        for number, key in enumerate(keys):
            found[number][tags.index(ContentKey(0, key.secret).tag(salt))] += 1
    return found


def strays(counted: Counter[int]) -> float:
    """Chi-square of four positions against equally often; above 21 once in 10,000 times."""
    expected = counted.total() / 4
    return sum((counted[position] - expected) ** 2 / expected for position in range(4))


@pytest.mark.parametrize("fresh", [True, False])
def test_where_an_entry_stands_says_nothing_of_its_scope(fresh):
    ranks = ranks_over(400, fresh=fresh)
    assert all((strays(counted) < 21) == fresh for counted in ranks.values())
