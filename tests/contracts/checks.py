"""What must hold after a call, said once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.contracts.actions import Done, Refused


@contextmanager
def refused(error: str, **values: object) -> Iterator[None]:
    """The registry refuses with exactly this error and these values."""
    with pytest.raises(Refused) as caught:
        yield
    assert (caught.value.name, caught.value.values) == (error, values), str(caught.value)


@contextmanager
def refused_without_reason() -> Iterator[None]:
    """The registry reverts with no data at all: what was sent is no call of its ABI."""
    with pytest.raises(Refused) as caught:
        yield
    assert caught.value.data == b"", str(caught.value)


@contextmanager
def overflowed() -> Iterator[None]:
    """Solidity's checked arithmetic refuses: ``Panic(0x11)``."""
    with pytest.raises(Refused) as caught:
        yield
    assert caught.value.data.hex() == "4e487b71" + "11".rjust(64, "0"), str(caught.value)


@contextmanager
def unchanged(look: object) -> Iterator[None]:
    """``look()`` gives the same before and after."""
    before = look()
    yield
    assert look() == before


def said(done: Done, *events: tuple[str, dict[str, object]]) -> None:
    """The call emitted exactly these events, in this order."""
    assert done.events == list(events)
