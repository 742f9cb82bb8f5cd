"""A vault with its owner's verbs. ``base`` is what they stand on; ``memories``, ``selection``, ``exchange`` and ``hygiene``, ``access``,
``serving`` and ``reviewing``, ``devices``, ``joining`` and ``pairing``, ``listing``, ``upkeep`` and ``relocation`` are the verbs;
``lifecycle`` puts them together."""

from memsync.sync.garbage import Swept, SweptPlace
from memsync.sync.holdings import Holdings, PlaceHoldings, ScopeHoldings
from memsync.sync.verification import Finding, Verification
from memsync.vault.access import Grant
from memsync.vault.devices import AddedDevice, Device, RemovedDevice
from memsync.vault.exchange import ExportedMemories
from memsync.vault.lifecycle import Status, Vault
from memsync.vault.listing import ListedVault
from memsync.vault.moving import GrantAgain
from memsync.vault.pairing import AddingDevice, JoiningDevice, listening
from memsync.vault.proposed import Decided, Decision, Proposal, Proposer, Superseded
from memsync.vault.relocation import Relocated
from memsync.vault.selection import ScopeSummary
from memsync.vault.served import Granted, Outcome, ServedVault
from memsync.vault.serving import ServedGrant
from memsync.vault.upkeep import Exported

__all__ = [
    "AddedDevice",
    "AddingDevice",
    "Decided",
    "Decision",
    "Device",
    "Exported",
    "ExportedMemories",
    "Finding",
    "Grant",
    "GrantAgain",
    "Granted",
    "Holdings",
    "JoiningDevice",
    "ListedVault",
    "Outcome",
    "PlaceHoldings",
    "Proposal",
    "Proposer",
    "Relocated",
    "RemovedDevice",
    "ScopeHoldings",
    "ScopeSummary",
    "ServedGrant",
    "ServedVault",
    "Status",
    "Superseded",
    "Swept",
    "SweptPlace",
    "Vault",
    "Verification",
    "listening",
]
