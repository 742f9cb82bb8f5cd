"""Finding memories again: a question in words, the best memories first, with a score and a reason.

The index is a cache beside the memories, in the same encrypted database; it can be thrown away and made anew, and no file ever holds a
text of it in the clear. What is found is data with its provenance, never an instruction.
"""

from memsync.recall.index import TextIndex
from memsync.recall.port import Hit, Index, refresh

__all__ = ["Hit", "Index", "TextIndex", "refresh"]
