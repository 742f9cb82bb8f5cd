"""A person with a vault, whose keeper ends with the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.people import Person, short_folder


@pytest.fixture
def person() -> Iterator[Person]:
    with short_folder() as folder:
        found = Person(Path(folder))
        found.make_vault()
        yield found
        found.leaves()
