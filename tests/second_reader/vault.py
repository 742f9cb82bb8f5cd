"""What the plaintexts must be, and a vault opened by each kind of reader: sections 4 to 9 of docs/format.md."""
import base64  # noqa: I001  (one line an import, however long)
import contextlib
import ipaddress
import json
import re
import zlib
from itertools import pairwise, product
from urllib.parse import quote, unquote

from cryptography.exceptions import InvalidTag

from .codec import Cid, Refused, cbor, fit, fits, need, read_cid, rising, sha256, uncbor
from .crypto import SIZES, ZERO16, aad, abi, author_digest, card_digest, derive, keccak, mac, open_pointer, recover, unbox, unseal, verify

LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
LOCAL = "localhost|localdomain|local|internal|intranet|private|corp|home|lan|arpa|alt|test|invalid|onion"
URL = re.compile(rf"https://(?:(?:{LABEL}\.)+(?!(?:{LOCAL})(?![a-z0-9-]))(?=[a-z]){LABEL}|(?P<ip4>[0-9.]+)|\[(?P<ip6>[0-9a-f:]+)\])"
                 r"(?::(?!443(?![0-9]))(?P<port>[1-9][0-9]{0,4}))?(?:[/?](?:[A-Za-z0-9\-._~:/?@!$&'()*+,;=]|%[0-9A-F]{2})*)?")
CLOSED = """0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24
    192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/3 ::/3 4000::/2 8000::/1 2001::/23 2001:db8::/32 2002::/16
    3ffe::/16 3fff::/20"""
def place(x):
    url = fits(x, URL) and len(x) <= 200 and URL.fullmatch(x)
    ip = url and (url["ip4"] or url["ip6"])
    closed = ip and any(ipaddress.ip_address(ip) in ipaddress.ip_network(net) for net in CLOSED.split())
    return url and int(url["port"] or 1) < 65536 and (not ip or (str(ipaddress.ip_address(ip)) == ip and not closed))
def uuid7(x):
    return fits(x, 16) and x[6] >> 4 == 7 and x[8] >> 6 == 2
def draft(x):
    return fits(x, dict) and not x.keys() & {*OURS, "forgotten"} and memory(x, WRITTEN)
def memory(x, required=None):
    if "forgotten" in fit(x, dict):
        return fits(x, {"id": uuid7, "version": uuid7, "forgotten": MS})
    known = (required or MEMORY) | {key: shape for key, shape in OPTIONAL.items() if key in x}
    right = all(fits(x.get(key), shape) for key, shape in known.items()) and ("author" in x) == ("proof" in x)
    return right and x.get("version") not in x.get("replaces", []) and len(cbor(x)) <= 192 << 10
def when(x):
    return x.get("forgotten", x.get("happened", x.get("created")))

NONE, V1, U32, U53, MS, S = type(None), range(1, 2), range(1 << 32), range(1 << 53), range(1 - (1 << 53), 1 << 53), range(1 << 40)
REF, POWERS, SOME, RIGHTS = (16, 32), [1 << i for i in range(10)], range(1, 1 << 32), range(1, 4)
FILLED, NAME = re.compile("(?s:.+)"), re.compile(r"[^\0-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]{1,64}")
ROOT = {"v": V1, "vault": 32, "sequence": SOME, "generation": U32, "salt": 32, "previous": {NONE, 32}, "access": REF, "owner": REF,
        "witness": 32, "entries": rising((16, 256), 0, POWERS), "certificate": (32, 20, 65), "signature": 64}
PINS, ACCESS, DEVICE_SLOT = rising(lambda x: fits(x, Cid) and x[1] == 0x55), (V1, rising(1328, counts=POWERS[:8])), (range(2, 3), U32, 32)
READER_SLOT = {(range(1), U32, 32, (16, 32, 32), U32), (range(2), U32, 32, NONE, U32)}
GRANT = {"id": 32, "name": NAME, "account": 20, "box": 1216, "author": 32, "scope": 16, "rights": RIGHTS, "start": S, "end": S,
         "secret": 32, "envelope": 32, "since": {NONE, U32}, "acknowledged": U32}
OWNER = {"v": V1, "generation": U32, "locator": U32, "pointer": U32, "scopes": rising((16, NAME, U32, 32), 0), "settings": dict,
         "grants": rising(GRANT, "id"), "devices": rising((16, NAME, 1216, 32, S), 0), "vaults": rising((U32, 32, NAME), 0),
         "earlier": rising((U32, 32, 32), 0)}
