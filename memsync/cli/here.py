"""A vault that is opened in this process, for what only a command can do: it asks for secrets, or shows what is between two persons.

In go the options of who is meant, out comes the vault, perhaps on its chain, closed when the command is done with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from memsync.cli.asking import ask_passphrase, ask_payer_passphrase
from memsync.cli.bars import watching
from memsync.cli.calling import target
from memsync.errors import PayerLocked
from memsync.home import memsync_home

if TYPE_CHECKING:
    from memsync.keeper.at import At

T = TypeVar("T")


@contextmanager
def opened_here() -> Iterator[At]:
    """The vault that is meant, opened in this process; its chain with the payer's passphrase, where that is needed."""
    from memsync.device.config import settings
    from memsync.keeper.at import At, Target
    from memsync.keeper.held import Open

    home = memsync_home()
    opened = Open(home)
    vault = settings(target().get("vault"), home).vault
    try:
        opened.find_vault(vault)
        opened.unlock_vault(vault, ask_passphrase())
        with At(Target.taken_from(target()), opened) as at:
            yield at
    finally:
        opened.lock()


def with_chain(do: Callable[[At], T]) -> T:
    """Do what needs the vault's chain; again with the payer's passphrase where its account is locked."""
    with opened_here() as at:
        return on_its_chain(at, do)


def on_its_chain(opened: At, do: Callable[[At], T], **more: str) -> T:
    """The same with a vault that is opened here already; ``more``: what holds beside the command's options."""
    from memsync.keeper.at import At, Target

    with watching() as progress, told(progress):
        try:
            with At(Target.taken_from(target() | more), opened.held) as at:
                return do(at)
        except PayerLocked:
            said = target() | more | {"payer_passphrase": ask_payer_passphrase()}
            with At(Target.taken_from(said), opened.held) as at:
                return do(at)


@contextmanager
def told(progress: Any) -> Iterator[None]:
    """Have ``progress`` told what a verb does in this block."""
    from memsync.progress import watched

    with watched(lambda one: progress(one.what, one.done, one.total)):
        yield
