"""A vault as one would make it without thinking: nothing encrypted, addresses and digests on the chain. The control for ``outsider``.

In go the same memories, tool and words; out come JSON blocks in a store, and calls of the same registry with a public grant, bare digests
for pointers and CIDs in calldata. Whoever calls this publishes everything it is given: never use it for a memory.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from memsync.chain.calls import NO_DEADLINE, Call, CommitAndShare, Open, Share, Submit, sign_call
from memsync.chain.registry import Registry
from memsync.crypto.randomness import system_random
from memsync.crypto.secp256k1 import SecpKey, grant_id, vault_id
from memsync.crypto.words import from_words
from memsync.demo.evidence import Node
from memsync.format.card import Card
from memsync.format.rights import READ, WRITE
from memsync.ipld.cid import CID
from memsync.memory import Memory
from memsync.shared import Tool
from memsync.store.port import BlockStore

_MONTH = 30 * 24 * 3600
_ANY_SALT = bytes(32)


def publish_plainly(
    scopes: Mapping[str, Iterable[Memory]],
    proposal: str,
    *,
    tool: Tool,
    card: Card,
    words: str,
    store: BlockStore,
    registry: Registry,
    node: Node,
) -> list[CID]:
    """Lead the life of a vault in the open: stored, opened, granted, proposed to, listed. The CIDs of its blocks."""
    listed = {name: _put(store, list(map(_plain, memories))) for name, memories in scopes.items()}
    index = {
        "words": words,
        "secret": from_words(words).hex(),
        "scopes": {name: str(cid) for name, cid in listed.items()},
        "grants": [
            {
                "tool": card.name,
                "account": card.account.hex(),
                "box": card.box.hex(),
                "author": card.author.hex(),
            }
        ],
    }
    root = _put(store, index)
    parcel = _put(store, {"proposal": proposal})
    cids = [*listed.values(), root, parcel]
    _commit(registry, tool, card, scope=next(iter(scopes)), root=root, parcel=parcel)
    sender = node.rpc("eth_accounts")[0]
    list_of_blocks = "0x" + "\n".join(map(str, cids)).encode().hex()
    node.rpc("eth_sendTransactionSync", {"from": sender, "to": sender, "data": list_of_blocks})
    return cids


def _commit(registry: Registry, tool: Tool, card: Card, *, scope: str, root: CID, parcel: CID) -> None:
    owner = SecpKey.derive(system_random(32), "owner")
    vault = vault_id(registry.chain_id, registry.contract, owner.address)
    scope_word = scope.encode().ljust(32, b"\0")
    now = registry.snapshot(vault).block.time
    grant = Share(
        grant_id(vault, card.account, scope_word, _ANY_SALT), now - now % 3600, now + _MONTH, READ | WRITE
    )

    def send(call: Call, key: SecpKey) -> None:
        signed = sign_call(call, key, NO_DEADLINE, chain_id=registry.chain_id, contract=registry.contract)
        registry.send(signed)

    send(Open(owner.address, 0, owner.address, 0, root.digest), owner)
    send(CommitAndShare(vault, 1, 0, 0, root.digest, (grant,), ()), owner)
    send(Submit(card.account, vault, scope_word, _ANY_SALT, 0, 0, parcel.digest), tool.account)


def _plain(memory: Memory) -> dict[str, str | None]:
    return {"text": memory.text, "title": memory.source.title if memory.source else None}


def _put(store: BlockStore, value: object) -> CID:
    block = json.dumps(value, ensure_ascii=False).encode()
    cid = CID.of(block)
    store.put_many([(cid, block)])
    return cid
