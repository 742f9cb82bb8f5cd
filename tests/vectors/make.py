"""Write the vectors of ``memsync.ipld`` and ``memsync.crypto``: ``python tests/vectors/make.py``.

Inputs are fixed here; what they give is pinned in the JSON files beside this one, which readers in other languages can be checked
against. A change of any committed value is a change of the format. Boxes (``hpke.json``) can't be made twice alike, so that file is
written only if it is absent. Values in JSON: bytes as hex, blocks and files as base64, and for DAG-CBOR values ``typed`` below.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from memsync.crypto import eip712, hpke, keystore, pointer, secp256k1, words
from memsync.crypto.epochs import EpochKey
from memsync.crypto.kdf import PREFIX, derive, expand, hash256, mac
from memsync.crypto.pairwise import PairwiseSecret
from memsync.crypto.sealing import OVERHEAD, SIZES, ZERO16, Kind, aad, seal_block, seal_entry
from memsync.crypto.tree import DeviceKey, RootKey
from memsync.ipld.car import write_car
from memsync.ipld.cid import CID, DAG_CBOR, RAW
from memsync.ipld.dagcbor import encode

HERE = Path(__file__).parent
CHAIN = 31337
CONTRACT = bytes.fromhex("5fbdb2315678afecb367f032d93f642f64180aa3")


def chosen(label: str, length: int = 32) -> bytes:
    """Bytes that nobody could have picked to fit: SHAKE256 of the label."""
    return hashlib.shake_256(b"memsync vector " + label.encode()).digest(length)


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def typed(value: Any) -> Any:
    """A DAG-CBOR value as JSON that says what is what."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return {"int": str(value)}
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, str):
        return {"text": value}
    if isinstance(value, CID):
        return {"cid": str(value)}
    if isinstance(value, dict):
        return {"map": [[key, typed(item)] for key, item in value.items()]}
    return [typed(item) for item in value]


def cids() -> dict[str, Any]:
    good = []
    for block, codec in ((b"", RAW), (b"hello world", RAW), (encode({}), DAG_CBOR), (bytes(4096), RAW)):
        cid = CID.of(block, codec)
        good.append({"block": block.hex(), "codec": codec, "bytes": cid.to_bytes().hex(), "text": str(cid)})
    text, raw = str(CID.of(b"hello world")), CID.of(b"hello world").to_bytes()
    bad_texts = [
        ("", "encoding", "nothing"),
        (text.upper(), "encoding", "upper case"),
        ("B" + text[1:], "encoding", "multibase of upper case"),
        (text[:-1], "length", "cut"),
        (text + "a", "length", "too long"),
        (text + "=", "length", "padded"),
        (text[:-1] + "1", "encoding", "a character outside the alphabet"),
        (text[:-1] + chr(ord(text[-1]) + 1), "encoding", "bits beyond the last byte"),
        (text[:30] + "İ" + text[31:], "encoding", "not ASCII"),
        ("QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o", "encoding", "version 0"),
        ("zdj7WhuEjrB52m1BisYCtmjH1hSKa7yZ3jEZ9JcXaFRD51wVz", "encoding", "base58"),
        ("bafybeihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku", "type", "dag-pb"),
    ]
    bad_bytes = [
        (b"", "length", "nothing"),
        (raw[:-1], "length", "cut"),
        (raw + b"\0", "length", "too long"),
        (b"\x12\x20" + raw[4:], "version", "version 0"),
        (b"\x02" + raw[1:], "version", "version 2"),
        (b"\x01\x70" + raw[2:], "type", "dag-pb"),
        (raw[:2] + b"\x1e\x20" + raw[4:], "hash", "blake3"),
        (raw[:2] + b"\x12\x1f" + raw[4:], "hash", "a hash of 31 bytes"),
        (b"\x81\x00" + raw[1:-1], "version", "a version not in its shortest form"),
    ]
    return {
        "good": good,
        "bad_texts": [{"text": t, "fault": fault, "why": why} for t, fault, why in bad_texts],
        "bad_bytes": [{"bytes": b.hex(), "fault": fault, "why": why} for b, fault, why in bad_bytes],
    }


def nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


