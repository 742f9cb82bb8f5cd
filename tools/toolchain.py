"""Make everything the project needs that is not in git, from committed locks, and nothing outside the repository.

In: ``requirements.lock`` (Python packages), ``uv.lock`` and ``build.lock`` (uv, build backends), ``node.lock`` (Node, only where
PATH has none), ``package-lock.json`` (compiler, node, libraries, formatter). Every one pins content by hash.
Out: ``.venv`` with all of it installed, ``tools/node_modules``, and ``.toolchain`` with ``solcx/solc-v*`` (a `solc` that Ape can
run), ``bin/anvil``, and where needed ``node``.

Each step leaves a stamp of what it was made from and is skipped while that is unchanged. Where packages come from is the
machine's own pip and npm configuration; uv is told the same as pip. Needs only the standard library of Python 3.11 or 3.12.
Never touches ``~/.ape``, ``~/.solcx`` or the shell's start-up files.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / "tools"
TOOLCHAIN = ROOT / ".toolchain"
VENV = ROOT / ".venv"
NODE_MODULES = TOOLS / "node_modules"
BUILD_LOCK = TOOLS / "build.lock"

# The highest floor among what is run with it: prettier-plugin-solidity and anvil's packages say >= 20; solc-js says >= 12.
NODE_FLOOR = 20

# pip's setting -> uv's environment variable. Lists are separated by spaces in pip.
PIP_TO_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "timeout": "UV_HTTP_TIMEOUT",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "proxy": "ALL_PROXY",
    "cert": "SSL_CERT_FILE",
}

# Runs at each start of .venv's Python, so that plain `ape` finds compiler and node with or without activation. What the user
# has wins: SOLCX_BINARY_PATH if set, a native solc of this version in ~/.solcx, an anvil on PATH.
SITE_HOOK = '''\
"""Lets Ape find the compiler and the node of {root}; written by tools/toolchain.py."""

import os

if not os.path.exists(os.path.expanduser("~/.solcx/{solc}")):
    os.environ.setdefault("SOLCX_BINARY_PATH", {solcx!r})
_path = os.environ.get("PATH", os.defpath).split(os.pathsep)
if {bin!r} not in _path:
    os.environ["PATH"] = os.pathsep.join([*_path, {bin!r}])
# Ape takes a project below the temporary folder for its own copy of one, and compiles into it: then that folder must be another.
if os.path.realpath({root!r}).startswith(os.path.realpath(os.environ.get("TMPDIR") or "/tmp") + os.sep):
    os.makedirs({scratch!r}, exist_ok=True)
    os.environ["TMPDIR"] = {scratch!r}
'''


class SetupFailed(Exception):
    """A step can't be done; the message says what to do."""


def say(line: str) -> None:
    print(f"setup: {line}", flush=True)


