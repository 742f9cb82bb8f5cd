"""What every test run needs before a test is collected: Ape kept away from the user's files, and from tests that don't use its runner.

``ape test`` runs the contract's tests, on the node that Ape starts; ``make test`` runs these and all others; ``pytest PATH`` runs
what is named, and has Ape start a node only if that needs one.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import Phase, settings

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).parent
ON_A_NODE = [ROOT / "tests/contracts"]
LONGEST = ["tests/cli", "tests/flow", "tests/keeper", "tests/demo", "tests/evm"]
"""These start processes, or live made-up lives: taken last, one core would wait for the other."""

# A slow machine is no failure. `make torture` asks for the second.
settings.register_profile("usual", deadline=None)
settings.register_profile("torture", deadline=None, max_examples=5000)
# `make mutate` wants to know whether a test fails, the same each time, and not the shortest way to it.
settings.register_profile("mutate", deadline=None, derandomize=True, database=None, phases=[Phase.generate])
settings.load_profile("usual")

# The user's own accounts, keys and caches are in ~/.ape; tests get an empty place.
APE_DATA_FOLDER = Path(tempfile.mkdtemp(prefix="memsync-ape-"))
atexit.register(shutil.rmtree, APE_DATA_FOLDER, ignore_errors=True)
os.environ["APE_DATA_FOLDER"] = str(APE_DATA_FOLDER)
if (
    "ape" in sys.modules
):  # loaded before us, by `ape test` or as a pytest plugin: it may have read the environment already
    from ape.utils.basemodel import ManagerAccessMixin

    ManagerAccessMixin.config_manager.DATA_FOLDER = APE_DATA_FOLDER


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--in-process",
        action="store_true",
        help="run the contract's tests on an EVM in this process, where they can",
    )


def on_a_node(path: Path) -> bool:
    return any(path.is_relative_to(folder) for folder in ON_A_NODE)


def started_by_ape(config: pytest.Config) -> bool:
    return "ape_test" in (config.invocation_params.plugins or ())


def pytest_configure(config: pytest.Config) -> None:
    if started_by_ape(config) and config.args_source is config.ArgsSource.TESTPATHS:
        config.args = [str(folder) for folder in ON_A_NODE]


def pytest_report_header(config: pytest.Config) -> str | None:
    if started_by_ape(config):
        return "ape test: the contract's tests; `make test` runs all"
    return None


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the contract's tests to Ape where its plugin is off (``-p no:ape_test``)."""
    if config.getoption("--in-process"):
        return None
    return (on_a_node(collection_path) and not config.pluginmanager.has_plugin("ape_test")) or None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take Ape's runner out of a run without tests on a node: it would start one, and snapshot it around each test.

    What takes longest comes first.
    """
    if not any(on_a_node(item.path) for item in items) and config.pluginmanager.has_plugin("ape-test"):
        config.pluginmanager.unregister(name="ape-test")
    folders = [ROOT / folder for folder in LONGEST]
    items.sort(key=lambda item: not any(item.path.is_relative_to(folder) for folder in folders))
