"""A place for blocks as a person writes it, and the store that it is.

::

    /media/usb/blocks, blocks          a directory: read and written
    /media/usb/vault.car               a CAR: read only
    https://gateway.example            a trustless gateway: read only
    http://127.0.0.1:8080              the same, on this machine

In go texts from a command, a setting or a link, out comes one store. Several texts are one :class:`~memsync.store.mirror.MirrorStore`:
every directory is written, and all are read, what is near before what is far. Nothing is opened, made or fetched before the first call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

from memsync.errors import InputError
from memsync.store.car import CarStore
from memsync.store.directory import DirectoryStore
from memsync.store.gateway import GatewayStore
from memsync.store.mirror import MirrorStore
from memsync.store.port import BlockStore

Kind = Literal["directory", "car", "gateway"]

_NEAR_FIRST: Final[Sequence[Kind]] = ("directory", "car", "gateway")


def place_kind(text: str, *, base: Path | None = None) -> Kind:
    """Which kind of place a text names: a URL is a gateway, a name that ends in ``.car`` a CAR, unless it is a directory.

    ``InputError`` for an empty text, and for a URL of another scheme.
    """
    scheme, colon, _ = text.partition("://")
    if colon and scheme.lower() in ("https", "http"):
        return "gateway"
    if colon and scheme.isalnum():
        raise InputError(f"there is no store under {scheme}://; name a directory, a CAR or an https URL")
    if not text.strip() or "\0" in text:
        raise InputError("a place can't be empty; name a directory, a CAR or an https URL")
    path = _path(text, base)
    return "car" if path.suffix == ".car" and not path.is_dir() else "directory"


def writable(text: str, *, base: Path | None = None) -> bool:
    """Whether blocks are put into such a place."""
    return place_kind(text, base=base) == "directory"


def open_place(
    text: str, *, token: str | None = None, base: Path | None = None, untrusted: bool = False
) -> BlockStore:
    """The store that ``text`` names; a relative path is one from ``base``, or from where the process runs.

    ``untrusted`` says that somebody else than the person wrote it: then it is a public https URL or a ``FormatError("place", …)``.
    ``token`` is sent to this place if it is a gateway, and never shown. ``InputError`` for what is no place.
    """
    if untrusted:
        return GatewayStore(text, token=token, untrusted=True)
    match place_kind(text, base=base):
        case "gateway":
            return GatewayStore(text, token=token)
        case "car":
            return CarStore(_path(text, base), read_only=True)
        case "directory":
            return DirectoryStore(_path(text, base))


def open_places(
    texts: Sequence[str],
    *,
    tokens: Mapping[str, str] | None = None,
    base: Path | None = None,
    untrusted: bool = False,
    minimum: int = 1,
) -> MirrorStore:
    """Several places as one store; ``tokens`` by the text of the gateway that each is for. Errors as from ``open_place``.

    ``minimum`` of the directories must take a put; without any, all are read and none is written.
    """
    known = tokens or {}
    opened: dict[Kind, list[BlockStore]] = {kind: [] for kind in _NEAR_FIRST}
    for text in dict.fromkeys(texts):
        kind: Kind = "gateway" if untrusted else place_kind(text, base=base)
        opened[kind].append(open_place(text, token=known.get(text), base=base, untrusted=untrusted))
    return MirrorStore(
        opened["directory"],
        sources=opened["car"] + opened["gateway"],
        minimum=minimum,
    )


def _path(text: str, base: Path | None) -> Path:
    path = Path(text).expanduser()
    return (base or Path()) / path
