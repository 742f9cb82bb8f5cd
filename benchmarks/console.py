"""What `ape console` waits for before its first prompt because of us, and what the first use of each name costs.

Prints one line of JSON: seconds for the file itself as the console finds things (Ape and IPython loaded, a node connected), its first
use of ``registry`` on an empty development chain, a use after that, and a demo vault. Budget for the first: 0.3 s.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = ROOT / "ape_console_extras.py"


@contextmanager
def timed(into: dict[str, float], name: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    into[name] = round(time.perf_counter() - started, 4)


def main() -> None:
    os.environ["APE_DATA_FOLDER"] = folder = tempfile.mkdtemp(prefix="memsync-ape-")
    sys.path.insert(0, str(ROOT))
    os.chdir(ROOT)
    import ape
    import IPython  # noqa: F401 - the console has it
    from ape.logging import logger
    from ape_console._cli import import_extras_file

    logger.set_level("WARNING")
    seconds: dict[str, float] = {}
    with ape.networks.ethereum.local.use_provider("foundry"):
        ape.contracts.ContractInstance, ape.project  # noqa: B018 - the console has them
        with timed(seconds, "load"):
            extras = import_extras_file(EXTRAS)
        with timed(seconds, "registry_first"):
            repr(extras.registry)
        with timed(seconds, "registry_again"):
            repr(extras.registry)
        with timed(seconds, "demo_vault"):
            vault = extras.demo_vault()
        with timed(seconds, "demo_tool"):
            extras.demo_tool(vault).close()
        vault.close()
    shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