def dagcbor() -> dict[str, Any]:
    link = CID.of(b"hello world")
    good: list[Any] = [None, True, False, b"", "", [], {}, link, CID.of(b"\xa0", DAG_CBOR)]
    for edge in (23, 24, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**53, 2**63):
        good += [edge, -edge]
    good += [0, 2**64 - 1, -1, -(2**63)]
    good += [bytes(23), bytes(24), bytes(255), bytes(256), "ü", "日本語", "𝄞", "é", "a" * 23, "a" * 24]
    good += [{"b": 1, "a": 2, "aa": 3, "": 4}, {"z": 1, "aa": 2}, {"é": 1, "zz": 2, "a": 0}]
    good += [[1, [2, [3, {"k": [link, None]}]]], list(range(24)), {f"k{n}": n for n in range(30)}, nested(64)]
    bad = [
        ("", "length", "nothing"),
        ("18", "length", "cut in a number"),
        ("43 0102", "length", "cut in a byte string"),
        ("63 6161", "length", "cut in a text"),
        ("82 01", "length", "cut in a list"),
        ("a1 6161", "length", "cut before a value"),
        ("9b 7fffffffffffffff 00", "length", "a list longer than the input"),
        ("bb 7fffffffffffffff 00", "length", "a map longer than the input"),
        ("5b 7fffffffffffffff 00", "length", "a byte string longer than the input"),
        ("00 00", "trailing", "a byte after the value"),
        ("18 17", "encoding", "23 in two bytes"),
        ("19 00ff", "encoding", "255 in three bytes"),
        ("1a 0000ffff", "encoding", "65535 in five bytes"),
        ("1b 00000000ffffffff", "encoding", "2^32-1 in nine bytes"),
        ("38 17", "encoding", "-24 in two bytes"),
        ("58 01 00", "encoding", "a byte string's length not the shortest"),
        ("78 01 61", "encoding", "a text's length not the shortest"),
        ("98 01 00", "encoding", "a list's length not the shortest"),
        ("b8 01 61 61 00", "encoding", "a map's length not the shortest"),
        ("a1 78 01 61 00", "encoding", "a key's length not the shortest"),
        ("1c", "encoding", "a reserved length"),
        ("5f 4100 ff", "encoding", "an indefinite byte string"),
        ("9f 00 ff", "encoding", "an indefinite list"),
        ("bf 6161 00 ff", "encoding", "an indefinite map"),
        ("ff", "encoding", "a break alone"),
        ("61 ff", "encoding", "not UTF-8"),
        ("63 eda080", "encoding", "a surrogate in UTF-8"),
        ("62 c080", "encoding", "an overlong zero"),
        ("a1 61 ff 00", "encoding", "a key that is not UTF-8"),
        ("f9 3c00", "type", "a float of 16 bits"),
        ("fa 3f800000", "type", "a float of 32 bits"),
        ("fb 3ff8000000000000", "type", "a float of 64 bits"),
        ("fb 7ff8000000000000", "type", "not a number"),
        ("f7", "type", "undefined"),
        ("f8 ff", "type", "a simple value"),
        ("c0 60", "type", "a date"),
        ("c2 4101", "type", "a big number"),
        ("d9 d9f7 00", "type", "self-described CBOR"),
        ("d8 2a 00", "type", "tag 42 on a number"),
        ("d8 2a 78 25" + "00" * 37, "type", "tag 42 on a text"),
        ("d8 2a 40", "value", "tag 42 on nothing"),
        ("d8 2a 58 24" + link.to_bytes().hex(), "value", "a CID without its zero byte"),
        ("d8 2a 58 25 01" + link.to_bytes().hex(), "value", "a CID after another byte than zero"),
        ("d8 2a 58 23 00 1220" + link.digest.hex(), "value", "a CID of version 0"),
        ("d8 2a 58 25 00 0170" + link.to_bytes()[2:].hex(), "value", "a CID of dag-pb"),
        ("d8 2a 58 26 00" + link.to_bytes().hex() + "00", "value", "a CID with a byte too many"),
        ("d8 2a 58 25 00" + link.to_bytes()[:-1].hex(), "length", "a CID that is cut"),
        ("d9 002a 58 25 00" + link.to_bytes().hex(), "encoding", "tag 42 in three bytes"),
        ("3b 8000000000000000", "value", "-2^63 - 1"),
        ("3b ffffffffffffffff", "value", "-2^64"),
        ("c3 41 01", "type", "a negative big number"),
        ("a1 00 00", "key", "an integer as a key"),
        ("a1 41 61 00", "key", "bytes as a key"),
        ("a1 f6 00", "key", "null as a key"),
        ("a2 6161 00 6161 00", "duplicate", "a key twice"),
        ("a2 6162 00 6161 00", "order", "keys not by bytes"),
        ("a2 626161 00 6162 00", "order", "keys not by length"),
        ("a3 6161 00 6162 00 6161 00", "order", "a key twice, apart"),
        ("82 98 64" + "00" * 100, "length", "a list that lacks its second item"),
    ]
    runs = [
        ([["81", 64], ["80", 1]], "depth", "65 levels of lists"),
        ([["a160", 64], ["a0", 1]], "depth", "65 levels of maps"),
        ([["81", 100_000]], "depth", "100,000 levels"),
        ([["9a00040000", 1], ["80", 262_144]], "count", "262,145 items"),
        (
            [
                ["83", 1],
                ["9a000186a0", 1],
                ["00", 100_000],
                ["9a000186a0", 1],
                ["00", 100_000],
                ["9a000186a0", 1],
                ["00", 100_000],
            ],
            "count",
            "300,004 items",
        ),
        ([["ba00020000", 1], ["6000", 131_072]], "count", "131,072 pairs"),
    ]
    return {
        "good": [{"value": typed(value), "bytes": encode(value).hex()} for value in good],
        "bad": [
            *({"bytes": text.replace(" ", ""), "fault": fault, "why": why} for text, fault, why in bad),
            *({"runs": run, "fault": fault, "why": why} for run, fault, why in runs),
        ],
    }


