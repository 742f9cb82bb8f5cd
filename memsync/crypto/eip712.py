"""What an Ethereum key signs outside the chain: two EIP-712 structs, the author certificate and the card.

In go the fields, out comes the 32-byte digest that :meth:`SecpKey.sign` signs and :func:`recover` reads. Only these two structs; what
the contract verifies is in ``memsync.chain``.
"""

from __future__ import annotations

from typing import Final

from memsync.crypto.secp256k1 import ADDRESS, keccak, word
from memsync.errors import InputError

NAME: Final = "MemSync"
VERSION: Final = "1"
AUTHOR: Final = "Author(bytes32 vault,uint32 generation,bytes32 authorKey,address signer)"
CARD: Final = "Card(string name,string url,address account,bytes box,bytes32 author,uint64 issued)"

_DOMAIN: Final = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
_DOMAIN_OFF_CHAIN: Final = "EIP712Domain(string name,string version)"


def domain_separator(chain_id: int | None = None, contract: bytes | None = None) -> bytes:
    """The separator of domain (MemSync, 1), with chain and contract (20 bytes) or, for cards, without both."""
    names = (_hash(NAME), _hash(VERSION))
    if chain_id is None and contract is None:
        return _struct(_DOMAIN_OFF_CHAIN, *names)
    if chain_id is None or contract is None or len(contract) != ADDRESS:
        raise InputError(f"a domain has both a chain id and a contract of {ADDRESS} bytes, or neither")
    return _struct(_DOMAIN, *names, word(chain_id), word(contract))


def author_digest(
    chain_id: int, contract: bytes, vault: bytes, *, generation: int, author_key: bytes, signer: bytes
) -> bytes:
    """What the owner signs to certify that ``author_key`` (Ed25519, 32 bytes) writes roots of this vault and generation."""
    if len(vault) != 32 or len(author_key) != 32 or len(signer) != ADDRESS:
        raise InputError("a vault id and an author key have 32 bytes, a signer's address 20")
    if not 0 <= generation < 1 << 32:
        raise InputError("a generation is below 2^32")
    struct = _struct(AUTHOR, word(vault), word(generation), word(author_key), word(signer))
    return _digest(domain_separator(chain_id, contract), struct)


def card_digest(*, name: str, url: str, account: bytes, box: bytes, author: bytes, issued: int) -> bytes:
    """What a tool's account signs as its card, and the digest that ``publishKey`` takes. ``issued`` in Unix seconds."""
    if len(account) != ADDRESS or len(author) != 32:
        raise InputError("an account has 20 bytes, an author key 32")
    if not 0 <= issued < 1 << 64:
        raise InputError("the time of issue is in seconds, below 2^64")
    struct = _struct(CARD, _hash(name), _hash(url), word(account), keccak(box), word(author), word(issued))
    return _digest(domain_separator(), struct)


def _digest(separator: bytes, struct: bytes) -> bytes:
    return keccak(b"\x19\x01" + separator + struct)


def _struct(signature: str, *words: bytes) -> bytes:
    return keccak(keccak(signature.encode("ascii")) + b"".join(words))


def _hash(text: str) -> bytes:
    try:
        return keccak(text.encode("utf-8"))
    except UnicodeEncodeError:
        raise InputError("a text with a lone surrogate can't be written as UTF-8") from None
