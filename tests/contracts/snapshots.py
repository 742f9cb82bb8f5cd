"""Numbers under review: committed JSON that changes only on purpose.

``UPDATE_SNAPSHOTS=1 ape test`` writes what it finds; the difference then stands in the commit for everybody to see.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

HERE = Path(__file__).parent
HOW = "; on purpose? `UPDATE_SNAPSHOTS=1 ape test tests/contracts` rewrites it"


def read_snapshot(name: str) -> dict:
    return json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))


def committed(name: str, found: dict) -> dict:
    """The committed snapshot, rewritten first where that is asked for."""
    if os.environ.get("UPDATE_SNAPSHOTS") == "1":
        (HERE / f"{name}.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return read_snapshot(name)
