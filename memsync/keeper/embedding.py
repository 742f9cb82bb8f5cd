"""The keeper's thread that embeds: whatever was remembered, imported or pulled gets its vector soon after, a few at a time.

It looks every few seconds, at vaults that are open and whose settings name an embedder. Each part opens the vault by itself and is written
by itself: a lock ends it after the part under way, and it goes on there the next time. It isn't use: the keeper goes idle all the same.
What goes wrong is tried again after a minute. It never runs on the main thread, and a question never waits for it.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from memsync.device.config import settings
from memsync.errors import LockedError, MemSyncError
from memsync.recall.embedder import NONE

if TYPE_CHECKING:
    from logging import Logger

    from memsync.keeper.held import Open

EVERY: Final = 2.0
AGAIN: Final = 60.0
PART: Final = 32
_LAST: Final = 5.0  # seconds that the part under way may take when the keeper ends


class Embedding:
    """One such thread, for all vaults that a keeper holds."""

    def __init__(self, held: Open, log: Logger) -> None:
        self._held, self._log = held, log
        self._stop = threading.Event()
        self._not_before: dict[str, float] = {}
        self._thread = threading.Thread(target=self._live, name="embedding", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End after the part under way; one that hangs is left to the process's end."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(_LAST)

    def look(self) -> int:
        """Embed what there is to embed now, in every vault that is open; returns how many."""
        return sum(self._embed(name) for name in self._held.names()[0])

    def _live(self) -> None:
        while not self._stop.wait(EVERY):
            self.look()

    def _embed(self, name: str) -> int:
        done, outcome = 0, "ok"
        if time.monotonic() < self._not_before.get(name, 0):
            return 0
        try:
            while not self._stop.is_set() and settings(name, self._held.home).embedder != NONE:
                with self._held.open_vault(name, None, None) as vault:
                    part = vault.embed(PART)
                if not part:
                    break
                done += part
        except LockedError:
            outcome = "locked"
        except MemSyncError as error:
            outcome = type(error).__name__
        except Exception as error:  # noqa: BLE001 - a fault of ours, or of a library's, must not end the thread
            outcome = type(error).__name__
        if outcome not in ("ok", "locked"):
            self._not_before[name] = time.monotonic() + AGAIN
        if done or outcome != "ok":
            self._log.info("embedding %d %s", done, outcome)
        return done
