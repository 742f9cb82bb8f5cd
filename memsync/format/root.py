"""The root: the one block that a head points to, from which all of a vault at one sequence is reached.

In go references and entries; out comes a block sealed under the pointer key and signed by the generation's author, whom the owner
certified. Back goes bytes from a store that nobody trusts, through the checks in :func:`read_root`'s order: digest, size, commitment and
tag, canonical form, vault and sequence, certificate, signature. Only a verified :class:`Root` exists; what it refers to is then
verified by digest. A holder of the pointer key sees how many slots and entries there are, and opens none of them with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from memsync.crypto.ed25519 import SIGNATURE, AuthorKey, verify
from memsync.crypto.epochs import ContentKey
from memsync.crypto.kdf import derive
from memsync.crypto.randomness import Random, system_random
from memsync.crypto.sealing import ZERO16, Kind, aad, open_block, seal_block
from memsync.errors import FormatError, SignatureInvalid
from memsync.format.block import Block, Ref, check_digest
from memsync.format.certificate import Certificate, check_certificate
from memsync.format.entry import (
    Entry,
    ScopeEntry,
    SealedEntry,
    open_scope_entry,
    read_entries,
    seal_entries,
)
from memsync.format.fields import as_bytes, as_map, as_uint, check_version
from memsync.format.proofread import proofread
from memsync.format.sequence import be4
from memsync.ipld.dagcbor import Encodable, Value, decode, encode

_WHAT: Final = "root"
_KEYS: Final = frozenset(
    {
        "v",
        "vault",
        "sequence",
        "generation",
        "salt",
        "previous",
        "access",
        "owner",
        "witness",
        "entries",
        "certificate",
        "signature",
    }
)
_SIGNED: Final = b"memsync/v1/root"


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """A verified root, ``digest`` its block's.

    ``vault`` (32 bytes) and ``sequence`` as on chain; ``generation`` of the devices; ``salt`` (32) of the entries' tags; ``previous``
    root's digest, None in the first; ``witness`` (32) over what this push added.
    """

    digest: bytes
    vault: bytes
    sequence: int
    generation: int
    salt: bytes
    previous: bytes | None
    access: Ref
    owner: Ref
    witness: bytes
    entries: tuple[SealedEntry, ...]
    certificate: Certificate

    def entry(self, scope: bytes, key: ContentKey) -> Entry | None:
        """The state of a scope; None if ``key`` is not its current content key. ``FormatError("entry", …)`` if it is damaged."""
        return open_scope_entry(
            self.entries, key, vault=self.vault, scope=scope, sequence=self.sequence, root_salt=self.salt
        )


def seal_root(
    *,
    pointer_key: bytes,
    chain_id: int,
    contract: bytes,
    vault: bytes,
    sequence: int,
    generation: int,
    author: AuthorKey,
    certificate: Certificate,
    previous: bytes | None,
    access: Ref,
    owner: Ref,
    witness: bytes,
    entries: Sequence[ScopeEntry],
    random: Random = system_random,
) -> Block:
    """Seal the entries, sign, and seal the root for ``sequence``, under which the contract will store it.

    ``InputError`` for values that a reader would refuse; ``SignatureInvalid`` if the certificate is not the owner's for this author.
    """
    salt = random(32)
    sealed = seal_entries(entries, vault=vault, sequence=sequence, root_salt=salt, random=random)
    fields: dict[str, Encodable] = {
        "v": 1,
        "vault": vault,
        "sequence": sequence,
        "generation": generation,
        "salt": salt,
        "previous": previous,
        "access": access.to_value(),
        "owner": owner.to_value(),
        "witness": witness,
        "entries": [[entry.tag, entry.sealed] for entry in sealed],
        "certificate": certificate.to_value(),
    }
    fields["signature"] = author.sign(_SIGNED + encode(fields))
    plaintext = encode(fields)
    place = _place(vault, sequence)
    block = Block.of(seal_block(derive(pointer_key, "root"), place, plaintext, random=random))
    proofread(
        lambda: read_root(
            block.data,
            digest=block.digest,
            pointer_key=pointer_key,
            chain_id=chain_id,
            contract=contract,
            vault=vault,
            sequence=sequence,
        )
    )
    return block


def read_root(
    data: bytes,
    *,
    digest: bytes,
    pointer_key: bytes,
    chain_id: int,
    contract: bytes,
    vault: bytes,
    sequence: int,
    least_generation: int = 0,
) -> Root:
    """Verify the root that the pointer of ``sequence`` named by ``digest``.

    Raises ``FormatError("root", fault)``: ``hash``, ``size``, ``key``, ``tag`` … of the block, ``version``, ``missing``, ``key``, ``type``,
    ``length``, ``value`` (another vault or sequence), ``count``, ``order``, ``duplicate``; ``SignatureInvalid`` for the certificate,
    the signature, or a generation below ``least_generation``, the highest seen so far: that of a removed device.
    """
    check_digest(data, digest, what=_WHAT)
    plaintext = open_block(derive(pointer_key, "root"), _place(vault, sequence), data, what=_WHAT)
    found = as_map(decode(plaintext, what=_WHAT), what=_WHAT, name="a root")
    check_version(found.get("v"), what=_WHAT)
    as_map(found, _KEYS, what=_WHAT, name="a root")
    root = _read(found, digest)
    if root.vault != vault or root.sequence != sequence:
        raise FormatError(_WHAT, "value", "it is of another vault or sequence than its pointer")
    if (root.previous is None) != (sequence == 1):
        raise FormatError(_WHAT, "value", "the first root has no previous one, every other has")
    signature = as_bytes(found["signature"], SIGNATURE, what=_WHAT, name="signature")
    check_certificate(
        root.certificate, vault=vault, generation=root.generation, chain_id=chain_id, contract=contract
    )
    unsigned = encode({name: value for name, value in found.items() if name != "signature"})
    verify(root.certificate.author, _SIGNED + unsigned, signature)
    if root.generation < least_generation:
        raise SignatureInvalid(
            f"the root is of generation {root.generation}, and generation {least_generation} has been seen: "
            "a device that was removed has written it"
        )
    return root


def _place(vault: bytes, sequence: int) -> bytes:
    return aad(vault, ZERO16, ZERO16, Kind.ROOT, be4(sequence))


def _read(found: dict[str, Value], digest: bytes) -> Root:
    previous = found["previous"]
    return Root(
        digest=digest,
        vault=_bytes32(found["vault"], "vault"),
        sequence=as_uint(found["sequence"], 32, what=_WHAT, name="sequence"),
        generation=as_uint(found["generation"], 32, what=_WHAT, name="generation"),
        salt=_bytes32(found["salt"], "salt"),
        previous=None if previous is None else _bytes32(previous, "previous"),
        access=Ref.from_value(found["access"], what=_WHAT, name="access"),
        owner=Ref.from_value(found["owner"], what=_WHAT, name="owner"),
        witness=_bytes32(found["witness"], "witness"),
        entries=read_entries(found["entries"]),
        certificate=Certificate.from_value(found["certificate"], what=_WHAT),
    )


def _bytes32(value: Value, name: str) -> bytes:
    return as_bytes(value, 32, what=_WHAT, name=name)
