"""Reading the vectors of ``tests/vectors`` in tests of the format."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from memsync.errors import FormatError, MemSyncError, SignatureInvalid

VECTORS = Path(__file__).parent.parent / "vectors"


def load(name: str) -> Any:
    return json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))


def cases(rows: list[dict[str, Any]]) -> Any:
    """Parametrize over bad cases, each named by why it is bad."""
    return pytest.mark.parametrize("case", rows, ids=[row["why"] for row in rows])


def unbase64(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


class Refused:
    """``with Refused("root", case["fault"]):`` what follows is refused for this, and for nothing else. No fault: a signature."""

    def __init__(self, what: str, fault: str | None) -> None:
        self.what = what
        self.fault = fault

    def __enter__(self) -> None:
        return

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        assert error is not None, "it was taken"
        if not isinstance(error, MemSyncError):
            return False
        if self.fault is None:
            assert type(error) is SignatureInvalid, repr(error)
        else:
            assert type(error) is FormatError, repr(error)
            assert (error.what, error.fault) == (self.what, self.fault), error.detail
        return True
