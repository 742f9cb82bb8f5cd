"""Write the vectors of links, cards and every block above the tree: ``python tests/vectors/make_vault.py``.

Values are those of ``samples.py`` beside this; what they become is pinned in JSON. For each sealed thing there are good blocks, bad
*plaintexts* (what a holder of the keys could write and no reader may take: seal them at the good one's place and try) and bad *blocks*.
A change of any committed value is a change of the format. Boxes can't be made twice alike: files with boxes are written only if absent.
Bytes are hex, blocks and plaintexts base64.
"""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import samples as s

from memsync.crypto import hpke
from memsync.crypto.hpke import OVERHEAD, seal_box
from memsync.crypto.kdf import derive
from memsync.crypto.sealing import ZERO16, Kind, aad, open_block, open_entry, seal_block
from memsync.crypto.secp256k1 import ORDER
from memsync.format import (
    access,
    card,
    envelope,
    handshake,
    link,
    lockbox,
    owner,
    pairing,
    parcel,
    pins,
    root,
)
from memsync.format.block import Block
from memsync.format.certificate import certify
from memsync.format.records import draft_value, memory_value
from memsync.ipld.cid import CID, DAG_CBOR
from memsync.ipld.dagcbor import decode, encode
from memsync.memory import Proof

HERE = Path(__file__).parent
TRUE: Any = True

Case = tuple[str, str | None, Callable[[Any], Any]]
"""Why it is bad, the fault (None: ``SignatureInvalid``), and what makes it of the good value: a new value or raw bytes."""


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def spoiled(plaintext: bytes, cases: list[Case]) -> list[dict[str, Any]]:
    found = []
    for why, fault, change in cases:
        value = change(copy.deepcopy(decode(plaintext)))
        data = value if isinstance(value, bytes) else encode(value)
        assert data != plaintext, why
        found.append({"why": why, "fault": fault, "plaintext": b64(data)})
    return found


def put(*path: Any) -> Callable[[Any], Any]:
    """Change: the last of ``path`` is put where the others lead."""

    def change(value: Any) -> Any:
        at = value
        for step in path[:-2]:
            at = at[step]
        at[path[-2]] = path[-1]
        return value

    return change


