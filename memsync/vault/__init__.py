"""A vault with its owner's verbs. ``base`` is what they stand on, ``memories`` and ``access`` are the verbs, ``lifecycle``
puts them together."""

from memsync.sync.verification import Finding, Verification
from memsync.vault.access import Grant
from memsync.vault.lifecycle import Status, Vault
from memsync.vault.selection import ScopeSummary
from memsync.vault.upkeep import Exported

__all__ = ["Exported", "Finding", "Grant", "ScopeSummary", "Status", "Vault", "Verification"]
