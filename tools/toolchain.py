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
import hashlib
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / "tools"
TOOLCHAIN = ROOT / ".toolchain"
VENV = ROOT / ".venv"
NODE_MODULES = TOOLS / "node_modules"

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
'''


class SetupFailed(Exception):
    """A step can't be done; the message says what to do."""


def say(line: str) -> None:
    print(f"setup: {line}", flush=True)


def run(*command: str | Path, env: Mapping[str, str] | None = None) -> str:
    """Run a command silently and return its stdout; on failure raise with everything it wrote."""
    done = subprocess.run([str(part) for part in command], env=env, cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise SetupFailed(f"`{shlex.join(map(str, command))}` failed:\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout


def step(name: str, made_from: list[Path | str], product: Path, make: Callable[[], None]) -> None:
    """Run ``make`` unless ``product`` exists and was made from the same files and words, at the same place."""
    digest = hashlib.sha256(str(ROOT).encode())
    for source in made_from:
        digest.update(b"\0" + (source.read_bytes() if isinstance(source, Path) else source.encode()))
    stamp = TOOLCHAIN / "stamps" / name
    if product.exists() and stamp.exists() and stamp.read_text() == digest.hexdigest():
        return
    stamp.unlink(missing_ok=True)
    make()
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(digest.hexdigest())


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


def make_uv() -> None:
    shutil.rmtree(TOOLCHAIN / "uv", ignore_errors=True)
    run(sys.executable, "-m", "venv", TOOLCHAIN / "uv")
    pip = [TOOLCHAIN / "uv/bin/python", "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    run(*pip, "--require-hashes", "-r", TOOLS / "uv.lock")


def make_venv(env: Mapping[str, str]) -> None:
    say("Python packages into .venv (about 170 MB to download, 600 MB on disk)")
    uv = TOOLCHAIN / "uv/bin/uv"
    env = {**env, "VIRTUAL_ENV": str(VENV), "UV_PYTHON_DOWNLOADS": "never"}
    if not (VENV / "bin/python").exists() or run(VENV / "bin/python", "-V") != run(sys.executable, "-V"):
        run(uv, "venv", "-q", "--no-project", "--clear", "--python", sys.executable, VENV, env=env)
    pinned = ("--build-constraints", TOOLS / "build.lock")
    run(uv, "pip", "sync", "-q", "--require-hashes", *pinned, TOOLS / "requirements.lock", env=env)
    run(uv, "pip", "install", "-q", "--no-deps", *pinned, "--editable", ROOT, env=env)


def node_version(node: Path) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in run(node, "-p", "process.versions.node").strip().split("."))
    except (SetupFailed, OSError, ValueError):
        return (0,)


def find_node(env: Mapping[str, str]) -> Path:
    """Return the directory that holds ``node`` and ``npm``: PATH's if new enough, else one of our own."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and node_version(Path(node))[0] >= NODE_FLOOR:
        return Path(node).parent
    own = TOOLCHAIN / "node"

    def make() -> None:
        say(f"no Node.js >= {NODE_FLOOR} on PATH: one from PyPI into .toolchain/node (about 65 MB to download, 210 MB on disk)")
        uv = TOOLCHAIN / "uv/bin/uv"
        run(uv, "venv", "-q", "--no-project", "--clear", "--python", sys.executable, own, env=env)
        inside = {**env, "VIRTUAL_ENV": str(own)}
        run(uv, "pip", "sync", "-q", "--require-hashes", TOOLS / "node.lock", env=inside)

    step("node", [TOOLS / "node.lock"], own / "bin/node", make)
    return own / "bin"


def make_node_modules(node_home: Path, env: Mapping[str, str]) -> None:
    say("compiler, node, Solidity libraries and formatter into tools/node_modules (about 35 MB to download, 95 MB on disk)")
    env = {**env, "PATH": f"{node_home}{os.pathsep}{env['PATH']}"}
    # No package here needs its install script; anvil's native file is an optional dependency of its own.
    run(node_home / "npm", "ci", "--prefix", TOOLS, "--ignore-scripts", "--no-audit", "--no-fund", env=env)


def write_executable(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def make_solc(shim: Path, node_home: Path) -> None:
    """Write ``shim``: what Ape takes for a native solc of the version that its name tells."""
    solc_js, node = NODE_MODULES / "solc", node_home / "node"
    version = run(node, "-p", f"require({json.dumps(str(solc_js))}).version()").strip()
    if not shim.name.endswith("v" + version.partition("+")[0]):
        raise SetupFailed(f"solc-js says it is {version}, tools/package.json says {shim.name}")
    command = shlex.join([str(node), str(TOOLS / "solc.cjs"), str(solc_js), version])
    shutil.rmtree(shim.parent, ignore_errors=True)
    write_executable(shim, f'#!/bin/sh\nexec {command} "$@"\n')


def link_anvil(link: Path) -> None:
    """Link the native anvil, which starts 3 times as fast as the package's Node wrapper."""
    machine = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    native = NODE_MODULES / f"@foundry-rs/anvil-{sys.platform}-{machine}" / "bin/anvil"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    if native.exists():
        link.symlink_to(native)
    elif not shutil.which("anvil"):
        raise SetupFailed(f"npm has no anvil for {sys.platform} {machine}: install Foundry's and run `make setup` again")


def write_site_hook(solc: str) -> None:
    site = Path(run(VENV / "bin/python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    hook = SITE_HOOK.format(root=ROOT, solc=solc, solcx=str(TOOLCHAIN / "solcx"), bin=str(TOOLCHAIN / "bin"))
    (site / "_memsync_toolchain.py").write_text(hook)
    (site / "_memsync_toolchain.pth").write_text("import _memsync_toolchain\n")


def setup() -> None:
    if not (3, 11) <= sys.version_info[:2] < (3, 13):
        raise SetupFailed("this is Python " + platform.python_version() + "; install Python 3.12 or 3.11")
    this = Path(__file__)
    step("uv", [TOOLS / "uv.lock", sys.version], TOOLCHAIN / "uv/bin/uv", make_uv)
    env = package_environment()
    locks: list[Path | str] = [TOOLS / "requirements.lock", TOOLS / "build.lock", ROOT / "pyproject.toml", sys.version]
    step("venv", locks, VENV / "bin/ape", lambda: make_venv(env))
    node_home = find_node(env)
    step("npm", [TOOLS / "package-lock.json"], NODE_MODULES, lambda: make_node_modules(node_home, env))
    solc = "solc-v" + json.loads((TOOLS / "package.json").read_text())["dependencies"]["solc"]
    shim, anvil = TOOLCHAIN / "solcx" / solc, TOOLCHAIN / "bin/anvil"
    step("solc", [this, TOOLS / "package-lock.json", str(node_home)], shim, lambda: make_solc(shim, node_home))
    step("anvil", [this, TOOLS / "package-lock.json"], TOOLCHAIN / "bin", lambda: link_anvil(anvil))
    step("site", [this, *locks, solc], VENV, lambda: write_site_hook(solc))


if __name__ == "__main__":
    try:
        setup()
    except SetupFailed as failure:
        sys.exit(f"setup: {failure}")
