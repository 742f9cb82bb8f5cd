"""The command ``memsync``: each verb under its own name, parsed, called once, printed.

A command is a thin client: where a keeper has the vault open the verb is done there, and little more than click is loaded here; else it is
done in this process. ``ape memsync`` is the same command.
"""

from memsync.cli.root import cli, main

__all__ = ["cli", "main"]
