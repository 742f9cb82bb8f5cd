"""The commands unlock and lock: the keeper's begin and end."""

from __future__ import annotations

import click

from memsync.cli.asking import ask_passphrase
from memsync.cli.calling import keeper_about, key_option, target, tell_keeper, vault_option
from memsync.cli.frame import answer
from memsync.cli.root import cli
from memsync.cli.show import span
from memsync.errors import MemSyncError, NotOpen
from memsync.home import memsync_home


@cli.command()
@vault_option
@key_option
def unlock() -> None:
    """Open the vault for every command, until `lock`.

    The passphrase is asked for once; eight hours unused locks by itself. One process of yours, the keeper, holds the keys, in its
    memory only. While it runs it also changes the keys of grants that have ended. --key opens a tool's key instead.

    \b
    Example: memsync unlock
    """
    from memsync.device.config import settings
    from memsync.keeper.held import Open
    from memsync.keeper.process import start

    said, home = target(), memsync_home()
    opened, found_key = Open(home), said.get("key")
    if found_key:
        opened.find_key(found_key)
        what = {"key": found_key}
    else:
        what = {"vault": settings(said.get("vault"), home).vault}
        opened.find_vault(what["vault"])
    passphrase = ask_passphrase("Passphrase of the key" if found_key else "Passphrase")
    start(home)
    try:
        try:
            found = tell_keeper("unlock", passphrase=passphrase, **what)
        except NotOpen:  # one that was ending answered
            start(home)
            found = tell_keeper("unlock", passphrase=passphrase, **what)
    except MemSyncError:
        about = keeper_about()
        if about and not about["vaults"] and not about["keys"]:
            tell_keeper("lock")
        raise
    [(kind, name)] = what.items()
    answer(f"{kind} {name} is open until `memsync lock`, or {span(found['idle_after'])} unused", found)


@cli.command()
@vault_option
@click.option("--all", "everything", is_flag=True, help="Every vault and key; the keeper ends.")
def lock(everything: bool) -> None:
    """Close the vault.

    The keeper ends with the last one, and lets every key go with it.

    \b
    Example: memsync lock
    """
    from memsync.device.config import settings

    about = keeper_about()
    if about is None:
        answer("nothing was open", {"vaults": [], "keys": []})
        return
    given = {}
    if not everything:
        name = settings(target().get("vault")).vault
        if set(about["vaults"]) - {name}:
            given = {"vault": name}
    found = tell_keeper("lock", **given)
    left = [*found["vaults"], *found["keys"]]
    answer(f"locked; still open: {', '.join(left)}" if left else "locked", found)
