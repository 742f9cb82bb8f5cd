"""Having a verb done: by the keeper where it has the vault open, else in this process after its passphrase was asked for.

In go a verb's name and arguments, and from the options who is meant; out comes what the verb found, as JSON values. Where the payer's
account is locked its passphrase is asked for, and the verb said again.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from memsync.cli.asking import ask_passphrase, ask_payer_passphrase
from memsync.cli.bars import watching
from memsync.errors import InputError, NotOpen, PayerLocked
from memsync.home import memsync_home
from memsync.keeper.client import NoKeeper
from memsync.keeper.client import call as ask_keeper

Found = dict[str, Any]
_TARGET = "memsync.target"
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def _noted(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value in (None, ()):
        return
    said = ctx.meta.setdefault(_TARGET, {})
    # What was said before the command (`memsync --vault NAME COMMAND`) comes before a variable.
    if (
        ctx.get_parameter_source(str(parameter.name)) is ParameterSource.ENVIRONMENT
        and parameter.name in said
    ):
        return
    said[parameter.name] = list(value) if isinstance(value, tuple) else value


def _option(*names: str, **attributes: Any) -> Decorator:
    return click.option(*names, expose_value=False, callback=_noted, **attributes)


vault_option = _option(
    "--vault", "vault", envvar="MEMSYNC_VAULT", metavar="NAME", help="The vault's name.  [default: default]"
)
chosen_vault_option = _option(
    "--vault", "vault", metavar="NAME", help="The vault that the command is about, as its own --vault."
)
store_option = _option(
    "--store",
    "stores",
    multiple=True,
    metavar="PLACE",
    help="For this command also: a folder, FILE.car or gateway's URL with blocks; may be given again.",
)
token_option = _option(
    "--token-file", "token_file", metavar="FILE", help="The file with the token for the gateways of --store."
)
network_option = _option(
    "--network",
    "network",
    envvar="MEMSYNC_NETWORK",
    metavar="NETWORK",
    help="For this command only: another chain.",
)
payer_option = _option(
    "--payer",
    "payer",
    envvar="MEMSYNC_PAYER",
    metavar="ACCOUNT",
    help="For this command only: the Ape account that pays.",
)
key_option = _option("--key", "key", metavar="NAME", help="The key's name.  [default: default]")


def on_vault(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a verb about a vault."""
    return vault_option(store_option(token_option(command)))


def on_chain(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a verb about a vault and its chain."""
    return vault_option(store_option(token_option(network_option(payer_option(command)))))


def by_key(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a verb of who is granted something."""
    return key_option(store_option(token_option(network_option(payer_option(command)))))


def target() -> Found:
    """Who is meant, as far as options say."""
    found = dict(click.get_current_context().meta.get(_TARGET, {}))
    given = os.environ.get("MEMSYNC_STORE")
    if given and "stores" not in found:
        found["stores"] = [given] if "://" in given else given.split(os.pathsep)
    if "stores" in found:
        found["stores"] = [whole_path(one) for one in found["stores"]]
    if "token_file" in found:
        found["token_file"] = whole_path(found["token_file"])
    return found


def aim_at(vault: str) -> None:
    """Have the rest of the command be about this vault."""
    click.get_current_context().meta.setdefault(_TARGET, {})["vault"] = vault


def whole_path(place: str) -> str:
    """A place as it reads from anywhere: a URL as it is, a path from the root on."""
    if "://" in place:
        return place
    try:
        return str(Path(place).expanduser().absolute())
    except (OSError, RuntimeError) as err:  # a ~ of nobody, or a working folder that is gone
        raise InputError(f"{place} can't be made a whole path; give it from the root on") from err


def call(verb: str, **given: Any) -> Found:
    """What the verb found. Arguments that are None are left to the verb; what it raises, whoever did it."""
    said = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in given.items()
        if value is not None
    }
    said |= target()
    try:
        return _done(verb, said)
    except PayerLocked:
        said["payer_passphrase"] = ask_payer_passphrase()
        return _done(verb, said)


def _done(verb: str, said: Found) -> Found:
    home = memsync_home()
    with watching() as progress:
        try:
            return ask_keeper(verb, said, home, progress=progress)
        except (NoKeeper, NotOpen):
            pass
    return _here(verb, said, home)


def _here(name: str, said: Found, home: Path) -> Found:
    """Do the verb in this process."""
    import memsync.keeper.verbs  # noqa: F401 - fills VERBS
    from memsync.device.config import settings
    from memsync.keeper.held import Open
    from memsync.keeper.perform import perform
    from memsync.keeper.verb import VERBS, Needs
    from memsync.progress import watched

    verb, opened = VERBS[name], Open(home)
    try:
        if verb.needs in (Needs.VAULT, Needs.CHAIN):
            vault = settings(said.get("vault"), home).vault
            opened.find_vault(vault)
            opened.unlock_vault(vault, ask_passphrase())
        else:
            key = said.get("key", "default")
            opened.find_key(key)
            opened.unlock_key(key, ask_passphrase("Passphrase of the key"))
        with (
            watching() as progress,
            watched(lambda one: progress(one.what, one.done, one.total)),
        ):
            return perform(verb, said, opened)
    finally:
        opened.lock()


def keeper_about() -> Found | None:
    """What the keeper says of itself; None where none runs."""
    try:
        return ask_keeper("about", {}, memsync_home())
    except NoKeeper:
        return None


def tell_keeper(verb: str, **given: Any) -> Found:
    """Have the keeper do something about itself. ``NotOpen`` where none runs."""
    try:
        return ask_keeper(verb, given, memsync_home())
    except NoKeeper:
        raise NotOpen("nothing is unlocked; say `memsync unlock`") from None
