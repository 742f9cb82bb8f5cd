"""The file of settings: read strictly, changed in place, and what comes before it."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from memsync.device.config import KEYS, change_config, config_file, read_config, seconds, settings, split_key
from memsync.errors import InputError, StorageError


def written(home: Path, text: str) -> Path:
    home.mkdir(exist_ok=True)
    config_file(home).write_text(text)
    return home


def test_without_a_file_everything_is_as_it_is_built_in(tmp_path: Path):
    found = settings(None, tmp_path)
    assert (found.vault, found.scope, found.idle, found.network, found.payer) == (
        "default",
        "personal",
        28800,
        None,
        None,
    )
    assert (found.stores, dict(found.tokens)) == (("blocks",), {})
    assert list(tmp_path.iterdir()) == []


def test_a_vaults_own_settings_come_before_those_of_all(tmp_path: Path):
    home = written(
        tmp_path,
        """
vault = "work"
idle = "30m"
[chain]
network = "node"
payer = "TEST::0"
[vaults.work]
network = "https://rpc.example"
stores = ["blocks", "/media/usb"]
[vaults.work.tokens]
"https://gateway.example" = "/home/ada/token"
""",
    )
    work, other = settings(None, home), settings("other", home)
    assert (work.vault, work.network, work.payer, work.idle) == ("work", "https://rpc.example", None, 1800)
    assert work.stores == ("blocks", "/media/usb")
    assert work.tokens == {"https://gateway.example": "/home/ada/token"}
    assert (other.network, other.payer, other.stores) == ("node", "TEST::0", ("blocks",))


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("vualt = 'x'", "did you mean 'vault'?"),
        ("[chian]\nnetwork = 'x'", "did you mean 'chain.network'?"),
        ("[chain]\nnetwrok = 'x'", "did you mean 'chain.network'?"),
        ("[vaults.work]\nstore = ['x']", "did you mean 'vaults.work.stores'?"),
        ("zzzzzzzzzzzzzzzzzzzz = 1", "known are vault, scope"),
        ("vault = 1", "vault is a text"),
        ("idle = '8 hours'", "no span of time"),
        ("[vaults.work]\nstores = 'x'", "a list of texts"),
        ("[vaults.work]\nstores = []", "at least one"),
        ("[vaults.'../up']\nnetwork = 'x'", "can't be a vault's name"),
        ("vault = ", "is not TOML"),
        ("vault = 'x'\nvault = 'y'", "is not TOML"),
    ],
)
def test_a_mistake_is_named_with_what_was_meant(tmp_path: Path, text: str, part: str):
    home = written(tmp_path, text)
    with pytest.raises(InputError, match=part.replace("?", r"\?")) as told:
        settings(None, home)
    assert "\n" not in str(told.value)
    with pytest.raises(InputError):
        change_config({"scope": "work"}, home)
    assert config_file(home).read_text() == text


def test_a_change_keeps_comments_order_and_all_else(tmp_path: Path):
    home = written(tmp_path, '# mine\nscope = "work" # always\n\n[chain]\n# cheap\nnetwork = "node"\n')
    change_config(
        {"vaults.my.vault.stores": ["blocks", "/x"], "vaults.my.vault.tokens.https://g.example": "/t"}, home
    )
    text = config_file(home).read_text()
    assert text.startswith('# mine\nscope = "work" # always\n\n[chain]\n# cheap\nnetwork = "node"\n')
    assert settings("my.vault", home).stores == ("blocks", "/x")
    assert settings("my.vault", home).tokens == {"https://g.example": "/t"}
    change_config(
        {"vaults.my.vault.stores": None, "vaults.my.vault.tokens.https://g.example": None, "scope": None},
        home,
    )
    assert read_config(home) == {"chain": {"network": "node"}}
    assert stat.S_IMODE(config_file(home).stat().st_mode) == 0o600


def test_changes_are_made_all_or_none(tmp_path: Path):
    home = written(tmp_path, 'scope = "work"\n')
    with pytest.raises(InputError):
        change_config({"scope": "other", "nonsense": "x"}, home)
    with pytest.raises(InputError):
        change_config({"scope": "other", "idle": "x"}, home)
    assert settings(None, home).scope == "work"


@pytest.mark.skipif(os.getuid() == 0, reason="root may write anywhere")
def test_a_folder_that_can_not_be_written_is_named(tmp_path: Path):
    tmp_path.chmod(0o500)
    with pytest.raises(StorageError, match="can't be written"):
        change_config({"scope": "x"}, tmp_path)


def test_every_key_is_found_by_its_dotted_name():
    examples = {key: key.replace("*", "a.b") for key in KEYS}
    for key, dotted in examples.items():
        assert len(split_key(dotted)) == len(key.split("."))
    assert split_key("vaults.a.b.tokens.https://g.example/x") == (
        "vaults",
        "a.b",
        "tokens",
        "https://g.example/x",
    )
    with pytest.raises(InputError):
        split_key("vaults.work")


def test_spans_are_seconds():
    assert [seconds(span) for span in ("1s", "30m", "8h", "2d")] == [1, 1800, 28800, 172800]
    for wrong in ("", "8", "h", "0h", "-1h", "1.5h", "8 h", "1w"):
        with pytest.raises(InputError):
            seconds(wrong)


WILD = [
    "[idle]\n",
    "[vault]\n",
    "[chain.network]\n",
    "x=" + "[" * 5000,
    "x=" + "1" * 5000,
    "a" + ".a" * 3000 + "=1",
    "idle = " + "{a=" * 3000,
    "# \n" * 400_000,
]


@pytest.mark.parametrize("content", WILD, ids=range(len(WILD)))
def test_whatever_stands_in_the_file_is_read_or_refused_in_one_line(tmp_path: Path, content: str):
    (tmp_path / "config.toml").write_text(content)
    with pytest.raises(InputError):
        settings(None, tmp_path)
    (tmp_path / "config.toml").write_text("[chain]\n[vaults.default.tokens]\n")
    assert settings(None, tmp_path).network is None


def test_a_file_that_never_ends_is_not_read(tmp_path: Path):
    (tmp_path / "config.toml").symlink_to("/dev/zero")
    with pytest.raises(InputError, match="is no file"):
        settings(None, tmp_path)


@pytest.mark.parametrize(
    "written",
    [
        "vaults.default.stores = ['a']\n",
        "vaults.default.network = 'x'\nvaults.default.payer = 'y'\nchain.network = 'q'\n",
        "vaults = {default = {stores = ['x']}}\n",
        "vaults.other.network = 'x'\n[chain]\n",
    ],
)
def test_a_change_changes_what_is_meant_however_the_rest_is_written(tmp_path: Path, written: str):
    file = tmp_path / "config.toml"
    file.write_text(written)
    wanted = read_config(tmp_path)
    change_config({"scope": "work", "vaults.other.tokens.https://a.b/c": "/token"}, tmp_path)
    wanted["scope"] = "work"
    wanted.setdefault("vaults", {}).setdefault("other", {})["tokens"] = {"https://a.b/c": "/token"}
    assert read_config(tmp_path) == wanted


def test_changes_made_at_once_are_all_kept(tmp_path: Path):
    def change(number: int) -> None:
        change_config({f"vaults.v{number}.network": "node"}, tmp_path)

    threads = [threading.Thread(target=change, args=(number,)) for number in range(12)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert set(read_config(tmp_path)["vaults"]) == {f"v{number}" for number in range(12)}


def test_a_link_to_the_file_stays_a_link(tmp_path: Path):
    real = tmp_path / "dotfiles.toml"
    real.write_text("# mine\n")
    (tmp_path / "config.toml").symlink_to(real)
    change_config({"scope": "work"}, tmp_path)
    assert (tmp_path / "config.toml").is_symlink()
    assert real.read_text() == '# mine\nscope = "work"\n'


def test_what_is_not_utf_8_is_refused_before_anything_is_written(tmp_path: Path):
    with pytest.raises(InputError, match="not UTF-8"):
        change_config({"scope": "\udcff"}, tmp_path)
    assert not (tmp_path / "config.toml").exists()
