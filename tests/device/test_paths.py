"""Where a vault's files lie, and which names may become folders."""

import stat
from pathlib import Path

import pytest

from memsync.device.paths import VaultPaths, memsync_home, vault_names
from memsync.errors import InputError, StorageError


def test_memsync_home_is_where_the_environment_says(monkeypatch, tmp_path: Path):
    monkeypatch.setenv("MEMSYNC_HOME", str(tmp_path / "here"))
    assert memsync_home() == tmp_path / "here"
    assert VaultPaths.of("ada").database == tmp_path / "here/vaults/ada/vault.db"


def test_without_it_the_users_data_folder_is_used(monkeypatch, tmp_path: Path):
    monkeypatch.delenv("MEMSYNC_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert memsync_home().is_relative_to(tmp_path)
    assert memsync_home().name == "memsync"


def test_one_folder_a_vault_for_its_user_alone(tmp_path: Path):
    paths = VaultPaths.of("ada", tmp_path)
    assert not paths.folder.exists()
    paths.make()
    assert stat.S_IMODE(paths.folder.stat().st_mode) == 0o700
    files = {paths.keystore, paths.database, paths.lock, paths.blocks}
    assert {file.parent for file in files} == {paths.folder}
    assert len(files) == 4


def test_a_vault_is_a_folder_with_a_keystore(tmp_path: Path):
    assert vault_names(tmp_path) == []
    for name in ("work", "ada", "empty"):
        VaultPaths.of(name, tmp_path).make()
    for name in ("work", "ada"):
        VaultPaths.of(name, tmp_path).keystore.touch()
    assert vault_names(tmp_path) == ["ada", "work"]


@pytest.mark.parametrize("name", ["ada", "a", "0", "my-vault_2.old", "a" * 63])
def test_these_names_are_taken(name: str, tmp_path: Path):
    assert VaultPaths.of(name, tmp_path).folder.parent == tmp_path / "vaults"


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../ada",
        "a/b",
        "a\\b",
        "Ada",
        "ädä",
        "a b",
        "a\n",
        "a\0",
        "-a",
        ".a",
        "a.",
        "a" * 64,
        "nul",
        "con.txt",
    ],
)
def test_names_that_are_no_safe_folder_are_refused(name: str, tmp_path: Path):
    with pytest.raises(InputError, match="can't be a vault's name"):
        VaultPaths.of(name, tmp_path)


def test_a_home_that_is_a_file_is_named(tmp_path: Path):
    (tmp_path / "home").write_text("")
    with pytest.raises(StorageError, match=r"folder .* can't be made"):
        VaultPaths.of("ada", tmp_path / "home").make()
