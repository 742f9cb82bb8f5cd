"""Two devices that stand before one person, paired over a socket: one listens, the other connects, a code says that nobody is between them.

What passes is ``memsync.format.handshake``; here are the wire and its rules. One device is let in, once: as soon as it was shown the
one-time key the listener is closed, and whatever goes wrong after that ends the pairing, for a second try under one command would be a
second guess at the code. Who connects and says nothing sensible in time is shut out before, and has seen nothing.

The bytes on the wire are the same in number each time; who reads along learns these numbers, the times and the two addresses. ::

    with listening("192.0.2.7:8042") as door, door.wait() as phone:  # on the device that has the vault
        phone.compare(input("The code that the phone shows: "))
        vault.pair_device(phone)

    with Vault.reach("192.0.2.7:8042", passphrase=…) as laptop:  # on the new one
        print(laptop.code)
        laptop.wait_until_equal()  # then ask whether the other device says so
        answer = laptop.agree()
    vault = Vault.join(answer, passphrase=…, registry=…, store=…)
"""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Final, Self

from memsync.crypto.tree import DeviceKey
from memsync.errors import CodesDiffer, DeviceGone, InputError, MemSyncError
from memsync.format.handshake import (
    HEAD,
    SIZES,
    Adder,
    Joiner,
    Kind,
    Session,
    Why,
    read_head,
    same_code,
    shown_code,
    write_frame,
)
from memsync.format.pairing import Request, bare
from memsync.listening import listen, read_address, show_address

PERSON: Final = 600.0
"""Seconds for what a person does, and for the push that lists the device."""
MACHINE: Final = 30.0
"""Seconds for a whole frame that the other device sends by itself."""
FIRST: Final = 5.0
"""Seconds in which who connects must say that it is a device."""
CROWD: Final = 32
"""So many may be connected at once before one is let in; the oldest go first."""
LOOPBACK: Final = "127.0.0.1"
_EVERYWHERE: Final = ("0.0.0.0", "::")  # noqa: S104

_AGAIN: Final = "start again on both devices"
_DIFFERENT: Final = f"the two devices don't show the same: mistyped, or somebody stands between them; nothing was handed over, {_AGAIN}"