def run(*command: str | Path, env: Mapping[str, str] | None = None) -> str:
    """Run a command silently and return its stdout; on failure raise with everything it wrote."""
    parts = [str(part) for part in command]
    done = subprocess.run(parts, check=False, env=env, cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise SetupFailed(f"`{shlex.join(map(str, command))}` failed:\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout


def step(name: str, made_from: Sequence[Path | str], product: Path, make: Callable[[], None]) -> None:
    """Run ``make`` unless ``product`` exists and was made from the same files and words, by the same Python, in the same place."""
    digest = hashlib.sha256(f"{ROOT}\0{sys.executable}\0{sys.version}".encode())
    for source in made_from:
        digest.update(b"\0" + (source.read_bytes() if isinstance(source, Path) else source.encode()))
    stamp = TOOLCHAIN / "stamps" / name
    if product.exists() and stamp.exists() and stamp.read_text() == digest.hexdigest():
        return
    stamp.unlink(missing_ok=True)
    make()
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(digest.hexdigest())


@functools.cache
def package_environment() -> dict[str, str]:
    """The environment in which uv and npm reach packages as this machine's pip does. What is already set is kept."""
    found: dict[str, str] = {}
    # pip prints lower levels first: global, user, site, :env:
    for line in run(TOOLCHAIN / "uv/bin/python", "-m", "pip", "config", "list").splitlines():
        name, _, value = line.partition("=")
        found[name.rpartition(".")[2]] = ast.literal_eval(value)
    env = dict(os.environ)
    for setting, variable in PIP_TO_UV.items():
        if setting in found:
            env.setdefault(variable, " ".join(found[setting].split()))
    if "UV_FIND_LINKS" in env:
        env["UV_FIND_LINKS"] = ",".join(env["UV_FIND_LINKS"].split())
    if "extra-index-url" in found:
        # pip's own rule, the best match from any index; the hashes in the lock make it safe.
        env.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    if "cert" in found:
        env.setdefault("NODE_EXTRA_CA_CERTS", found["cert"])
    return env


def uv(*command: str | Path, into: Path) -> None:
    """Run uv for the environment ``into``, with packages from where pip has them."""
    # Never a Python of uv's own: it would be fetched from elsewhere.
    env = {**package_environment(), "VIRTUAL_ENV": str(into), "UV_PYTHON_DOWNLOADS": "never"}
    run(TOOLCHAIN / "uv/bin/uv", *command, "-q", env=env)


def make_environment(home: Path, lock: Path) -> None:
    """Make or change a virtual environment so that it holds exactly what the lock names."""
    clear = functools.partial(
        uv, "venv", "--no-project", "--clear", "--python", sys.executable, home, into=home
    )
    step(f"{home.name}-empty", [], home / "bin/python", clear)
    uv("pip", "sync", "--require-hashes", "--build-constraints", BUILD_LOCK, lock, into=home)


def make_uv() -> None:
    shutil.rmtree(TOOLCHAIN / "uv", ignore_errors=True)
    run(sys.executable, "-m", "venv", TOOLCHAIN / "uv")
    pip = [TOOLCHAIN / "uv/bin/python", "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    run(*pip, "--require-hashes", "-r", TOOLS / "uv.lock")


def make_venv() -> None:
    say("Python packages into .venv (up to 225 MB to download, 520 MB on disk)")
    make_environment(VENV, TOOLS / "requirements.lock")


def install_project() -> None:
    uv("pip", "install", "--no-deps", "--build-constraints", BUILD_LOCK, "--editable", ROOT, into=VENV)


def node_version(node: Path) -> tuple[int, ...]:
    """The version, or (0,) for what doesn't run."""
    try:
        return tuple(int(part) for part in run(node, "-p", "process.versions.node").strip().split("."))
    except (SetupFailed, OSError, ValueError):
        return (0,)


def find_node() -> Path:
    """Return the directory that holds ``node`` and ``npm``: PATH's if new enough, else one of our own."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and node_version(Path(node))[0] >= NODE_FLOOR:
        return Path(node).parent
    own = TOOLCHAIN / "node"

    def make() -> None:
        say(
            f"no Node.js >= {NODE_FLOOR} on PATH: one into .toolchain/node (62 MB to download, 210 MB on disk)"
        )
        make_environment(own, TOOLS / "node.lock")
        write_command(TOOLCHAIN / "bin/node", own / "bin/node")

    step("node", [TOOLS / "node.lock"], own / "bin/node", make)
    return own / "bin"


def make_node_modules(node_home: Path) -> None:
    say(
        "compiler, node, Solidity libraries, formatter into tools/node_modules (35 MB to download, 95 MB on disk)"
    )
    env = package_environment()
    env = {**env, "PATH": f"{node_home}{os.pathsep}{env['PATH']}"}
    # No package here needs its install script; anvil's native file is an optional dependency of its own.
    run(node_home / "npm", "ci", "--prefix", TOOLS, "--ignore-scripts", "--no-audit", "--no-fund", env=env)


def write_command(path: Path, *command: str | Path) -> None:
    """Write an executable that runs ``command`` with its own arguments appended."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\nexec {shlex.join(map(str, command))} "$@"\n')
    path.chmod(0o755)


def make_solc(shim: Path, node_home: Path) -> None:
    """Write ``shim``: what Ape takes for a native solc of the version that its name tells."""
    solc_js, node = NODE_MODULES / "solc", node_home / "node"
    version = run(node, "-p", f"require({json.dumps(str(solc_js))}).version()").strip()
    if shim.name != "solc-v" + version.partition("+")[0]:
        raise SetupFailed(f"tools/package.json asks for {shim.name}, and solc-js says that it is {version}")
    shutil.rmtree(shim.parent, ignore_errors=True)
    write_command(shim, node, TOOLS / "solc.cjs", solc_js, version)


def make_formatter(formatter: Path, node_home: Path) -> None:
    plugin = NODE_MODULES / "prettier-plugin-solidity/dist/index.js"
    options = ["--log-level", "warn", "--no-editorconfig", "--no-error-on-unmatched-pattern"]
    settings = ["--config", TOOLS / "prettier.json", "--plugin", plugin]
    prettier = NODE_MODULES / "prettier/bin/prettier.cjs"
    write_command(formatter, node_home / "node", prettier, *options, *settings)


def link_anvil(link: Path) -> None:
    """Link the native anvil, which starts 3 times as fast as the package's Node wrapper."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    native = NODE_MODULES / f"@foundry-rs/anvil-{sys.platform}-{machine}" / "bin/anvil"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    if native.exists():
        link.symlink_to(native)
    elif not shutil.which("anvil"):
        raise SetupFailed(
            f"no anvil package for {sys.platform} {machine}: install Foundry, then `make setup` again"
        )


def write_site_hook(hook: Path, solc: str) -> None:
    folders = {name: str(TOOLCHAIN / name) for name in ("solcx", "bin", "scratch")}
    text = SITE_HOOK.format(root=str(ROOT), solc=solc, **folders)
    hook.with_suffix(".py").write_text(text)
    hook.write_text(f"import {hook.stem}\n")


def setup() -> None:
    this, npm_lock = Path(__file__), TOOLS / "package-lock.json"
    python_locks = [TOOLS / "requirements.lock", BUILD_LOCK]
    solc = "solc-v" + json.loads((TOOLS / "package.json").read_text())["dependencies"]["solc"]
    shim, formatter, bin_folder = TOOLCHAIN / "solcx" / solc, TOOLCHAIN / "format-solidity", TOOLCHAIN / "bin"

    step("uv", [TOOLS / "uv.lock"], TOOLCHAIN / "uv/bin/uv", make_uv)
    step("venv", python_locks, VENV / "bin/ape", make_venv)
    step("project", [*python_locks, ROOT / "pyproject.toml"], VENV / "bin/ape", install_project)
    node_home = find_node()
    made_with_node = [this, npm_lock, str(node_home)]
    step("npm", [npm_lock], NODE_MODULES, lambda: make_node_modules(node_home))
    step("solc", made_with_node, shim, lambda: make_solc(shim, node_home))
    step("formatter", made_with_node, formatter, lambda: make_formatter(formatter, node_home))
    step("anvil", [this, npm_lock], bin_folder, lambda: link_anvil(bin_folder / "anvil"))
    site_packages = VENV / f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    hook = site_packages / "_memsync_toolchain.pth"
    step("site", [this, solc], hook, lambda: write_site_hook(hook, solc))


if __name__ == "__main__":
    try:
        setup()
    except SetupFailed as failure:
        sys.exit(f"setup: {failure}")
