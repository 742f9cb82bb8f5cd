"""A large export takes no more memory than a small one."""

import json
import random
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.intake.exports import talk
from tests.intake.samples import claude_talk, said

MB = 1 << 20
# The peak since this program began; getrusage would count what the process was before exec.
PEAK = """
import sys
def peak():
    status = open("/proc/self/status").read()
    return int(status.split("VmHWM:")[1].split()[0])
"""
READ = f"""{PEAK}
from memsync.intake import survey
before = peak()
print(survey(sys.argv[1]).memories, before, peak())
"""
READ_ANY = f"""{PEAK}
from memsync.intake import open_export
export = open_export(sys.argv[1], sys.argv[2])
before = peak()
for _ in export: pass
print(export.report().memories, before, peak())
"""
READ_WHOLE = f"""{PEAK}
import json, zipfile
from memsync.intake import survey
before = peak()
print(len(json.loads(zipfile.ZipFile(sys.argv[1]).read("conversations.json"))), before, peak())
"""
pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="resident memory is read from Linux's /proc"
)


def write_large(path, size):
    """An export of ``size`` bytes of conversations, which compress as talk does; the count of its messages."""
    chance = random.Random(size)
    words = [
        "".join(chance.choices("abcdefghijklmnoprstuvz", k=chance.randint(2, 9))) for _ in range(5000)
    ] + ["שלום", "👩‍🔬"]
    samples = []
    for _ in range(60):
        said = [
            " ".join(chance.choices(words, k=chance.randint(5, 300))) for _ in range(chance.randint(2, 50))
        ]
        samples.append((len(said), json.dumps(talk(*said, conversation_id="NUMBER", title=said[0][:40]))))
    messages = written = number = 0
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("conversations.json", "w", force_zip64=True) as entry,
    ):
        while written < size:
            count, sample = samples[number % len(samples)]
            written += entry.write(
                (b", " if number else b"[") + sample.replace("NUMBER", f"c{number}").encode()
            )
            messages += count
            number += 1
        entry.write(b"]")
    return messages


def resident(program, *arguments):
    """What ``program`` counted, and by how many bytes its peak grew and stood."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
    )
    count, before, after = map(int, done.stdout.split())
    return count, (after - before) * 1024, after * 1024


def test_sixty_megabytes_are_read_in_a_few(tmp_path):
    path = tmp_path / "large.zip"
    messages = write_large(path, 60 * MB)
    memories, grown, _ = resident(READ, path)
    assert memories == messages
    assert grown < 20 * MB
    _, grown_whole, _ = resident(READ_WHOLE, path)
    assert grown_whole > 100 * MB


TEXT = "Some words that are said again and again, for it is their number that counts. " * 4


def write_repeated(path, name, size):
    """A file of ``size`` bytes in this format, or a folder of notes; how many memories it holds."""
    if name == "markdown":
        count = size // (1 << 20)
        path.mkdir()
        for number in range(count):
            (path / f"{number}.md").write_text(
                "\n".join(f"- [tip] {number} {line} {TEXT}" for line in range(3000))
            )
        return count * 3000
    entry, before, between, after = {
        "claude": (
            claude_talk(*(said(f"m{n}", "human", TEXT) for n in range(20)), uuid="NUMBER"),
            "[",
            ",",
            "]",
        ),
        "mem0": ({"id": "NUMBER", "memory": TEXT}, "[", ",", "]"),
        "mcp-memory": (
            {
                "type": "entity",
                "name": "NUMBER",
                "entityType": "x",
                "observations": [f"{n} {TEXT}" for n in range(20)],
            },
            "",
            "\n",
            "",
        ),
        "jsonl": ({"id": "NUMBER", "text": TEXT}, "", "\n", "\n"),
        "csv": (None, "text\n", "\n", "\n"),
    }[name]
    sample = f'"NUMBER {TEXT}"' if entry is None else json.dumps(entry)
    count = size // len(sample)
    with path.open("w") as file:
        file.write(before)
        for number in range(count):
            file.write((between if number else "") + sample.replace("NUMBER", f"n{number}"))
        file.write(after)
    return count * (20 if name in {"claude", "mcp-memory"} else 1)


@pytest.mark.parametrize("name", ["claude", "mem0", "mcp-memory", "markdown", "jsonl", "csv"])
def test_forty_megabytes_of_any_format_are_read_in_a_few(tmp_path, name):
    path = tmp_path / ("notes" if name == "markdown" else "file.json")
    memories = write_repeated(path, name, 40 * MB)
    found, grown, _ = resident(READ_ANY, path, name)
    assert found == memories
    assert grown < 15 * MB


def test_a_gigabyte_is_read_within_300_megabytes(tmp_path, request):
    if request.config.getoption("--hypothesis-profile") != "torture":
        pytest.skip("make torture reads a gigabyte")
    path = tmp_path / "gigabyte.zip"
    messages = write_large(path, 1 << 30)
    memories, _, peak = resident(READ, path)
    assert memories == messages
    assert peak < 300 * MB
