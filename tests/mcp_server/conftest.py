"""A person with a vault, and one whose keeper runs and who has something to tell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mcp_server.wire import LAUNCH
from tests.people import Person, short_folder


@pytest.fixture
def person() -> Iterator[Person]:
    with short_folder() as folder:
        found = Person(Path(folder))
        found.make_vault()
        yield found
        found.leaves()


@pytest.fixture
def keeper(person: Person) -> Person:
    person.says("unlock")
    person.says("scope", "add", "work")
    person.says("remember", LAUNCH, "--scope", "work", "--tag", "launch")
    person.says("remember", "I live in Porto.")
    return person
