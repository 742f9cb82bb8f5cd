"""What a verb works on: which vault, its blocks, its chain, and who pays; and the passphrase, never from an argument or the environment.

In go options (each has an environment variable), out come an open vault, a tool's key, a store or a connected registry, closed again when
the verb ends. The passphrase is asked for at the terminal, or is the first line of the file that ``MEMSYNC_PASSPHRASE_FILE`` names.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from memsync.errors import ChainError, InputError, LockedError

if TYPE_CHECKING:
    from memsync.chain.registry import Registry
    from memsync.store import BlockStore
    from memsync.vault import Vault

PASSPHRASE_FILE = "MEMSYNC_PASSPHRASE_FILE"  # noqa: S105
Function = Callable[..., Any]

vault_option = click.option(
    "--vault",
    "vault_name",
    envvar="MEMSYNC_VAULT",
    default="default",
    show_default=True,
    help="The vault's name.",
)
store_option = click.option(
    "--store",
    "stores",
    envvar="MEMSYNC_STORE",
    multiple=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder for blocks, instead of the one beside the vault; several keep the same.",
)
network_option = click.option(
    "--network", envvar="MEMSYNC_NETWORK", help="The chain: an Ape network choice, or an RPC's URL."
)
payer_option = click.option(
    "--payer", envvar="MEMSYNC_PAYER", help="The Ape account that pays (see `ape accounts list`)."
)


def with_vault(verb: Function) -> Function:
    """The verb gets an open vault first, without a chain."""

    @vault_option
    @store_option
    @functools.wraps(verb)
    def run(*, vault_name: str, stores: tuple[Path, ...], **given: Any) -> Any:
        with open_vault(vault_name, stores, None) as vault:
            return verb(vault, **given)

    return run


def with_chain(verb: Function) -> Function:
    """The verb gets a connected registry and a store first."""

    @store_option
    @network_option
    @payer_option
    @functools.wraps(verb)
    def run(*, stores: tuple[Path, ...], network: str | None, payer: str | None, **given: Any) -> Any:
        with connected(network, payer) as registry:
            return verb(registry, store_of(stores), **given)

    return run


def with_vault_on_chain(verb: Function) -> Function:
    """The verb gets an open vault first, which can push and pull."""

    @vault_option
    @store_option
    @network_option
    @payer_option
    @functools.wraps(verb)
    def run(
        *,
        vault_name: str,
        stores: tuple[Path, ...],
        network: str | None,
        payer: str | None,
        **given: Any,
    ) -> Any:
        with ExitStack() as stack:
            registry = stack.enter_context(connected(network, payer))
            return verb(stack.enter_context(open_vault(vault_name, stores, registry)), **given)

    return run


@contextmanager
def open_vault(name: str, stores: tuple[Path, ...], registry: Registry | None) -> Iterator[Vault]:
    """The vault of this name, after its passphrase."""
    from memsync.device.paths import VaultPaths
    from memsync.errors import NotFoundError
    from memsync.vault import Vault

    if not VaultPaths.of(name).keystore.exists():
        raise NotFoundError(
            f"no vault {name!r} on this device; `memsync init` makes one, `memsync restore` brings one back"
        )
    with Vault.open(name, passphrase=ask_passphrase(), store=store_of(stores), registry=registry) as vault:
        yield vault


@contextmanager
def connected(network: str | None, payer: str | None) -> Iterator[Registry]:
    """The registry on the chain that was chosen."""
    if not network:
        raise ChainError(
            "no chain is chosen; say --network NETWORK, or set MEMSYNC_NETWORK, to an Ape network choice or an RPC's URL"
        )
    try:
        from memsync.chain.ape import connect
    except ModuleNotFoundError as err:
        raise ChainError(str(err)) from err
    with connect(network, payer=payer) as registry:
        yield registry


def store_of(stores: tuple[Path, ...]) -> BlockStore | None:
    """The folders as one store; None: the one beside the vault."""
    from memsync.store import DirectoryStore, MirrorStore

    places = [DirectoryStore(store) for store in stores]
    return None if not places else places[0] if len(places) == 1 else MirrorStore(places, minimum=len(places))


def ask_passphrase(prompt: str = "Passphrase", *, new: bool = False) -> str:
    """The passphrase; asked for twice where it is ``new``. ``LockedError`` where there is nobody to ask."""
    file = os.environ.get(PASSPHRASE_FILE)
    if file:
        return first_line(Path(file))
    if not sys.stdin.isatty():
        raise LockedError(
            f"no passphrase: run it in a terminal, or let {PASSPHRASE_FILE} name a file that holds it"
        )
    passphrase: str = click.prompt(prompt, hide_input=True, confirmation_prompt=new, err=True)
    return passphrase


def first_line(file: Path) -> str:
    """The first line of a file with a secret. ``InputError`` when it can't be read."""
    try:
        with file.open(encoding="utf-8") as lines:
            return lines.readline().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as err:
        reason = err.strerror if isinstance(err, OSError) else "not UTF-8"
        raise InputError(
            f"{file} can't be read: {reason}; name a file whose first line is the secret"
        ) from err
