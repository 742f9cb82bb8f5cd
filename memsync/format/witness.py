"""The witness of a push: a Merkle tree over the leaves of all records that it added (``docs/format.md`` §7).

In come leaves; out go the 32-byte tree hash of RFC 6962 §2.1, the audit path of one leaf, and the verdict on such a path. With a path,
anybody can check that a memory was in a signed root without seeing another. A leaf may be any bytes; the witness's are of 32 bytes, sorted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from memsync.errors import FormatError, InputError


def witness_of(leaves: Iterable[bytes]) -> bytes | None:
    """The tree hash over ``leaves`` in ascending order; None without leaves, where a root has 32 random bytes instead."""
    ordered = sorted(leaves)
    return tree_hash(ordered) if ordered else None


def tree_hash(leaves: Sequence[bytes]) -> bytes:
    """The Merkle tree hash (32 bytes) of ``leaves`` as they stand; of none, SHA-256 of nothing (RFC 6962 §2.1)."""
    if not leaves:
        return hashlib.sha256().digest()
    level = [_leaf(leaf) for leaf in leaves]
    while len(level) > 1:
        level = _above(level)
    return level[0]


def audit_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The hashes beside the way from leaf ``index`` to the top, lowest first (RFC 6962 §2.1.1)."""
    if not 0 <= index < len(leaves):
        raise InputError(f"there is no leaf {index} among {len(leaves)}")
    level = [_leaf(leaf) for leaf in leaves]
    path: list[bytes] = []
    while len(level) > 1:
        if (beside := index ^ 1) < len(level):
            path.append(level[beside])
        level = _above(level)
        index //= 2
    return path


def verify_path(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Refuse unless ``path`` shows that ``leaf`` is number ``index`` of ``size`` under ``root`` (RFC 9162 §2.1.3.2).

    ``FormatError("audit path", "length" | "hash")``; ``InputError`` unless ``index`` is below ``size``.
    """
    if not 0 <= index < size:
        raise InputError(f"there is no leaf {index} among {size}")
    found, last, rest = _leaf(leaf), size - 1, list(reversed(path))
    while last:
        if index % 2 or index < last:
            if not rest:
                raise FormatError("audit path", "length", "too short for a tree of this size")
            beside = rest.pop()
            found = _node(beside, found) if index % 2 else _node(found, beside)
        index //= 2
        last //= 2
    if rest:
        raise FormatError("audit path", "length", "too long for a tree of this size")
    if found != root:
        raise FormatError("audit path", "hash", "it does not lead to this root")


def _above(level: list[bytes]) -> list[bytes]:
    # A node without a neighbour rises as it is: so the left tree is always the largest full one, as the RFC's recursion asks.
    pairs = [_node(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
    return pairs + level[-1:] if len(level) % 2 else pairs


def _leaf(data: bytes) -> bytes:
    return hashlib.sha256(b"\0" + data).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()
