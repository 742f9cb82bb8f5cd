"""Signatures as a relayed call brings them: good in both forms, and spoiled in each way that bytes can be."""

from __future__ import annotations

import random
from dataclasses import replace

from memsync.crypto.secp256k1 import ORDER, SecpKey
from tests.contracts.cast import World
from tests.contracts.model import Said, Signature


def sign(said: Said, signer: SecpKey, world: World) -> Signature:
    digest = world.registry.digest(said.call, said.account, deadline=said.deadline)
    return Signature(said, signer.address, signer.sign(digest))


def compact(signature: Signature) -> Signature:
    """The same in 64 bytes (EIP-2098)."""
    r, s, v = signature.data[:32], int.from_bytes(signature.data[32:64], "big"), signature.data[64]
    return replace(signature, data=r + (s | (v - 27) << 255).to_bytes(32, "big"))


def spoil(signature: Signature, chance: random.Random) -> Signature:
    """Bytes that once were this signature and that nobody may take for one."""
    data = signature.data
    s, v = int.from_bytes(data[32:64], "big"), data[64]
    spoiled = (
        data[:32] + (ORDER - s).to_bytes(32, "big") + bytes([55 - v]),  # the twin with a high s
        data[:64] + bytes([55 - v]),
        data[:64] + bytes([v - 27]),
        data[:-1] + b"\xff",
        data[:-2],
        data + b"\0",
        b"\0",
        bytes(65),
        b"\xff" * 64,
    )
    return replace(signature, data=chance.choice(spoiled), well_formed=False)
