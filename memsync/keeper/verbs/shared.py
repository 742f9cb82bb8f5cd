"""The verbs of who is granted something: a card, accept, propose, publish. They need a tool's key, and no vault."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from memsync.errors import InputError, NotFoundError
from memsync.format.card import write_card
from memsync.format.link import read_link
from memsync.keeper.at import At
from memsync.keeper.held import key_folder
from memsync.keeper.values import iso, memory_value
from memsync.keeper.verb import Needs, Values, verb
from memsync.store.places import writable

if TYPE_CHECKING:
    from memsync.shared import SharedVault
    from memsync.store import BlockStore

NONCE = 16


@verb("key card", Needs.KEY_ONLY, "Tool.card")
def card(at: At, *, name: str, url: str = "", request: str | None = None) -> Values:
    """The key's card, for who is to grant. ``request``: a nonce of 16 bytes, in hexadecimal, that the grant must carry."""
    made = at.tool.card(name, url=url, request=None if request is None else _nonce(request))
    return {"card": write_card(made).decode(), "name": made.name, "fingerprint": made.fingerprint}


@verb("key publish", Needs.KEY, "Tool.publish")
def publish(at: At, *, name: str, url: str = "") -> Values:
    """Have the chain say that this card is the current one of the key's account."""
    made, receipt = at.tool.publish(name, url=url, registry=at.registry)
    return {
        "card": write_card(made).decode(),
        "account": "0x" + made.account.hex(),
        "transaction": "0x" + receipt.transaction.hex(),
        "gas_used": receipt.gas_used,
    }


@verb("accept", Needs.KEY, "SharedVault.accept")
def accept(
    at: At, *, link: str, question: str | None = None, k: int = 5, request: str | None = None
) -> Values:
    """Read what a link grants: take it up, pull, and answer a question. ``request``: the nonce that the grant must carry."""
    with _shared(at, link, request=request) as shared:
        refreshed = shared.pull()
        hits = shared.recall(question, k=k) if question else []
        return {
            "scope": shared.scope,
            "until": iso(shared.until * 1000),
            "memories": sum(1 for _ in shared.memories()),
            "added": refreshed.added,
            "removed": refreshed.removed,
            "hidden": refreshed.hidden,
            "hits": [memory_value(hit.memory) | {"score": hit.score, "why": list(hit.why)} for hit in hits],
        }


@verb("propose", Needs.KEY, "SharedVault.propose")
def propose(at: At, *, link: str, texts: list[str]) -> Values:
    """Propose texts to the owner behind a link."""
    if not any(map(writable, at.target.stores or ())):
        raise InputError(
            "proposing puts a block where the owner gets it; name a folder that both reach too: --store FOLDER"
        )
    with _shared(at, link) as shared:
        receipt = shared.propose(texts)
    return {"proposed": len(texts), "transaction": "0x" + receipt.transaction.hex()}


@contextmanager
def _shared(at: At, link: str, request: str | None = None) -> Iterator[SharedVault]:
    from memsync.shared import SharedVault

    read, tool = read_link(link), at.tool
    place = f"{read.chain_id}:{read.contract.hex()}:{read.vault.hex()}:{read.envelope.hex()}"
    state = key_folder(at.home, at.target.key) / f"{hashlib.sha256(place.encode()).hexdigest()[:16]}.db"
    with SharedVault.accept(
        read,
        key=tool,
        registry=at.registry,
        store=_store(at, read.places),
        state=state,
        request=None if request is None else _nonce(request),
    ) as shared:
        yield shared


def _store(at: At, places: tuple[str, ...]) -> BlockStore:
    """Where the blocks are: what this call names, else what the link does, which somebody else wrote."""
    from memsync.store.places import open_places

    if at.target.stores is not None:
        return at.store_of(at.target.stores)
    if not places:
        raise NotFoundError(
            "the link names no place with its blocks; say where they are: --store URL, FOLDER or FILE.car"
        )
    return open_places(places, untrusted=True)


def _nonce(text: str) -> bytes:
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != NONCE:
        raise InputError(
            f"a request's nonce is {2 * NONCE} hexadecimal digits; make one with `memsync key card NAME --request new`"
        )
    return found
