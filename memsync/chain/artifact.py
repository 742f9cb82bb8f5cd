"""The contract as this release ships it: its ABI, code, hashes and address, and how its calls and answers look as bytes.

Comes from ``registry.json``, which ``tools/build.py`` compiles from ``contracts/`` and ``make check`` compiles again. What goes out:
calldata for a call, and values for an answer, an event or an error. Connects to nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from memsync.crypto.secp256k1 import keccak
from memsync.errors import ChainUnreachable, InputError


@dataclass(frozen=True, slots=True)
class Parameter:
    """One input of a function, error or event: Solidity name, canonical ABI type, and whether an event indexes it."""

    name: str
    type: str
    indexed: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One function, error or event of the ABI. ``outputs`` are ABI types."""

    name: str
    inputs: tuple[Parameter, ...]
    outputs: tuple[str, ...]

    @property
    def hash(self) -> bytes:
        """32 bytes: an event's first topic; the first 4 select a function or an error."""
        return keccak(f"{self.name}({','.join(parameter.type for parameter in self.inputs)})".encode())


@dataclass(frozen=True, slots=True)
class Artifact:
    """The canonical contract. Hashes are Keccak-256; addresses have 20 bytes.

    ``address`` is where ``factory`` puts ``init_code`` under ``deploy_salt`` (CREATE2), the same on every chain. ``runtime_code`` is what
    ``eth_getCode`` answers there. ``standard_json`` is the compiler's whole input, as explorers want it for verification.
    """

    compiler: str
    factory: bytes
    deploy_salt: bytes
    address: bytes
    init_code: bytes = field(repr=False)
    init_code_hash: bytes
    runtime_code: bytes = field(repr=False)
    runtime_hash: bytes
    storage_layout: Mapping[str, Any] = field(repr=False)
    abi: Sequence[Mapping[str, Any]] = field(repr=False)
    standard_json: Mapping[str, Any] = field(repr=False)
    functions: Mapping[str, Entry] = field(repr=False)
    errors: Mapping[bytes, Entry] = field(repr=False)
    events: Mapping[bytes, Entry] = field(repr=False)

    def encode_call(self, function: str, arguments: Sequence[object]) -> bytes:
        """Calldata of a call: selector and ABI-encoded arguments. ``InputError`` if they don't fit."""
        from eth_abi.abi import encode
        from eth_abi.exceptions import EncodingError

        entry = self.functions[function]
        types = [parameter.type for parameter in entry.inputs]
        if len(types) != len(arguments):
            raise InputError(f"{function} takes {len(types)} arguments, not {len(arguments)}")
        try:
            return entry.hash[:4] + encode(types, list(arguments))
        except EncodingError as err:
            raise InputError(f"{function}: {err}") from err

    def decode_result(self, function: str, data: bytes) -> tuple[Any, ...]:
        """What a function returned, as eth-abi gives it: addresses as hex text, structs as tuples."""
        from eth_abi.abi import decode

        return decode(self.functions[function].outputs, data)

    def decode_event(self, topics: Sequence[bytes], data: bytes) -> tuple[str, dict[str, object]]:
        """The name and values of a log; addresses have 20 bytes. ``ChainUnreachable`` if the contract has no such event."""
        entry = self.events.get(topics[0]) if topics else None
        indexed = [parameter for parameter in entry.inputs if parameter.indexed] if entry else []
        if entry is None or len(topics) != len(indexed) + 1:
            raise ChainUnreachable(
                "the RPC answered a log that the contract can't have written; try another RPC"
            )
        values = _decode([parameter for parameter in entry.inputs if not parameter.indexed], data)
        for parameter, topic in zip(indexed, topics[1:], strict=True):
            values |= _decode([parameter], topic)
        return entry.name, {parameter.name: values[parameter.name] for parameter in entry.inputs}

    def decode_error(self, data: bytes) -> tuple[str, dict[str, object]] | None:
        """The name and values of a custom error; None if the revert data are none of this contract's."""
        entry = self.errors.get(data[:4])
        return (entry.name, _decode(entry.inputs, data[4:])) if entry else None


@cache
def load_artifact() -> Artifact:
    """The artifact of this release; read once."""
    raw: dict[str, Any] = json.loads(
        files("memsync.chain").joinpath("registry.json").read_text(encoding="utf-8")
    )
    entries = [(row["type"], _entry(row)) for row in raw["abi"]]
    return Artifact(
        compiler=raw["compiler"],
        factory=_bytes(raw["factory"]),
        deploy_salt=_bytes(raw["deploySalt"]),
        address=_bytes(raw["address"]),
        init_code=_bytes(raw["initCode"]),
        init_code_hash=_bytes(raw["initCodeHash"]),
        runtime_code=_bytes(raw["runtimeCode"]),
        runtime_hash=_bytes(raw["runtimeHash"]),
        storage_layout=raw["storageLayout"],
        abi=raw["abi"],
        standard_json=raw["standardJson"],
        functions={entry.name: entry for kind, entry in entries if kind == "function"},
        errors={entry.hash[:4]: entry for kind, entry in entries if kind == "error"},
        events={entry.hash: entry for kind, entry in entries if kind == "event"},
    )


def _entry(row: Mapping[str, Any]) -> Entry:
    inputs = tuple(Parameter(item["name"], _type(item), item.get("indexed", False)) for item in row["inputs"])
    return Entry(row["name"], inputs, tuple(_type(item) for item in row.get("outputs", ())))


def _type(item: Mapping[str, Any]) -> str:
    """The canonical type of an ABI item; a struct is the tuple of its members."""
    kind: str = item["type"]
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(map(_type, item['components']))}){kind.removeprefix('tuple')}"


def _decode(parameters: Sequence[Parameter], data: bytes) -> dict[str, object]:
    from eth_abi.abi import decode
    from eth_abi.exceptions import DecodingError

    try:
        values = decode([parameter.type for parameter in parameters], data)
    except DecodingError as err:
        raise ChainUnreachable("the RPC's answer makes no sense; try another RPC") from err
    return {
        parameter.name: _bytes(value) if parameter.type == "address" else value
        for parameter, value in zip(parameters, values, strict=True)
    }


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
