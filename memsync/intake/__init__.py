"""What comes in: exports of other tools, read into memories to be.

An importer reads; it knows no vault, no key and no clock, stores nothing and unpacks nothing to disk. It yields
:class:`~memsync.intake.incoming.Incoming` values, and whatever is wrong with its input is an ``InputError`` of one line. Who imports stores
them in one transaction, so that a broken export leaves everything as it was.
"""

from memsync.intake.chatgpt import ChatGPTExport, survey
from memsync.intake.incoming import ImportOptions, Incoming, Reason, Report
from memsync.intake.sample import write_sample_export

__all__ = [
    "ChatGPTExport",
    "ImportOptions",
    "Incoming",
    "Reason",
    "Report",
    "survey",
    "write_sample_export",
]
