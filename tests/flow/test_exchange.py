"""Moving in and out: what one vault writes in plain text another takes in whole, once, all of it or nothing."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memsync.device.keystore_file import CHEAP_COST
from memsync.errors import InputError, NotFoundError, StorageError
from memsync.intake import ImportOptions, Reason
from memsync.ipld.cid import CID
from memsync.memory import KINDS, KNOWN_KEYS, SECRET_TAG, SOURCE_KEYS, Draft, Source
from memsync.vault import Vault
from tests.flow.actions import World
from tests.intake.samples import MCP, MEM0, claude_talk, said, write_claude, write_samples

FORMATS = ["jsonl", "markdown"]
NOW = 1_760_000_000.0


@pytest.fixture
def open_vault(tmp_path: Path):
    """Makes vaults, each on a device of its own."""
    made: list[Vault] = []

    def make() -> Vault:
        home = tmp_path / f"home {len(made)}"
        vault = Vault.create(passphrase="p", home=home, cost=CHEAP_COST, clock=lambda: NOW + len(made))
        made.append(vault)
        return vault

    yield make
    for vault in made:
        vault.close()


def written(vault: Vault, folder: Path, how: str, **which: object) -> Path:
    path = folder / f"out {len(list(folder.iterdir()))} {how}"
    vault.export_file(path, how, **which)
    return path


def contents(vault: Vault):
    """What the vault holds but for ids."""
    return sorted(
        (replace(memory.draft(), supersedes=(), unknown={}) for memory in vault.memories()),
        key=repr,
    ), sorted(repr(sorted(memory.unknown.items())) for memory in vault.memories())


TEXTS = st.text(min_size=1, max_size=60) | st.sampled_from(
    [
        "---\nid: x\n---\n",
        "\n\n",
        "\ufeffmark",
        "a\r\nb\r",
        "# head\n- [tip] do #it\n",
        "\x00\x85\u2028",
        "  spaces  ",
        "```\n",
    ]
)
TIMES = st.integers(-(2**53) + 1, 2**53 - 1) | st.integers(0, 2_000_000_000_000)
SOURCES = st.dictionaries(st.sampled_from(SOURCE_KEYS), TEXTS, min_size=1).map(lambda found: Source(**found))
UNKNOWN = st.dictionaries(
    (st.text(max_size=8) | st.sampled_from(["/", "digest", "memsync", "when"])).filter(
        lambda name: name not in KNOWN_KEYS
    ),
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**64 - 1)
        | st.binary(max_size=20)
        | st.text(max_size=8)
        | st.binary(max_size=4).map(CID.of),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.text(max_size=3) | st.just("/"), inner, max_size=3)
        ),
        max_leaves=6,
    ),
    max_size=3,
)
DRAFTS = st.builds(
    Draft,
    kind=st.sampled_from(KINDS),
    text=TEXTS,
    created=TIMES,
    tags=st.sets(TEXTS, max_size=3).map(lambda found: tuple(sorted(found))),
    source=st.none() | SOURCES,
    happened=st.none() | TIMES,
    valid_from=st.none() | TIMES,
    valid_until=st.none() | TIMES,
    unknown=UNKNOWN,
)


@pytest.mark.parametrize("how", FORMATS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(drafts=st.lists(DRAFTS, min_size=1, max_size=8))
def test_what_one_vault_writes_another_takes_in_whole(tmp_path_factory, how, drafts):
    folder = tmp_path_factory.mktemp("exchange")
    one, other = (
        Vault.create(name, passphrase="p", home=folder / "home", cost=CHEAP_COST) for name in ("one", "other")
    )
    with one, other:
        one.remember_many(drafts)
        path = written(one, folder, how)
        report = other.import_file(path, how)
        assert report.memories == len(drafts)
        assert contents(other) == contents(one)
        assert {memory.id for memory in one.memories()}.isdisjoint(memory.id for memory in other.memories())
        assert other.import_file(path).memories == 0
        assert other.count() == len(drafts)


@pytest.mark.parametrize("how", FORMATS)
def test_a_vault_that_takes_in_its_own_export_adds_nothing(open_vault, tmp_path, how):
    vault = open_vault()
    kept = vault.remember("The tide turns at noon.")
    gone = vault.remember("An old address.")
    vault.add_scope("work")
    path = written(vault, tmp_path, how)
    vault.forget(gone)
    vault.edit(kept, "The tide turns at one.")
    vault.move([vault.remember("A meeting.")], to="work")
    report = vault.import_file(path, how, ImportOptions(scope="work"))
    assert (report.memories, report.known) == (0, 2)
    assert vault.count() == 2


@pytest.mark.parametrize("how", FORMATS)
def test_a_later_export_brings_an_edit_as_an_edit_and_leaves_what_was_forgotten(open_vault, tmp_path, how):
    one, other = open_vault(), open_vault()
    memory, doomed = one.remember("Draft due in June."), one.remember("A secret wish.")
    other.import_file(written(one, tmp_path, how), how)
    other.forget(next(found for found in other.memories() if found.text == doomed.text))
    one.edit(memory, "Draft due in July.")
    one.edit(doomed, "A secret wish, kept.")
    one.remember("A third.")
    report = other.import_file(written(one, tmp_path, how), how)
    assert (report.memories, report.known) == (2, 1)
    assert sorted(found.text for found in other.memories()) == ["A third.", "Draft due in July."]
    assert other.conflicts() == []


@pytest.mark.parametrize("how", FORMATS)
def test_what_supersedes_what_stays_so_under_the_new_ids(open_vault, tmp_path, how):
    one, other = open_vault(), open_vault()
    old = one.remember("Lives in Porto.")
    with one._working("test") as at:
        new = replace(
            one._made([Draft(kind="semantic", text="Lives in Lisbon.", created=1)])[0], supersedes=(old.id,)
        )
        one._write(at, at.scopes.id_of("personal"), [new])
    other.import_file(written(one, tmp_path, how), how)
    found = {memory.text: memory for memory in other.memories()}
    assert found["Lives in Lisbon."].supersedes == (found["Lives in Porto."].id,)


@pytest.mark.parametrize("how", FORMATS)
def test_both_versions_of_a_conflict_are_written_and_read(open_vault, tmp_path, how):
    one, other = open_vault(), open_vault()
    memory = one.remember("Drinks.\nTea.")
    first = one.edit(memory, "Drinks.\nCoffee.")
    with one._working("test") as at:
        at.memories.write(
            at.scopes.id_of("personal"),
            [replace(first, version=one._made([first.draft()])[0].version, text="Drinks.\nCocoa.")],
        )
    assert len(one.conflicts()) == 1
    other.import_file(written(one, tmp_path, how), how)
    [(_, versions)] = other.conflicts()
    assert {version.text for version in versions} == {"Drinks.\nCoffee.", "Drinks.\nCocoa."}


@pytest.mark.parametrize("how", FORMATS)
def test_scope_tag_and_time_choose_what_is_written(open_vault, tmp_path, how):
    vault = open_vault()
    vault.add_scope("work")
    vault.remember("Old.", happened=1000, tags=("Blue",))
    vault.remember("New.", happened=5000, tags=("blue",))
    vault.remember("Other.", happened=5000, scope="work")

    def taken(**which: object) -> list[str]:
        other = open_vault()
        other.import_file(written(vault, tmp_path, how, **which), how)
        return sorted(memory.text for memory in other.memories())

    assert taken(scope="work") == ["Other."]
    assert taken(tag="BLUE") == ["New.", "Old."]
    assert taken(since=5000) == ["New.", "Other."]
    assert taken(until=5000) == ["Old."]
    with pytest.raises(NotFoundError):
        taken(scope="nowhere")
    assert not any("work" in str(path) for path in written(vault, tmp_path, how, tag="blue").rglob("*"))


def test_what_is_written_is_this_users_alone_and_its_secrets_are_counted(open_vault, tmp_path):
    vault = open_vault()
    vault.remember("The card is 4111 1111 1111 1111.")
    vault.remember("The tide turns at noon.")
    found = vault.export_file(tmp_path / "all.jsonl")
    assert (found.memories, found.secrets, found.bytes) == (2, 1, (tmp_path / "all.jsonl").stat().st_size)
    assert "plain text" in found.warning
    assert "1 tagged as secret" in found.warning
    assert SECRET_TAG in (tmp_path / "all.jsonl").read_text()
    assert stat.S_IMODE((tmp_path / "all.jsonl").stat().st_mode) == 0o600
    vault.export_file(tmp_path / "pages", "markdown")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "pages").rglob("*.md")}
    assert modes == {0o600}
    folders = [tmp_path / "pages", *(path for path in (tmp_path / "pages").rglob("*") if path.is_dir())]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}


def test_pages_have_stable_safe_and_unique_names(open_vault, tmp_path):
    vault = open_vault()
    for scope in ("../up", "A/b", "a b", "…", "Con"):
        vault.add_scope(scope)
        for _ in range(2):
            vault.remember("../../etc/passwd: same \x00 text\nand more", scope=scope)
    first, again = (written(vault, tmp_path, "markdown") for _ in range(2))
    names = sorted(path.relative_to(first).as_posix() for path in first.rglob("*.md"))
    assert len(names) == len({name.casefold() for name in names}) == 10
    assert names == sorted(path.relative_to(again).as_posix() for path in again.rglob("*.md"))
    for name in names:
        assert all(part.replace(".md", "").replace("-", "").isalnum() for part in name.split("/")), name
    assert {one.name for one in tmp_path.iterdir()} >= {first.name, again.name}


def test_an_export_that_fails_leaves_nothing(open_vault, tmp_path, monkeypatch):
    vault = open_vault()
    vault.remember("The tide turns at noon.")
    full = tmp_path / "full"
    full.mkdir()
    (full / "kept.txt").write_text("mine")
    with pytest.raises(InputError, match="not an empty folder; give one"):
        vault.export_file(full, "markdown")
    with pytest.raises(InputError, match="no format to write; say one of jsonl, markdown"):
        vault.export_file(tmp_path / "x", "docx")
    with pytest.raises(StorageError, match="can't be written"):
        vault.export_file(tmp_path / "nowhere" / "x.jsonl")
    (tmp_path / "old.jsonl").write_text("before")

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    for broken in (os.sync, os.fsync):
        monkeypatch.setattr(os, broken.__name__, full_disk)
    for how in FORMATS:
        with pytest.raises(StorageError, match="no space left on device; make room"):
            vault.export_file(tmp_path / ("old.jsonl" if how == "jsonl" else "pages"), how)
    assert (tmp_path / "old.jsonl").read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full", "home 0", "old.jsonl"]
    assert [path.name for path in full.iterdir()] == ["kept.txt"]


def test_a_page_that_somebody_changed_is_a_note_of_its_own(open_vault, tmp_path):
    vault = open_vault()
    vault.remember("The tide turns at noon.", tags=("sea",))
    pages = written(vault, tmp_path, "markdown")
    [page] = pages.rglob("*.md")
    page.write_text(page.read_text().replace("at noon", "at one"))
    assert vault.import_file(pages).memories == 1
    assert {(memory.text, memory.tags) for memory in vault.memories()} == {
        ("The tide turns at noon.", ("sea",)),
        ("The tide turns at one.", ("sea",)),
    }


def test_every_format_is_taken_in_once_and_as_what_it_is(open_vault, tmp_path):
    for name, path in write_samples(tmp_path).items():
        vault = open_vault()
        looked = vault.import_file(path, name, ImportOptions(dry_run=True))
        assert vault.count() == 0
        report = vault.import_file(path, name)
        assert vault.count() == report.memories > 0
        assert replace(looked, dry_run=False) == report
        assert report.complete
        assert report.entries == report.taken + report.instructions + sum(report.left_out.values())
        again = vault.import_file(path)
        assert (again.memories, again.known, again.format) == (0, report.memories, report.format)
        assert all("\n" not in line for line in report.lines())


def test_a_second_export_adds_only_what_is_new(open_vault, tmp_path):
    vault = open_vault()
    first = write_claude(tmp_path / "one.zip", claude_talk(said("m1", "human", "Hello.")))
    later = write_claude(
        tmp_path / "two.zip", claude_talk(said("m1", "human", "Hello."), said("m2", "assistant", "Good day."))
    )
    assert vault.import_file(first).memories == 1
    report = vault.import_file(later)
    assert (report.memories, report.known) == (1, 1)


def test_what_stands_twice_in_one_file_is_taken_once(open_vault, tmp_path):
    vault = open_vault()
    (tmp_path / "m.json").write_text(json.dumps([*MEM0, *MEM0]))
    for dry in (True, False):
        report = vault.import_file(tmp_path / "m.json", "mem0", ImportOptions(dry_run=dry))
        assert (report.memories, report.known) == (2, 2)
    assert vault.count() == 2


@pytest.mark.parametrize(
    ("name", "text", "match"),
    [
        (
            "csv",
            "text,date\n" + "fine,2025-01-01\n" * 1500 + "bad,soon\n",
            "line 1502 of .*'soon' is no date",
        ),
        ("jsonl", '{"text": "fine"}\n' * 1500 + '{"text": ', "line 1501 of .* is not JSON"),
        ("mem0", json.dumps([{"memory": f"{n}"} for n in range(1500)])[:-1], "stops in the middle"),
        ("mcp-memory", MCP * 3 + "\xff", "is not UTF-8; save the file as UTF-8"),
    ],
)
def test_a_file_that_is_wrong_at_its_end_leaves_nothing(open_vault, tmp_path, name, text, match):
    vault = open_vault()
    (tmp_path / "file.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=match):
        vault.import_file(tmp_path / "file.json", name)
    assert vault.count() == 0
    (tmp_path / "file.json").write_text('{"text": "fine"}\n')
    assert vault.import_file(tmp_path / "file.json").memories == 1


def test_since_leaves_out_what_is_older_and_what_has_no_date(open_vault, tmp_path):
    vault = open_vault()
    samples = write_samples(tmp_path)
    since = ImportOptions(since=1_740_900_000_000)  # 2 March 2025, 7:20
    assert vault.import_file(samples["mem0"], options=since).left_out == {Reason.EARLIER: 1}
    assert vault.import_file(samples["mcp-memory"], options=since).left_out == {
        Reason.UNTIMED: 3,
        Reason.BARE: 1,
    }
    assert vault.count() == 1


def test_two_devices_that_read_one_file_make_one_memory_of_each(world: World, open_vault, tmp_path):
    other = open_vault()
    other.remember("Lives in Lisbon.")
    path = written(other, tmp_path, "jsonl")
    laptop, desk = world.two_devices()
    for device in (laptop, desk):
        assert device.import_file(path).memories == 1
    before = laptop.count()
    laptop.push()
    desk.pull()
    desk.push()
    laptop.pull()
    assert (laptop.count(), desk.count(), desk.conflicts()) == (before, before, [])
    assert {memory.id for memory in laptop.memories()} == {memory.id for memory in desk.memories()}
