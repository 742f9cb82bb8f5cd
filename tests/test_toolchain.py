"""The toolchain: locks that pin content, a compiler and a node that plain Ape finds, and a user's home that is left alone."""

import functools
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TOOLS = ROOT / "tools"
SOLC = ROOT / ".toolchain/solcx/solc-v0.8.37"
LOCKS = ["requirements.lock", "prove.lock", "uv.lock", "build.lock", "node.lock"]


def run(*command, check=True, **options):
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=check, **options
    )


@pytest.fixture
def toolchain():
    spec = importlib.util.spec_from_file_location("toolchain", TOOLS / "toolchain.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# ------------------------------------------------------------------------------------------------------------------ locks


def requirements(text):
    """A lock's text as {requirement: its hashes}."""
    entries = re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).strip())
    return {entry.split(" \\")[0]: re.findall(r"--hash=sha256:[0-9a-f]{64}", entry) for entry in entries}


@pytest.mark.parametrize("name", LOCKS)
def test_every_python_package_in_a_lock_is_pinned_by_version_and_hash(name):
    entries = requirements((TOOLS / name).read_text())
    assert entries
    for requirement, hashes in entries.items():
        assert re.match(r"[a-z0-9-]+==\S+", requirement), requirement
        assert hashes, requirement


def test_a_package_without_a_hash_would_be_seen():
    assert requirements("# made by\nabc==1 \\\n    --hash=sha256:" + "0" * 64 + "\ndef==2\n")["def==2"] == []


@pytest.mark.parametrize("name", [*LOCKS, "package.json"])
def test_no_lock_names_a_registry(name):
    assert "://" not in (TOOLS / name).read_text()


def test_the_npm_lock_pins_content_and_names_no_registry():
    packages = json.loads((TOOLS / "package-lock.json").read_text())["packages"]
    unpinned = {name for name, entry in packages.items() if name and "integrity" not in entry}
    # Platforms for which the content could not be hashed here; npm takes the registry's word for them (docs/adr/0003).
    assert unpinned == {
        f"node_modules/@foundry-rs/anvil-{machine}"
        for machine in ("darwin-amd64", "darwin-arm64", "linux-arm64", "win32-amd64")
    }
    assert not any("resolved" in entry for entry in packages.values())


def test_what_is_installed_is_what_the_lock_says():
    pinned = dict(
        re.findall(r"^([a-z0-9-]+)==([^\s;]+)", (TOOLS / "requirements.lock").read_text(), re.MULTILINE)
    )
    for name in (
        "eth-ape",
        "ape-foundry",
        "ape-solidity",
        "evm-trace",
        "web3",
        "cryptography",
        "cryptography-vectors",
    ):
        assert version(name) == pinned[name]
    assert pinned["cryptography-vectors"] == pinned["cryptography"]


def test_the_foundry_plugin_imports_beside_this_ape():
    # The set that pip picks by itself installs cleanly and dies here.
    run(sys.executable, "-c", "import ape_foundry.provider, ape_solidity.compiler")


# --------------------------------------------------------------------------------------------------------- the compiler


def compile_with_solc(source, *, base, name="a.sol"):
    settings = {"outputSelection": {"*": {"*": ["evm.bytecode.object"]}}}
    asked = {"language": "Solidity", "sources": {name: {"content": source}}, "settings": settings}
    return json.loads(run(SOLC, "--standard-json", "--base-path", base, input=json.dumps(asked)).stdout)


def test_the_compiler_tells_its_version_as_py_solc_x_reads_it():
    assert re.fullmatch(r"Version: 0\.8\.37\+commit\.[0-9a-f]{8}\S*\n", run(SOLC, "--version").stdout)


def test_the_compiler_reads_imports_below_the_base_path(tmp_path):
    (tmp_path / "b.sol").write_text("contract B { uint256 public b; }")
    answer = compile_with_solc('import {B} from "./b.sol"; contract A is B {}', base=tmp_path)
    assert answer["contracts"]["a.sol"]["A"]["evm"]["bytecode"]["object"]
    missing = compile_with_solc('import {B} from "./c.sol"; contract A is B {}', base=tmp_path)
    assert any("c.sol" in error["message"] for error in missing["errors"])


