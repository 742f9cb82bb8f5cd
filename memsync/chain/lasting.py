"""A Foundry node that lasts: what was pushed to it yesterday is there today.

In comes a folder; out comes a node at the same port with the same chain, which a process of its own (``memsync.chain.warden``) runs and
saves until it is stopped, whatever becomes of the program that started it. On loopback, for one person's device: its accounts have keys
that everybody knows.

**What lasts.** All blocks with their numbers, hashes and times, transactions, receipts and logs, and the state after the last saved
block; the next block is its child, never older than it. *Not* the state after earlier blocks: a read pinned to one of those is refused
after a restart. Nor transactions that were not mined, clocks that were moved ahead, and snapshots.

**When.** A fraction of a second after a block was mined; who must know waits for it with ``wait_saved`` or sends through a
``SavedRegistry``. After an end that nobody asked for, the node begins again from what was saved, and its status says so in ``lost``. It
never deletes or overwrites what it can't read.
"""

from __future__ import annotations

import json
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import memsync.errors
from memsync.chain.artifact import load_artifact
from memsync.chain.calls import SignedCall
from memsync.chain.node import START_SECONDS, Node, find_anvil
from memsync.chain.node_files import SAVE, STOP, NodeFiles, Record
from memsync.chain.registry import Event, Receipt, Registry, Snapshot, VaultState
from memsync.errors import ChainError, InputError, StorageError

_CHAIN_ID = 31337
_SAVE_SECONDS = 10.0
_STOP_SECONDS = 30.0
_SPAWN_SECONDS = START_SECONDS + 10
_TROUBLE_SECONDS = 1.0
_STEP = 0.005


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """A node as it stands. ``block``: the last one, by the node's own word while it runs, else the last that was saved.

    ``saved_block``, ``saved_at`` (unix seconds, 0: never): what a kill of everything would leave. ``clean``: false after an end that nobody
    asked for, until the next proper stop; ``lost`` is then the sentence for it. ``trouble``: why it does not save or answer, or empty.
    ``pid``: the process that runs it, 0 for none.
    """

    running: bool
    url: str
    chain_id: int
    contract: bytes
    block: int
    saved_block: int
    saved_at: int
    clean: bool
    pid: int
    lost: str = ""
    trouble: str = ""


def start_node(folder: Path, *, port: int | None = None, chain_id: int = _CHAIN_ID) -> NodeStatus:
    """Have the node of ``folder`` run with the registry on it; one that runs already is left as it is.

    ``port``: by default the one it had. Raises ``ChainError`` when anvil is missing or the port is taken, ``StorageError`` when what was
    saved can't be read, ``InputError`` when the node is another chain, or runs at another port, than was asked for.
    """
    files = NodeFiles(folder.absolute())
    files.make()
    until = time.monotonic() + _SPAWN_SECONDS
    while not (status := node_status(folder)).running:
        find_anvil()
        if _spawn(files, port or 0, chain_id):
            continue
        if time.monotonic() > until:
            raise ChainError(
                f"process {status.pid} is starting or stopping the node and does not get there; end it, then repeat"
            )
        time.sleep(0.05)
    if status.chain_id != chain_id or status.url != Node(port or _port(status.url)).url:
        raise InputError(
            f"the node runs at {status.url} as chain {status.chain_id}: stop it first, or use it as it is"
        )
    Node(_port(status.url)).deploy()
    with suppress(StorageError):  # the status says it
        wait_saved(folder, _live_block(_port(status.url)))
    return node_status(folder)


def stop_node(folder: Path) -> NodeStatus:
    """Save, then end the node; one that does not run is left as it is.

    ``StorageError`` when it can't be saved (it runs on), ``ChainError`` when it does not end.
    """
    files = NodeFiles(folder.absolute())
    began = time.monotonic()
    asked = -1.0
    while files.is_held():
        record, waited = files.record(), time.monotonic() - began
        who = record.pid if record else 0
        if record and record.trouble and waited > _TROUBLE_SECONDS:
            raise StorageError(
                f"the node can't be saved ({record.trouble}) and runs on; mend that and stop it again, or `kill {who}` to lose what is "
                "not saved"
            )
        if waited > _STOP_SECONDS:
            raise ChainError(
                f"the node did not end within {_STOP_SECONDS:.0f} s; `kill -9 {who}` ends it as it was last saved"
            )
        if waited - asked >= 1.0:
            asked = waited
            files.ring(STOP)
        time.sleep(_STEP)
    return node_status(folder)