ENVELOPE = {"v": V1, "chain": range(1, 1 << 53), "contract": 20, "owner": 20, "nonce": U53, "generation": U32, "request": {NONE, 16},
            "rights": RIGHTS, "start": S, "end": S, "scope": (16, NAME), "secret": 32, "box": {NONE, 1216}, "places": [place],
            "pointer": {NONE, (U32, 32)}, "key": {NONE, (range(2), U32, 32)}}
WRITTEN = {"kind": re.compile("semantic|episodic|procedural"), "text": lambda x: 0 < len(fit(x, str).encode()) <= 128 << 10, "created": MS}
MEMORY, OURS = WRITTEN | {"id": uuid7, "version": uuid7}, ("id", "version", "replaces", "author", "proof")
OPTIONAL = {"tags": rising(FILLED, counts=SOME), "supersedes": rising(16, counts=SOME), "replaces": rising(16, counts=SOME),
            "source": lambda x: x and fits(fit(x, dict), {key: FILLED for key in x if key in SOURCE}), "happened": MS,
            "valid_from": MS, "valid_until": MS, "author": 32, "proof": (32, U32, 16, 64)}
SOURCE = ("tool", "conversation", "title", "turn", "part", "role", "model")
PARCEL = {"v": V1, "chain": U53, "contract": 20, "vault": 32, "grant": 32, "number": U32, "author": 32, "drafts": [(16, draft, 64)]}
CARD = {"memsync": re.compile("card"), "version": V1, "name": NAME, "url": {re.compile(""), place}, "issued": S, "account": 20,
        "box": 1216, "author": 32, "signature": 65}

def check_proposal(where, number, author, proposal, x, signature):  # x: a draft, or the memory that it became
    signed = [*where, number, proposal, {key: x[key] for key in x if key not in OURS}]
    verify(author, signature, b"memsync/v1/proposal" + cbor(signed))
def read_segment(plain):  # → records, dropped leaves
    (_, streams, dropped), records = fit(uncbor(plain), (V1, [(U32, bytes)], rising((SOME, 32)))), []
    need(sum(length for length, _ in streams) <= 4 << 20, "inflates beyond 4 MiB")
    for length, stream in streams:
        inflate = zlib.decompressobj()
        raw = inflate.decompress(stream, length + 1)
        need(len(raw) == length and inflate.eof and not inflate.unused_data, "length of a stream")
        some = fit(uncbor(raw), [(U32, 16, memory)])
        need(len({record[2].get("author") for record in some}) == 1, "authors of a stream")
        records += some
    need(len({(x["id"], x["version"]) for _, _, x in records}) == len(records) and records + dropped, "memory twice, or nothing")
    return records, dropped
def current(records):  # the memories that nothing forgot or replaced
    dead, over = {x["id"] for _, _, x in records if "forgotten" in x}, {v for _, _, x in records for v in x.get("replaces", [])}
    return [x for _, _, x in records if x["id"] not in dead and x["version"] not in over]
def leaf(record):
    return sha256(record[1], cbor(record[2]))
def witness(leaves):
    half = 1 << (len(leaves) - 1).bit_length() >> 1
    return sha256(b"\1", witness(leaves[:half]), witness(leaves[half:])) if half else sha256(b"\0", leaves[0])
def totals(counts):  # [count, earliest, latest] of all; what counts nothing has no say in the range
    some = [one for one in counts if one[0]] or [[0, 0, 0]]
    return [sum(one[0] for one in some), min(one[1] for one in some), max(one[2] for one in some)]
def ordered(rows):
    need(all(a[0] < b[0] and (a[2] == b[2] or (a[2][0] < b[2][0] and a[2][1] != b[2][1])) for a, b in pairwise(rows)), "order")
    return rows
def read_node(plain):  # → level, rows of [order, reference, epoch, count, earliest, latest], what the row above must say of them
    node = fit(uncbor(plain), list)
    if node[1:2] == [0]:
        _, level, *epoch, rows = fit(node, (V1, range(1), U32, 16, [(U32, U32, 16, 32, U32, MS, MS)]))
        rows = [[*row[:4], *epoch, *row[4:]] for row in rows]
    else:
        _, level, rows = fit(node, (V1, range(1, 256), [(U32, U32, 16, 32, U32, 16, U32, MS, MS)]))
    rows = ordered([[row[:2], row[2:4], row[4:6], *row[6:]] for row in rows])
    need(rows and all(row[4] <= row[5] if row[3] else row[4:] == [0, 0] for row in rows), "empty node, or a range reversed")
    need(len({part for row in rows for part in row[1]}) == 2 * len(rows), "child twice")
    return level, rows, [rows[0][0], rows[-1][2], *totals([row[3:] for row in rows])]