class _Line:
    """One connection: whole frames, each within its time."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def send(self, kind: Kind, body: bytes) -> None:
        try:
            self._connection.settimeout(MACHINE)
            self._connection.sendall(write_frame(kind, body))
        except OSError as error:
            raise _gone(error) from error

    def receive(self, kind: Kind, patience: float) -> bytes:
        """The body of the next frame, which must be of this kind. ``DeviceGone``, ``FormatError``, ``CodesDiffer`` if told so."""
        until = time.monotonic() + patience
        found = read_head(self._exactly(HEAD, until), kind)
        body = self._exactly(SIZES[found], until)
        if found is not Kind.STOP:
            return body
        if body[0] == Why.DIFFERENT:
            raise CodesDiffer(_DIFFERENT)
        raise DeviceGone(f"the other device ended the pairing and says there why; {_AGAIN}")

    def stop(self, why: Why) -> None:
        """Tell the other end why, if it still hears, and hang up; again does nothing."""
        with suppress(MemSyncError):
            self.send(Kind.STOP, bytes([why]))
        self.close()

    def close(self) -> None:
        self._connection.close()

    def _exactly(self, size: int, until: float) -> bytes:
        got = bytearray()
        try:
            while len(got) < size:
                self._connection.settimeout(max(until - time.monotonic(), 0.001))
                chunk = self._connection.recv(size - len(got))
                if not chunk:
                    raise DeviceGone(f"the other device hung up; {_AGAIN}")
                got += chunk
                if time.monotonic() > until:
                    raise TimeoutError
        except OSError as error:
            raise _gone(error) from error
        return bytes(got)


class _End:
    """A device at the other end; a context manager that hangs up, and says why if something is raised."""

    def __init__(self, line: _Line, session: Session) -> None:
        self._line, self._session = line, session

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._line.stop(Why.DIFFERENT if isinstance(error, CodesDiffer) else Why.REFUSED)
        self._line.close()

    def _hear(self, kind: Kind, patience: float) -> None:
        self._session.check_proof(kind, self._line.receive(kind, patience))

    def _say(self, kind: Kind) -> None:
        self._line.send(kind, self._session.proof(kind))


class JoiningDevice(_End):
    """The device that asks, as the one that has the vault sees it: :meth:`compare`, :meth:`wait_for_yes`, :meth:`hand_over`."""

    def __init__(self, line: _Line, request: Request, session: Session) -> None:
        super().__init__(line, session)
        self.request = request
        self._compared = self._agreed = False

    def compare(self, code: str) -> None:
        """Take the code that the joining device shows, as the person typed it.

        It isn't shown here before, so that it can't be nodded through. ``CodesDiffer`` ends the pairing: there is no second try.
        """
        self._found(equal=same_code(code, self._session.code))

    def compare_fingerprint(self, fingerprint: str) -> None:
        """Take the joining device's whole fingerprint instead, as a script knows it from there: never the one of :attr:`request`."""
        self._found(equal=bare(fingerprint) == self.request.device.hex())

    def wait_for_yes(self) -> None:
        """Wait until the person said yes on the joining device too. Raises ``DeviceGone``, ``CodesDiffer``, ``FormatError``."""
        if not self._compared:
            raise InputError("the codes were not compared; compare them first")
        self._hear(Kind.AGREED, PERSON)
        self._agreed = True

    def _found(self, *, equal: bool) -> None:
        if not equal:
            self._line.stop(Why.DIFFERENT)
            raise CodesDiffer(_DIFFERENT)
        self._compared = True
        self._say(Kind.EQUAL)

    def hand_over(self, answer: bytes) -> None:
        """Send the answer to :attr:`request`. ``DeviceGone`` if the device does not say that it keeps it."""
        if not self._agreed:
            raise InputError("the person has not said yes on the joining device; wait for it first")
        try:
            self._line.send(Kind.ANSWER, Adder.seal(self.request, self._session, answer))
            self._hear(Kind.TAKEN, MACHINE)
        except MemSyncError as error:
            raise DeviceGone(
                f"{self.request.name!r} is in the vault now and did not say that it has the keys; if it has none, {_AGAIN}: "
                "it keeps its place; or take that away by `memsync device remove`"
            ) from error


class AddingDevice(_End):
    """The device that has the vault, as the one that asks sees it: show :attr:`code`, :meth:`wait_until_equal`, :meth:`agree`."""

    def __init__(self, line: _Line, joiner: Joiner, session: Session, keep: Keep) -> None:
        super().__init__(line, session)
        self._joiner, self._keep = joiner, keep
        self._equal = False

    @property
    def code(self) -> str:
        """What the person is to type on the other device, as a screen shows it."""
        return shown_code(self._session.code)

    def wait_until_equal(self) -> None:
        """Wait until the code was typed there. ``CodesDiffer`` if another was; ``DeviceGone``, ``FormatError``."""
        self._hear(Kind.EQUAL, PERSON)
        self._equal = True

    def agree(self, vault: str | None = None) -> bytes:
        """Say that the person says yes here too; the answer, which is kept on this device before the other end hears that it is.

        ``vault``: its whole fingerprint; ``CodesDiffer`` for another's. ``DeviceGone``, ``FormatError``, what checking the keys raises.
        """
        if not self._equal:
            raise InputError("the other device has not compared the codes; wait for it first")
        self._say(Kind.AGREED)
        answer = self._joiner.open(self._session, self._line.receive(Kind.ANSWER, PERSON))
        self._keep(answer, vault)
        self._say(Kind.TAKEN)
        return answer


Keep = Callable[[bytes, str | None], object]
"""Checks an answer, also against the vault's fingerprint where that is given, and keeps it."""


