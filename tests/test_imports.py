"""What ``import memsync`` loads, and what it offers."""

import json
import subprocess
import sys

import pytest

import memsync

HEAVY = {"ape", "web3", "numpy", "pandas", "eth_account", "eth_abi", "cryptography", "apsw"}


def modules_after(code):
    """The top-level modules that a fresh interpreter has loaded after running ``code``."""
    tail = "\nimport json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", code + tail], capture_output=True, text=True, check=True)
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
    heavy = {"ape", "web3", "numpy", "pandas", "eth_account", "eth_abi", "eth_utils"}
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
    for name, module in memsync._MODULES.items():
        assert getattr(memsync, name).__module__ == module
    assert set(memsync._MODULES) == set(memsync.__all__) - {"__version__"}


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'forget_everything'"):
        memsync.forget_everything  # noqa: B018
