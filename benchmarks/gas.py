"""What each call costs beside its arithmetic floor, and beside what others do for the like of it, on one node in one run.

    python benchmarks/gas.py

Calls of the registry: made by the account itself, and relayed with a 65-byte signature, deadline in ten minutes. Peers: an EAS
attestation and its revocation, an ENS resolver's content hash, an OpenZeppelin ERC-721 mint, and the naive registry that most
people would write (``Peers.sol``). What the columns mean: ``weigh.py``. The last line is one JSON object.
"""

from __future__ import annotations

import json

from eth_abi.abi import encode
from peer_contracts import EAS, compiled, published
from weigh import Scale

from memsync.chain.artifact import load_artifact
from memsync.chain.calls import (
    NO_DEADLINE,
    Call,
    Commit,
    CommitAndShare,
    Open,
    PublishKey,
    Revoke,
    RevokeAll,
    SetSigner,
    Share,
    SignedCall,
    Submit,
    sign_call,
)
from memsync.chain.node import local_node
from memsync.crypto.secp256k1 import SecpKey, grant_id, keccak, vault_id

CHAIN_ID = 31337
OWNER, SIGNER, TOOL, FRESH = (SecpKey(keccak(name)) for name in (b"owner", b"signer", b"tool", b"fresh"))
DAY = 86_400
ZERO32 = bytes(32)
Weights = dict[str, dict[str, int]]


def word(name: str) -> bytes:
    return keccak(name.encode())


def registry_calls(scale: Scale) -> Weights:
    """Each call, directly and relayed, from the same state."""
    artifact = load_artifact()
    contract = "0x" + artifact.address.hex()
    now = int(scale.node.rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16)  # noqa: FBT003
    vault = vault_id(CHAIN_ID, artifact.address, OWNER.address, 0)
    grant = grant_id(vault, TOOL.address, word("scope"), word("salt"))
    share = (Share(grant, now - now % 3600, now - now % 3600 + 30 * DAY, 3),)
    found: Weights = {}

    def encoded(call: Call, key: SecpKey, deadline: int, *, signed: bool) -> bytes:
        one = sign_call(call, key, deadline, chain_id=CHAIN_ID, contract=artifact.address)
        one = one if signed else SignedCall(call, deadline, key.address, b"")
        return artifact.encode_call(call.function, one.arguments())

    def weigh(name: str, call: Call, key: SecpKey, deadline: int = now + 600) -> None:
        mark = scale.node.rpc("evm_snapshot")
        data = encoded(call, key, deadline, signed=True)
        found[f"{name}, relayed"] = scale.weigh(contract, data, signed=True)
        scale.node.rpc("evm_revert", mark)
        data = encoded(call, key, deadline, signed=False)
        found[name] = scale.weigh(contract, data, "0x" + key.address.hex())

    def submit(sequence: int) -> Submit:
        place = TOOL.address, vault, word("scope"), word("salt")
        return Submit(*place, sequence, 0xC0FFEEC0FFEE, word(f"parcel {sequence}"))

    weigh("open", Open(OWNER.address, 0, SIGNER.address, 0x0A11CE77, word("first")), OWNER)
    weigh("commit", Commit(vault, 1, 0, 0x5A175A17, word("second")), SIGNER)
    weigh(
        "commitAndShare, one grant", CommitAndShare(vault, 2, 0, 0x5A175A17, word("third"), share, ()), SIGNER
    )
    weigh("submit, first", submit(0), TOOL)
    weigh("submit, next", submit(1), TOOL)
    weigh(
        "commitAndShare, one revocation",
        CommitAndShare(vault, 3, 0, 7 << 24, word("4"), (), (grant,)),
        SIGNER,
    )
    weigh("revoke, unknown id", Revoke(vault, word("unknown")), SIGNER, NO_DEADLINE)
    weigh("revokeAll, first", RevokeAll(vault, 0), SIGNER)
    weigh("setSigner", SetSigner(OWNER.address, 0, SIGNER.address, FRESH.address), OWNER)
    weigh("publishKey, first", PublishKey(TOOL.address, ZERO32, word("card")), TOOL)
    weigh("publishKey, next", PublishKey(TOOL.address, word("card"), word("card 2")), TOOL)
    other = CommitAndShare(vault, 4, 1, 7 << 24, word("5"), (Share(word("id"), now, now + DAY, 1),), ())
    scale.send(contract, encoded(other, FRESH, NO_DEADLINE, signed=True))
    weigh("revoke", Revoke(vault, word("id")), FRESH, NO_DEADLINE)
    return found


