"""A program for the tests to run beside itself: one device of several, doing at random what people do with a vault.

In goes a seed; out comes one JSON list a line for each thing that was acknowledged, after it was: what was written, what was forgotten,
what a push or a pull came to. Nothing that was not acknowledged is said.

python storm.py HOME STORE URL PAYER NAME SEED OPERATIONS
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable
from pathlib import Path

from memsync.errors import ChainError, InputError
from memsync.memory import Memory
from memsync.vault import Vault

Say = Callable[..., object]

SHARES = {"remember": 30, "edit": 16, "forget": 8, "move": 12, "push": 20, "pull": 12, "scope": 2}
"""How many of a hundred operations are of each kind."""
LASTING = ("personal", "work")
"""The scopes that are there from the beginning; another, ``garden``, is made by several."""


def live(vault: Vault, name: str, seed: int, operations: int, say: Say) -> None:
    """Do so many operations, and say what came of each."""
    chance = random.Random(seed)
    for number in range(operations):
        (kind,) = chance.choices(list(SHARES), SHARES.values())
        act(vault, kind, f"{name} {number}", chance, say)
        say("did", kind)


def act(vault: Vault, kind: str, text: str, chance: random.Random, say: Say) -> None:
    """One operation. What it needs and does not find, it leaves undone."""
    scopes = vault.scopes()
    scope = chance.choice(scopes)
    if kind == "remember":
        say_written(say, scope, vault.remember(text, scope=scope))
    elif kind == "push":
        try:
            receipt = vault.push()
        except ChainError as error:
            if "were faster" not in str(error):
                raise
            say("beaten")
        else:
            say("pushed", receipt.sequence, receipt.rounds)
    elif kind == "pull":
        say("pulled", vault.pull().sequence)
    elif kind == "scope":
        try:
            vault.add_scope("garden")
        except InputError:
            return
    elif found := sorted(vault.memories(scope=scope), key=lambda one: (one.id, one.version)):
        memory = chance.choice(found)
        if kind == "edit":
            say_written(say, scope, vault.edit(memory, text, scope=scope))
        elif kind == "forget":
            vault.forget(memory, scope=scope)
            say("forgot", scope, memory.id.hex())
        else:
            # Not to a scope that waits itself: who comes second with its name takes another id, from which the memory's does not follow.
            to = chance.choice([one for one in LASTING if one != scope])
            for one in vault.move([memory], to=to, scope=scope):
                say("moved", scope, memory.id.hex(), to, one.id.hex())
                say_written(say, to, one)


def say_written(say: Say, scope: str, memory: Memory) -> None:
    """That a version was written."""
    replaces = [one.hex() for one in memory.replaces]
    say("wrote", scope, memory.id.hex(), memory.version.hex(), memory.text, replaces)


def main(home: str, folder: str, url: str, payer: str, name: str, seed: str, operations: str) -> None:
    from memsync.chain.ape import connect
    from memsync.store.directory import DirectoryStore

    def say(*what: object) -> None:
        print(json.dumps(what), flush=True)

    with (
        connect(url, payer=payer) as registry,
        Vault.open(
            passphrase="correct horse battery staple",
            home=Path(home),
            store=DirectoryStore(Path(folder)),
            registry=registry,
        ) as vault,
    ):
        print("ready", flush=True)
        sys.stdin.readline()
        live(vault, name, int(seed), int(operations), say)


if __name__ == "__main__":
    main(*sys.argv[1:])
