"""The command ``memsync``: each verb of the library under its own name, parsed, called once, printed.

Loading this loads click and nothing of the vault; what a verb needs is loaded when it runs. ``ape memsync`` is the same command.
"""

from memsync.cli import here, sharing, upkeep
from memsync.cli.root import cli, main

__all__ = ["cli", "here", "main", "sharing", "upkeep"]