def peers(scale: Scale) -> Weights:
    return eas(scale) | ens(scale) | token(scale) | naive(scale)


def call(signature: str, *arguments: object) -> bytes:
    """Calldata of ``name(types)``."""
    types = split(signature.partition("(")[2][:-1])
    return keccak(signature.encode())[:4] + encode(types, arguments)


def split(types: str) -> list[str]:
    """At the commas outside of brackets."""
    found, depth = [""], 0
    for letter in types:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and not depth:
            found.append("")
        else:
            found[-1] += letter
    return [one for one in found if one]


def eas(scale: Scale) -> Weights:
    """An attestation of 32 bytes, and its revocation."""
    schemas = scale.deploy(published(EAS, "artifacts/contracts/SchemaRegistry.sol/SchemaRegistry.json"))
    code = published(EAS, "artifacts/contracts/EAS.sol/EAS.json")
    service = scale.deploy(code + encode(["address"], [schemas]))
    nobody = "0x" + "00" * 20
    register = call("register(string,address,bool)", "bytes32 pointer", nobody, True)  # noqa: FBT003
    schema = bytes.fromhex(scale.send(schemas, register)["logs"][0]["topics"][1][2:])
    data = (nobody, 0, True, ZERO32, word("pointer"), 0)
    attest = call("attest((bytes32,(address,uint64,bool,bytes32,bytes,uint256)))", (schema, data))
    mark = scale.node.rpc("evm_snapshot")
    uid = bytes.fromhex(scale.send(service, attest)["logs"][0]["data"][2:66])
    revocation = call("revoke((bytes32,(bytes32,uint256)))", (schema, (uid, 0)))
    revoked = scale.weigh(service, revocation)
    scale.node.rpc("evm_revert", mark)
    return {"EAS attest, 32 bytes": scale.weigh(service, attest), "EAS revoke": revoked}


def ens(scale: Scale) -> Weights:
    """The content hash of a name, set for the first time and again: an IPFS CID of 38 bytes."""
    names = scale.deploy(published("@ensdomains/ens", "build/contracts/ENSRegistry.json"))
    code = published("@ensdomains/resolver", "build/contracts/PublicResolver.json")
    resolver = scale.deploy(code + encode(["address"], [names]))

    def set_hash(name: str) -> dict[str, int]:
        content = bytes.fromhex("e30101701220") + word(name)
        return scale.weigh(resolver, call("setContenthash(bytes32,bytes)", ZERO32, content))

    return {"ENS setContenthash, first": set_hash("one"), "ENS setContenthash, next": set_hash("two")}


def token(scale: Scale) -> Weights:
    """To somebody who has none yet."""
    place = scale.deploy(compiled("Token"))
    return {
        "ERC-721 mint (OpenZeppelin)": scale.weigh(place, call("mint(address,uint256)", "0x" + "77" * 20, 7))
    }


def naive(scale: Scale) -> Weights:
    place = scale.deploy(compiled("Naive"))

    def update(name: str) -> dict[str, int]:
        cid = "bafkrei" + word(name).hex()[:52]  # 59 letters, as long as a CID in base32
        return scale.weigh(place, call("update(string)", cid))

    grant = call("grant(address,string,uint256)", "0x" + TOOL.address.hex(), "work", 2_000_000_000)
    return {
        "naive update, first": update("one"),
        "naive update, next": update("two"),
        "naive grant": scale.weigh(place, grant),
        "naive revoke": scale.weigh(place, call("revoke(uint256)", 0)),
    }


def main() -> None:
    with local_node("--hardfork", "osaka", "--chain-id", str(CHAIN_ID)) as node:
        scale = Scale(node)
        figures = {"calls": registry_calls(scale), "peers": peers(scale)}
    for part in figures.values():
        for name, row in part.items():
            shares = f"{row['gas'] / row['floor']:.3f}"
            print(
                f"{name:42} {row['gas']:>8,} gas  floor {row['floor']:>8,}  {shares}"
                f"  new slots {row['new_slots']}  next {row['next_schedule']:>9,}"
            )
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
