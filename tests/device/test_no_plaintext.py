"""No plaintext of a memory ever touches the disk.

A child process lives a vault's day with a canary in every text: remembers, edits, indexes, sorts, forgets, lets a transaction spill out of
its cache, is killed in the middle of one, and recovers. At each moment every byte it has on the disk is searched: its home, its temporary
folder, and the files it has open though deleted. The same day is lived with a database that is deliberately not encrypted, and there
the search must find the canary: a search that finds nothing anywhere proves nothing.
"""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

DAY = """
import os, sys
from pathlib import Path
import apsw
from memsync.device.attempts import Attempts
from memsync.device.contacts import Contacts
from memsync.device.database import Database
from memsync.device.disclosures import Disclosure, Disclosures
from memsync.device.history import Deed, History
from memsync.device.journal import Journal
from memsync.device.keystore_file import CHEAP_COST, create_keystore, read_keystore
from memsync.device.lock import VaultLock
from memsync.device.memories import Memories
from memsync.device.meta import Meta
from memsync.device.paths import VaultPaths
from memsync.device.scopes import Scopes
from memsync.device.secrets import Secrets
from memsync.device.segments import Held
from memsync.format.records import encode_memory
from memsync.memory import Memory, Source, Tombstone, new_id
from memsync.recall import TextIndex, refresh, shelf

shelf.FRESH = 64  # so that what is pulled settles into runs, some of them merged
shelf.LARGEST = 128
canary, sealed = sys.argv[1], sys.argv[2] == "sealed"
paths = VaultPaths.of("ada")
paths.make()
SCOPE = b"s" * 16

def memory(extra="", **content):
    ms = 1_700_000_000_000
    return Memory(id=content.pop("id", None) or new_id(ms, os.urandom), version=new_id(ms, os.urandom), kind="semantic",
                  text=f"{canary} {extra}", created=ms, tags=(canary,), source=Source(conversation=canary), **content)

def open_database():
    key = read_keystore(paths.keystore, canary).database
    if sealed:
        return Database.open(paths.database, key)
    return Database(apsw.Connection(str(paths.database)), "control")

def moment(name):
    print(name, flush=True)
    assert sys.stdin.readline() == "go\\n"

def remember(one):
    with database.transaction():
        journal.append("remember", encode_memory(one), created=1, scope=SCOPE)
        memories.write(SCOPE, [one])
        refresh(memories, index)

def take(database):
    return Memories(database), Journal(database), TextIndex(database)

if not paths.keystore.exists():
    create_keystore(paths.keystore, canary, Secrets.new(), CHEAP_COST)
database = open_database()
memories, journal, index = take(database)

if sys.argv[3] == "evening":
    moment("recovered after the kill")
    assert {one.memory.text for one in memories.latest()} == {f"{canary} kept"}
    refresh(memories, index)
    database.run("VACUUM")
    moment("after a vacuum")
    database.close()
    moment("closed")
    sys.exit()

with VaultLock(paths.lock).hold("remember"):
    kept, first = memory("kept"), memory("first")
    remember(kept)
    remember(first)
    moment("remembered, still in the log")
database.run("PRAGMA wal_checkpoint(TRUNCATE)")
moment("after a checkpoint")
edit = memory("edited", id=first.id, replaces=(first.version,))
remember(edit)
memories.attach(SCOPE, Held(b"d" * 32, b"o" * 16, b"e" * 16), [memory(f"pulled {n}") for n in range(300)])
refresh(memories, index)
assert database.run("SELECT count(*) FROM words_1_postings WHERE word LIKE 'pull%'") != [(0,)]
moment("edited and pulled, settled into runs")
Scopes(database).add(SCOPE, canary)
Meta(database).put("owner block", canary.encode())
Contacts(database).meet(account=b"a" * 20, name=canary, fingerprint=b"f" * 16, card=canary.encode(), now=1)
Disclosures(database).append(Disclosure(1, canary, "mcp", "recall", SCOPE, canary, (kept.id,)))
History(database).append(Deed(1, "push", 1, None, None, canary))
Attempts(database).begin(sequence=1, root=b"r" * 32, call=canary.encode(), blocks=[], entries=[], deadline=1, created=1)
moment("ledgers written")
assert index.search(canary, [SCOPE], k=50, since=0)
database.run("PRAGMA cache_size = 5")
many = "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) SELECT i FROM n)"
database.run(f"CREATE TEMP TABLE sorted AS SELECT text || row || i AS t FROM memory, {many}")
big = database._connection.execute(f"SELECT text || row || i AS t FROM memory, {many} ORDER BY t DESC")
next(big)
moment("in the middle of a sort")
big.close()
database.run("DROP TABLE sorted")
for one in memories.latest(limit=1000):
    if one.memory.id != kept.id:
        memories.write(SCOPE, [Tombstone(id=one.memory.id, version=one.memory.version, forgotten=1)])
refresh(memories, index)
moment("forgotten")
with database.transaction():
    memories.write(SCOPE, [memory(f"never committed {n} " + "x" * 500) for n in range(3000)])
    refresh(memories, index)
    moment("in the middle of a transaction that spilled")
"""


