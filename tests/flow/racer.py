"""A program for the tests to run beside itself: one device that remembers and pushes, again and again, until it is told to stop or killed.

python racer.py HOME STORE URL NAME ROUNDS [die-before-put | die-after-put | die-before-send | die-after-send] [at which]
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from memsync.chain.ape import ApeRegistry, connect
from memsync.store.directory import DirectoryStore
from memsync.vault import Vault


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Fragile:
    """Passes calls on, and kills the process around the one of this name."""

    def __init__(self, inner: object, name: str, *, after: bool, at: int) -> None:
        self._inner, self._name, self._after, self._left = inner, name, after, at

    def __getattr__(self, name: str) -> object:
        found = getattr(self._inner, name)
        if name != self._name:
            return found

        def call(*args: object) -> object:
            self._left -= 1
            if self._left == 0 and not self._after:
                die()
            result = found(*args)
            if self._left == 0:
                die()
            return result

        return call


def main(home: str, folder: str, url: str, name: str, rounds: str, when: str = "", at: str = "1") -> None:
    store: object = DirectoryStore(Path(folder))
    with connect(url, payer=f"TEST::{1 if name == 'first' else 2}") as registry:
        talking: object = registry
        if when.endswith("put"):
            store = Fragile(store, "put_many", after="after" in when, at=int(at))
        elif when.endswith("send"):
            talking = Fragile(registry, "send", after="after" in when, at=int(at))
        assert isinstance(registry, ApeRegistry)
        with Vault.open(
            passphrase="correct horse battery staple", home=Path(home), store=store, registry=talking
        ) as vault:
            for number in range(int(rounds)):
                vault.remember(f"{name} {number}")
                vault.push()
                print(number, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
