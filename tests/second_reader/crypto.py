"""Keys, seals, boxes and signatures: sections 1 to 3 and 10 of docs/format.md."""
import hashlib
import hmac
import re
import unicodedata

from cryptography.hazmat.primitives import hashes, hpke
from cryptography.hazmat.primitives.asymmetric import ed25519, mlkem, x25519
from cryptography.hazmat.primitives.ciphers import aead
from cryptography.hazmat.primitives.kdf import argon2, hkdf
from eth_hash.auto import keccak

from .codec import cbor, fit, need, sha256, uncbor

SIZES, ZERO16 = [4096 << i for i in range(7)], bytes(16)
def derive(key, *info, length=32, salt=None):
    return hkdf.HKDF(hashes.SHA256(), length, salt, cbor(["memsync/v1", *info])).derive(key)
def mac(key, *what):
    return hmac.digest(key, cbor(["memsync/v1", *what]), "sha256")
def aad(vault, kind, scope=ZERO16, epoch=ZERO16, place=ZERO16):
    return cbor(["memsync/v1", vault, scope, epoch, kind, place])
def unpad(padded, overhead, sizes):
    length = int.from_bytes(padded[:4])
    need(length <= len(padded) - 4 and not any(padded[4 + length :]), "padding")
    need(len(padded) + overhead == min(n for n in sizes if n >= length + 4 + overhead), "larger than needed")
    return padded[4 : 4 + length]
def unseal(key, bound, block, sizes=SIZES):
    need(len(block) in sizes, "size of a sealed block")
    keys = derive(key, "seal", bound, length=64, salt=block[:32])
    need(hmac.compare_digest(keys[32:], block[32:64]), "commitment")
    return unpad(aead.AESGCM(keys[:32]).decrypt(bytes(12), block[64:], bound), 80, sizes)
def key_pair(seed):
    e = hashlib.shake_256(seed).digest(96)
    kem, dh = mlkem.MLKEM768PrivateKey.from_seed_bytes(e[:64]), x25519.X25519PrivateKey.from_private_bytes(e[64:])
    public = kem.public_key().public_bytes_raw() + dh.public_key().public_bytes_raw()
    return hpke.MLKEM768X25519PrivateKey(kem, dh), public
def unbox(seed, bound, box, sizes):
    need(len(box) in sizes, "size of a box")
    suite = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
    return unpad(suite.decrypt(box, key_pair(seed)[0], bound), 1136, sizes)
def verify(public, signature, message):
    ed25519.Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
P, N = 2**256 - 2**32 - 977, 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
     0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8)  # secp256k1: y² = x³ + 7 over F_P, generator G of order N
def add(a, b):
    if a is None or b is None:
        return a or b
    if a[0] == b[0] and a[1] != b[1]:
        return None
    slope = 3 * a[0] ** 2 * pow(2 * a[1], -1, P) if a == b else (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (slope**2 - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P
def times(k, point=G):
    return add(times(k >> 1, add(point, point)), point if k & 1 else None) if k else None
def address(point):
    return keccak(abi(*point))[12:]
def scalar(key, *info):
    return int.from_bytes(derive(key, *info, length=48)) % (N - 1) + 1
def recover(digest, signature):
    r, s, v = (int.from_bytes(fit(signature, 65)[a:b]) for a, b in ((0, 32), (32, 64), (64, 65)))
    y = pow(r**3 + 7, (P + 1) // 4, P)
    need(0 < r < N and 0 < s <= N // 2 and v in (27, 28) and (y * y - r**3 - 7) % P == 0, "wallet's signature")
    point = add(times(s, (r, y if y % 2 == v - 27 else P - y)), times(-int.from_bytes(digest) % N))
    need(point, "wallet's signature")
    return address(times(pow(r, -1, N), point))
def abi(*words):  # abi.encode of static words; a text stands for its hash, as in EIP-712
    kinds = {int: lambda word: word.to_bytes(32), str: lambda word: keccak(word.encode()), bytes: lambda word: word.rjust(32, b"\0")}
    return b"".join(kinds[type(word)](word) for word in words)
def eip712(domain, *message):  # domain: types and values after name and version; message: type and values
    own = abi(f"EIP712Domain(string name,string version{domain[0]})", "MemSync", "1", *domain[1:])
    return keccak(b"\x19\x01" + keccak(own) + keccak(abi(*message)))
def author_digest(where, *certificate):
    kind = "Author(bytes32 vault,uint32 generation,bytes32 authorKey,address signer)"
    return eip712((",uint256 chainId,address verifyingContract", *where), kind, *certificate)
def card_digest(x):
    kind = "Card(string name,string url,address account,bytes box,bytes32 author,uint64 issued)"
    return eip712(("",), kind, x["name"], x["url"], x["account"], keccak(x["box"]), x["author"], x["issued"])
def open_pointer(key, vault, sequence, salt, pointer, *, size=4):  # → digest; size of the salt: 6 for a parcel's
    pad = sha256(b"memsync/v1/pad", derive(key, "commit", vault, sequence.to_bytes(4), salt))
    digest = bytes(a ^ b for a, b in zip(pointer, pad, strict=True))
    need(mac(derive(key, "salt"), vault, sequence.to_bytes(4), digest)[:size] == salt, "not sealed by this key")
    return digest
def read_words(text, english, published=()):
    words = re.sub(r"^\s*memsync\s", "", text.lower()).split()
    need(len(words) == 24 and all(word in english for word in words), "24 words of the list")
    secret, check = divmod(sum(english.index(word) << 11 * (23 - i) for i, word in enumerate(words)), 256)
    need(sha256(secret.to_bytes(32))[0] == check and secret.to_bytes(32) not in published, "checksum, or words that all know")
    return secret.to_bytes(32)
def open_keystore(data, passphrase):
    body, end, few = data[:-32], 23 + int.from_bytes(data[19:23]), range(1, 17)
    need(body.startswith(b"memsync keystore 1\n") and sha256(body) == data[-32:] and end <= 151, "damaged keystore")
    kdf, memory = re.compile("argon2id"), range(1 << 13, (1 << 20) + 1)
    h = fit(uncbor(body[23:end]), {"kdf": kdf, "memory": memory, "passes": few, "lanes": few, "salt": 16})
    kdf = argon2.Argon2id(salt=h["salt"], length=32, iterations=h["passes"], lanes=h["lanes"], memory_cost=h["memory"])
    key = kdf.derive(unicodedata.normalize("NFKC", passphrase).encode())
    return unseal(key, cbor(["memsync/v1", "keystore", body[23:end]]), body[end:])
