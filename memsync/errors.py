"""Every error that MemSync raises, as one tree.

::

    MemSyncError
    ├── InputError              the caller gave something that can't be used      exit 2
    │   └── InvalidMemory       a memory that breaks a rule (``memsync.memory``)
    ├── LockedError             the keys are not open                             exit 3
    │   ├── NotOpen             this vault or key is not unlocked here
    │   ├── WrongPassphrase     the keystore is whole, the passphrase is not its
    │   └── WrongWords          the words are not 24 words of a MemSync vault
    ├── NotFoundError           no memory, scope, vault or grant of that name     exit 4
    │   └── DeviceGone          a device to pair with did not come, or went away
    ├── AccessError             revoked, expired, not granted                     exit 5
    │   ├── TokenRefused        a token that is no tool's of this device
    │   └── DeviceRemoved       this device has no place in the vault any more
    ├── IntegrityError          altered, rolled back or forked                    exit 6
    │   ├── FormatError         bytes that are not what they must be
    │   ├── SignatureInvalid    a signature or certificate that does not verify
    │   ├── CodesDiffer         two devices that pair show different codes
    │   ├── PointerInvalid      a pointer on chain that these keys did not seal
    │   ├── RolledBack          a head older than one that was final
    │   └── Forked              another head under a sequence that was final
    ├── StorageError            a store can't be read or written                  exit 7
    │   └── BlockMissing        a store answered, and the block is not there
    ├── ChainError              chain, contract or payer                          exit 8
    │   ├── ChainUnreachable    no answer, or none that makes sense
    │   ├── ChainReset          the vault was on this chain, and is no more
    │   ├── VaultMoved          the vault lives on another chain or contract now
    │   ├── WrongContract       the code at the address is not the registry's
    │   ├── PayerError          the account that pays has no funds, or can't send
    │   │   └── PayerLocked     its keyfile is locked: give its passphrase
    │   └── CallRefused         the contract refused: its error's name and values
    │       └── Stale           the head, epoch or digest has moved on: read again
    └── DecisionNeeded          held until the person decides                     exit 9

The branches say who is at fault: the caller, the person at the keyboard, the granter, the bytes, the store, the chain. A message
says what happened, to which thing, and what to do next; it never holds a secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class MemSyncError(Exception):
    """The root of the tree. ``exit_code`` is the process exit code a command ends with."""

    exit_code: ClassVar[int] = 1


class InputError(MemSyncError, ValueError):
    """The caller gave something that can't be used."""

    exit_code = 2


class LockedError(MemSyncError):
    """The keys are not open."""

    exit_code = 3


class NotOpen(LockedError):
    """This vault or key is not unlocked here."""


class WrongPassphrase(LockedError):
    """The keystore is whole, and this passphrase does not open it."""


class WrongWords(LockedError, ValueError):
    """These are not the 24 words of a MemSync vault."""


class NotFoundError(MemSyncError, LookupError):
    """No memory, scope, vault or grant of that name."""

    exit_code = 4


class DeviceGone(NotFoundError):
    """A device to pair with did not come, went away, or took too long."""


class AccessError(MemSyncError, PermissionError):
    """Revoked, expired or never granted."""

    exit_code = 5


class TokenRefused(AccessError):
    """A token that is no tool's of this device."""


class DeviceRemoved(AccessError):
    """This device has no place in the vault's present generation."""

    def __init__(self) -> None:
        super().__init__(
            "this device has no place in the vault any more: it was removed, or another was reported stolen, and what waits stays here: "
            "`memsync export jsonl FILE` writes it out; ask again by `memsync device join`, a removed one as `--vault NAME`"
        )


class IntegrityError(MemSyncError):
    """Bytes or a history that were altered, rolled back or forked."""

    exit_code = 6


class FormatError(IntegrityError, ValueError):
    """Bytes that are not what they must be; the one error of every reader in ``crypto``, ``ipld`` and ``format``.

    ``what`` names the thing read (``"segment"``, ``"cid"``, ``"envelope"`` …), ``fault`` is one short word for what is wrong with it
    (``"length"``, ``"key"``, ``"tag"``, ``"padding"``, ``"order"``, ``"duplicate"``, ``"trailing"``, ``"version"``,
    ``"size"``, ``"count"``,
    ``"type"``, ``"value"``, ``"missing"``, ``"encoding"``, ``"hash"``, ``"inflate"``, ``"depth"``); ``detail`` is a sentence for a person.
    """

    def __init__(self, what: str, fault: str, detail: str = "") -> None:
        super().__init__(f"{what}: {fault}" + (f": {detail}" if detail else ""))
        self.what = what
        self.fault = fault
        self.detail = detail


class SignatureInvalid(IntegrityError):
    """A signature or certificate that does not verify."""


class CodesDiffer(IntegrityError):
    """Two devices that pair show different codes or fingerprints: mistyped, or somebody stands between them."""


class PointerInvalid(IntegrityError):
    """A pointer that these keys did not seal: a lying RPC, or keys of another vault or epoch."""


class RolledBack(IntegrityError):
    """A head older than one that this device has seen final."""


class Forked(IntegrityError):
    """Another head under a sequence that this device has seen final."""


class StorageError(MemSyncError, OSError):
    """A store can't be read or written."""

    exit_code = 7


class BlockMissing(StorageError):
    """A store answered, and the block is not there."""


class ChainError(MemSyncError):
    """The chain, the contract or the payer."""

    exit_code = 8


class ChainUnreachable(ChainError):
    """No answer from the RPC, or none that makes sense."""


class ChainReset(ChainError):
    """The vault was on this chain, and is no more: another chain, or one that began anew."""


class VaultMoved(ChainError):
    """The vault lives on another chain or contract now: ``chain_id`` and ``contract`` (20 bytes)."""

    def __init__(self, chain_id: int, contract: bytes) -> None:
        self.chain_id = chain_id
        self.contract = contract
        super().__init__(
            f"this vault has moved to chain {chain_id} at 0x{contract.hex()}; run `memsync chain move` to there with its words: "
            "what waits here comes along"
        )


class WrongContract(ChainError):
    """The code at the address is not the registry's."""


class PayerError(ChainError):
    """The account that pays has no funds, or can't send."""


class PayerLocked(PayerError):
    """The account that pays is a locked keyfile, and no passphrase was given; nothing was sent."""


class CallRefused(ChainError):
    """The contract refused a call. ``name`` is its custom error, ``values`` that error's arguments by name."""

    def __init__(self, name: str, values: Mapping[str, object] | None = None) -> None:
        self.name = name
        self.values = dict(values or {})
        shown = ", ".join(f"{key}={_show(value)}" for key, value in self.values.items())
        super().__init__(
            f"the registry refused the call: {name}({shown}); pull and repeat it, or try another RPC"
        )


class Stale(CallRefused):
    """The head, the grant epoch or the published digest has moved on: read again, then repeat."""


def _show(value: object) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)


class DecisionNeeded(MemSyncError):
    """Held until the person decides."""

    exit_code = 9