class Door:
    """A place where one device can come in, once.

    ``address``: what the other device connects to; where this one listens at all its addresses, that of the way out.
    """

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening
        host, port = listening.getsockname()[:2]
        self.address = show_address(_way_out(listening.family) if host in _EVERYWHERE else host, port)

    def wait(self) -> JoiningDevice:
        """The first device that comes. ``DeviceGone`` if none does, or if it goes on as a device would not; the door is shut then."""
        if self._listening.fileno() < 0:
            raise InputError("a device came in already, and had its one attempt; listen anew")
        line, commitment = self._first()
        self._listening.close()
        try:
            adder = Adder(commitment)
            line.send(Kind.KEY, adder.public)
            request, session = adder.meet(line.receive(Kind.REVEAL, MACHINE))
        except BaseException:
            line.stop(Why.REFUSED)
            raise
        return JoiningDevice(line, request, session)

    def _first(self) -> tuple[_Line, bytes]:
        """Whoever says first that it is a device; how long others hold their connections open is nothing to it."""
        until, strangers = time.monotonic() + PERSON, list[_Stranger]()
        with selectors.DefaultSelector() as ears:
            self._listening.settimeout(0)
            ears.register(self._listening, selectors.EVENT_READ)
            try:
                while (now := time.monotonic()) < until:
                    crowd = len(strangers) - CROWD
                    for one in [one for n, one in enumerate(strangers) if one.until < now or n < crowd]:
                        ears.unregister(one.connection)
                        one.connection.close()
                        strangers.remove(one)
                    for key, _ in ears.select(min(until - now, 1.0)):
                        if key.data is None:
                            with suppress(OSError):  # it went away again
                                strangers.append(_Stranger(self._listening.accept()[0]))
                                ears.register(strangers[-1].connection, selectors.EVENT_READ, strangers[-1])
                        elif (commitment := key.data.hear()) is not None:
                            strangers.remove(key.data)
                            return _Line(key.data.connection), commitment
            finally:
                for one in strangers:
                    one.connection.close()
        raise DeviceGone("no device came; say it again when the other is ready")


class _Stranger:
    """Who has connected and not said yet that it is a device, and until when it may."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection, self.until = connection, time.monotonic() + FIRST
        self._heard = bytearray()
        connection.settimeout(0)

    def hear(self) -> bytes | None:
        """The commitment, once it is there. Who hangs up or says something else has no more time."""
        try:
            chunk = self.connection.recv(HEAD + SIZES[Kind.COMMIT] - len(self._heard))
            self._heard += chunk
            if not chunk or (
                len(self._heard) >= HEAD and read_head(bytes(self._heard[:HEAD]), Kind.COMMIT) is Kind.STOP
            ):
                self.until = 0.0
            elif len(self._heard) == HEAD + SIZES[Kind.COMMIT]:
                return bytes(self._heard[HEAD:])
        except (OSError, MemSyncError):
            self.until = 0.0
        return None


@contextmanager
def listening(where: str) -> Iterator[Door]:
    """Listen for one device at ``[HOST:]PORT``, on this machine alone where no host is named. ``InputError`` where that can't be had."""
    with listen(*read_address(where, host=LOOPBACK)) as found:
        yield Door(found)


def reach(where: str, request: Request, device: DeviceKey, keep: Keep) -> AddingDevice:
    """Connect to the device that listens at ``HOST:PORT``, with this request. ``DeviceGone``, ``FormatError``, ``InputError``."""
    host, port = read_address(where)
    try:
        line = _Line(socket.create_connection((host, port), MACHINE))
    except (OSError, UnicodeError) as error:
        what = (getattr(error, "strerror", None) or str(error)).lower()
        raise DeviceGone(
            f"nobody can be reached at {where}: {what}; say `memsync device add --listen` on the other device first"
        ) from error
    joiner = Joiner(request, device)
    try:
        line.send(Kind.COMMIT, joiner.commitment)
        box, session = joiner.reveal(line.receive(Kind.KEY, MACHINE))
        line.send(Kind.REVEAL, box)
    except BaseException:
        line.stop(Why.REFUSED)
        raise
    return AddingDevice(line, joiner, session, keep)


def _gone(error: OSError) -> DeviceGone:
    what = "took too long" if isinstance(error, TimeoutError) else "went away"
    return DeviceGone(f"the other device {what}; {_AGAIN}")


def _way_out(family: int) -> str:
    """This machine's address on its way out; no packet is sent for it. (The addresses are those of documentation, RFC 5737 and 3849.)"""
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect(("2001:db8::1" if family == socket.AF_INET6 else "192.0.2.1", 9))
            return str(probe.getsockname()[0])
    except OSError:
        return socket.gethostname()
