"""The keystore file: one good one at every moment, for its user alone, saying nothing without the passphrase."""

import os
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from memsync.crypto.keystore import seal_keystore
from memsync.device.keystore_file import (
    CHEAP_COST,
    change_passphrase,
    create_keystore,
    read_keystore,
    replace_keystore,
)
from memsync.device.secrets import Secrets
from memsync.errors import FormatError, InputError, NotFoundError, StorageError, WrongPassphrase
from memsync.ipld.dagcbor import encode


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keystore"


def secrets() -> Secrets:
    return Secrets.new()


def test_what_was_put_in_comes_out(path: Path):
    for kept in (
        secrets(),
        replace(secrets(), extra={"payer": "ada", "later": [1, b"x"]}),
        Secrets.new(),
    ):
        path.unlink(missing_ok=True)
        create_keystore(path, "correct horse", kept, CHEAP_COST)
        assert read_keystore(path, "correct horse") == kept


def test_only_its_user_may_read_it_also_after_it_was_replaced(path: Path):
    old_mask = os.umask(0)
    try:
        create_keystore(path, "x", secrets(), CHEAP_COST)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        replace_keystore(path, "x", secrets(), CHEAP_COST)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        os.umask(old_mask)


def test_one_that_is_there_is_never_overwritten(path: Path):
    first = secrets()
    create_keystore(path, "x", first, CHEAP_COST)
    with pytest.raises(InputError, match="there is a keystore"):
        create_keystore(path, "x", secrets(), CHEAP_COST)
    assert read_keystore(path, "x") == first


def test_the_passphrase_changes_and_the_old_one_opens_no_more(path: Path):
    kept = secrets()
    create_keystore(path, "old", kept, CHEAP_COST)
    change_passphrase(path, "old", "new", CHEAP_COST)
    assert read_keystore(path, "new") == kept
    with pytest.raises(WrongPassphrase):
        read_keystore(path, "old")


def test_a_wrong_passphrase_replaces_nothing(path: Path):
    kept = secrets()
    create_keystore(path, "x", kept, CHEAP_COST)
    before = path.read_bytes()
    for attempt in (
        lambda: replace_keystore(path, "y", secrets(), CHEAP_COST),
        lambda: change_passphrase(path, "y", "z", CHEAP_COST),
    ):
        with pytest.raises(WrongPassphrase):
            attempt()
    assert path.read_bytes() == before
    replace_keystore(path, "x", replace(kept, database=bytes(32)), CHEAP_COST)
    assert read_keystore(path, "x").database == bytes(32)


def test_none_damaged_and_unreadable_are_three_errors(path: Path):
    with pytest.raises(NotFoundError, match="memsync init"):
        read_keystore(path, "x")
    create_keystore(path, "x", secrets(), CHEAP_COST)
    data = path.read_bytes()
    path.write_bytes(data[:-1])
    with pytest.raises(FormatError, match="damaged"):
        read_keystore(path, "x")
    path.unlink()
    path.mkdir()
    with pytest.raises(StorageError, match="can't be read"):
        read_keystore(path, "x")
    path.rmdir()
    path.write_bytes(data)
    read_keystore(path, "x")


@pytest.mark.parametrize(
    "change",
    [
        {"database": b"short"},
        {"device": None},
    ],
)
def test_secrets_of_another_shape_are_refused(change, path: Path):
    good = {"database": bytes(32), "device": bytes(32)}
    assert Secrets.from_bytes(encode(good)).database == bytes(32)
    with pytest.raises(FormatError):
        Secrets.from_bytes(encode(good | change))
    name = next(iter(change))
    path.write_bytes(
        seal_keystore(
            "x", encode({k: v for k, v in good.items() if k != name}), memory=8192, passes=1, lanes=1
        )
    )
    with pytest.raises(FormatError):
        read_keystore(path, "x")


def test_no_secret_shows_in_a_repr():
    marked = replace(secrets(), extra={"token": "hunter2"})
    shown = repr(marked)
    for secret in (marked.database, marked.device):
        assert repr(secret)[2:-1] not in shown
        assert secret.hex() not in shown
    assert "hunter2" not in shown


KILLED = """
import os, sys, pathlib
from memsync.device.keystore_file import CHEAP_COST, replace_keystore
from memsync.device.secrets import Secrets
while True:
    replace_keystore(pathlib.Path(sys.argv[1]), "x", Secrets.new(), CHEAP_COST)
    print("replaced", flush=True)
"""


def test_a_process_killed_while_replacing_leaves_a_good_one(path: Path):
    create_keystore(path, "x", secrets(), CHEAP_COST)
    for rounds in range(1, 4):
        child = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        for _ in range(rounds * 3):
            assert child.stdout.readline() == "replaced\n"
        child.kill()
        child.wait()
        child.stdout.close()
        assert len(read_keystore(path, "x").database) == 32
