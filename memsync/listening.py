"""Addresses as a person types them, and a socket that listens at one.

In goes ``HOST:PORT``, ``[IPv6]:PORT`` or a port alone, out come host and port; nothing is looked up until somebody listens or connects.
"""

from __future__ import annotations

import re
import socket

from memsync.errors import InputError

_ADDRESS = re.compile(r"(?:(?P<host>[^:\[\]/\s]+|\[[0-9A-Fa-f:.%a-z]+\]):)?(?P<port>[0-9]{1,5})", re.ASCII)


def read_address(text: str, *, host: str | None = None) -> tuple[str, int]:
    """Host and port; ``host`` is the one of a port alone. ``InputError`` for what is none."""
    found = _ADDRESS.fullmatch(text)
    name = found and (found["host"] or host)
    if found is None or not name or int(found["port"]) > 65535:
        raise InputError(f"{text!r} is no address; give {'[HOST:]PORT' if host else 'HOST:PORT'}")
    return name.strip("[]"), int(found["port"])


def show_address(host: str, port: int) -> str:
    """As :func:`read_address` reads it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 takes a free one. ``InputError`` when the address can't be had."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        return socket.create_server(address, family=family)
    except (OSError, OverflowError, UnicodeError) as error:
        what = (getattr(error, "strerror", None) or str(error)).lower()
        raise InputError(
            f"can't listen at {host} port {port}: {what}; choose another, or port 0 for a free one"
        ) from error
