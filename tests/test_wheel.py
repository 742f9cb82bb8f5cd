"""The wheel, built and installed by itself: the light install runs every local verb without Ape."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
UV = ROOT / ".toolchain" / "uv" / "bin" / "uv"

LOCAL_VERBS = """
import pathlib, sys, tempfile
from memsync.intake import write_sample_export
from memsync.vault import Vault

folder = pathlib.Path(tempfile.mkdtemp())
with Vault.create(passphrase="a passphrase", home=folder) as vault:
    assert len(vault.words.split()) == 25
    memory = vault.remember("The lighthouse keeper's name is Ansel.")
    report = vault.import_chatgpt(write_sample_export(folder / "export.zip"))
    assert report.memories > 300, report
    assert vault.recall("lighthouse keeper")[0].memory == memory
    vault.edit(memory, "The lighthouse keeper's name is Anselm.")
    vault.forget(memory)
with Vault.open(passphrase="a passphrase", home=folder) as vault:
    assert vault.count() == report.memories
    try:
        vault.push()
    except Exception as err:
        print(type(err).__name__, err)
assert not {"ape", "web3", "eth_account"} & set(sys.modules)
try:
    import memsync.chain.ape
except ModuleNotFoundError as err:
    print(err)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    shutil.copytree(ROOT / "memsync", source / "memsync", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, source / name)
    run(UV, "build", "--wheel", "--quiet", "--out-dir", folder, source)
    (built,) = folder.glob("*.whl")
    return built


def run(*command: object) -> str:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, env=_surroundings()
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _surroundings() -> dict[str, str]:
    """This environment without a way back into the checkout, and with pip's package index for uv."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    found = subprocess.run(
        [sys.executable, "-m", "pip", "config", "get", "global.index-url"],
        capture_output=True,
        text=True,
        check=False,
    )
    if found.returncode == 0:
        kept.setdefault("UV_DEFAULT_INDEX", found.stdout.strip())
    return kept


def test_the_wheel_carries_what_is_read_as_data_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "memsync/chain/registry.json" in names
    assert "memsync/intake/sample/conversations.json" in names
    assert "memsync/py.typed" in names
    assert not [name for name in names if not name.startswith(("memsync/", "memsync-"))]


def test_the_light_install_runs_local_verbs_and_says_what_a_chain_needs(wheel: Path, tmp_path: Path) -> None:
    python = tmp_path / "venv" / "bin" / "python"
    run(UV, "venv", "--quiet", "--python", sys.executable, tmp_path / "venv")
    run(UV, "pip", "install", "--quiet", "--python", python, wheel)
    out = run(python, "-c", LOCAL_VERBS)
    assert out.splitlines() == [
        "ChainError this vault has no chain yet; open it with a registry to push, pull and grant",
        "talking to a chain needs Ape: pip install 'memsync[ape]'",
    ]
    installed = run(UV, "pip", "list", "--quiet", "--python", python)
    assert "memsync" in installed
    assert "eth-ape" not in installed
