"""Bytes and values: strict DAG-CBOR, CIDs, CAR files, and the shapes that the page gives to maps and lists."""
import base64
import hashlib
import io
import itertools
import re


class Refused(ValueError):
    """Not what docs/format.md says. Errors of cryptography (InvalidTag, InvalidSignature) and zlib refuse too."""
def need(true, why):
    if not true:
        raise Refused(why)
def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()
class Cid(bytes):
    def __new__(cls, raw):
        need(len(raw) == 36 and raw[:4] in (b"\x01\x55\x12\x20", b"\x01\x71\x12\x20"), "CID: raw or dag-cbor, sha2-256")
        return super().__new__(cls, raw)
def read_cid(text):
    cid = Cid(base64.b32decode(text[1:].upper() + "======"))
    need("b" + base64.b32encode(cid).decode().lower().rstrip("=") == text, "CID text")
    return cid
def head(major, number):
    size = 0 if number < 24 else next(n for n in (1, 2, 4, 8) if number < 1 << 8 * n)
    return bytes([major << 5 | (23 + size.bit_length() if size else number)]) + number.to_bytes(8)[8 - size :]
def cbor(x, depth=0):  # the one encoding of a value
    if x is None or isinstance(x, bool):
        return bytes([246 if x is None else 244 + x])
    if isinstance(x, int):
        need(-(1 << 63) <= x < 1 << 64, "number too large")
        return head(0, x) if x >= 0 else head(1, -1 - x)
    if isinstance(x, Cid):
        return b"\xd8\x2a\x58\x25\0" + x
    if isinstance(x, (bytes, str)):
        raw = x.encode() if isinstance(x, str) else x
        return head(2 + isinstance(x, str), len(raw)) + raw
    need(isinstance(x, (list, tuple, dict)) and depth < 64, "too deep, or no such value")
    if not isinstance(x, dict):
        return head(4, len(x)) + b"".join(cbor(item, depth + 1) for item in x)
    keys = sorted(x, key=lambda key: (len(key.encode()), key.encode()))
    return head(5, len(x)) + b"".join(cbor(key) + cbor(x[key], depth + 1) for key in keys)
def take(stream, size):
    need(len(raw := stream.read(min(size, 1 << 30))) == size, "ends too soon")
    return raw
def parse(stream, depth, room):  # the next value, read loosely: uncbor compares with its one encoding; room counts items down
    major, low = divmod(take(stream, 1)[0], 32)
    need(low < 28 and (major < 7 or low in (20, 21, 22)) and next(room), "float, indefinite length or too many items")
    if major == 7:
        return {20: False, 21: True, 22: None}[low]
    number = low if low < 24 else int.from_bytes(take(stream, 1 << low - 24))
    if major < 2:
        return number if major == 0 else -1 - number
    if major < 4:
        return (bytes, bytes.decode)[major - 2](take(stream, number))
    need(number == 42 if major == 6 else depth < 64, "too deep, or another tag")
    if major == 4:
        return [parse(stream, depth + 1, room) for _ in range(number)]
    if major == 5:
        return {fit(parse(stream, depth + 1, room), str): parse(stream, depth + 1, room) for _ in range(number)}
    return Cid(fit(parse(stream, depth + 1, room), 37)[1:])
def uncbor(data):
    need(cbor(value := parse(io.BytesIO(data), 0, iter(range(1 << 18, -1, -1)))) == data, "not the one encoding of its value")
    return value
SHAPES = {  # what a value must be, by what kind of thing the shape is
    int: lambda x, size: isinstance(x, bytes) and len(x) == size,
    range: lambda x, numbers: type(x) is int and x in numbers,
    type: lambda x, kind: type(x) is kind,
    re.Pattern: lambda x, pattern: type(x) is str and pattern.fullmatch(x),
    set: lambda x, shapes: any(fits(x, one) for one in shapes),
    list: lambda x, shape: type(x) is list and all(fits(item, shape[0]) for item in x),
    tuple: lambda x, shapes: type(x) is list and len(x) == len(shapes) and all(map(fits, x, shapes)),
    dict: lambda x, shapes: type(x) is dict and x.keys() == shapes.keys() and all(fits(x[k], shapes[k]) for k in x),
}
def fits(x, shape):  # n (bytes), a range, type or pattern, {one of these}, [one for all], (one for each), {key: one}, or a test
    return SHAPES.get(type(shape), lambda x, test: test(x))(x, shape)
def fit(x, shape):
    need(fits(x, shape), "not of the shape that the page gives it")
    return x
def rising(shape, at=slice(None), counts=range(1 << 32)):  # a list of so many, sorted by what each has there, each once
    return lambda xs: fits(xs, [shape]) and len(xs) in counts and all(a[at] < b[at] for a, b in itertools.pairwise(xs))
def read_car(data):  # → roots' CIDs, blocks by digest
    stream, parts = io.BytesIO(data), []
    while not parts or stream.tell() < len(data):
        low = take(stream, 1)
        while low[-1] > 127:
            low += take(stream, 1)
        parts.append(take(stream, sum((byte & 127) << 7 * i for i, byte in enumerate(low))))
        need(len(parts[-1]) <= (36 + (1 << 21) if parts[1:] else 1 << 16) and (len(low) == 1 or low[-1]), "length of a part")
    need(all(Cid(part[:36])[4:] == sha256(part[36:]) for part in parts[1:]), "block is not what its CID says")
    return fit(uncbor(parts[0]), {"roots": [Cid], "version": range(1, 2)})["roots"], {part[4:36]: part[36:] for part in parts[1:]}
