"""The process that runs a lasting node: ``python -m memsync.chain.warden FOLDER PORT CHAIN_ID``, started by ``memsync.chain.lasting``.

It detaches itself, takes the folder's lock for its life, starts anvil on the chain that is kept there, and says on its output, in one
line of JSON, how that went. Then it waits: whenever the last block is another one (looked at ``TICK`` seconds apart, and at once when
the bell is rung) it dumps the state and replaces the file. So a kill -9 of any process at any moment leaves the chain as it was last
saved, and who saw a block in the file keeps it.

anvil's dump is not one moment's: a block mined meanwhile is in the accounts and not among the blocks. So a dump counts only if the last
block was the same before and after; on a busy chain, mining is held up for as long as that takes.

anvil dies with this process (Linux; elsewhere the next start ends the one that is left), and this process ends when anvil does. It never
overwrites a chain that it did not load whole, and loads no module that it does not need: it may run for months.
"""

from __future__ import annotations

import json
import os
import secrets
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from gzip import GzipFile
from pathlib import Path
from typing import Any

from memsync.chain.node import LocalNode, Node, is_free, launch
from memsync.chain.node_files import PORTS, STOP, NodeFiles, Record, Saved
from memsync.errors import ChainError, InputError, MemSyncError, StorageError

TICK = 0.2
STATES_IN_MEMORY = 64  # anvil would keep more, and write still older ones to ~/.foundry
_LETTING_GO = 2.0  # seconds that a killed anvil may need until its port is free
_TRIES = 50

Head = tuple[int, str, int]  # number, hash, unix time


class Warden:
    """Runs the node of one folder, whose lock the caller holds. ``before``: what the last run set down."""

    def __init__(self, files: NodeFiles, before: Record) -> None:
        self._files = files
        self._before = before
        self._record = before
        self._saved: Head | None = None
        self._terminated = False

    def terminate(self, *_: object) -> None:
        """End soon, whether or not it can be saved."""
        self._terminated = True

    def start(self, port: int) -> LocalNode:
        """anvil on the chain that is kept, checked to be that chain; at ``port``, 0 for the one that it had."""
        _end_orphan(self._files, self._before)
        loaded = self._files.load()
        if loaded and loaded[0].chain_id != self._before.chain_id:
            raise InputError(
                f"the node in {self._files.folder} is chain {loaded[0].chain_id}, not {self._before.chain_id}; start it as that, or "
                "name another folder"
            )
        port = self._port(port or self._before.port)
        lost = "" if self._before.clean else self._files.loss()
        run = secrets.token_hex(8)
        self._record = Record(port, self._before.chain_id, run, os.getpid(), clean=False, lost=lost)
        self._files.note(self._record)
        try:
            node = self._launch(loaded)
            self._note(replace(self._record, anvil=node.pid, ready=True))
        except BaseException:
            self._note(self._before)
            raise
        return node

    def watch(self, node: LocalNode, bell: int) -> None:
        """Save whatever is new, until it is to end or anvil has ended."""
        pause = 0.0
        while True:
            select.select([bell], [], [], pause)
            began, rung = time.monotonic(), b""
            with suppress(BlockingIOError):
                rung = os.read(bell, 4096)
            trouble = ""
            try:
                if self._terminated or STOP in rung:
                    with mining_held(node):
                        self._save(node)
                        node.stop()
                    break
                self._save(node)
            except OSError as err:
                trouble = (err.strerror or str(err)).lower()
            except ChainError as err:
                trouble = str(err)
            if node.ended or (trouble and self._terminated):
                node.stop()
                self._note(replace(self._record, pid=0, anvil=0, ready=False))
                return
            if trouble != self._record.trouble:
                self._note(replace(self._record, trouble=trouble))
            pause = max(TICK, time.monotonic() - began)
        self._note(replace(self._record, pid=0, anvil=0, ready=False, clean=True, lost="", trouble=""))

    def _save(self, node: Node) -> None:
        if read_head(node) == self._saved:
            return
        head, state = dump(node)
        number, digest, mined = head
        saved = Saved(number, digest, mined, int(time.time()), self._record.chain_id, self._record.run)
        self._files.keep(saved, state)
        self._saved = head

    def _launch(self, loaded: tuple[Saved, GzipFile] | None) -> LocalNode:
        chain = ("--chain-id", str(self._record.chain_id), "--prune-history", str(STATES_IN_MEMORY))
        options = [*chain, "--no-cors", *_mark(self._files)]
        saved, state = loaded or (None, None)
        if saved and saved.time > time.time():
            options += ["--timestamp", str(saved.time)]  # else the next block would be older than the last
        try:
            node = launch(self._record.port, *options, state=state, bound=True, quiet=False)
        except ChainError as err:
            raise ChainError(f"{err}; what it said is in {self._files.log}") from err
        if saved and _hash_of(node, saved.block) != saved.hash:
            node.stop()
            raise StorageError(
                f"this anvil reads another chain from {self._files.chain}: use the version that wrote it; nothing was changed"
            )
        return node

    def _port(self, wanted: int) -> int:
        if not wanted:
            wanted = self._files.first_port
            return wanted if is_free(wanted) else min(filter(is_free, PORTS))
        until = time.monotonic() + (0 if self._before.clean else _LETTING_GO)
        while not is_free(wanted):
            if time.monotonic() >= until:
                raise ChainError(
                    f"port {wanted} is taken by {_listener(wanted)}; end it (`lsof -i :{wanted}` names it), or start the node at another "
                    "port: --port"
                )
            time.sleep(0.02)
        return wanted

    def _note(self, record: Record) -> None:
        self._record = record
        with suppress(OSError):  # a full disk: who asks compares blocks
            self._files.note(record)