def test_a_large_answer_comes_whole_through_a_pipe(tmp_path):
    functions = "".join(
        f"function f{i}() external pure returns (string memory) {{ return '{i:064}'; }}" for i in range(800)
    )
    answer = compile_with_solc(f"contract A {{ {functions} }}", base=tmp_path)
    assert len(answer["contracts"]["a.sol"]["A"]["evm"]["bytecode"]["object"]) > 2**17


def test_the_compiler_refuses_what_it_does_not_do():
    done = run(SOLC, "--combined-json", "abi", check=False)
    assert done.returncode == 1
    assert "--standard-json only" in done.stderr


# ------------------------------------------------------------------------------------------------- what plain Ape finds


def what_python_sees(**env):
    """``SOLCX_BINARY_PATH`` and the anvil that the environment's Python finds, started in this environment and no other."""
    code = "import json, os, shutil; print(json.dumps([os.environ.get('SOLCX_BINARY_PATH'), shutil.which('anvil')]))"
    return json.loads(run(ROOT / ".venv/bin/python", "-c", code, env=env).stdout)


def test_an_environment_that_was_not_activated_finds_compiler_and_node(tmp_path):
    solcx, anvil = what_python_sees(HOME=str(tmp_path), PATH="/usr/bin:/bin")
    assert solcx == str(ROOT / ".toolchain/solcx")
    assert anvil == str(ROOT / ".toolchain/bin/anvil")


def test_a_user_s_own_compiler_and_node_come_first(tmp_path):
    (tmp_path / "anvil").write_text("#!/bin/sh\n")
    (tmp_path / "anvil").chmod(0o755)
    own = {"HOME": str(tmp_path), "PATH": f"{tmp_path}:/usr/bin:/bin"}
    assert what_python_sees(**own, SOLCX_BINARY_PATH="/opt/solc") == ["/opt/solc", str(tmp_path / "anvil")]
    (tmp_path / ".solcx").mkdir()
    (tmp_path / ".solcx/solc-v0.8.37").touch()
    assert what_python_sees(**own) == [None, str(tmp_path / "anvil")]


PROBE = "def test_the_node_answers(accounts):\n    assert accounts[0].transfer(accounts[1], 1).block_number == 1\n"


def test_running_tests_under_ape_writes_nothing_into_the_home(tmp_path):
    home, project = tmp_path / "home", tmp_path / "project"
    (project / "tests/contracts").mkdir(parents=True)
    home.mkdir()
    shutil.copy(ROOT / "conftest.py", project)
    (project / "ape-config.yaml").write_text(
        "ethereum: {local: {default_provider: foundry}}\nfoundry: {host: auto}\n"
    )
    (project / "pyproject.toml").write_text('[tool.pytest.ini_options]\ntestpaths = ["tests"]\n')
    (project / "tests/contracts/test_probe.py").write_text(PROBE)
    (project / "tests/test_elsewhere.py").write_text("def test_not_for_ape():\n    raise AssertionError\n")
    env = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
    ape_test = functools.partial(run, ROOT / ".venv/bin/ape", "test", env=env, cwd=project)

    told = ape_test().stdout
    assert "1 passed" in told  # and so nothing but tests/contracts was run
    assert "`make test` runs all" in told
    assert list(home.iterdir()) == []

    ape_test("--noconftest", "tests/contracts")
    assert [entry.name for entry in home.iterdir()] == [".ape"]  # without our conftest it would have


# ---------------------------------------------------------------------------------------------------------- setting up


def test_a_second_setup_has_nothing_to_do():
    run("make", "-s", "setup", cwd=ROOT)
    stamps = {path: path.stat().st_mtime_ns for path in (ROOT / ".toolchain/stamps").iterdir()}
    assert run("make", "-s", "setup", cwd=ROOT).stdout == ""
    assert stamps == {path: path.stat().st_mtime_ns for path in (ROOT / ".toolchain/stamps").iterdir()}


