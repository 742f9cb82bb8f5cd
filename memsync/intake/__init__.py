"""What comes in and goes out: exports of other tools, read into memories to be, and memories written out in plain text.

An importer reads; it knows no vault, no key and no clock, stores nothing and unpacks nothing to disk. It yields
:class:`~memsync.intake.incoming.Incoming` values, and whatever is wrong with its input is an ``InputError`` of one line. Who imports stores
them in one transaction, so that a broken export leaves everything as it was.
"""

from memsync.intake.chatgpt import ChatGPTExport, survey
from memsync.intake.formats import FORMATS
from memsync.intake.incoming import ImportOptions, Incoming, Reason, Report
from memsync.intake.opening import open_export
from memsync.intake.sample import write_sample_export

__all__ = [
    "FORMATS",
    "ChatGPTExport",
    "ImportOptions",
    "Incoming",
    "Reason",
    "Report",
    "open_export",
    "survey",
    "write_sample_export",
]
