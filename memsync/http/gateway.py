"""``store serve``: any store as a trustless gateway, read only (https://specs.ipfs.tech/http-gateways/trustless-gateway/).

In come ``GET`` and ``HEAD`` of ``/ipfs/{cid}``, as ``raw`` or ``car``; out goes that block, compared with its name, or a status. There is
no list, no path below a block and no way to write, so that who asks must know a block's name; with a token, must know that too. Blocks are
ciphertext and the gateway holds no key. Nothing is logged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Final, Literal

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from memsync.errors import BlockMissing, FormatError, IntegrityError, StorageError
from memsync.http.bearer import Bearer
from memsync.http.serving import serve, served
from memsync.ipld.car import write_car
from memsync.ipld.cid import CID, RAW
from memsync.store.fetching import check_token
from memsync.store.port import BlockStore, checked, get_block

Form = Literal["raw", "car"]

_FORMS: Final[dict[str, Form]] = {"raw": "raw", "car": "car"}
_TYPES: Final[dict[str, Form]] = {"application/vnd.ipld.raw": "raw", "application/vnd.ipld.car": "car"}
_SUFFIX: Final[dict[Form, str]] = {"raw": "bin", "car": "car"}
_CONTENT: Final[dict[Form, str]] = {
    "raw": "application/vnd.ipld.raw",
    "car": "application/vnd.ipld.car; version=1; order=dfs; dups=n",
}
_FOREVER: Final = "max-age=29030400, immutable"

_PROBE: Final = "bafkqaaa"
# The empty block by its identity CID, which is outside our profile; and a CAR with that root and no block.
_PROBED: Final[dict[Form, bytes]] = {
    "raw": b"",
    "car": b"\x19\xa2eroots\x81\xd8*E\x00\x01U\x00\x00gversion\x01",
}


class _Refused(Exception):
    """An answer other than the block; it ends in this module."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


def gateway_app(store: BlockStore, *, token: str | None) -> Starlette:
    """The gateway over ``store`` as an ASGI app; ``InputError`` for a token that can't stand in a header."""
    good = checked(store)

    def block(request: Request) -> Response:  # Starlette runs it in a thread, where a store may take its time
        try:
            return _answer(good, request, shared=token is None)
        except _Refused as refused:
            return PlainTextResponse(refused.why + "\n", refused.status, {"Cache-Control": "no-store"})

    door = [] if token is None else [Middleware(Bearer, token=check_token(token))]
    app = Starlette(routes=[Route("/ipfs/{cid}", block)], middleware=door)
    app.router.redirect_slashes = False
    return app


def serve_gateway(
    store: BlockStore,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    token: str | None,
    ready: Callable[[str], None],
) -> None:
    """Serve ``store`` until the process is told to stop; ``ready`` gets the URL once it answers. Port 0 takes a free one.

    ``InputError`` when the address can't be had or the token can't be sent.
    """
    serve(gateway_app(store, token=token), host=host, port=port, ready=ready)


def served_gateway(
    store: BlockStore, *, host: str = "127.0.0.1", port: int = 0, token: str | None
) -> AbstractContextManager[str]:
    """The same in a thread, while a ``with`` lasts; gives the URL."""
    return served(gateway_app(store, token=token), host=host, port=port)


def _answer(store: BlockStore, request: Request, *, shared: bool) -> Response:
    name = request.path_params["cid"]
    form, named = _form(request)
    if name == _PROBE:
        content = _PROBED[form]
    else:
        cid = _cid(name)
        if form == "car":
            _check_scope(request, cid)
        block = _block(store, cid, local_only="only-if-cached" in request.headers.get("cache-control", ""))
        content = block if form == "raw" else _car(cid, block)
    etag = f'"{name}.{form}"'
    headers = {
        "Content-Type": _CONTENT[form],
        # A shared cache would give what is behind a token to those who have none.
        "Cache-Control": ("public, " if shared else "private, ") + _FOREVER,
        "Etag": etag,
        "Vary": "Accept",
        "X-Content-Type-Options": "nosniff",
        "Content-Disposition": f'attachment; filename="{name}.{_SUFFIX[form]}"',
    }
    if not named:
        headers["Content-Location"] = f"/ipfs/{name}?format={form}"
    if _known(request.headers.get("if-none-match", ""), etag):
        return Response(None, 304, headers)
    return Response(content, 200, headers)


def _form(request: Request) -> tuple[Form, bool]:
    """Which form is asked for, and whether by ``format``, which goes before ``Accept``."""
    named = request.query_params.get("format")
    if named in _FORMS:
        return _FORMS[named], True
    if named is not None:
        raise _Refused(400, "the formats here are raw and car")
    for media_type in _by_preference(request.headers.get("accept", "")):
        if media_type in _TYPES:
            return _TYPES[media_type], False
    raise _Refused(400, "say ?format=raw or ?format=car, or accept application/vnd.ipld.raw or .car")


def _by_preference(accept: str) -> Iterator[str]:
    """The media types of an ``Accept`` header, the most wanted first (RFC 9110 §12.5.1)."""
    wanted: list[tuple[float, str]] = []
    for part in accept.split(","):
        media_type, *parameters = (piece.strip().lower() for piece in part.split(";"))
        given = dict(parameter.partition("=")[::2] for parameter in parameters)
        try:
            weight = float(given.get("q", "1"))
        except ValueError:
            continue
        if weight > 0 and given.get("version", "1") == "1":
            wanted.append((weight, media_type))
    return (media_type for _, media_type in sorted(wanted, key=lambda one: -one[0]))


def _cid(name: str) -> CID:
    try:
        return CID.parse(name)
    except FormatError:
        raise _Refused(400, "no CID of a block here: version 1, base32, raw or dag-cbor, sha2-256") from None


def _check_scope(request: Request, cid: CID) -> None:
    """A raw block is a whole DAG; of one that may link to others, only the block itself is given."""
    scope = request.query_params.get("dag-scope", "all")
    if scope not in ("block", "entity", "all"):
        raise _Refused(400, "dag-scope is block, entity or all")
    if scope == "all" and cid.codec != RAW:
        raise _Refused(400, "links are not followed here: say dag-scope=block")
    if request.query_params.get("car-version", "1") != "1":
        raise _Refused(400, "only CAR version 1 is written")


def _block(store: BlockStore, cid: CID, *, local_only: bool) -> bytes:
    try:
        return get_block(store, cid)
    except BlockMissing:
        raise _Refused(412 if local_only else 404, "not here") from None
    except IntegrityError:
        raise _Refused(
            500, "the copy here is damaged: its owner can mend it with `memsync store repair`"
        ) from None
    except StorageError:
        raise _Refused(500, "the store behind this gateway can't be read now: try again later") from None


def _car(cid: CID, block: bytes) -> bytes:
    written = bytearray()
    write_car((cid,), ((cid, block),), written.extend)
    return bytes(written)


def _known(if_none_match: str, etag: str) -> bool:
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in tags or etag in tags