def read_owner(plain, generation):
    x = fit(uncbor(plain), OWNER)
    need(len({scope[1] for scope in x["scopes"]}) == len(x["scopes"]) and len(x["grants"] + x["devices"]) <= 128, "names, or too many")
    need(x["generation"] == generation and all(one[0] < generation for one in x["earlier"]), "generation")
    need(all(one["start"] < one["end"] and (one["since"] is None or one["rights"] & 1) for one in x["grants"]), "grant")
    return x
def read_root(plain, where, vault, sequence):  # where: chain, contract
    x = fit(uncbor(plain), ROOT)
    need(x["vault"] == vault and x["sequence"] == sequence and (x["previous"] is None) == (sequence == 1), "another root")
    author, signer, signature = x["certificate"]
    owner = recover(author_digest(where, vault, x["generation"], author, signer), signature)
    need(keccak(abi(*where, owner, 0)) == vault, "certificate")
    verify(author, x["signature"], b"memsync/v1/root" + cbor({key: x[key] for key in x if key != "signature"}))
    return x
def read_entry(plain, content, number):
    catalog = {NONE, (16, 32, range(number + 1), 16)}
    x = fit(uncbor(plain), (range(number, number + 1), catalog, {NONE, REF if number else NONE}, U53))
    need((x[1][2] < number or x[1][3] == epoch_id(content)) if x[1] else x[3] == 0, "catalog")
    return x
def earlier_keys(plain, number):  # {number: key} of a lockbox or since block
    return dict(fit(uncbor(plain), (V1, rising((range(number), 32), 0, SOME)))[1])
def read_envelope(plain, vault):
    x = fit(uncbor(plain), ENVELOPE)
    need(keccak(abi(x["chain"], x["contract"], x["owner"], x["nonce"])) == vault, "envelope of another vault")
    need(all((x[key] is None) != bool(x["rights"] & bit) for key, bit in (("pointer", 1), ("key", 1), ("box", 2))), "rights")
    need(x["start"] < x["end"] and len(set(x["places"])) == len(x["places"]) <= 8, "times or places")
    return x
def read_parcel(plain, where, number, author):  # where: chain, contract, vault, grant
    x = fit(uncbor(plain), PARCEL)
    need([x[key] for key in ("chain", "contract", "vault", "grant", "number", "author")] == [*where, number, author], "another parcel")
    need(len({proposal for proposal, _, _ in x["drafts"]}) == len(x["drafts"]) > 0, "proposals")
    for one in x["drafts"]:
        check_proposal(where, number, author, *one)
    return x
def read_link(text):  # → chain, contract, vault, envelope's CID, places
    found = re.fullmatch("memsync:1:([1-9][0-9]*):0x([0-9a-f]{40}):0x([0-9a-f]{64}):(bafkrei[a-z2-7]+)([?]at=.*)?", text)
    places = [unquote(one) for one in found[5][4:].split("&at=")] if found and found[5] else []
    need(found and int(found[1]) in U53 and fits(places, [place]) and len(set(places)) == len(places) <= 8, "link")
    need((found[5] or "")[1:] == "&".join("at=" + quote(one, safe="") for one in places), "escapes of a link")
    return int(found[1]), bytes.fromhex(found[2]), bytes.fromhex(found[3]), read_cid(found[4]), places
def read_card(raw):  # → card, digest, fingerprint
    x = dict(pairs := fit(json.loads(raw.decode(), object_pairs_hook=list), [lambda pair: isinstance(pair, tuple)]))
    need(len(raw) < 2048 and len(x) == len(pairs) and fits(x.get("account"), re.compile("0x[0-9a-f]{40}")), "card")
    x["account"] = bytes.fromhex(x["account"][2:])
    for key in {"box", "author", "signature", "request"} & x.keys():
        text, x[key] = x[key], base64.urlsafe_b64decode(fit(x[key], str) + "==")
        need(base64.urlsafe_b64encode(x[key]).decode().rstrip("=") == text, "base64url")
    fit(x, CARD | ({"request": 16} if "request" in x else {}))
    need(recover(card_digest(x), x["signature"]) == x["account"], "card's signature")
    return x, card_digest(x), sha256(b"memsync/v1/card", x["account"], x["box"], x["author"])[:16]
