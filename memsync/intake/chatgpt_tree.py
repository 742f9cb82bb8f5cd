"""The tree of one conversation in ChatGPT's export, and the way through it that its reader saw.

In comes the parsed conversation: ``mapping`` from node id to ``{id, message, parent, children}`` and ``current_node``. Out comes an order
in which parents stand before children, and which nodes are on the current branch. Only ``parent`` is believed: ``children`` says the same
or is wrong. Editing a question or regenerating an answer makes a branch; the current one ends at ``current_node``, or else at the newest
leaf.

A node whose parent is gone starts a piece of its own. Each piece has a current branch, so what stood before a deleted message is not lost.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from memsync.errors import InputError

_LAST_MS: Final = 253_402_300_800_000
"""The year 10,000: what lies beyond is no date."""


@dataclass(frozen=True, slots=True)
class Node:
    """One node. ``parent`` is None at the start of a piece, ``lost`` when the export names one that is not there; ``time``: Unix ms."""

    id: str
    parent: str | None
    lost: bool
    message: object
    time: int | None


@dataclass(frozen=True, slots=True)
class Tree:
    """``nodes`` piece by piece, parents before children; ``current``: ids on the current branch of their piece."""

    nodes: tuple[Node, ...]
    current: frozenset[str]


def read_tree(conversation: Mapping[str, Any], where: str) -> Tree:
    """The tree of ``conversation``; without nodes when its mapping is empty or null.

    ``InputError`` naming ``where`` for a mapping that is none, ids that stand twice and parents that go in a circle.
    """
    mapping = conversation.get("mapping")
    if mapping is None:
        mapping = {}
    if not isinstance(mapping, dict) or not all(isinstance(entry, dict) for entry in mapping.values()):
        raise InputError(f"{where} has no tree of messages: is it ChatGPT's conversations.json?")
    _refuse_twins(mapping, where)
    nodes = {name: _read_node(name, entry, mapping) for name, entry in mapping.items()}
    roots = _roots(nodes, where)
    children: dict[str, list[str]] = {}
    for node in nodes.values():
        if node.parent is not None:
            children.setdefault(node.parent, []).append(node.id)

    pieces = [_walk(root, nodes, children) for root in roots]
    # Undated pieces last; the sort is stable, so the export's own order decides among equals.
    pieces.sort(key=_begin)
    asked = conversation.get("current_node")
    current: set[str] = set()
    for piece in pieces:
        here = {node.id for node in piece}
        at: str | None = asked if isinstance(asked, str) and asked in here else _newest_leaf(piece, children)
        while at is not None:
            current.add(at)
            at = nodes[at].parent
    return Tree(tuple(node for piece in pieces for node in piece), frozenset(current))


def read_time(value: object) -> int | None:
    """Unix milliseconds of the export's seconds; None for what is no date after 1970."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return round(value * 1000) if 0 < value < _LAST_MS / 1000 else None


def _refuse_twins(mapping: Mapping[str, Mapping[str, Any]], where: str) -> None:
    own = [(entry.get("id"), name) for name, entry in mapping.items()]
    if len({found if isinstance(found, str) else name for found, name in own}) != len(own):
        raise InputError(f"two messages of {where} have one id: download the export again")


def _read_node(name: str, entry: Mapping[str, Any], mapping: Mapping[str, Any]) -> Node:
    parent, message = entry.get("parent"), entry.get("message")
    found = isinstance(parent, str) and parent in mapping
    time = read_time(message.get("create_time")) if isinstance(message, dict) else None
    return Node(name, parent if found else None, parent is not None and not found, message, time)


def _roots(nodes: Mapping[str, Node], where: str) -> list[str]:
    done: set[str] = set()
    for name in nodes:
        under_way: set[str] = set()
        at: str | None = name
        while at is not None and at not in done:
            if at in under_way:
                raise InputError(
                    f"messages of {where} answer each other in a circle: download the export again"
                )
            under_way.add(at)
            at = nodes[at].parent
        done |= under_way
    return [name for name, node in nodes.items() if node.parent is None]


def _walk(root: str, nodes: Mapping[str, Node], children: Mapping[str, list[str]]) -> list[Node]:
    piece, ahead = [], [root]
    while ahead:
        name = ahead.pop()
        piece.append(nodes[name])
        ahead.extend(reversed(children.get(name, ())))
    return piece


def _begin(piece: list[Node]) -> int:
    return min((node.time for node in piece if node.time is not None), default=_LAST_MS)


def _newest_leaf(piece: list[Node], children: Mapping[str, list[str]]) -> str:
    leaves = [node for node in piece if node.id not in children]
    return max(enumerate(leaves), key=lambda at: (at[1].time or 0, at[0]))[1].id
