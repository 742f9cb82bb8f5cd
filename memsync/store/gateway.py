"""Blocks from a trustless gateway, read only (https://specs.ipfs.tech/http-gateways/trustless-gateway/).

In go CIDs, out come blocks, each fetched raw by its name, several at once, in the order asked for. A gateway may withhold, lie, drip or
send without end: each answer is bounded in bytes and seconds, and ``Place`` compares the bytes with the name. It takes no blocks, deletes
none and can't say which it has. The token is for this gateway alone and is never shown.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeVar

from memsync.errors import FormatError, InputError, StorageError
from memsync.ipld.cid import CID
from memsync.store.address import Resolve, Target, look_up, read_typed, read_written
from memsync.store.fetching import CONNECTIONS, SECONDS, Answer, Fetcher, refusal
from memsync.store.port import Block, Place

if TYPE_CHECKING:
    import ssl

LIMIT: Final = 256 * 1024
"""Bytes of a block at most."""

_RAW: Final = "application/vnd.ipld.raw"
_BINARY: Final = (_RAW, "application/octet-stream", "")

_Found = TypeVar("_Found")


class GatewayStore(Place):
    """The gateway at ``url``, ``untrusted`` when somebody else than the person wrote that.

    ``InputError``, or ``FormatError("place", …)`` when untrusted, for a URL that is not fetched. ``seconds`` bounds each answer.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        untrusted: bool = False,
        resolve: Resolve = look_up,
        tls: ssl.SSLContext | None = None,
        seconds: float = SECONDS,
    ) -> None:
        target = _gateway(url, untrusted=untrusted)
        self._base = target.path.rstrip("/").removesuffix("/ipfs")
        self._place = f"gateway {target.shown}"
        self._fetcher = Fetcher(target, token=token, resolve=resolve, tls=tls, seconds=seconds)

    @property
    def place(self) -> str:
        return self._place

    def has_many(self, cids: Iterable[CID]) -> set[CID]:
        asked = list(dict.fromkeys(cids))
        return {cid for cid, held in zip(asked, _in_order(self._has, asked), strict=True) if held}

    def delete(self, cids: Iterable[CID]) -> None:
        if any(True for _ in cids):
            raise self._read_only()

    def iter(self) -> Iterator[CID]:
        raise StorageError(f"{self.place} can't list its blocks; list another store of this vault")

    def close(self) -> None:
        """Close the connections that are kept; a further call opens new ones."""
        self._fetcher.close()

    def _keep(self, blocks: Iterator[Block]) -> None:
        if any(True for _ in blocks):
            raise self._read_only()

    def _fetch(self, cids: list[CID]) -> Iterator[bytes | None]:
        yield from _in_order(self._get, cids)

    def _get(self, cid: CID) -> bytes | None:
        answer = self._fetcher.get(self._path(cid), accept=_RAW, limit=LIMIT)
        if not self._there(answer):
            return None
        if answer.media_type not in _BINARY and CID.of(answer.body, cid.codec) != cid:
            raise StorageError(
                f"{self.place} answers with something else than blocks; check that it is a gateway"
            )
        return answer.body

    def _has(self, cid: CID) -> bool:
        return self._there(self._fetcher.head(self._path(cid), accept=_RAW))

    def _there(self, answer: Answer) -> bool:
        if answer.status in (404, 410):
            return False
        if answer.status != 200:
            raise refusal(self.place, answer.status)
        return True

    def _path(self, cid: CID) -> str:
        return f"{self._base}/ipfs/{cid}?format=raw"

    def _read_only(self) -> StorageError:
        return StorageError(f"{self.place} is read only; put or delete in a directory of this vault")


def _gateway(url: str, *, untrusted: bool) -> Target:
    target = read_written(url) if untrusted else read_typed(url)
    if target.query:
        told = f"{target.shown} is no gateway, for it has a query; give the URL without it, and a token by itself"
        raise FormatError("place", "value", told) if untrusted else InputError(told)
    return target


def _in_order(ask: Callable[[CID], _Found], cids: list[CID]) -> Iterator[_Found]:
    """What is answered for each, in order, with a few requests under way at once."""
    if len(cids) < 2:
        yield from map(ask, cids)
        return
    coming = iter(cids)
    with ThreadPoolExecutor(min(CONNECTIONS, len(cids)), "gateway") as askers:
        ahead: deque[Future[_Found]] = deque(askers.submit(ask, cid) for cid in islice(coming, CONNECTIONS))
        try:
            while ahead:
                found = ahead.popleft().result()
                ahead.extend(askers.submit(ask, cid) for cid in islice(coming, 1))
                yield found
        finally:
            for future in ahead:
                future.cancel()