def epoch_id(content):
    return derive(content, "id")[:16]

class Vault:
    """One vault's blocks by digest; with the root that a pointer names, once `enter` has read it."""
    def __init__(self, vault, blocks):
        self.id, self.blocks = vault, blocks
    def enter(self, where, key, head):  # where: chain, contract; key: pointerKey; head: sequence, salt, pointer
        plain = self.open([head[0].to_bytes(4), open_pointer(key, self.id, *head)], derive(key, "root"), "root")
        self.key, self.root = key, read_root(plain, where, self.id, head[0])
        return self
    def find(self, where, locators, head):  # locators: P's, of which one gives the pointerKey in use
        for k, locator in product(range(256), locators):
            with contextlib.suppress(Refused):
                return self.enter(where, derive(locator, "pointer", k), head)
        raise Refused("no key of these opens the pointer")
    def open(self, ref, key, kind, scope=ZERO16, epoch=ZERO16, *, sizes=SIZES):
        need(sha256(self.blocks.get(ref[1], b"")) == ref[1], "block missing or damaged")
        return unseal(key, aad(self.id, kind, scope, epoch, ref[0]), self.blocks[ref[1]], sizes)
    def owner(self, secret):  # W of the root's generation
        return read_owner(self.open(self.root["owner"], derive(secret, "owner"), "owner"), self.root["generation"])
    def slot(self, seed, scope=ZERO16, grant=b""):  # a device's without scope and grant id, a reader's with them
        bound = aad(self.id, "slot", scope, place=self.root["access"][0] + grant)
        for box in fit(uncbor(self.open(self.root["access"], derive(self.key, "access"), "access")), ACCESS)[1]:
            with contextlib.suppress(InvalidTag):
                return fit(uncbor(unbox(seed, bound, box, [1328])), READER_SLOT if grant else DEVICE_SLOT)
        raise Refused("no slot is ours")
    def entry(self, scope, content, number):
        sealed = dict(self.root["entries"]).get(mac(derive(content, "tag"), self.root["salt"])[:16])
        need(sealed, "no entry under this content key")
        bound = aad(self.id, "entry", scope, epoch_id(content), self.root["sequence"].to_bytes(4))
        return read_entry(unseal(content, bound, sealed, [256]), content, number)
    def with_history(self, scope, number, k):  # K(number) → entry, {number: content key}
        content = derive(k, "content")
        entry = self.entry(scope, content, number)
        box = entry[2] and self.open(entry[2], derive(k, "history"), "lockbox", scope, epoch_id(content))
        return entry, {m: derive(key, "content") for m, key in ((earlier_keys(box, number) if box else {}) | {number: k}).items()}
    def from_now_on(self, scope, slot):
        _, number, content, since, _ = slot
        box = since and self.open(since[:2], since[2], "since", scope, epoch_id(content))
        return self.entry(scope, content, number), (earlier_keys(box, number) if box else {}) | {number: content}
    def rows(self, scope, keys, row, level=None):  # of the segments below a row; a row without key stands for all below it
        (number, epoch), found = row[2], [row]
        if number in keys and level != 0:
            depth, rows, sums = read_node(self.open(row[1], keys[number], "catalog", scope, epoch, sizes=SIZES[:3]))
            need(level in (None, depth + 1) and row[0] in (None, sums[0]), "level or order")
            need(epoch_id(keys[number]) == epoch and [*row[2:], *sums[len(row) - 1 :]] == sums[1:], "row of a node")
            found = ordered([one for child in rows for one in self.rows(scope, keys, child, depth)])
        return found
    def segment(self, scope, keys, row):  # → records, dropped leaves
        records, dropped = read_segment(self.open(row[1], keys[row[2][0]], "segment", scope, row[2][1]))
        counts = totals([[1, when(x), when(x)] for _, _, x in records])
        need(epoch_id(keys[row[2][0]]) == row[2][1] and counts == row[3:], "row of a segment")
        return records, dropped
    def scope(self, scope, entry, keys):  # → [(row, what `segment` gives or None if not for these keys)]
        rows = self.rows(scope, keys, [None, entry[1][:2], entry[1][2:], entry[3]]) if entry[1] else []
        return [(row, self.segment(scope, keys, row) if row[2][0] in keys else None) for row in rows]
