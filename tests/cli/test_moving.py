"""Moving in and out at a terminal: one command each way, its report, its warning, its refusals."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from memsync.errors import InputError
from tests.intake.samples import write_samples
from tests.people import Person, short_folder


@pytest.fixture
def owner() -> Iterator[Person]:
    with short_folder() as folder:
        person = Person(Path(folder))
        person.make_vault()
        yield person
        person.leaves()


def test_a_folder_of_notes_comes_in_and_goes_out_again(owner: Person, tmp_path: Path):
    notes = write_samples(tmp_path)["markdown"]
    told = owner.says("import", "auto", str(notes), "--dry-run").splitlines()
    assert told[0] == "2 notes read, 0 of them empty; 2025-03-01 to 2025-03-02"
    assert "4 new memories, 0 already here (dry run: nothing is stored)" in told
    assert "left out: 1 no Markdown" in told
    assert str(notes) in told[-1]
    assert owner.gets("list")["count"] == 0
    owner.says("import", "markdown", str(notes), "--title", "coffee")
    assert owner.gets("list")["count"] == 3

    out = owner.run("export", "jsonl", str(tmp_path / "out.jsonl"), "--tag", "technique")
    assert (out.exit_code, out.stdout.split(":")[1].split(",")[0]) == (0, " 1 memory")
    assert out.stderr == (
        f"memsync: {tmp_path / 'out.jsonl'} is plain text: whoever reads this disk reads it; delete it when it has served\n"
    )
    owner.says("remember", "My card is 4111 1111 1111 1111.")
    told = owner.run("export", "markdown", str(tmp_path / "pages"))
    assert "4 memories, 1 of them tagged as secret" in told.stdout
    assert "is plain text, 1 tagged as secret: whoever" in told.stderr
    assert "not an empty folder" in owner.fails(2, "export", "markdown", str(tmp_path / "pages"))
    assert owner.gets("import", "auto", str(tmp_path / "pages"))["report"]["known"] == 4


def test_the_wrong_format_is_named_in_one_line(owner: Person, tmp_path: Path):
    files = write_samples(tmp_path)
    told = owner.fails(2, "import", "chatgpt", str(files["claude"]))
    assert "claude.zip looks like Claude's export, not ChatGPT's export; import it as claude" in told
    assert "no such option" in owner.fails(2, "import", "csv", str(files["csv"]), "--only", "user").lower()
    assert "knows no --only" in owner.fails(2, "import", "auto", str(files["csv"]), "--only", "user")
    assert owner.gets("list")["count"] == 0


def test_a_keeper_takes_whole_paths_and_no_choice_that_means_nothing(owner: Person, tmp_path: Path):
    owner.unlock()
    for verb, given in (
        ("import", {"format": "csv", "file": "m.csv"}),
        ("export", {"format": "jsonl", "file": "m.jsonl"}),
        ("export", {"format": "jsonl", "file": str(tmp_path / "m"), "grant": "Inkwell"}),
        ("export", {"format": "car", "file": str(tmp_path / "m"), "tag": "x"}),
        ("export", {"format": "docx", "file": str(tmp_path / "m")}),
    ):
        with pytest.raises(InputError):
            owner.asks(verb, **given)
    assert not (tmp_path / "m").exists()
