"""What Ape changes of the program around it, put back: signal handlers, log levels and handlers, the recursion limit. Imports no ape."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_LOGGERS = ("ape", "web3.RequestManager", "web3.providers.HTTPProvider")


@contextmanager
def host_settings_kept() -> Iterator[None]:
    """What Ape changes of the program around it is put back: handlers of SIGINT and SIGTERM, log levels and handlers, the recursion limit.

    Ape ends the process on SIGINT, prints logs from INFO up, and allows a recursion that overflows the stack.
    """
    main = threading.current_thread() is threading.main_thread()
    signals = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)} if main else {}
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    logged = [(logger, logger.level, logger.handlers[:]) for logger in loggers]
    depth = sys.getrecursionlimit()
    try:
        yield
    finally:
        for number, handler in signals.items():
            if handler is not None:  # None: not set from Python, and can't be
                signal.signal(number, handler)
        for logger, level, handlers in logged:
            logger.setLevel(level)
            logger.handlers[:] = handlers
        sys.setrecursionlimit(depth)


@contextmanager
def quiet() -> Iterator[None]:
    """Without Ape's warnings, which say that an unlocked account signs."""
    log = logging.getLogger("ape")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)