def node_status(folder: Path) -> NodeStatus:
    """How the node of ``folder`` stands; waits a moment for blocks that are being saved. ``StorageError`` when its files can't be read."""
    files = NodeFiles(folder.absolute())
    held = files.is_held()
    record = files.record() or Record(files.first_port, _CHAIN_ID)
    saved = files.saved()
    running = held and record.ready
    block, trouble, lost = (saved.block if saved else 0), "", record.lost
    if running:
        try:
            block = _live_block(record.port)
        except ChainError as err:
            trouble = str(err)
        else:
            if not _is_saved(files, block, _TROUBLE_SECONDS):
                trouble = _not_saving(files)
            saved = files.saved()
    elif not record.clean:
        lost = files.loss()
    return NodeStatus(
        running=running,
        url=Node(record.port or files.first_port).url,
        chain_id=saved.chain_id if saved else record.chain_id,
        contract=load_artifact().address,
        block=block,
        saved_block=saved.block if saved else 0,
        saved_at=saved.at if saved else 0,
        clean=not lost,
        pid=record.pid if held else 0,
        lost=lost,
        trouble=trouble,
    )


def wait_saved(folder: Path, block: int, timeout: float = _SAVE_SECONDS) -> None:
    """Return once block number ``block`` is in the file on disk; ``StorageError`` when it isn't within ``timeout`` seconds."""
    files = NodeFiles(folder.absolute())
    if not _is_saved(files, block, timeout):
        raise StorageError(f"block {block} was mined and is not safe yet: {_not_saving(files)}")


def is_own_node(folder: Path, url: str) -> bool:
    """Whether ``url`` is where the node of ``folder`` is to be found, now or when it runs again."""
    record = NodeFiles(folder.absolute()).record()
    try:
        parts = urlsplit(url)
        found = parts.scheme, parts.port
    except ValueError:
        return False
    here = parts.hostname in {"127.0.0.1", "localhost"}
    return here and record is not None and found == ("http", record.port)


class SavedRegistry:
    """A registry on the node of ``folder`` whose word lasts: ``send`` returns, and a head is final, once its block is in the file on disk.

    ``StorageError`` from either when that takes more than ``timeout`` seconds: the call was mined, and a kill might still undo it.
    """

    def __init__(self, registry: Registry, folder: Path, timeout: float = _SAVE_SECONDS) -> None:
        self.registry = registry
        self._files = NodeFiles(folder.absolute())
        self._timeout = timeout

    @property
    def chain_id(self) -> int:
        return self.registry.chain_id

    @property
    def contract(self) -> bytes:
        return self.registry.contract

    def snapshot(self, vault: bytes, grants: Sequence[bytes] = ()) -> Snapshot:
        return self.registry.snapshot(vault, grants)

    def final_vault(self, vault: bytes) -> VaultState | None:
        run = self._run()
        found = self.registry.final_vault(vault)
        block = self.registry.snapshot(vault).block.number
        if not _is_saved(self._files, block, self._timeout, run):
            raise StorageError(f"the chain's last blocks are not safe yet: {_not_saving(self._files)}")
        return found

    def key_of(self, account: bytes) -> bytes:
        return self.registry.key_of(account)

    def send(self, signed: SignedCall) -> Receipt:
        run = self._run()
        receipt = self.registry.send(signed)
        if not _is_saved(self._files, receipt.block.number, self._timeout, run):
            raise StorageError(
                f"the call was mined in block {receipt.block.number} and is not safe yet: {_not_saving(self._files)}"
            )
        return receipt

    def events(self, vault: bytes, since: int = 0) -> list[Event]:
        return self.registry.events(vault, since)

    def _run(self) -> str:
        """Which run of the node this is: the same block number of the next one may be another block."""
        record = self._files.record()
        return record.run if record else ""


def _is_saved(files: NodeFiles, block: int, timeout: float, run: str | None = None) -> bool:
    until = time.monotonic() + timeout
    rung = False
    while True:
        held = files.is_held()  # asked first: who ends saves before
        saved = files.saved()
        if saved and saved.block >= block and run in {None, saved.run}:
            return True
        if not held or time.monotonic() > until:
            return False
        if not rung:
            files.ring(SAVE)
            rung = True
        time.sleep(_STEP)


def _not_saving(files: NodeFiles) -> str:
    if not files.is_held():
        return f"the node of {files.folder} does not run any more; start it and repeat"
    record = files.record()
    why = record.trouble if record and record.trouble else "it does not say why"
    return f"the node runs on and can't save ({why}); make room or check the disk of {files.folder}, and it will by itself"


def _spawn(files: NodeFiles, port: int, chain_id: int) -> bool:
    """Start the process; whether it runs the node now. False: another one has the folder."""
    command = [
        sys.executable,
        "-P",
        "-m",
        "memsync.chain.warden",
        str(files.folder),
        str(port),
        str(chain_id),
    ]
    with (
        files.log.open("ab") as log,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=files.folder,
            start_new_session=True,
        ) as process,
    ):
        said = b""
        if process.stdout and select.select([process.stdout], [], [], _SPAWN_SECONDS)[0]:
            said = process.stdout.readline()
    try:
        answer = json.loads(said)
    except ValueError as err:
        raise ChainError(f"the node did not start; {files.log} has what it said") from err
    if "error" in answer:
        raise getattr(memsync.errors, answer["error"])(answer["message"])
    return "started" in answer


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])


def _live_block(port: int) -> int:
    return int(Node(port).rpc("eth_blockNumber", timeout=5.0), 16)
