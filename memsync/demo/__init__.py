"""The whole flow, played on this machine, and a vault and a tool to play with.

``run_demo`` tells a ChatGPT history's way into a vault and back in a dozen acts, on a chain and in a folder of its own; ``demo_vault`` and
``demo_tool`` are what ``ape console`` puts at hand. Everything is made of the library's own verbs, with made-up memories and well-known
test accounts; no real vault, chain or account is touched.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from memsync.demo.console import DemoVault, demo_tool, demo_vault
from memsync.errors import InputError

__all__ = ["DemoVault", "demo_tool", "demo_vault", "run_demo"]


def run_demo(say: Callable[[str], None] = print, *, keep: Path | None = None) -> None:
    """Play all acts, a line at a time to ``say``. ``keep``: a folder that is new or empty, in which everything is left.

    Raises what the verbs raise, ``IntegrityError`` when an act doesn't come out as it says, and ``ModuleNotFoundError`` without the
    ``ape`` extra.
    """
    from memsync.demo.acts import Teller, play
    from memsync.demo.stage import set_stage
    from memsync.demo.watch import watch

    import_module("memsync.chain.ape")  # if it is not there, that is told before anything else
    if keep is not None and keep.exists() and any(keep.iterdir()):
        raise InputError(f"{keep} is not empty; name a folder that is, or a new one")
    with tempfile.TemporaryDirectory(prefix="memsync-demo-") as temporary:
        folder = Path(temporary) if keep is None else keep.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        teller = Teller(say)
        left = "nothing left behind" if keep is None else "all of it kept"
        say(f"A year of ChatGPT becomes memory that its owner holds: new vault, new chain, {left}.")
        with set_stage(folder, keep_chain=keep is not None) as stage:
            played = play(stage, teller)
            watch(stage, played, teller)
            settings = None if keep is None else stage.set_down(played.words)
        if settings is not None:
            _tell_how_to_go_on(say, settings)


def _tell_how_to_go_on(say: Callable[[str], None], settings: Path) -> None:
    say("")
    say(f"Kept in {settings.parent}, words and passphrase in plain text: a toy. To go on:")
    say(f"  . {settings} && memsync status")
    anvil = shutil.which("anvil") or "anvil"
    say(
        f"  {anvil} --silent --state {settings.parent / 'chain.json'} &   # the chain as it was, for push and grant"
    )
