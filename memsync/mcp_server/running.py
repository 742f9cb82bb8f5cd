"""Running the server: what the command line asked for, with the SDK loaded only now.

In go who is asking and where to listen; nothing comes out before the server has ended. Without the SDK, which is an extra, the one
sentence says how it is installed.
"""

from __future__ import annotations

import logging
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from memsync.errors import InputError
from memsync.mcp_server.identity import Identity, of_header

if TYPE_CHECKING:
    from starlette.types import ASGIApp


def check_installed() -> None:
    """``InputError`` without the SDK."""
    if find_spec("mcp") is None:
        raise InputError("the Model Context Protocol's SDK is not installed; pip install 'memsync[mcp]'")


def run_stdio(identity: Identity, home: Path, *, log: bool) -> None:
    """Serve one client by stdin and stdout; the process ends with it."""
    check_installed()
    from memsync.mcp_server.calls import Calls
    from memsync.mcp_server.server import make_server
    from memsync.mcp_server.stdio import serve_stdio

    _log(log)
    serve_stdio(make_server(Calls(home, identity)))


def http_app(home: Path, *, log: bool) -> ASGIApp:
    """The app for whoever serves it on a loopback address: each request in the name of the token that it brings."""
    check_installed()
    from memsync.mcp_server.calls import Calls
    from memsync.mcp_server.server import make_server
    from memsync.mcp_server.streamable import streamable_app

    _log(log)
    return streamable_app(make_server(Calls(home, of_header)))


def _log(wanted: bool) -> None:  # noqa: FBT001 - one flag, named by who calls
    """Verbs, outcomes and times to stderr, or nothing at all; never what was asked. The SDK's own lines may hold that."""
    for name in ("mcp", "asyncio", "memsync.mcp_server"):
        logger = logging.getLogger(name)
        logger.propagate = False
        logger.addHandler(logging.NullHandler())
    if wanted:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        logging.getLogger("memsync.mcp_server").addHandler(handler)
        logging.getLogger("memsync.mcp_server").setLevel(logging.INFO)
