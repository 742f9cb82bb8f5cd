"""The command that lets tools of this machine in over HTTP: serve."""

from __future__ import annotations

import click

from memsync.cli.frame import answer, say
from memsync.cli.root import cli
from memsync.home import memsync_home


@cli.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8041, show_default=True, help="0: any free one."
)
def serve(port: int) -> None:
    """Let the tools of this device ask over HTTP, on this machine alone, until Ctrl-C.

    Each call needs its tool's token, and gets what that tool was granted. `/openapi.json` describes it. Needs no passphrase: it passes
    calls on to what `memsync unlock` started, and says so where nothing is unlocked.

    \b
    Example: memsync serve --port 8041
    """
    from memsync.http.tools import serve_tools

    def ready(url: str) -> None:
        say(f"tools are answered at {url}; {url}/openapi.json says how; Ctrl-C ends it")
        answer([], {"url": url})

    serve_tools(memsync_home(), port=port, ready=ready)