def read_head(node: Node) -> Head:
    """The last block."""
    block = _block(node, "latest")
    return int(block["number"], 16), str(block["hash"]), int(block["timestamp"], 16)


def dump(node: Node) -> tuple[Head, bytes]:
    """The whole state as anvil writes it (gzip), and the block that it ends with. No older block's state is in it."""
    found = _try_dump(node)
    if found:
        return found
    with mining_held(node):
        for _ in range(_TRIES):
            found = _try_dump(node)
            if found:
                return found
    raise ChainError("blocks come too fast to be saved")


def _try_dump(node: Node) -> tuple[Head, bytes] | None:
    head = read_head(node)
    state = bytes.fromhex(node.rpc("anvil_dumpState")[2:])
    return (head, state) if read_head(node) == head else None


@contextmanager
def mining_held(node: Node) -> Iterator[None]:
    """No transaction starts a block inside; those that come wait."""
    on, off = True, False
    mining = node.rpc("anvil_getAutomine")
    if mining:
        node.rpc("evm_setAutomine", off)
    try:
        yield
    finally:
        if mining:
            with suppress(ChainError):
                node.rpc("evm_setAutomine", on)


def _hash_of(node: Node, number: int) -> str | None:
    found = _block(node, hex(number))
    return str(found["hash"]) if found else None


def _block(node: Node, which: str) -> Any:
    with_transactions = False
    return node.rpc("eth_getBlockByNumber", which, with_transactions)


def _mark(files: NodeFiles) -> tuple[str, str]:
    """By this in its command line an anvil is known as this folder's."""
    return "--cache-path", str(files.folder / "anvil")


def _end_orphan(files: NodeFiles, before: Record) -> None:
    """End the anvil that a killed warden has left, where the system did not."""
    if not before.anvil:
        return
    try:
        line = Path(f"/proc/{before.anvil}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        ps = ["ps", "-ww", "-o", "command=", "-p", str(before.anvil)]
        with suppress(OSError):
            line = subprocess.run(ps, capture_output=True, text=True, check=False).stdout
    if " ".join(_mark(files)) in line:
        with suppress(ProcessLookupError):
            os.kill(before.anvil, signal.SIGKILL)


def _listener(port: int) -> str:
    try:
        return str(Node(port).rpc("web3_clientVersion", timeout=1.0))
    except (ChainError, TypeError, KeyError):
        return "another program"


def _say(answer: dict[str, str]) -> None:
    """The one line that the starter reads; after it, the output is nobody's."""
    with suppress(OSError):
        os.write(1, json.dumps(answer).encode() + b"\n")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def _run(files: NodeFiles, port: int, chain_id: int) -> None:
    with files.hold() as mine:
        if not mine:
            _say({"busy": ""})
            return
        with suppress(OSError):
            os.ftruncate(2, 0)  # the log
        before = files.record() or Record(0, chain_id)
        warden = Warden(files, replace(before, chain_id=chain_id))
        with files.listen() as bell:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, warden.terminate)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            signal.signal(signal.SIGCHLD, lambda *_: None)  # so that anvil's end rings, too
            signal.set_wakeup_fd(bell, warn_on_full_buffer=False)
            node = warden.start(port)
            try:
                _say({"started": node.url})
                warden.watch(node, bell)
            finally:
                node.stop()


def main(folder: str, port: str, chain_id: str) -> None:
    """Detach and run. The starter waits for the first process only, so that it never has a dead child to bury."""
    if os.fork():
        os._exit(0)
    try:
        _run(NodeFiles(Path(folder)), int(port), int(chain_id))
    except MemSyncError as err:
        _say({"error": type(err).__name__, "message": str(err)})
    except OSError as err:
        why = f"{folder} can't be used: {(err.strerror or str(err)).lower()}; check the disk, or name another folder"
        _say({"error": "StorageError", "message": why})
        raise


if __name__ == "__main__":
    main(*sys.argv[1:])