def headed(value: Any) -> bytes:
    head = encode(value)
    return bytes((len(head),)) + head


def cars() -> dict[str, Any]:
    blocks = [chosen(f"car {n}", n) for n in (0, 1, 91, 92, 200, 5000)] + [encode({"a": [1, CID.of(b"x")]})]
    named = [(CID.of(block, DAG_CBOR if block == blocks[-1] else RAW), block) for block in blocks]
    good = []
    for roots, chosen_blocks in (
        (named[:1], named),
        (named[:2], named[:2]),
        (named[2:3], [*named[2:4], named[2]]),
    ):
        out = io.BytesIO()
        write_car([cid for cid, _ in roots], chosen_blocks, out.write)
        good.append(
            {
                "roots": [str(cid) for cid, _ in roots],
                "blocks": [{"cid": str(cid), "block": b64(block)} for cid, block in chosen_blocks],
                "car": b64(out.getvalue()),
            }
        )
    cid, block = named[2]
    start = headed({"roots": [cid], "version": 1})
    section = cid.to_bytes() + block
    framed = bytes((len(section),)) + section
    assert len(section) == 127
    bad = [
        (b"", "length", "nothing"),
        (start[:-1], "length", "cut in the header"),
        (start + framed[:-1], "length", "cut in a block"),
        (start + framed[:20], "length", "cut in a CID"),
        (start + b"\x80", "length", "cut in a length"),
        (start + framed[:-1] + bytes((framed[-1] ^ 1,)), "hash", "a bit flipped in a block"),
        (start + b"\x00" + framed, "encoding", "an empty section"),
        (start + b"\xff\x00" + section, "encoding", "a length not in its shortest form"),
        (start + b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f" + section, "size", "a length of 2^63 - 1"),
        (start + b"\xa5\x80\x80\x01" + section, "size", "a block one byte longer than 2 MiB"),
        (start + b"\x23" + section[:35], "length", "a section shorter than a CID"),
        (
            start + b"\x2d\x12\x20" + hash256(b"x" * 11) + b"x" * 11,
            "version",
            "a block under a CID of version 0",
        ),
        (start + b"\x28\x01\x70\x12\x20" + hash256(b"four") + b"four", "type", "a dag-pb block"),
        (start + b"\x28\x01\x55\x1e\x20" + hash256(b"four") + b"four", "hash", "a block under another hash"),
        (start + framed + b"500 Internal Server Error", "length", "an error message after the blocks"),
        (bytes.fromhex("0aa16776657273696f6e02"), "version", "the first bytes of CAR version 2"),
        (headed({"version": 1}), "key", "a header without roots"),
        (headed({"roots": [cid], "version": 1, "more": 0}), "key", "a header with more"),
        (headed({"roots": 1, "version": 1}), "type", "roots that are no list"),
        (headed({"roots": [1], "version": 1}), "type", "a root that is no CID"),
        (headed({"roots": [cid], "version": True}), "version", "a version that is no number"),
        (b"\x01\x80", "type", "a header that is no map"),
        (b"\x81\x80\x04" + start, "size", "a header longer than 64 KiB"),
    ]
    return {
        "good": good,
        "bad": [{"car": b64(data), "fault": fault, "why": why} for data, fault, why in bad],
    }


def derivations() -> dict[str, Any]:
    key = chosen("key")
    derived = []
    for label, args, length in (
        ("root", [], 32),
        ("pointer", [0], 32),
        ("pointer", [2**32 - 1], 32),
        ("owner", [CHAIN, CONTRACT, 0], 48),
        ("mixed", [-1, b"", "ü", None, True, [1, 2], {"bb": 1, "a": 2}], 16),
        ("long", [], 8160),
    ):
        info = encode([PREFIX, label, *args])
        out = derive(key, label, *args, length=length)
        derived.append(
            {"key": key.hex(), "label": label, "args": typed(args), "length": length, "info": info.hex()}
            | ({"out": out.hex()} if length < 100 else {"out_sha256": hash256(out).hex()})
        )
    macs = [
        {
            "key": key.hex(),
            "parts": typed(parts),
            "message": encode([PREFIX, *parts]).hex(),
            "out": mac(key, *parts).hex(),
        }
        for parts in ([], [bytes(32)], ["grant", bytes(32)], [bytes(32), b"\0\0\0\1", bytes(32)])
    ]
    root = RootKey(chosen("R"))
    owners = []
    for chain, i in ((CHAIN, 0), (CHAIN, 1), (1, 0), (2**53 - 1, 2**32 - 1)):
        owner = root.owner(chain, CONTRACT, i)
        vault = secp256k1.vault_id(chain, CONTRACT, owner.address)
        owners.append(
            {
                "chain": chain,
                "contract": CONTRACT.hex(),
                "i": i,
                "secret": owner.secret.hex(),
                "address": owner.address.hex(),
            }
            | {"vault": vault.hex()}
        )
    vault = bytes.fromhex(owners[0]["vault"])
    locators = []
    for number in (0, 1):
        locator = root.locator(vault, number)
        keys = [(k, locator.pointer_key(k)) for k in (0, 1, 2**32 - 1)]
        locators.append(
            {
                "l": number,
                "secret": locator.secret.hex(),
                "pointer_keys": [
                    {
                        "k": k,
                        "key": key.hex(),
                        "root": derive(key, "root").hex(),
                        "access": derive(key, "access").hex(),
                    }
                    for k, key in keys
                ],
            }
        )
    generations = []
    for number in (0, 1):
        generation = root.generation(vault, number)
        author, signer, box = generation.author(), generation.signer(), generation.box()
        generations.append(
            {
                "g": number,
                "secret": generation.secret.hex(),
                "signer": {"secret": signer.secret.hex(), "address": signer.address.hex()},
                "owner_key": generation.owner_key().hex(),
                "author": {"seed": author.seed.hex(), "public": author.public.hex()},
                "box": {"seed": box.seed.hex(), "public_sha256": hash256(box.public).hex()},
            }
        )
    device = DeviceKey(chosen("D"))
    epochs = []
    for number in (0, 7, 2**32 - 1):
        epoch = EpochKey(number, chosen(f"K {number}"))
        salt = chosen("root salt")
        epochs.append(
            {
                "number": number,
                "secret": epoch.secret.hex(),
                "content": epoch.content.secret.hex(),
                "history": epoch.history.hex(),
                "id": epoch.content.id.hex(),
                "root_salt": salt.hex(),
                "tag": epoch.content.tag(salt).hex(),
            }
        )
    pairwise, scope, envelope = PairwiseSecret(chosen("S")), chosen("scope", 16), chosen("envelope digest")
    return {
        "derive": derived,
        "mac": macs,
        "tree": {
            "root": root.secret.hex(),
            "words": words.to_words(root.secret),
            "owners": owners,
            "vault": vault.hex(),
            "locators": locators,
            "generations": generations,
        },
        "device": {
            "seed": device.seed.hex(),
            "box": {"seed": device.box().seed.hex(), "public_sha256": hash256(device.box().public).hex()},
            "author": {"seed": device.author().seed.hex(), "public": device.author().public.hex()},
        },
        "epochs": epochs,
        "pairwise": {
            "secret": pairwise.secret.hex(),
            "vault": vault.hex(),
            "scope": scope.hex(),
            "envelope": envelope.hex(),
            "grantee": {
                "secret": pairwise.grantee().secret.hex(),
                "address": pairwise.grantee().address.hex(),
            },
            "blinded_scope": pairwise.blinded_scope(scope).hex(),
            "grant_salt": pairwise.grant_salt(envelope).hex(),
            "grant_id": pairwise.grant_id(vault, scope, envelope).hex(),
            "parcel": derive(pairwise.secret, "parcel").hex(),
        },
    }


def sealing() -> dict[str, Any]:
    key, vault, salt = chosen("sealing key"), chosen("vault"), chosen("block salt")
    scope, epoch, object_id = chosen("scope", 16), chosen("epoch", 16), chosen("object", 16)
    places = {
        Kind.ROOT: (ZERO16, ZERO16, b"\0\0\0\7"),
        Kind.ENTRY: (scope, epoch, b"\0\0\0\7"),
        Kind.PARCEL: (ZERO16, ZERO16, chosen("grant") + b"\0\0\0\1"),
        Kind.ENVELOPE: (ZERO16, ZERO16, ZERO16),
    }

    def place(kind: Kind) -> dict[str, Any]:
        s, e, o = places.get(kind, (scope, epoch, object_id))
        fields = {
            "vault": vault.hex(),
            "scope": s.hex(),
            "epoch": e.hex(),
            "kind": kind.value,
            "object": o.hex(),
        }
        return {"key": key.hex(), **fields, "aad": aad(vault, s, e, kind, o).hex()}

    def once(where: dict[str, Any]) -> tuple[bytes, bytes]:
        both = expand(key, salt, encode([PREFIX, "seal", bytes.fromhex(where["aad"])]), 64)
        return both[:32], both[32:]

    blocks = []
    for kind in Kind:
        where, plaintext = place(kind), f"a plaintext of kind {kind.value}".encode()
        if kind is Kind.ENTRY:
            sealed = seal_entry(key, bytes.fromhex(where["aad"]), plaintext, random=lambda _: salt)
        else:
            sealed = seal_block(key, bytes.fromhex(where["aad"]), plaintext, random=lambda _: salt)
        one_time, commitment = once(where)
        result = (
            {"block": b64(sealed)}
            if kind in (Kind.ROOT, Kind.ENTRY)
            else {"block_sha256": hash256(sealed).hex()}
        )
        more = {
            "salt": salt.hex(),
            "k": one_time.hex(),
            "commitment": commitment.hex(),
            "plaintext": plaintext.hex(),
        }
        blocks.append(where | more | {"size": len(sealed)} | result)
    sizes = []
    where = place(Kind.SEGMENT)
    for size in SIZES:
        for length in (size - OVERHEAD, size // 2 - OVERHEAD + 1 if size > SIZES[0] else 0):
            sealed = seal_block(key, bytes.fromhex(where["aad"]), b"m" * length, random=lambda _: salt)
            assert len(sealed) == size
            sizes.append(
                {"fill": "6d", "length": length, "size": size, "block_sha256": hash256(sealed).hex()}
            )
    return {
        "blocks": blocks,
        "sizes": where | {"salt": salt.hex(), "cases": sizes},
        "bad": _bad_blocks(where, *once(where), salt),
    }


def _bad_blocks(where: dict[str, Any], once: bytes, commitment: bytes, salt: bytes) -> list[dict[str, Any]]:
    associated = bytes.fromhex(where["aad"])

    def crafted(padded: bytes) -> bytes:
        return salt + commitment + AESGCM(once).encrypt(bytes(12), padded, associated)

    def room(size: int) -> int:
        return size - OVERHEAD + 4

    good = crafted((5).to_bytes(4, "big") + b"hello" + bytes(room(4096) - 9))

    def flip(at: int) -> bytes:
        return good[:at] + bytes((good[at] ^ 1,)) + good[at + 1 :]

    cases = [
        (good, None, "this one is good"),
        (good[:-1], "size", "cut by a byte"),
        (good + b"\0", "size", "a byte added"),
        (b"", "size", "nothing"),
        (good[:256], "size", "the size of an entry"),
        (flip(0), "key", "a bit of the salt flipped"),
        (flip(63), "key", "a bit of the commitment flipped"),
        (flip(64), "tag", "a bit of the ciphertext flipped"),
        (flip(4095), "tag", "a bit of the tag flipped"),
        (
            crafted((room(4096) - 3).to_bytes(4, "big") + bytes(room(4096) - 4)),
            "length",
            "a length beyond the room",
        ),
        (crafted(b"\xff\xff\xff\xff" + bytes(room(4096) - 4)), "length", "a length of 2^32 - 1"),
        (
            crafted((5).to_bytes(4, "big") + b"hello" + bytes(room(4096) - 10) + b"\1"),
            "padding",
            "the last byte not zero",
        ),
        (
            crafted((4).to_bytes(4, "big") + b"hello" + bytes(room(4096) - 9)),
            "padding",
            "the first after it not zero",
        ),
        (
            crafted((5).to_bytes(4, "big") + b"hello" + bytes(room(8192) - 9)),
            "size",
            "8192 bytes where 4096 do",
        ),
    ]
    return [where | {"block": b64(data), "fault": fault, "why": why} for data, fault, why in cases]


def boxes() -> dict[str, Any]:
    key, vault = hpke.HybridKey(chosen("box seed")), chosen("vault")
    found = []
    for kind, room, plaintext in (
        (Kind.SLOT, 192, b"a slot"),
        (Kind.SLOT, 192, b"s" * 188),
        (Kind.ENVELOPE, 4096 - hpke.OVERHEAD, b"an envelope"),
        (Kind.SLOT, 192, b""),
    ):
        associated = aad(vault, ZERO16, ZERO16, kind, ZERO16)
        box = hpke.seal_box(key.public, associated, plaintext, room=room)
        found.append(
            {
                "seed": key.seed.hex(),
                "aad": associated.hex(),
                "room": room,
                "plaintext": plaintext.hex(),
                "box": b64(box),
            }
        )
    good = base64.b64decode(found[0]["box"])
    associated = bytes.fromhex(found[0]["aad"])

    def flip(at: int) -> bytes:
        return good[:at] + bytes((good[at] ^ 1,)) + good[at + 1 :]

    def crafted(padded: bytes) -> bytes:
        return hpke._suite().encrypt(padded, hpke._public(key.public), info=associated)

    bad = [
        (good[:-1], "key", "cut by a byte"),
        (good + b"\0", "key", "a byte added"),
        (good[:1136], "size", "no room for a length"),
        (b"", "size", "nothing"),
        (flip(0), "key", "a bit of the ML-KEM ciphertext flipped"),
        (flip(1100), "key", "a bit of the X25519 value flipped"),
        (flip(1120), "key", "a bit of the ciphertext flipped"),
        (flip(len(good) - 1), "key", "a bit of the tag flipped"),
        (good[:1088] + bytes(32) + good[1120:], "key", "an X25519 value of small order"),
        (crafted(b"\0\0\0\xbd" + bytes(188)), "length", "a length beyond the room"),
        (crafted(b"\0\0\0\1" + bytes(187) + b"\1"), "padding", "padding not zero"),
    ]
    case = {"seed": key.seed.hex(), "aad": associated.hex()}
    other = {"seed": chosen("other seed").hex(), "aad": associated.hex(), "box": b64(good), "fault": "key"}
    elsewhere = {"seed": key.seed.hex(), "aad": found[2]["aad"], "box": b64(good), "fault": "key"}
    return {
        "keys": [
            {
                "seed": seed.hex(),
                "expanded": hashlib.shake_256(seed).hexdigest(96),
                "public": hpke.HybridKey(seed).public.hex(),
            }
            for seed in (key.seed, bytes(32))
        ],
        "boxes": found,
        "bad": [
            *(case | {"box": b64(data), "fault": fault, "why": why} for data, fault, why in bad),
            other | {"why": "another key"},
            elsewhere | {"why": "another place"},
        ],
    }


def pointers() -> dict[str, Any]:
    key, vault, digest = chosen("pointer key"), chosen("vault"), chosen("root digest")
    found = []
    for sequence, d in ((1, digest), (2, digest), (2**32 - 1, digest), (1, bytes(32)), (1, b"\xff" * 32)):
        sealed = pointer.seal_pointer(key, vault, sequence, d)
        found.append(
            {
                "pointer_key": key.hex(),
                "vault": vault.hex(),
                "sequence": sequence,
                "digest": d.hex(),
                "salt": sealed.salt.hex(),
                "salt_int": sealed.salt_int,
                "commitment": pointer.reveal(key, vault, sequence, sealed.salt).hex(),
                "pointer": sealed.pointer.hex(),
            }
        )
    good = found[0]
    bad = [
        good | {"pointer_key": chosen("other key").hex(), "why": "another key"},
        good | {"vault": chosen("other vault").hex(), "why": "another vault"},
        good | {"sequence": 2, "why": "another sequence"},
        good | {"salt": found[1]["salt"], "why": "another salt"},
        good | {"pointer": found[1]["pointer"], "why": "another pointer"},
        good | {"salt": "00" * 6, "why": "a salt of six bytes"},
        good | {"pointer": good["pointer"][2:], "why": "31 bytes"},
        good | {"salt": "00000000", "pointer": "00" * 32, "why": "zeros"},
    ]
    secret, grant = chosen("S"), chosen("grant")
    parcels = []
    for number in (1, 2, 2**32 - 1):
        sealed = pointer.seal_parcel_pointer(secret, grant, number, digest)
        parcels.append(
            {
                "secret": secret.hex(),
                "grant": grant.hex(),
                "number": number,
                "digest": digest.hex(),
                "salt": sealed.salt.hex(),
                "salt_int": sealed.salt_int,
                "pointer": sealed.pointer.hex(),
            }
        )
    for case in bad:
        for name in ("digest", "salt_int", "commitment"):
            del case[name]
    bad_parcels = [
        parcels[0] | {"secret": chosen("other").hex(), "why": "another secret"},
        parcels[0] | {"grant": chosen("other").hex(), "why": "another grant"},
        parcels[0] | {"number": 2, "why": "another number"},
        parcels[0] | {"salt": parcels[0]["salt"][:8], "why": "a salt of four bytes"},
    ]
    for case in bad_parcels:
        for name in ("digest", "salt_int"):
            del case[name]
    return {"pointers": found, "bad": bad, "parcels": parcels, "bad_parcels": bad_parcels}


def word_lists() -> dict[str, Any]:
    secret = chosen("R")
    line = words.to_words(secret)
    plain = line.removeprefix("memsync ").split()
    swapped = [plain[1], plain[0], *plain[2:]]
    good = [{"secret": secret.hex(), "words": line}]
    good += [
        {"secret": chosen(f"words {n}").hex(), "words": words.to_words(chosen(f"words {n}"))}
        for n in range(8)
    ]
    accepted = [" ".join(plain), line.upper(), "\n\t".join(line.split()) + "\n", "  " + line.title() + "  "]
    bad = [
        ("", "nothing"),
        ("memsync", "no words"),
        (" ".join(plain[:-1]), "23 words"),
        (" ".join([*plain, plain[0]]), "25 words"),
        (" ".join(plain[:12]), "12 words"),
        (" ".join(swapped), "two words in each other's place"),
        (" ".join([*plain[:-1], "abandon" if plain[-1] != "abandon" else "ability"]), "a wrong last word"),
        (" ".join(["memsyncs", *plain]), "another word in front"),
        (" ".join(["memsync", "memsync", *plain]), "the first word twice"),
        (" ".join([plain[0][:-1] + "q", *plain[1:]]), "a word that is not in the list"),
        (" ".join([plain[0][:4], *plain[1:]]) if len(plain[0]) > 4 else "short", "four letters of a word"),
        (line.replace(" ", "-"), "dashes"),
    ]
    return {
        "good": good,
        "accepted": [{"secret": secret.hex(), "words": text} for text in accepted],
        "published": [{"secret": e.hex(), "words": words.to_words(e)} for e in sorted(words._PUBLISHED)],
        "bad": [{"words": text, "why": why} for text, why in bad],
    }


def keystores() -> dict[str, Any]:
    salts = iter((chosen("keystore salt", 16), chosen("keystore block salt")) * 20)
    small = {"memory": 8192, "passes": 1, "lanes": 1}

    def made(passphrase: str, plaintext: bytes, **cost: int) -> bytes:
        return keystore.seal_keystore(passphrase, plaintext, random=lambda _: next(salts), **cost)

    good = []
    for passphrase, plaintext, cost in (
        ("correct horse", b"keys", {"memory": 65536, "passes": 3, "lanes": 4}),
        ("ﬁancé Å", b"NFKC", small),
        ("x", bytes(range(256)) * 16, {"memory": 8192, "passes": 2, "lanes": 2}),
    ):
        file = made(passphrase, plaintext, **cost)
        good.append({"passphrase": passphrase, "plaintext": plaintext.hex(), "file": b64(file)} | cost)
    accepted = [{"passphrase": "fiancé Å", "plaintext": b"NFKC".hex(), "file": good[1]["file"]}]
    file = made("pass", b"keys", **small)
    salt = chosen("keystore salt", 16)
    length = len(keystore.MAGIC) + 4
    size = int.from_bytes(file[length - 4 : length], "big")
    sealed = file[length + size : -32]

    def summed(body: bytes) -> bytes:
        return body + hash256(body)

    def with_header(header: bytes) -> bytes:
        return summed(keystore.MAGIC + len(header).to_bytes(4, "big") + header + sealed)

    fields = {"kdf": "argon2id", "lanes": 1, "memory": 8192, "passes": 1, "salt": salt}
    bad = [
        ("Pass", file, "WrongPassphrase", None, "another passphrase"),
        ("", file, "WrongPassphrase", None, "no passphrase"),
        ("pass", b"", "FormatError", "version", "nothing"),
        ("pass", file[:-1], "FormatError", "hash", "cut"),
        ("pass", file[:30], "FormatError", "hash", "cut in the header"),
        ("pass", file + b"\0", "FormatError", "hash", "a byte added"),
        ("pass", file[:200] + bytes((file[200] ^ 1,)) + file[201:], "FormatError", "hash", "a bit flipped"),
        ("pass", file.replace(b"keystore 1", b"keystore 2"), "FormatError", "version", "version 2"),
        (
            "pass",
            summed(file[:-33] + bytes((file[-33] ^ 1,))),
            "FormatError",
            "tag",
            "a bit flipped, the sum mended",
        ),
        (
            "pass",
            with_header(encode(fields | {"salt": bytes(16)})),
            "WrongPassphrase",
            None,
            "another salt: it can't be told",
        ),
        ("pass", with_header(encode(fields | {"memory": 2**31})), "FormatError", "value", "2 TiB of memory"),
        ("pass", with_header(encode(fields | {"memory": 1})), "FormatError", "value", "1 KiB of memory"),
        (
            "pass",
            with_header(encode(fields | {"memory": -8192})),
            "FormatError",
            "value",
            "memory below zero",
        ),
        (
            "pass",
            with_header(encode(fields | {"memory": True})),
            "FormatError",
            "value",
            "memory that is no number",
        ),
        ("pass", with_header(encode(fields | {"passes": 2**32})), "FormatError", "value", "2^32 passes"),
        ("pass", with_header(encode(fields | {"passes": 0})), "FormatError", "value", "no pass"),
        ("pass", with_header(encode(fields | {"lanes": 17})), "FormatError", "value", "17 lanes"),
        ("pass", with_header(encode(fields | {"kdf": "argon2d"})), "FormatError", "value", "another kdf"),
        (
            "pass",
            with_header(encode(fields | {"salt": bytes(8)})),
            "FormatError",
            "length",
            "a salt of 8 bytes",
        ),
        ("pass", with_header(encode(fields | {"x": 1})), "FormatError", "key", "a field too many"),
        ("pass", with_header(encode({"kdf": "argon2id"})), "FormatError", "key", "fields missing"),
        ("pass", with_header(encode([1])), "FormatError", "key", "a header that is no map"),
        ("pass", with_header(encode(fields) + b"\0"), "FormatError", "trailing", "a byte after the header"),
        ("pass", with_header(bytes(129)), "FormatError", "length", "a header of 129 bytes"),
        (
            "pass",
            summed(keystore.MAGIC + (2**32 - 1).to_bytes(4, "big") + file[length:-32]),
            "FormatError",
            "length",
            "a header of 4 GiB",
        ),
        ("pass", summed(file[:-32] + bytes(4096)), "FormatError", "tag", "twice the size, zeros added"),
        ("pass", summed(file[:-33]), "FormatError", "size", "the sealed part cut, the sum mended"),
    ]
    return {
        "good": good,
        "accepted": accepted,
        "bad": [
            {"passphrase": phrase, "file": b64(data), "error": error, "fault": fault, "why": why}
            for phrase, data, error, fault, why in bad
        ],
    }


def structs() -> dict[str, Any]:
    root = RootKey(chosen("R"))
    authors, cards = [], []
    for chain, generation in ((CHAIN, 0), (1, 2**32 - 1)):
        owner = root.owner(chain, CONTRACT, 0)
        vault = secp256k1.vault_id(chain, CONTRACT, owner.address)
        of = root.generation(vault, generation)
        fields = {"generation": generation, "author_key": of.author().public, "signer": of.signer().address}
        digest = eip712.author_digest(chain, CONTRACT, vault, **fields)
        authors.append(
            {"chain": chain, "contract": CONTRACT.hex(), "vault": vault.hex(), "generation": generation}
            | {
                "author_key": of.author().public.hex(),
                "signer": of.signer().address.hex(),
                "digest": digest.hex(),
            }
            | {
                "secret": owner.secret.hex(),
                "owner": owner.address.hex(),
                "signature": owner.sign(digest).hex(),
            }
        )
    account, device = secp256k1.SecpKey(chosen("account")), DeviceKey(chosen("D"))
    for name, url, issued in (
        ("Notes", "https://notes.example/mcp", 1_800_000_000),
        ("", "", 0),
        ("日記 ✓", "ü", 2**40 - 1),
    ):
        fields = {"name": name, "url": url, "issued": issued}
        digest = eip712.card_digest(
            account=account.address, box=device.box().public, author=device.author().public, **fields
        )
        cards.append(
            fields
            | {
                "account": account.address.hex(),
                "box": device.box().public.hex(),
                "author": device.author().public.hex(),
            }
            | {
                "digest": digest.hex(),
                "secret": account.secret.hex(),
                "signature": account.sign(digest).hex(),
            }
        )
    digest, signature = bytes.fromhex(authors[0]["digest"]), bytes.fromhex(authors[0]["signature"])
    high = secp256k1.ORDER - int.from_bytes(signature[32:64], "big")
    bad = [
        (b"", "nothing"),
        (signature[:64], "64 bytes"),
        (signature + b"\0", "66 bytes"),
        (signature[:64] + b"\0", "v of 0"),
        (signature[:64] + b"\x1d", "v of 29"),
        (signature[:32] + high.to_bytes(32, "big") + bytes((55 - signature[64],)), "s in the upper half"),
        (bytes(32) + signature[32:], "r of zero"),
        (signature[:32] + bytes(32) + signature[64:], "s of zero"),
        (b"\xff" * 32 + signature[32:], "r beyond the order"),
        ((5).to_bytes(32, "big") + signature[32:], "r of no point"),
    ]
    vault, grantee, word = chosen("vault"), chosen("grantee", 20), chosen("scope word")
    return {
        "domain": {
            "chain": CHAIN,
            "contract": CONTRACT.hex(),
            "separator": eip712.domain_separator(CHAIN, CONTRACT).hex(),
            "separator_off_chain": eip712.domain_separator().hex(),
        },
        "author": authors,
        "card": cards,
        "bad_signatures": [
            {"digest": digest.hex(), "signature": data.hex(), "why": why} for data, why in bad
        ],
        "vault_ids": [
            {
                "chain": c,
                "contract": CONTRACT.hex(),
                "owner": o.hex(),
                "nonce": n,
                "id": secp256k1.vault_id(c, CONTRACT, o, n).hex(),
            }
            for c, o, n in ((1, grantee, 0), (2**53 - 1, grantee, 0), (CHAIN, bytes(20), 2**256 - 1))
        ],
        "grant_ids": [
            {"vault": vault.hex(), "grantee": grantee.hex(), "scope": word.hex(), "grant_salt": s.hex()}
            | {"id": secp256k1.grant_id(vault, grantee, word, s).hex()}
            for s in (bytes(32), chosen("grant salt"))
        ],
    }


FILES = {
    "cid": cids,
    "dagcbor": dagcbor,
    "car": cars,
    "derivations": derivations,
    "sealing": sealing,
    "pointer": pointers,
    "words": word_lists,
    "keystore": keystores,
    "eip712": structs,
    "hpke": boxes,
}


def main() -> None:
    for name, make in FILES.items():
        path = HERE / f"{name}.json"
        if name == "hpke" and path.exists():
            continue
        path.write_text(json.dumps(make(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"{path.stat().st_size:8} {path.name}")


if __name__ == "__main__":
    main()
