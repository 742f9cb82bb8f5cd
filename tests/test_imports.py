"""What ``import memsync`` loads, and what it offers."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import memsync
import memsync.errors

SOURCE = Path(memsync.__file__)
HEAVY = {"ape", "web3", "numpy", "pandas", "eth_account", "eth_abi", "cryptography", "apsw"}


def modules_after(code, *arguments):
    """The top-level modules that a fresh interpreter has loaded after running ``code``."""
    tail = "\nimport json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    done = subprocess.run(
        [sys.executable, "-c", code + tail, *arguments], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout))


def test_importing_memsync_loads_no_chain_and_no_numbers():
    assert not modules_after("import memsync") & HEAVY


def test_a_heavy_module_that_is_loaded_would_be_seen():
    assert modules_after("import memsync, web3") & HEAVY >= {"web3", "eth_account", "eth_abi"}


def test_using_a_memory_loads_no_chain():
    loaded = modules_after("import memsync; memsync.Memory; memsync.MemSyncError")
    assert "memsync" in loaded
    assert not loaded & HEAVY


WITHOUT_EXTRAS = """
import importlib, pkgutil, sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {heavy!r}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
import memsync
for module in pkgutil.walk_packages(memsync.__path__, "memsync."):
    if module.name != "memsync.chain.ape":
        importlib.import_module(module.name)
{more}
"""


def test_every_module_but_the_ape_adapter_imports_without_the_extra():
    heavy = {"ape", "web3", "pandas", "eth_account", "eth_abi", "eth_utils"}
    assert "memsync" in modules_after(WITHOUT_EXTRAS.format(heavy=heavy, more=""))
    with pytest.raises(subprocess.CalledProcessError):
        modules_after(WITHOUT_EXTRAS.format(heavy=heavy, more="import web3"))


def test_importing_memsync_leaves_signals_and_logging_alone():
    code = """
import logging, signal
before = signal.getsignal(signal.SIGINT), logging.root.level, list(logging.root.handlers)
import memsync; memsync.Memory
assert before == (signal.getsignal(signal.SIGINT), logging.root.level, list(logging.root.handlers))
{more}
assert before[0] == signal.getsignal(signal.SIGINT)
"""
    modules_after(code.format(more=""))
    with pytest.raises(subprocess.CalledProcessError):  # the check sees a handler that is replaced
        modules_after(code.format(more="import ape"))


def test_every_public_name_is_there_and_sorted():
    assert memsync.__all__ == sorted(memsync.__all__)
    for name in memsync.__all__:
        assert getattr(memsync, name) is not None
        assert name in dir(memsync)


def test_a_public_name_is_the_one_that_type_checkers_see():
    # mypy reads `if TYPE_CHECKING`, the interpreter the table: they must agree.
    [block] = [node for node in ast.parse(SOURCE.read_text()).body if isinstance(node, ast.If)]
    seen = {name.name: node.module for node in block.body for name in node.names}
    only_in_signatures = {"Path", "Unpack", "Where"}
    assert {name: seen[name] for name in seen.keys() - only_in_signatures} == memsync._MODULES
    assert set(memsync._MODULES) == set(memsync.__all__) - {"__version__", "open"}


def test_every_error_can_be_caught_by_its_public_name():
    tree = {name for name, found in vars(memsync.errors).items() if isinstance(found, type)}
    assert {name for name in tree if issubclass(getattr(memsync.errors, name), BaseException)} <= set(
        memsync.__all__
    )


LOCAL_FACE = """
import memsync, pathlib, sys
home = pathlib.Path(sys.argv[1])
with memsync.Vault.create("mine", passphrase="a passphrase", home=home) as vault:
    memory = vault.remember("The lighthouse keeper's name is Ansel.")
with memsync.open("mine", passphrase="a passphrase", home=home) as vault:
    [hit] = vault.recall("Who keeps the lighthouse?")
    assert isinstance(vault, memsync.Vault) and isinstance(hit, memsync.Hit) and hit.memory == memory
try:
    memsync.open("mine", passphrase="another", home=home)
except memsync.WrongPassphrase:
    card = memsync.write_card(memsync.Tool.generate().card("A tool"))
    assert memsync.read_card(card).name == "A tool"
    for name in memsync.__all__:
        getattr(memsync, name)
"""


def test_everything_on_this_device_is_done_without_a_chain(tmp_path):
    loaded = modules_after(LOCAL_FACE, str(tmp_path))
    assert loaded >= {"memsync", "apsw", "cryptography"}
    assert not loaded & {"ape", "web3", "pandas", "eth_account", "eth_abi"}


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'forget_everything'"):
        memsync.forget_everything  # noqa: B018
