"""Gateways that lie, on loopback: each answers a request as it was told to, in raw bytes; and names and certificates for them."""

import datetime as dt
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Behaviour = Callable[[socket.socket, bytes], None]


def answer(body: bytes, *headers: str, status: str = "200 OK") -> Behaviour:
    """One whole answer, over a connection that is kept."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]

    def behave(line: socket.socket, request: bytes) -> None:
        line.sendall("\r\n".join(lines).encode() + (b"" if request.startswith(b"HEAD") else body))

    return behave


def raw(*parts: bytes, then: Callable[[socket.socket], None] = lambda line: None) -> Behaviour:
    """These bytes, whatever was asked; ``then`` anything; then the connection is closed."""

    def behave(line: socket.socket, request: bytes) -> None:
        for part in parts:
            line.sendall(part)
        then(line)
        line.close()

    return behave


class Lying:
    """A server on a free port of 127.0.0.1. ``requests`` is what came in, ``lines`` how many connections."""

    def __init__(self, behave: Behaviour, tls: ssl.SSLContext | None) -> None:
        self.behave = behave
        self.requests: list[bytes] = []
        self.lines = 0
        self.ended = threading.Event()
        self._tls = tls
        self._open: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._listening.accept()
            except OSError:
                return
            self.lines += 1
            thread = threading.Thread(target=self._serve, args=(line,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, line: socket.socket) -> None:
        with suppress(OSError, ValueError):
            if self._tls:
                line = self._tls.wrap_socket(line, server_side=True)
            self._open.append(line)
            while request := self._request(line):
                self.requests.append(request)
                self.behave(line, request)
        line.close()

    def _request(self, line: socket.socket) -> bytes:
        request = b""
        while b"\r\n\r\n" not in request:
            part = line.recv(4096)
            if not part:
                return b""
            request += part
        return request

    def stop(self) -> None:
        self.ended.set()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for line in self._open:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)


@contextmanager
def lying(behave: Behaviour, tls: ssl.SSLContext | None = None) -> Iterator[Lying]:
    server = Lying(behave, tls)
    try:
        yield server
    finally:
        server.stop()


class Authority:
    """A certificate authority made up for one test, and contexts for who serves and who asks."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "An authority made up")])
        self._own = self._sign(self._name, self._key, x509.BasicConstraints(ca=True, path_length=None))

    def client(self) -> ssl.SSLContext:
        """Trusts this authority and no other."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=self._own.public_bytes(serialization.Encoding.PEM).decode())
        return context

    def server(self, *hosts: str) -> ssl.SSLContext:
        """Has a certificate for these names and addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        known = x509.SubjectAlternativeName([_general(host) for host in hosts])
        certificate = self._sign(x509.Name([]), key, known)
        file = self._folder / f"{hosts[0]}.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _sign(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, extension) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(extension, critical=True)
            .sign(self._key, hashes.SHA256())
        )


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
