"""Two devices on one desk, a person who carries the code between them, and who stands on the wire: cutting it, reading it, or lying on it.

All over real sockets of this machine. In go a laptop that has the vault and a folder for the new device, out comes what each side came to.
"""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from memsync.crypto.tree import DeviceKey
from memsync.device.keystore_file import CHEAP_COST
from memsync.errors import MemSyncError
from memsync.format.handshake import (
    HEAD,
    SIZES,
    Adder,
    Joiner,
    Kind,
    Session,
    _session,
    read_head,
    write_frame,
)
from memsync.format.pairing import Request, sign_request
from memsync.vault import AddedDevice, AddingDevice, JoiningDevice, Vault, listening
from tests.flow.actions import PASSPHRASE, Household

TO_JOINER = {Kind.KEY, Kind.EQUAL, Kind.ANSWER}
ORDER = [kind for kind in Kind if kind is not Kind.STOP]


@dataclass
class Outcome:
    """What became of both sides: what they got, or what they raised."""

    added: AddedDevice | Exception | None = None
    answer: bytes | Exception | None = None
    code: str = ""

    @property
    def errors(self) -> tuple[type, type]:
        return type(self.added), type(self.answer)


def reaches(home: Household, folder: Path, where: str, device: str = "phone") -> AddingDevice:
    return Vault.reach(
        where, passphrase=PASSPHRASE, device=device, home=folder, cost=CHEAP_COST, clock=home.clock
    )


def on_one_desk(
    home: Household,
    folder: Path,
    *,
    carried: Callable[[str], str] = lambda code: code,
    says_yes: bool = True,
    between: Callable[[str], object] | None = None,
    reach: Callable[[str], AddingDevice] | None = None,
    by: Vault | None = None,
    fingerprint: str | None = None,
    **agree: str,
) -> Outcome:
    """Both commands at once. ``carried``: what the person types of the code that the new device shows; ``between``: who stands
    on the wire, a context of its address made of the listener's."""
    found, shown, laptop = Outcome(), queue.Queue(), by or home.laptop

    def adds(joining: JoiningDevice) -> AddedDevice:
        with joining:
            code = carried(shown.get(timeout=20))
            if fingerprint is None:
                joining.compare(code)
            else:
                joining.compare_fingerprint(fingerprint)
            return laptop.pair_device(joining)

    def joins(adding: AddingDevice) -> bytes:
        with adding:
            found.code = adding.code
            shown.put(adding.code)
            adding.wait_until_equal()
            if not says_yes:
                raise KeyboardInterrupt
            return adding.agree(**agree)

    with listening("0") as door, ThreadPoolExecutor(1) as other:
        adding = other.submit(outcome, lambda: adds(door.wait()))
        with between(door.address) if between else same(door.address) as address:
            found.answer = outcome(lambda: joins(reach(address) if reach else reaches(home, folder, address)))
            shown.put("")  # nobody has a code for it
            found.added = adding.result(timeout=30)
    return found


def outcome(do: Callable[[], object]) -> object:
    try:
        return do()
    except (MemSyncError, KeyboardInterrupt) as error:
        return error


@contextmanager
def same(address: str) -> Iterator[str]:
    yield address


@contextmanager
def listener() -> Iterator[tuple[socket.socket, str]]:
    with socket.create_server(("127.0.0.1", 0)) as found:
        yield found, f"127.0.0.1:{found.getsockname()[1]}"


def connected(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    return socket.create_connection((host, int(port)), 10)


def frame(wire: socket.socket, kind: Kind) -> bytes:
    """The body of the next frame; ``ConnectionError`` if it is another one or none."""
    head = exactly(wire, HEAD)
    if read_head(head, kind) is not kind:
        raise ConnectionError("stopped")
    return exactly(wire, SIZES[kind])


def exactly(wire: socket.socket, size: int) -> bytes:
    got = b""
    while len(got) < size:
        chunk = wire.recv(size - len(got))
        if not chunk:
            raise ConnectionError("hung up")
        got += chunk
    return got


@contextmanager
def wire(
    address: str,
    *,
    cut: Kind | None = None,
    seen: list[tuple[Kind, bytes]] | None = None,
    changed: Callable[[Kind, bytes], bytes] = lambda _, body: body,
) -> Iterator[str]:
    """A wire that passes on each frame, notes it in ``seen``, has it ``changed``, and is cut instead of passing ``cut``."""

    def carry(here: socket.socket) -> None:
        with suppress(OSError, MemSyncError), here.accept()[0] as joiner, connected(address) as adder:
            for kind in ORDER:
                source, target = (adder, joiner) if kind in TO_JOINER else (joiner, adder)
                body = frame(source, kind)
                if kind is cut:
                    return
                if seen is not None:
                    seen.append((kind, body))
                target.sendall(write_frame(kind, changed(kind, body)))
            joiner.recv(1)

    with listener() as (here, there):
        thread = threading.Thread(target=carry, args=(here,), daemon=True)
        thread.start()
        yield there
    thread.join(timeout=20)


@dataclass
class Mallory:
    """Who stands between, with keys of their own: a pairing with each side, each thinking that it has the other.

    ``grinds``: looks for a nonce by which the codes agree, after both have shown what is theirs.
    """

    home: Household
    grinds: bool = False
    device: DeviceKey = field(default_factory=DeviceKey.generate)
    stolen: bytes | None = None
    tries: int = 0
    sessions: list[Session] = field(default_factory=list)
    request: Request | None = None

    @contextmanager
    def between(self, address: str) -> Iterator[str]:
        with listener() as (here, there):
            thread = threading.Thread(target=self._stand, args=(here, address), daemon=True)
            thread.start()
            yield there
        thread.join(timeout=60)

    def _stand(self, here: socket.socket, address: str) -> None:
        with suppress(OSError, MemSyncError), here.accept()[0] as joiner, connected(address) as adder:
            to_joiner = Adder(frame(joiner, Kind.COMMIT))
            joiner.sendall(write_frame(Kind.KEY, to_joiner.public))
            asked, with_joiner = to_joiner.meet(frame(joiner, Kind.REVEAL))
            mine = sign_request(self.device, name=asked.name, issued=self.home.now(), nonce=bytes(16))
            to_adder = Joiner(mine, self.device)
            adder.sendall(write_frame(Kind.COMMIT, to_adder.commitment))
            public = frame(adder, Kind.KEY)
            if self.grinds:
                self._grind(to_adder, public, with_joiner.code)
            reveal, with_adder = to_adder.reveal(public)
            self.sessions = [with_joiner, with_adder]
            adder.sendall(write_frame(Kind.REVEAL, reveal))
            frame(adder, Kind.EQUAL)
            adder.sendall(write_frame(Kind.AGREED, with_adder.proof(Kind.AGREED)))
            self.stolen = to_adder.open(with_adder, frame(adder, Kind.ANSWER))
            self.request = mine

    def _grind(self, joiner: Joiner, public: bytes, wanted: str) -> None:
        for number in range(1 << 20):
            self.tries = number + 1
            joiner._nonce = number.to_bytes(32, "big")
            if _session(joiner.commitment, public, joiner._nonce, joiner._request).code == wanted:
                return