def windows(canary: str) -> list[bytes]:
    """Pieces of the canary in the encodings and cases in which a file could have it; 12 random characters never occur by chance."""
    texts = {canary, canary.lower(), canary.upper()}
    pieces = {text[at : at + 12] for text in texts for at in range(0, len(canary) - 11, 4)}
    return [piece.encode(encoding) for piece in pieces for encoding in ("utf-8", "utf-16-le", "utf-16-be")]


def on_the_disk(process: int, *folders: Path) -> Iterator[tuple[str, bytes]]:
    """Every file in these folders, and every file that the process has open though it was deleted."""
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file():
                yield str(path), path.read_bytes()
    handles = Path(f"/proc/{process}/fd")
    for handle in handles.iterdir() if handles.is_dir() else ():
        try:
            target = str(handle.readlink())
            if target.endswith("(deleted)"):
                yield target, handle.read_bytes()
        except OSError:
            continue


def live(home: Path, kind: str, part: str, canary: str, found: dict[str, set[str]], *, kill: bool) -> None:
    """Run one part of the day, searching at each of its moments; ``found``: moment to the names of files with the canary."""
    scratch = home / "scratch"
    scratch.mkdir(exist_ok=True)
    env = os.environ | {"MEMSYNC_HOME": str(home), "TMPDIR": str(scratch), "SQLITE_TMPDIR": str(scratch)}
    child = subprocess.Popen(
        [sys.executable, "-c", DAY, canary, kind, part],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=env,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    needles = windows(canary)
    searched = 0
    moment = ""
    while line := child.stdout.readline():
        moment = line.strip()
        files = dict(on_the_disk(child.pid, home))
        searched += len(files)
        found[moment] = {Path(name).name for name, data in files.items() if any(n in data for n in needles)}
        if kill and moment == "in the middle of a transaction that spilled":
            child.kill()
        else:
            child.stdin.write("go\n")
            child.stdin.flush()
    code = child.wait()
    child.stdin.close()
    child.stdout.close()
    assert code == (-9 if kill else 0), moment
    assert searched >= len(found)
    found["killed" if kill else "ended"] = {
        Path(name).name for name, data in on_the_disk(0, home) if any(n in data for n in needles)
    }


def whole_day(home: Path, kind: str) -> dict[str, set[str]]:
    home.mkdir()
    canary = secrets.token_hex(24)
    found: dict[str, set[str]] = {}
    live(home, kind, "morning", canary, found, kill=True)
    live(home, kind, "evening", canary, found, kill=False)
    return found


@pytest.fixture(scope="module")
def control(tmp_path_factory) -> dict[str, set[str]]:
    return whole_day(tmp_path_factory.mktemp("control") / "home", "control")


def test_no_file_ever_holds_a_memorys_plaintext(tmp_path: Path, control):
    found = whole_day(tmp_path / "home", "sealed")
    assert len(found) == 12
    assert {moment: files for moment, files in found.items() if files} == {}
    assert set(found) == set(control)


def test_the_same_search_finds_it_at_every_moment_where_the_database_is_not_encrypted(control):
    assert {moment for moment, files in control.items() if not files} == set()
    assert control["remembered, still in the log"] == {"vault.db-wal"}
    assert "vault.db-wal" in control["in the middle of a transaction that spilled"]
    assert control["killed"] >= {"vault.db", "vault.db-wal"}
    assert control["closed"] == {"vault.db"}


SPILLING = """
import os, sys
import apsw
database = apsw.Connection(":memory:")
database.execute("PRAGMA temp_store = FILE; PRAGMA cache_size = 5")
database.execute("CREATE TEMP TABLE t AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
                 " SELECT ? || i AS text FROM n", (sys.argv[1],))
print("spilled", flush=True)
sys.stdin.readline()
"""


@pytest.mark.skipif(
    not Path("/proc/self/fd").is_dir(), reason="open but deleted files are looked for in Linux's /proc"
)
def test_the_search_sees_temporary_files_that_have_no_name(tmp_path: Path):
    canary = secrets.token_hex(24)
    child = subprocess.Popen(
        [sys.executable, "-c", SPILLING, canary],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"SQLITE_TMPDIR": str(tmp_path)},
    )
    assert child.stdout is not None
    assert child.stdin is not None
    assert child.stdout.readline() == "spilled\n"
    assert list(tmp_path.iterdir()) == []
    files = dict(on_the_disk(child.pid, tmp_path))
    assert any(needle in data for needle in windows(canary) for data in files.values())
    child.stdin.close()
    child.stdout.close()
    child.wait()
