"""Who is asking: the token that a tool shows the keeper.

In goes what the command line said of a client, out comes its token, read anew for each call, so that one that is renewed, or made after the
server was started, holds from the next call on. What is missing is told in a sentence that ends with what the person can type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from memsync.device.config import settings
from memsync.device.paths import VaultPaths, check_name, vault_names
from memsync.errors import AccessError, InputError, NotOpen, StorageError

Headers = Mapping[str, str]
Identity = Callable[[Headers], str]
"""The token of a call, whose headers are given where it came over HTTP. ``MemSyncError`` where there is none."""

_LONGEST: Final = 1024  # bytes of a token's file


def of_client(name: str, vault: str | None, home: Path) -> Identity:
    """A client of this device, by the file that `memsync grant` or `memsync client token` made. ``InputError`` for what is no name."""
    check_name(name, "a client")

    def token(_: Headers) -> str:
        chosen = _vault_of(name, vault, home)
        paths = VaultPaths.of(chosen, home)
        also = "" if chosen == settings(None, home).vault else f" --vault {chosen}"
        file = paths.client_token(name)
        if file.exists():
            return _line(
                file,
                f"the token of {name}",
                f"have the person say `memsync client token {name} --renew{also}` for another",
            )
        if not paths.keystore.exists():
            raise NotOpen(
                f"there is no vault {chosen} on this device; have the person say `memsync init{also}`"
            )
        raise AccessError(
            f"nothing is granted to {name}; have the person say `memsync grant {name} --scope SCOPE --for 30d{also}`"
        )

    return token


def _vault_of(name: str, vault: str | None, home: Path) -> str:
    """The vault that is meant; where none is said and the chosen one doesn't know the client, the only other one that does."""
    chosen = settings(vault, home).vault
    if vault is not None or VaultPaths.of(chosen, home).client_token(name).exists():
        return chosen
    knowing = [one for one in vault_names(home) if VaultPaths.of(one, home).client_token(name).exists()]
    return knowing[0] if len(knowing) == 1 else chosen


def of_file(file: Path) -> Identity:
    """Whoever a file has the token of."""
    return lambda _: _line(file, "the token's file", "check the file that --token-file names")


def of_token(token: str) -> Identity:
    """A token that is known already."""
    return lambda _: token


def of_header(headers: Headers) -> str:
    """Who sends ``Authorization: Bearer`` (RFC 6750). ``InputError`` where that is missing."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise InputError(
            "a token is needed; `memsync client token NAME --show` prints it for the header `Authorization: Bearer`"
        )
    return token.strip()


def nobody(_: Headers) -> str:
    """Who was started without saying who."""
    raise InputError("nobody said which client this is; start it as `memsync mcp --client NAME`")


def _line(file: Path, what: str, remedy: str) -> str:
    """The one line of a file; the error names no path, for a model reads it."""
    try:
        with file.open("rb") as opened:
            found = opened.read(_LONGEST + 1)
    except OSError as err:
        raise StorageError(f"{what} can't be read: {(err.strerror or 'it fails').lower()}; {remedy}") from err
    text = found.strip().decode("ascii", "replace")
    if not text or len(found) > _LONGEST or not text.isascii() or not text.isprintable():
        raise InputError(f"{what} holds no token; {remedy}")
    return text