def of(where: list[Any], change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Change: ``change`` of what ``where`` leads to."""

    def changed(value: Any) -> Any:
        at = value
        for step in where[:-1]:
            at = at[step]
        at[where[-1]] = change(at[where[-1]])
        return value

    return changed


def raw(change: Callable[[bytes], bytes]) -> Callable[[Any], Any]:
    return lambda value: change(encode(value))


def form(version: Callable[[Any], Any]) -> list[Case]:
    """What is bad in every DAG-CBOR plaintext with a version."""
    return [
        ("nothing", "length", lambda _: b""),
        ("the last byte cut", "length", raw(lambda data: data[:-1])),
        ("a byte after the value", "trailing", raw(lambda data: data + b"\0")),
        ("a number", "type", lambda _: 1),
        ("version 2", "version", version),
    ]


def map_form(keys: list[str]) -> list[Case]:
    lacking = [(f"without {key}", "missing", _without(key)) for key in keys if key != "v"]
    return [
        *form(put("v", 2)),
        ("version true", "version", put("v", TRUE)),
        ("without v", "version", _without("v")),
        ("a key more", "key", put("x", None)),
        ("a list", "type", lambda value: list(value.values())),
        ("keys in another order", "order", raw(_keys_swapped)),
        ("a length not in its shortest form", "encoding", raw(lambda data: bytes((0xB8, data[0] & 31)) + data[1:])),
        *lacking,
    ]  # fmt: skip


def list_form(length: int) -> list[Case]:
    return [
        *form(put(0, 2)),
        ("an empty list", "version", lambda _: []),
        ("a map", "type", lambda _: {"v": 1}),
        ("an element more", "length", lambda value: [*value, None]),
        ("an element less", "length", lambda value: value[: length - 1]),
    ]


def _without(key: str) -> Callable[[Any], Any]:
    return lambda value: {name: item for name, item in value.items() if name != key}


def _keys_swapped(data: bytes) -> bytes:
    """The first two pairs of a map changed about."""
    value = decode(data)
    pairs = [encode({key: item})[1:] for key, item in sorted(value.items(), key=lambda pair: encode(pair[0]))]
    pairs[:2] = pairs[1::-1]
    return data[:1] + b"".join(pairs)


def spoiled_blocks(block: Block, others: dict[str, bytes], *, boxed: bool = False) -> list[dict[str, Any]]:
    """Blocks that can't be read in the place of ``block``; the reader is given each one's own digest."""
    data = block.data
    flips = [
        ("a bit flipped in the first byte", "key", 0),
        ("a bit flipped in the last byte", "key" if boxed else "tag", len(data) - 1),
    ]
    if not boxed:
        flips.append(("a bit flipped in the commitment", "key", 40))
    bad = [
        ("nothing", "size", b""),
        ("a byte cut", "size", data[:-1]),
        ("a byte added", "size", data + b"\0"),
        ("half", "size" if len(data) == 4096 else "key" if boxed else "tag", data[: len(data) // 2]),
        *[(why, fault, data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]) for why, fault, at in flips],
        *[(why, "key", other) for why, other in others.items()],
    ]  # fmt: skip
    return [{"why": why, "fault": fault, "block": b64(other)} for why, fault, other in bad]


def good(block: Block, plaintext: bytes, **more: Any) -> dict[str, Any]:
    return more | {"digest": block.digest.hex(), "plaintext": b64(plaintext), "block": b64(block.data)}


# ---------------------------------------------------------------------------------------------------- earlier keys


def lockboxes() -> dict[str, Any]:
    epoch, earlier = s.EPOCH, s.EPOCHS[:3]
    where = {"vault": s.VAULT, "scope": s.SCOPE}
    block, ref = lockbox.seal_lockbox(epoch, earlier, **where, random=s.stream("lockbox"))
    place = aad(s.VAULT, s.SCOPE, epoch.content.id, Kind.LOCKBOX, ref.object_id)
    plaintext = open_block(epoch.history, place, block.data, what="lockbox")
    below = lockbox.seal_lockbox(s.EPOCHS[2], earlier[:2], **where, random=s.stream("lockbox"))[0]
    elsewhere = {"vault": s.OTHER_VAULT, "scope": s.SCOPE}, {"vault": s.VAULT, "scope": s.OTHER_SCOPE}
    moved = [
        lockbox.seal_lockbox(epoch, earlier, **place, random=s.stream("lockbox"))[0] for place in elsewhere
    ]
    rows = _key_rows()
    since_block, since = lockbox.seal_since(
        [key.content for key in earlier[1:]],
        current=epoch.content,
        **where,
        random=s.stream("since"),
    )
    since_place = aad(s.VAULT, s.SCOPE, epoch.content.id, Kind.SINCE, since.ref.object_id)
    since_plaintext = open_block(since.key, since_place, since_block.data, what="since")
    return {
        "lockbox": {
            "epoch": {"number": 3, "secret": epoch.secret.hex()},
            "vault": s.VAULT.hex(),
            "scope": s.SCOPE.hex(),
            "good": [good(block, plaintext, object_id=ref.object_id.hex())],
            "bad_plaintexts": spoiled(plaintext, [*list_form(2), *rows]),
            "bad_blocks": spoiled_blocks(
                block,
                {
                    "of another epoch": below.data,
                    "of another vault": moved[0].data,
                    "of another scope": moved[1].data,
                    "a since block": since_block.data,
                },
            ),
        },
        "since": {
            "key": since.key.hex(),
            "current": {"number": 3, "secret": epoch.content.secret.hex()},
            "vault": s.VAULT.hex(),
            "scope": s.SCOPE.hex(),
            "good": [good(since_block, since_plaintext, object_id=since.ref.object_id.hex())],
            "bad_plaintexts": spoiled(since_plaintext, [*list_form(2), *rows]),
            "bad_blocks": spoiled_blocks(since_block, {"a lockbox": block.data}),
        },
    }


def _key_rows() -> list[Case]:
    return [
        ("no key", "count", put(1, [])),
        ("rows in another order", "order", of([1], lambda rows: rows[::-1])),
        ("a number twice", "duplicate", of([1], lambda rows: [*rows, rows[-1]])),
        ("the current epoch", "value", of([1], lambda rows: [*rows, [3, bytes(32)]])),
        ("a later epoch", "value", of([1], lambda rows: [*rows, [4, bytes(32)]])),
        ("a key of 31 bytes", "length", put(1, 0, 1, bytes(31))),
        ("a key that is a text", "type", put(1, 0, 1, "k" * 32)),
        ("a number beyond u32", "value", of([1], lambda rows: [*rows, [2**32, bytes(32)]])),
        ("a negative number", "value", put(1, 0, 0, -1)),
        ("a row of three", "length", of([1, 0], lambda row: [*row, 0])),
    ]


# ------------------------------------------------------------------------------------------------ access block, slots


def accesses() -> dict[str, Any]:
    block, ref = access.seal_access(s.POINTER_KEY, s.SEATS, vault=s.VAULT, random=s.stream("access"))
    place = aad(s.VAULT, ZERO16, ZERO16, Kind.ACCESS, ref.object_id)
    key = derive(s.POINTER_KEY, "access")
    plaintext = open_block(key, place, block.data, what="access")
    other_vault, _ = access.seal_access(s.POINTER_KEY, [], vault=s.OTHER_VAULT, random=s.stream("access"))
    other_key, _ = access.seal_access(
        s.ROOT_KEY.locator(s.VAULT).pointer_key(3), [], vault=s.VAULT, random=s.stream("access")
    )
    as_root = seal_block(
        key, aad(s.VAULT, ZERO16, ZERO16, Kind.ROOT, ref.object_id), plaintext, random=s.stream("root")
    )
    cases: list[Case] = [
        *list_form(2),
        ("no slot", "count", put(1, [])),
        ("three slots", "count", of([1], lambda boxes: boxes[:3])),
        ("slots in another order", "order", of([1], lambda boxes: boxes[::-1])),
        ("a slot twice", "duplicate", of([1], lambda boxes: [boxes[0], *boxes[:3]])),
        ("a slot a byte short", "length", of([1, 2], lambda box: box[:-1])),
        ("a slot that is a list", "type", put(1, 2, [])),
    ]
    slots = {
        "reader, with history": (s.SEATS[0], "reader"),
        "reader, from now on": (s.SEATS[1], "reader"),
        "device": (s.SEATS[2], "device"),
    }
    return {
        "pointer_key": s.POINTER_KEY.hex(),
        "vault": s.VAULT.hex(),
        "good": [
            good(
                block,
                plaintext,
                object_id=ref.object_id.hex(),
                tool_seed=s.TOOL.seed.hex(),
                device_seed=s.DEVICE.seed.hex(),
                stranger_seed=s.STRANGER.seed.hex(),
                scope=s.SCOPE.hex(),
                grants=[s.SEATS[0].grant.hex(), s.SEATS[1].grant.hex()],
                slots={name: access._encode_slot(seat).hex() for name, (seat, _) in slots.items()},
            )
        ],
        "bad_plaintexts": spoiled(plaintext, cases),
        "bad_blocks": spoiled_blocks(
            block,
            {
                "of another vault": other_vault.data,
                "of another pointer key": other_key.data,
                "in a root's place": as_root,
            },
        ),
        "bad_slots": _bad_slots(),
    }


def _bad_slots() -> list[dict[str, Any]]:
    cases: list[tuple[str, Any, list[Case]]] = [
        (
            "reader",
            s.SEATS[1],
            [
                ("nothing", "length", lambda _: b""),
                ("a byte after it", "trailing", raw(lambda data: data + b"\0")),
                ("an empty list", "type", lambda _: []),
                ("a map", "type", lambda _: {}),
                ("kind 3", "value", put(0, 3)),
                ("kind true", "type", put(0, TRUE)),
                ("a device's kind with a reader's fields", "length", put(0, 2)),
                ("with history and a since block", "value", put(0, 1)),
                ("without acknowledged", "length", lambda value: value[:4]),
                ("an element more", "length", lambda value: [*value, 0]),
                ("a number beyond u32", "value", put(1, 2**32)),
                ("a key of 33 bytes", "length", put(2, bytes(33))),
                ("a since reference of one", "length", put(3, [bytes(16)])),
                ("a since id of 15 bytes", "length", put(3, 0, bytes(15))),
                ("a since reference without its key", "length", put(3, [bytes(16), bytes(32)])),
                ("a since key of 31 bytes", "length", put(3, 2, bytes(31))),
                ("acknowledged beyond u32", "value", put(4, 2**32)),
                ("acknowledged null", "type", put(4, None)),
                ("a device's slot", "type", lambda _: [2, 1, bytes(32)]),
            ],
        ),
        (
            "device",
            s.SEATS[2],
            [
                ("a generation beyond u32", "value", put(1, 2**32)),
                ("W of 31 bytes", "length", put(2, bytes(31))),
                ("a reader's fields", "length", lambda value: [*value, None, 0]),
                ("a reader's slot", "type", lambda _: [1, 0, bytes(32), None, 0]),
            ],
        ),
    ]
    return [
        bad | {"slot": kind}
        for kind, seat, changes in cases
        for bad in spoiled(access._encode_slot(seat), changes)
    ]


# ------------------------------------------------------------------------------------------------------- owner block


def owners() -> dict[str, Any]:
    block, ref = owner.seal_owner(s.OWNER, generation=s.GENERATION, vault=s.VAULT, random=s.stream("owner"))
    place = aad(s.VAULT, ZERO16, ZERO16, Kind.OWNER, ref.object_id)
    plaintext = open_block(s.GENERATION.owner_key(), place, block.data, what="owner")
    earlier = s.ROOT_KEY.generation(s.VAULT, 0)
    first = owner.Owner(generation=0, locator=0, pointer=0, scopes=s.OWNER.scopes[:1])
    old, _ = owner.seal_owner(first, generation=earlier, vault=s.VAULT, random=s.stream("owner"))
    moved, _ = owner.seal_owner(
        s.OWNER, generation=s.GENERATION, vault=s.OTHER_VAULT, random=s.stream("owner")
    )

    cases: list[Case] = [
        *map_form(sorted(owner._KEYS)),
        ("a generation beyond u32", "value", put("generation", 2**32)),
        ("a negative locator", "value", put("locator", -1)),
        ("a pointer that is a text", "type", put("pointer", "2")),
        ("scopes that are a map", "type", put("scopes", {})),
        ("scopes in another order", "order", of(["scopes"], lambda rows: rows[::-1])),
        ("a scope twice", "duplicate", of(["scopes"], lambda rows: [rows[0], rows[0]])),
        ("two scopes of one name", "duplicate", put("scopes", 1, 1, s.OWNER.scopes[0].name)),
        ("a scope's id of 15 bytes", "length", put("scopes", 0, 0, bytes(15))),
        ("a scope without a name", "size", put("scopes", 0, 1, "")),
        ("a name of 65 characters", "size", put("scopes", 0, 1, "x" * 65)),
        ("a line break in a name", "value", put("scopes", 0, 1, "a\nb")),
        ("a right-to-left override in a name", "value", put("devices", 0, 1, "a\u202eb")),
        ("a name that is a byte string", "type", put("grants", 0, "name", b"Claude")),
        ("a scope's key of 16 bytes", "length", put("scopes", 0, 3, bytes(16))),
        ("a scope of three", "length", of(["scopes", 0], lambda row: row[:3])),
        ("a grant that is a list", "type", put("grants", 0, [])),
        ("a grant twice", "duplicate", of(["grants"], lambda rows: rows * 2)),
        ("a grant without secret", "missing", of(["grants", 0], _without("secret"))),
        ("a grant with a key more", "key", put("grants", 0, "note", "x")),
        ("a grant without rights", "value", put("grants", 0, "rights", 0)),
        ("rights 4", "value", put("grants", 0, "rights", 4)),
        ("a start at its end", "value", put("grants", 0, "start", s.END)),
        ("an end beyond u40", "value", put("grants", 0, "end", 2**40)),
        ("an account of 32 bytes", "length", put("grants", 0, "account", bytes(32))),
        ("a public key of 32 bytes", "length", put("grants", 0, "box", bytes(32))),
        ("a first epoch without the right to read", "value", put("grants", 0, "rights", 2)),
        ("a first epoch that is a text", "type", put("grants", 0, "since", "3")),
        ("a device of six", "length", of(["devices", 0], lambda row: [*row, 0])),
        ("a device's time beyond u40", "value", put("devices", 0, 4, 2**40)),
        ("a vault's id of 20 bytes", "length", put("vaults", 0, 1, bytes(20))),
        ("a vault twice", "duplicate", of(["vaults"], lambda rows: rows * 2)),
        ("keys of its own generation", "value", put("earlier", 0, 0, 1)),
        ("keys of a later generation", "value", of(["earlier"], lambda rows: [*rows, [2, bytes(32), bytes(32)]])),
        ("a generation twice", "duplicate", of(["earlier"], lambda rows: rows * 2)),
        ("a seed of 31 bytes", "length", put("earlier", 0, 2, bytes(31))),
        ("settings that are a list", "type", put("settings", [])),
        ("of another generation than its root", "value", put("generation", 2)),
    ]  # fmt: skip
    return {
        "owner_key": s.GENERATION.owner_key().hex(),
        "generation": 1,
        "vault": s.VAULT.hex(),
        "good": [good(block, plaintext, object_id=ref.object_id.hex())],
        "bad_plaintexts": spoiled(plaintext, cases),
        "bad_blocks": spoiled_blocks(block, {"of an earlier generation": old.data, "of another vault": moved.data}),
    }  # fmt: skip


# -------------------------------------------------------------------------------------------------------------- root


def roots() -> dict[str, Any]:
    block = root.seal_root(**s.ROOT, random=s.stream("root"))
    key = derive(s.POINTER_KEY, "root")
    place = aad(s.VAULT, ZERO16, ZERO16, Kind.ROOT, s.SEQUENCE.to_bytes(4, "big"))
    plaintext = open_block(key, place, block.data, what="root")
    first = root.seal_root(
        **s.ROOT | {"sequence": 1, "previous": None, "entries": []}, random=s.stream("first root")
    )
    first_place = aad(s.VAULT, ZERO16, ZERO16, Kind.ROOT, (1).to_bytes(4, "big"))
    other = root.seal_root(
        **s.ROOT | {"pointer_key": s.ROOT_KEY.locator(s.VAULT).pointer_key(1)}, random=s.stream("root")
    )
    thief = s.ROOT_KEY.generation(s.VAULT, 5)
    stranger = certify(s.TOOL_ACCOUNT, s.GENERATION, chain_id=s.CHAIN, contract=s.CONTRACT)
    elsewhere = certify(s.OWNER_KEY, s.GENERATION, chain_id=s.CHAIN + 1, contract=s.CONTRACT)

    author = s.GENERATION.author()

    def signed(change: Callable[[Any], Any], by: Any = author) -> Callable[[Any], Any]:
        def changed(value: Any) -> Any:
            value = change(value)
            return value | {"signature": by.sign(b"memsync/v1/root" + encode(_without("signature")(value)))}

        return changed

    def entries(count: int) -> Callable[[Any], Any]:
        return signed(put("entries", [[bytes(14) + n.to_bytes(2, "big"), bytes(256)] for n in range(count)]))

    high = (ORDER - int.from_bytes(s.CERTIFICATE.signature[32:64], "big")).to_bytes(32, "big")
    malleated = s.CERTIFICATE.signature[:32] + high + bytes((55 - s.CERTIFICATE.signature[64],))
    cases: list[Case] = [
        *map_form(sorted(root._KEYS)),
        ("another vault", "value", signed(put("vault", s.OTHER_VAULT))),
        ("another sequence", "value", signed(put("sequence", 8))),
        ("a sequence beyond u32", "value", signed(put("sequence", 2**32))),
        ("a generation that is null", "type", signed(put("generation", None))),
        ("no previous root at sequence 7", "value", signed(put("previous", None))),
        ("a previous root of 31 bytes", "length", signed(put("previous", bytes(31)))),
        ("a salt of 16 bytes", "length", signed(put("salt", bytes(16)))),
        ("an access reference of three", "length", signed(of(["access"], lambda one: [*one, 0]))),
        ("an owner id of 32 bytes", "length", signed(put("owner", 0, bytes(32)))),
        ("a witness that is null", "type", signed(put("witness", None))),
        ("no entry", "count", entries(0)),
        ("three entries", "count", entries(3)),
        ("six entries", "count", entries(6)),
        ("entries in another order", "order", signed(of(["entries"], lambda rows: rows[::-1]))),
        ("a tag twice", "duplicate", signed(of(["entries"], lambda rows: [rows[0], [rows[0][0], rows[1][1]], *rows[2:]]))),
        ("a tag of 15 bytes", "length", signed(put("entries", 0, 0, bytes(15)))),
        ("an entry of 255 bytes", "length", signed(put("entries", 0, 1, bytes(255)))),
        ("an entry of three", "length", signed(of(["entries", 0], lambda row: [*row, 0]))),
        ("a certificate of two", "length", signed(of(["certificate"], lambda one: one[:2]))),
        ("a certificate's signature of 64 bytes", "length", signed(of(["certificate", 2], lambda one: one[:64]))),
        ("a signature of 63 bytes", "length", of(["signature"], lambda one: one[:63])),
        ("a certificate by a stranger", None, signed(put("certificate", stranger.to_value()))),
        ("a certificate for another chain", None, signed(put("certificate", elsewhere.to_value()))),
        ("a certificate of another generation", None, signed(put("generation", 2))),
        ("a certificate with s in the upper half", None, signed(put("certificate", 2, malleated))),
        ("another signer than certified", None, signed(put("certificate", 1, bytes(20)))),
        ("another author than certified", None, signed(put("certificate", 0, thief.author().public), thief.author())),
        ("signed by an author that was not certified", None, signed(lambda value: value, thief.author())),
        ("a witness changed after signing", None, put("witness", bytes(32))),
        ("an entry changed after signing", None, put("entries", 0, 1, bytes(256))),
        ("signed without its prefix", None, lambda value: value | {"signature": author.sign(encode(_without("signature")(value)))}),
    ]  # fmt: skip
    named = {"pointer_key": s.POINTER_KEY, "contract": s.CONTRACT, "vault": s.VAULT}
    return {name: value.hex() for name, value in named.items()} | {
        "chain": s.CHAIN,
        "good": [
            good(block, plaintext, sequence=s.SEQUENCE, generation=1, entries=_entries(decode(plaintext))),
            good(first, open_block(key, first_place, first.data, what="root"), sequence=1, generation=1, entries=[]),
        ],
        "sequence": s.SEQUENCE,
        "bad_plaintexts": spoiled(plaintext, cases),
        "bad_blocks": spoiled_blocks(block, {"of another sequence": first.data, "of another pointer key": other.data}),
        "bad_entries": _bad_entries(),
    }  # fmt: skip


def _entries(value: Any) -> list[dict[str, Any]]:
    found = []
    for one in s.ENTRIES:
        tag = one.key.tag(value["salt"])
        sealed = dict(value["entries"])[tag]
        place = aad(s.VAULT, one.scope, one.key.id, Kind.ENTRY, s.SEQUENCE.to_bytes(4, "big"))
        found.append(
            {
                "scope": one.scope.hex(),
                "content_key": {
                    "number": one.key.number,
                    "secret": one.key.secret.hex(),
                    "id": one.key.id.hex(),
                },
                "tag": tag.hex(),
                "sealed": sealed.hex(),
                "plaintext": b64(open_entry(one.key.secret, place, sealed)),
            }
        )
    return found


def _bad_entries() -> list[dict[str, Any]]:
    """Sealed as the first scope's entry of a root with this salt."""
    entry = s.ENTRIES[0].entry
    plaintext = encode([entry.number, entry.catalog.to_value(), entry.lockbox.to_value(), entry.count])
    cases: list[Case] = [
        ("nothing", "length", lambda _: b""),
        ("a byte after it", "trailing", raw(lambda data: data + b"\0")),
        ("a map", "type", lambda _: {}),
        ("an element more", "length", lambda value: [*value, 0]),
        ("an earlier epoch", "value", put(0, 2)),
        ("a later epoch", "value", put(0, 4)),
        ("a number that is true", "type", put(0, TRUE)),
        ("records without a catalog", "value", put(1, None)),
        ("a catalog of a later epoch", "value", put(1, 2, 4)),
        ("a catalog of this epoch with another id", "value", put(1, 2, 3)),
        ("a catalog of three", "length", of([1], lambda one: one[:3])),
        ("a lockbox of one", "length", of([2], lambda one: one[:1])),
        ("a count of 2^53", "value", put(3, 2**53)),
        ("a negative count", "value", put(3, -1)),
    ]
    return spoiled(plaintext, cases)


# ---------------------------------------------------------------------------------------- envelope, link, parcel, card


def envelopes() -> dict[str, Any]:
    found = []
    for value in (s.ENVELOPE, s.READ_ONLY, s.WRITE_ONLY):
        block = envelope.seal_envelope(value, s.TOOL.box().public)
        link_text = str(s.link_to(block.digest))
        found.append(
            good(
                block,
                encode(envelope._value(value)),
                link=link_text,
                grant=value.grant_id(block.digest).hex(),
            )
        )
    plaintext = encode(envelope._value(s.ENVELOPE))
    data = base64.b64decode(found[0]["block"])
    place = aad(s.VAULT, ZERO16, ZERO16, Kind.ENVELOPE, ZERO16)
    small = seal_box(s.TOOL.box().public, place, encode(envelope._value(s.READ_ONLY)), room=8192 - OVERHEAD)
    parcel_place = aad(s.VAULT, ZERO16, ZERO16, Kind.PARCEL, ZERO16)
    far = aad(s.OTHER_VAULT, ZERO16, ZERO16, Kind.ENVELOPE, ZERO16)
    room = envelope.SIZE - OVERHEAD
    wrong = {
        "boxed to another": seal_box(s.STRANGER.box().public, place, plaintext, room=room),
        "boxed as a parcel": seal_box(s.TOOL.box().public, parcel_place, plaintext, room=room),
        "boxed for another vault": seal_box(s.TOOL.box().public, far, plaintext, room=room),
    }
    cases: list[Case] = [
        *map_form(sorted(envelope._KEYS)),
        ("chain 0", "value", put("chain", 0)),
        ("a chain of 2^53", "value", put("chain", 2**53)),
        ("another chain", "value", put("chain", s.CHAIN + 1)),
        ("another contract", "value", put("contract", bytes(20))),
        ("another owner", "value", put("owner", s.TOOL_ACCOUNT.address)),
        ("another nonce", "value", put("nonce", 1)),
        ("a contract of 32 bytes", "length", put("contract", bytes(32))),
        ("a request of 8 bytes", "length", put("request", bytes(8))),
        ("no right", "value", put("rights", 0)),
        ("rights 4", "value", put("rights", 4)),
        ("an end before its start", "value", put("end", s.START - 1)),
        ("an end at its start", "value", put("end", s.START)),
        ("an end beyond u40", "value", put("end", 2**40)),
        ("a scope that is its id", "type", put("scope", s.SCOPE)),
        ("a scope without a name", "size", put("scope", 1, "")),
        ("a scope's name of two lines", "value", put("scope", 1, "a\u2028b")),
        ("a secret of 16 bytes", "length", put("secret", bytes(16))),
        ("a letter box of 32 bytes", "length", put("box", bytes(32))),
        ("a letter box without the right to write", "value", put("rights", 1)),
        ("a pointer key without the right to read", "value", put("rights", 2)),
        ("no letter box with the right to write", "value", put("box", None)),
        ("no pointer key with the right to read", "value", put("pointer", None)),
        ("no epoch key with the right to read", "value", put("key", None)),
        ("a pointer key without its number", "length", of(["pointer"], lambda one: one[1:])),
        ("a pointer key of 31 bytes", "length", put("pointer", 1, bytes(31))),
        ("a key of kind 2", "value", put("key", 0, 2)),
        ("a key of kind true", "type", put("key", 0, TRUE)),
        ("a key of an epoch beyond u32", "value", put("key", 1, 2**32)),
        ("a key of two", "length", of(["key"], lambda one: one[:2])),
        ("nine places", "count", put("places", [f"https://{n}.example" for n in "abcdefghi"])),
        ("a place twice", "duplicate", put("places", ["https://a.example"] * 2)),
        ("a place that is bytes", "type", put("places", [b"https://a.example"])),
        ("an http place", "value", put("places", ["http://a.example"])),
        ("a place with a user", "value", put("places", ["https://u:p@a.example"])),
        ("a place of 201 characters", "size", put("places", ["https://a.example/" + "x" * 183])),
        *[(f"the place {url}", "value", put("places", [url])) for url in (
            "https://localhost", "https://127.0.0.1", "https://2130706433/", "https://0x7f.1", "https://10.0.0.1", "https://169.254.169.254",
            "https://192.168.0.1", "https://224.0.0.1", "https://[::1]", "https://[fe80::1]", "https://[fd00::1]", "https://[ff02::1]",
            "https://[::ffff:7f00:1]", "https://[2002:7f00:1::]", "https://example.com.", "https://printer.local", "https://a.internal")],
    ]  # fmt: skip
    return {
        "seed": s.TOOL.seed.hex(),
        "box_public": s.TOOL.box().public.hex(),
        "good": found,
        "link": found[0]["link"],
        "bad_plaintexts": spoiled(plaintext, cases),
        "bad_blocks": [
            *spoiled_blocks(Block.of(data), wrong, boxed=True),
            {"why": "in 8 KiB", "fault": "size", "block": b64(small)},
            {"why": "padding that is not zero", "fault": "padding", "block": b64(_badly_padded(place))},
        ],
    }


def _badly_padded(place: bytes) -> bytes:
    # A length that ends before the plaintext does leaves bytes in the padding.
    plaintext = encode(envelope._value(s.READ_ONLY))
    padded = (len(plaintext) - 1).to_bytes(4, "big") + plaintext
    return hpke._suite().encrypt(
        padded.ljust(4096 - OVERHEAD, b"\0"), hpke._public(s.TOOL.box().public), info=place
    )


def links() -> dict[str, Any]:
    digest = s.chosen("envelope")
    values = [
        link.Link(s.CHAIN, s.CONTRACT, s.VAULT, digest),
        link.Link(1, bytes(20), bytes(32), bytes(32), ("https://store.example/v/?a=b&c=%2F",)),
        link.Link(
            2**53 - 1, s.CONTRACT, s.VAULT, digest, tuple(f"https://{n}.example:8443" for n in "hgfedcba")
        ),
    ]
    text = str(values[0])
    parts = text.split(":")

    def at(part: int, other: str) -> str:
        return ":".join([*parts[:part], other, *parts[part + 1 :]])

    at_a = "?at=https%3A%2F%2Fa.example"
    bad = [
        ("nothing", "link", "type", ""),
        ("another scheme", "link", "type", "http" + text[7:]),
        ("an upper-case scheme", "link", "type", "MemSync" + text[7:]),
        ("a space before", "link", "type", " " + text),
        ("version 2", "link", "version", at(1, "2")),
        ("version 01", "link", "version", at(1, "01")),
        ("only the scheme", "link", "version", "memsync:"),
        ("without the CID", "link", "count", ":".join(parts[:5])),
        ("a part more", "link", "count", text + ":"),
        ("no chain", "link", "encoding", at(2, "")),
        ("chain 0", "link", "encoding", at(2, "0")),
        ("a chain with a leading zero", "link", "encoding", at(2, "01")),
        ("a chain in hex", "link", "encoding", at(2, "0x1")),
        ("a chain with a sign", "link", "encoding", at(2, "+1")),
        ("a chain in other digits", "link", "encoding", at(2, "٣")),
        ("a chain of 2^53", "link", "value", at(2, str(2**53))),
        ("a chain of 40 digits", "link", "encoding", at(2, "9" * 40)),
        ("a contract without 0x", "link", "encoding", at(3, parts[3][2:])),
        ("a contract in upper case", "link", "encoding", at(3, "0x" + parts[3][2:].upper())),
        ("a contract of 19 bytes", "link", "length", at(3, parts[3][:-2])),
        ("a contract of 39 digits", "link", "length", at(3, parts[3][:-1])),
        ("a vault of 31 bytes", "link", "length", at(4, parts[4][:-2])),
        ("a vault with a g", "link", "encoding", at(4, parts[4][:-1] + "g")),
        ("a CID in upper case", "cid", "encoding", at(5, parts[5].upper())),
        ("a CID cut", "cid", "length", text[:-1]),
        ("a line break after", "cid", "length", text + "\n"),
        ("a CID of dag-cbor", "link", "type", at(5, str(CID(DAG_CBOR, digest)))),
        ("a question mark and nothing", "link", "key", text + "?"),
        ("another parameter", "link", "key", text + "?to=https%3A%2F%2Fa.example"),
        ("at without a value", "link", "key", text + "?at"),
        ("an empty at", "link", "value", text + "?at="),
        ("a fragment", "link", "encoding", text + at_a + "#x"),
        ("a place not encoded", "link", "encoding", text + "?at=https://a.example"),
        ("a place encoded in lower case", "link", "encoding", text + at_a.lower()),
        ("a place with too much encoded", "link", "encoding", text + at_a.replace("a.", "%61.")),
        ("a plus for a space", "link", "encoding", text + at_a + "+"),
        ("a place that is not UTF-8", "link", "encoding", text + at_a + "%FF"),
        ("a place beyond ASCII", "link", "encoding", text + at_a + "%2F%C3%BC"),
        ("a character beyond ASCII", "link", "encoding", text + at_a + "ü"),
        ("an ampersand at the end", "link", "key", text + at_a + "&"),
        ("a place twice", "link", "duplicate", text + at_a + "&" + at_a[1:]),
        ("nine places", "link", "count", text + "?" + "&".join(f"at=https%3A%2F%2F{n}.example" for n in "abcdefghi")),
        ("http", "link", "value", text + "?at=http%3A%2F%2Fa.example"),
        ("loopback", "link", "value", text + "?at=https%3A%2F%2F127.0.0.1"),
        ("loopback as a number", "link", "value", text + "?at=https%3A%2F%2F2130706433%2F"),
        ("loopback in IPv6", "link", "value", text + "?at=https%3A%2F%2F%5B%3A%3A1%5D"),
        ("a user", "link", "value", text + "?at=https%3A%2F%2Fme%40a.example"),
    ]  # fmt: skip
    return {
        "good": [
            {
                "text": str(value),
                "chain": value.chain_id,
                "contract": value.contract.hex(),
                "vault": value.vault.hex(),
                "envelope": value.envelope.hex(),
                "places": value.places,
            }
            for value in values
        ],
        "bad": [
            {"why": why, "what": what, "fault": fault, "text": bad_text} for why, what, fault, bad_text in bad
        ],
    }


def parcels() -> dict[str, Any]:
    author = s.TOOL.author()
    made = {"inbox": s.INBOX, "author": author, "box": s.LETTER_BOX.public}
    block = parcel.seal_parcel(s.DRAFTS, **made)
    big_draft = replace(s.DRAFTS[0][1], text="x" * 4000)
    big = parcel.seal_parcel([(s.DRAFTS[0][0], big_draft)], **made)
    where = [s.CHAIN, s.CONTRACT, s.VAULT, s.GRANT, 2]

    def plain(drafts: list[Any]) -> bytes:
        rows = [
            [one, draft_value(draft), author.sign(parcel._message(s.INBOX, one, draft))]
            for one, draft in drafts
        ]
        names = ["chain", "contract", "vault", "grant", "number"]
        return encode(
            {"v": 1, **dict(zip(names, where, strict=True)), "author": author.public, "drafts": rows}
        )

    def redrafted(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """The first draft changed and signed again: its form is all that is wrong."""

        def changed(value: Any) -> Any:
            one, draft, _ = value["drafts"][0]
            draft = change(draft)
            value["drafts"][0] = [
                one,
                draft,
                author.sign(b"memsync/v1/proposal" + encode([*where, one, draft])),
            ]
            return value

        return changed

    plaintext = plain(s.DRAFTS)
    place = aad(s.VAULT, ZERO16, ZERO16, Kind.PARCEL, s.GRANT + (2).to_bytes(4, "big"))
    next_place = aad(s.VAULT, ZERO16, ZERO16, Kind.PARCEL, s.GRANT + (3).to_bytes(4, "big"))
    other_grant = aad(s.VAULT, ZERO16, ZERO16, Kind.PARCEL, bytes(32) + (2).to_bytes(4, "big"))
    room = 4096 - OVERHEAD
    wrong = {
        "boxed to another": seal_box(s.STRANGER.box().public, place, plaintext, room=room),
        "boxed for another number": seal_box(s.LETTER_BOX.public, next_place, plaintext, room=room),
        "boxed for another grant": seal_box(s.LETTER_BOX.public, other_grant, plaintext, room=room),
    }
    spacious = seal_box(s.LETTER_BOX.public, place, plaintext, room=8192 - OVERHEAD)
    cases: list[Case] = [
        *map_form(sorted(parcel._KEYS)),
        ("another chain", "value", put("chain", 1)),
        ("another contract", "value", put("contract", bytes(20))),
        ("another vault", "value", put("vault", s.OTHER_VAULT)),
        ("another grant", "value", put("grant", bytes(32))),
        ("another number", "value", put("number", 1)),
        ("a number that is a text", "type", put("number", "2")),
        ("another author", "value", put("author", s.STRANGER.author().public)),
        ("no draft", "count", put("drafts", [])),
        ("drafts that are a map", "type", put("drafts", {})),
        ("a proposal twice", "duplicate", of(["drafts"], lambda rows: [*rows, rows[0]])),
        ("a proposal's id of 15 bytes", "length", put("drafts", 0, 0, bytes(15))),
        ("a proposal of two", "length", of(["drafts", 0], lambda row: row[:2])),
        ("a signature of 63 bytes", "length", of(["drafts", 0, 2], lambda one: one[:63])),
        ("a tombstone", "key", redrafted(lambda _: {"id": bytes(16), "version": bytes(16), "forgotten": 1})),
        ("a draft with an id", "key", redrafted(put("id", bytes(16)))),
        ("a draft with a version", "key", redrafted(put("version", bytes(16)))),
        ("a draft that replaces", "key", redrafted(put("replaces", [bytes(16)]))),
        ("a draft with an author", "key", redrafted(put("author", author.public))),
        ("a draft without text", "missing", redrafted(_without("text"))),
        ("a draft of another kind", "value", redrafted(put("kind", "secret"))),
        ("a draft whose text is empty", "size", redrafted(put("text", ""))),
        ("a draft whose tags are empty", "value", redrafted(put("tags", []))),
        ("a draft changed after signing", None, put("drafts", 0, 1, "text", "Ada prefers coffee.")),
        ("a proposal's id changed after signing", None, put("drafts", 0, 0, bytes(16))),
        ("the second signature is another's", None, of(["drafts", 1, 2], lambda _: s.STRANGER.author().sign(b"x"))),
        ("two signatures changed about", None, of(["drafts"], lambda rows: [[*rows[0][:2], rows[1][2]], [*rows[1][:2], rows[0][2]]])),
    ]  # fmt: skip
    memory = s.DRAFTS[0][1].accepted(
        s.UUIDS[0],
        s.UUIDS[1],
        author=author.public,
        proof=Proof(s.GRANT, 2, s.DRAFTS[0][0], author.sign(parcel._message(s.INBOX, *s.DRAFTS[0]))),
    )
    return {
        "chain": s.CHAIN,
        "contract": s.CONTRACT.hex(),
        "vault": s.VAULT.hex(),
        "grant": s.GRANT.hex(),
        "number": 2,
        "author": author.public.hex(),
        "box_seed": s.LETTER_BOX.seed.hex(),
        "good": [good(block, plaintext), good(big, plain([(s.DRAFTS[0][0], big_draft)]))],
        "accepted_memory": encode(memory_value(memory)).hex(),
        "bad_plaintexts": spoiled(plaintext, cases),
        "bad_blocks": [
            *spoiled_blocks(block, wrong, boxed=True),
            {"why": "in 8 KiB where 4 would do", "fault": "size", "block": b64(spacious)},
        ],
    }


def cards() -> dict[str, Any]:
    requested = card.sign_card(s.TOOL_ACCOUNT, **s.CARD, request=s.chosen("request", 16))
    plain = card.sign_card(s.TOOL_ACCOUNT, **s.CARD | {"name": "Ada's 手帳", "url": ""})
    text = card.write_card(requested).decode()
    fields = json.loads(text)

    def with_(**changes: Any) -> str:
        return json.dumps(fields | changes, ensure_ascii=False)

    def lacking(key: str) -> str:
        return json.dumps({name: value for name, value in fields.items() if name != key}, ensure_ascii=False)

    spare = fields["author"][:-1] + chr(ord(fields["author"][-1]) + 1)
    other = card.sign_card(s.TOOL_ACCOUNT, **s.CARD | {"issued": s.START + 1})
    cut = fields["box"][:1620]
    bad = [
        ("nothing", "encoding", ""),
        ("not JSON", "encoding", text[:-1]),
        ("a byte order mark", "encoding", "\ufeff" + text),
        ("a comma too many", "encoding", text[:-1] + ",}"),
        ("two objects", "encoding", text + "{}"),
        ("a list", "type", "[]"),
        ("a number", "type", "1"),
        ("null", "type", "null"),
        ("300 levels deep", "encoding", '{"a":' * 300),
        ("2,000 levels deep", "encoding", "[" * 2000),
        ("2,048 bytes", "size", text + " " * (2048 - len(text.encode()))),
        ("another kind of document", "type", with_(memsync="link")),
        ("without memsync", "type", lacking("memsync")),
        ("version 2", "version", with_(version=2)),
        ("version true", "version", with_(version=True)),
        ("version 1.0", "type", text.replace('"version":1,', '"version":1.0,')),
        ("version 1e0", "type", text.replace('"version":1,', '"version":1e0,')),
        ("version as a text", "version", with_(version="1")),
        ("without version", "version", lacking("version")),
        *[(f"without {key}", "missing", lacking(key)) for key in sorted(card._KEYS - {"memsync", "version"})],
        ("a key more", "key", with_(note="x")),
        ("a key twice", "duplicate", text[:-1] + ',"name":"Claude"}'),
        ("a key twice, once escaped", "duplicate", text[:-1] + ',"n\\u0061me":"Claude"}'),
        ("not a number", "type", text.replace(f'"issued":{s.START}', '"issued":NaN')),
        ("infinity", "type", text.replace(f'"issued":{s.START}', '"issued":-Infinity')),
        ("issued as a text", "type", with_(issued=str(s.START))),
        ("issued true", "type", with_(issued=True)),
        ("issued before 1970", "value", with_(issued=-1)),
        ("issued beyond u40", "value", with_(issued=2**40)),
        ("no name", "size", with_(name="")),
        ("a name of 65 characters", "size", with_(name="x" * 65)),
        ("a name with a line break", "value", with_(name="a\nb")),
        ("a name with a lone surrogate", "value", text.replace('"Claude"', '"\\ud800"')),
        ("a name that is null", "type", with_(name=None)),
        ("an http URL", "value", with_(url="http://claude.example")),
        ("a URL of localhost", "value", with_(url="https://localhost/mcp")),
        ("a URL that is null", "type", with_(url=None)),
        ("an account in upper case", "encoding", with_(account="0x" + fields["account"][2:].upper())),
        ("an account without 0x", "encoding", with_(account=fields["account"][2:])),
        ("an account of 19 bytes", "encoding", with_(account=fields["account"][:-2])),
        ("a box with padding", "encoding", with_(box=fields["box"] + "==")),
        ("a box with a line break", "encoding", with_(box=fields["box"] + "\n")),
        ("a box in standard base64", "encoding", with_(box=fields["box"].replace("-", "+").replace("_", "/"))),
        ("a box of 1,215 bytes", "length", with_(box=cut)),
        ("a box that is a list", "type", with_(box=[])),
        ("an author with spare bits", "encoding", with_(author=spare)),
        ("an author of 31 bytes", "length", with_(author="A" * 42)),
        ("an author of 1 mod 4 characters", "encoding", with_(author="A" * 41)),
        ("a request of 15 bytes", "length", with_(request="A" * 20)),
        ("a request that is null", "type", with_(request=None)),
        ("a signature of 64 bytes", "length", with_(signature="A" * 86)),
        ("another name than signed", None, with_(name="Claudia")),
        ("another URL than signed", None, with_(url="https://claude.example/mcp2")),
        ("another time than signed", None, with_(issued=s.START + 1)),
        ("another account than signed", None, with_(account="0x" + "11" * 20)),
        ("another author than signed", None, with_(author="A" * 43)),
        ("a signature of another card", None, with_(signature=json.loads(card.write_card(other))["signature"])),
        ("a signature of zeros", None, with_(signature="A" * 87)),
    ]  # fmt: skip
    return {
        "secret": s.TOOL_ACCOUNT.secret.hex(),
        "good": [
            {
                "json": card.write_card(one).decode(),
                "digest": one.digest.hex(),
                "fingerprint": one.fingerprint,
                "name": one.name,
                "url": one.url,
                "account": one.account.hex(),
                "box": one.box.hex(),
                "author": one.author.hex(),
                "issued": one.issued,
                "request": one.request and one.request.hex(),
            }
            for one in (requested, plain)
        ],
        "bad": [{"why": why, "fault": fault, "json": bad_text} for why, fault, bad_text in bad],
    }


def pinlists() -> dict[str, Any]:
    digests = [s.chosen(f"pin {n}") for n in range(3)]
    cid, data = pins.build_pins(digests)
    none_cid, none = pins.build_pins([])
    cases: list[Case] = [
        ("nothing", "length", lambda _: b""),
        ("a byte after it", "trailing", raw(lambda one: one + b"\0")),
        ("a map", "type", lambda _: {}),
        ("a digest that is no CID", "type", lambda value: [*value[:2], digests[0]]),
        ("a CID of dag-cbor", "type", lambda value: [CID(DAG_CBOR, value[0].digest), *value[1:]]),
        ("another order", "order", lambda value: value[::-1]),
        ("a CID twice", "duplicate", lambda value: [value[0], *value]),
    ]
    bad = spoiled(data, cases)
    return {
        "good": [
            {"digests": [digest.hex() for digest in sorted(digests)], "cid": str(cid), "block": b64(data)},
            {"digests": [], "cid": str(none_cid), "block": b64(none)},
        ],
        "bad": [{"why": one["why"], "fault": one["fault"], "block": one["plaintext"]} for one in bad],
    }


def pairings() -> dict[str, Any]:
    request = pairing.sign_request(s.DEVICE, name="phone 手機", issued=s.START, nonce=s.chosen("nonce", 16))
    text = pairing.write_request(request).decode()
    fields, keys = json.loads(text), s.chosen("handed over") * 9
    answer = pairing.seal_answer(request, keys).decode()

    def with_(**changes: Any) -> str:
        return json.dumps(fields | changes, ensure_ascii=False)

    other = json.loads(
        pairing.write_request(pairing.sign_request(s.STRANGER, name="x", issued=0, nonce=bytes(16)))
    )
    bad = [
        ("a list", "type", "[]"),
        ("not JSON", "encoding", text[:-1]),
        ("another kind of document", "type", with_(memsync="card")),
        ("version 2", "version", with_(version=2)),
        ("a key more", "key", with_(note="x")),
        ("a key twice", "duplicate", text[:-1] + ',"name":"x"}'),
        ("without nonce", "missing", json.dumps({k: v for k, v in fields.items() if k != "nonce"})),
        ("a nonce of 15 bytes", "length", with_(nonce="A" * 20)),
        ("issued as a text", "type", with_(issued="0")),
        ("issued beyond u40", "value", with_(issued=1 << 40)),
        ("an empty name", "size", with_(name="")),
        ("4,096 bytes", "size", text + " " * (4096 - len(text.encode()))),
    ]
    return {
        "request": text,
        "device": request.device.hex(),
        "digest": request.digest.hex(),
        "bad_requests": [{"why": why, "fault": fault, "json": one} for why, fault, one in bad],
        "altered": [with_(**{name: other[name]}) for name in ("name", "box", "author", "issued", "nonce")],
        "answer": answer,
        "device_seed": s.DEVICE.seed.hex(),
        "stranger_seed": s.STRANGER.seed.hex(),
        "keys": keys.hex(),
    }


def handshakes() -> dict[str, Any]:
    request = pairing.sign_request(s.DEVICE, name="phone 手機", issued=s.START, nonce=s.chosen("nonce", 16))
    nonce, seed = s.chosen("handshake nonce"), s.chosen("handshake key")
    joiner = handshake.Joiner(request, s.DEVICE, random=lambda _: nonce)
    adder = handshake.Adder(joiner.commitment, random=lambda _: seed)
    reveal, session = joiner.reveal(adder.public)
    answer = json.loads((HERE / "pairing.json").read_text(encoding="utf-8"))["answer"].encode()
    said = (handshake.Kind.EQUAL, handshake.Kind.AGREED, handshake.Kind.TAKEN)
    return {
        "request": pairing.write_request(request).decode(),
        "nonce": nonce.hex(),
        "key_seed": seed.hex(),
        "key": adder.public.hex(),
        "commitment": joiner.commitment.hex(),
        "reveal": reveal.hex(),
        "session": session.secret.hex(),
        "code": session.code,
        "proofs": {kind.name: session.proof(kind).hex() for kind in said},
        "answer": adder.seal(request, session, answer).hex(),
        "kinds": {kind.name: int(kind) for kind in handshake.Kind},
        "sizes": {kind.name: size for kind, size in handshake.SIZES.items()},
    }


FILES = {
    "lockbox": lockboxes,
    "access": accesses,
    "owner": owners,
    "root": roots,
    "envelope": envelopes,
    "link": links,
    "parcel": parcels,
    "card": cards,
    "pins": pinlists,
    "pairing": pairings,
    "handshake": handshakes,
}
BOXED = {"access", "envelope", "parcel", "pairing", "handshake"}


def main() -> None:
    for name, make in FILES.items():
        path = HERE / f"{name}.json"
        if name in BOXED and path.exists():
            continue
        path.write_text(json.dumps(make(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"{path.stat().st_size:8} {path.name}")


if __name__ == "__main__":
    main()