def test_a_step_is_repeated_when_what_it_is_made_from_has_changed(toolchain, tmp_path, monkeypatch):
    monkeypatch.setattr(toolchain, "TOOLCHAIN", tmp_path)
    source, product, made = tmp_path / "lock", tmp_path / "product", []

    def make():
        made.append(source.read_text())
        product.touch()

    for text in ("one", "one", "two"):
        source.write_text(text)
        toolchain.step("it", [source, "a word"], product, make)
    assert made == ["one", "two"]
    product.unlink()
    toolchain.step("it", [source, "a word"], product, make)
    assert made == ["one", "two", "two"]


def test_a_step_that_failed_is_tried_again(toolchain, tmp_path, monkeypatch):
    monkeypatch.setattr(toolchain, "TOOLCHAIN", tmp_path)
    made = []

    def make():
        made.append(1)
        if len(made) == 1:
            raise toolchain.SetupFailed("no network")

    with pytest.raises(toolchain.SetupFailed):
        toolchain.step("it", ["a"], tmp_path, make)
    toolchain.step("it", ["a"], tmp_path, make)
    toolchain.step("it", ["a"], tmp_path, make)
    assert len(made) == 2


def test_uv_is_told_where_pip_finds_packages(toolchain, monkeypatch):
    for name in [
        name
        for name in os.environ
        if name.startswith(("PIP_", "UV_")) or name.endswith(("_PROXY", "_CERT_FILE"))
    ]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    plain = toolchain.package_environment.__wrapped__()
    assert not {name for name in plain if name.startswith("UV_")}
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.test/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://a.test/simple https://b.test/simple")
    monkeypatch.setenv("PIP_FIND_LINKS", "/one /two")
    monkeypatch.setenv("PIP_CERT", "/ca.pem")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://said-so.test/simple")
    told = toolchain.package_environment.__wrapped__()
    assert told["UV_DEFAULT_INDEX"] == "https://said-so.test/simple"
    assert told["UV_INDEX"] == "https://a.test/simple https://b.test/simple"
    assert told["UV_INDEX_STRATEGY"] == "unsafe-best-match"
    assert told["UV_FIND_LINKS"] == "/one,/two"
    assert told["SSL_CERT_FILE"] == "/ca.pem"


def fake_python(folder, name, body):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{body}\n")
    (folder / name).chmod(0o755)


def choose_python(tmp_path, **env):
    """Run tools/python.sh in an empty folder with only ``tmp_path/bin`` and the shell's own tools on PATH."""
    tools = tmp_path / "tools-on-path"
    tools.mkdir(exist_ok=True)
    for name in ("sh", "cat", "mkdir"):
        if not (tools / name).exists():
            (tools / name).symlink_to(shutil.which(name))
    script, env = TOOLS / "python.sh", {"PATH": f"{tmp_path / 'bin'}:{tools}", **env}
    return run(
        "/bin/sh", script, "-c", "import sys; print(sys.version_info[:2])", check=False, cwd=tmp_path, env=env
    )


def test_a_python_that_is_on_path_but_does_not_run_is_passed_over(tmp_path):
    fake_python(tmp_path / "bin", "python3.12", "echo 'no such version' >&2; exit 127")
    fake_python(tmp_path / "bin", "python3", f'exec {shlex.quote(sys.executable)} "$@"')
    done = choose_python(tmp_path)
    assert done.stdout == f"{sys.version_info[:2]}\n"
    assert done.stderr == ""


def test_without_a_python_that_serves_setup_says_what_to_install(tmp_path):
    fake_python(tmp_path / "bin", "python3", "exit 1")
    done = choose_python(tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("setup: install Python 3.12 or 3.11")
    assert done.stderr.count("\n") == 1
    named = choose_python(tmp_path, PYTHON="python3")
    assert named.stderr == "setup: python3 is not a Python 3.11 or 3.12 with its venv module\n"


# --------------------------------------------------------------------------------------------------------------- words


def test_every_make_target_is_explained_to_contributors():
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    explained = set(re.findall(r"`make ([a-z-]+)`", (ROOT / "CONTRIBUTING.md").read_text()))
    assert targets >= {"setup", "test", "check"}
    assert targets - {"help"} == explained
