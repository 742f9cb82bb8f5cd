"""A large export takes no more memory than a small one."""

import json
import random
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.intake.exports import talk

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


def resident(program, path):
    """What ``program`` counted, and by how many bytes its peak grew and stood."""
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=True)
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


def test_a_gigabyte_is_read_within_300_megabytes(tmp_path, request):
    if request.config.getoption("--hypothesis-profile") != "torture":
        pytest.skip("make torture reads a gigabyte")
    path = tmp_path / "gigabyte.zip"
    messages = write_large(path, 1 << 30)
    memories, _, peak = resident(READ, path)
    assert memories == messages
    assert peak < 300 * MB
