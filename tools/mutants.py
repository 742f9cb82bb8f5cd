"""Where a Solidity source can be broken: one ``Mutant`` for each small change, from the syntax tree that solc gives.

Kinds: a statement deleted, a condition negated or fixed (so that a check is dropped), a comparison or operator swapped, two arguments of
one type swapped, a number off by one or a text off by a letter. Pure: text and tree in, changes out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

Node = dict[str, Any]

COMPARISONS = {
    "==": ("!=",),
    "!=": ("==",),
    "<": ("<=", ">=", ">"),
    "<=": ("<", ">", ">="),
    ">": (">=", "<=", "<"),
    ">=": (">", "<", "<="),
}
OPERATORS = {"&&": ("||",), "||": ("&&",), "+": ("-",), "-": ("+",), "&": ("|",), "|": ("&",)}
DELETABLE = {"ExpressionStatement", "EmitStatement", "Return"}


@dataclass(frozen=True)
class Mutant:
    """``old`` bytes of ``file`` from ``start`` on become ``new``."""

    kind: str
    file: str
    start: int
    old: str
    new: str
    where: str

    @property
    def name(self) -> str:
        """For people and for ``mutants.json``; the same as long as the lines it touches are."""
        file = self.file.rpartition("/")[2].removesuffix(".sol")
        old, new = (" ".join(text.split()) for text in (self.old, self.new))
        return f"{file}.{self.where}: {self.kind}: {old} -> {new or 'nothing'}"

    def applied_to(self, text: str) -> str:
        data, end = text.encode(), self.start + len(self.old.encode())
        return (data[: self.start] + self.new.encode() + data[end:]).decode()


def find_mutants(file: str, text: str, tree: Node) -> list[Mutant]:
    """Every mutant of one source, in its order; two of one name are told apart by a number."""
    data = text.encode()
    found: list[Mutant] = []
    already: set[tuple[int, str, str]] = set()
    for definition, node in _walk(tree, ""):
        where = definition or "constants"
        for kind, start, length, new in _changes(node, data):
            old = data[start : start + length].decode()
            if old == new or (start, old, new) in already:
                continue
            already.add((start, old, new))
            found.append(Mutant(kind, file, start, old, new, where))
    seen: dict[str, int] = {}
    unique = []
    for mutant in sorted(found, key=lambda one: one.start):
        count = seen[mutant.name] = seen.get(mutant.name, 0) + 1
        again = f"{mutant.where} ({count})" if count > 1 else mutant.where
        unique.append(Mutant(mutant.kind, file, mutant.start, mutant.old, mutant.new, again))
    return unique


def _walk(node: Any, definition: str) -> Iterator[tuple[str, Node]]:
    """Every node, with the function it stands in."""
    if isinstance(node, list):
        for one in node:
            yield from _walk(one, definition)
    elif isinstance(node, dict):
        if node.get("nodeType") in ("FunctionDefinition", "VariableDeclaration") and not definition:
            definition = node["name"]
        if "nodeType" in node:
            yield definition, node
        for key, child in node.items():
            if key not in ("typeName", "documentation", "functionSelector"):
                yield from _walk(child, definition)


def _changes(node: Node, data: bytes) -> Iterator[tuple[str, int, int, str]]:
    """(kind, start, length, new text) of each change at this node."""
    start, length = _span(node)
    said = data[start : start + length].decode()
    match node["nodeType"]:
        case kind if kind in DELETABLE:
            ends = start + length + (0 if said.endswith(("}", ";")) else 1)
            if data[ends - 1 : ends] in b"};":  # a loop's last part is no statement that can go
                yield "statement deleted", start, ends - start, "{}"
            if kind == "Return" and node.get("expression") and _is_bool(node["expression"]):
                yield from _conditions(node["expression"], data)
        case "IfStatement" | "ForStatement":  # false drops a check or what is done
            yield from _conditions(node["condition"], data)
        case "BinaryOperation":
            yield from _operators(node, data)
        case "UnaryOperation" if node["operator"] == "!":
            yield "condition", start, 1, ""
        case "FunctionCall":
            yield from _swaps(node["arguments"], data)
        case "Literal" if node["kind"] == "number":
            value = int(node["value"], 0)
            for other in (value + 1, value - 1):
                if other >= 0:
                    yield "constant", start, length, str(other)
        case "Literal" if node["kind"] == "string":
            yield "constant", start, length, said[:-1] + 'x"'
        case "Literal" if node["kind"] == "bool":
            yield "constant", start, length, "false" if said == "true" else "true"


def _conditions(condition: Node, data: bytes) -> Iterator[tuple[str, int, int, str]]:
    """A condition, and each part of it, negated, true, false; a comparison is negated by swapping it."""
    start, length = _span(condition)
    said = data[start : start + length].decode()
    negated = () if condition.get("operator") in COMPARISONS else (f"!({said})",)
    for new in (*negated, "true", "false"):
        yield "condition", start, length, new
    if condition["nodeType"] == "BinaryOperation" and condition["operator"] in ("&&", "||"):
        for side in ("leftExpression", "rightExpression"):
            yield from _conditions(condition[side], data)


def _operators(node: Node, data: bytes) -> Iterator[tuple[str, int, int, str]]:
    operator = node["operator"]
    left_start, left_length = _span(node["leftExpression"])
    after = left_start + left_length
    place = data.index(operator.encode(), after)
    for other in COMPARISONS.get(operator, ()):
        yield "comparison", place, len(operator), other
    for other in OPERATORS.get(operator, ()):
        yield "operator", place, len(operator), other


def _swaps(arguments: list[Node], data: bytes) -> Iterator[tuple[str, int, int, str]]:
    """Two arguments of one type change places."""
    for one, two in combinations(arguments, 2):
        if one["typeDescriptions"]["typeIdentifier"] != two["typeDescriptions"]["typeIdentifier"]:
            continue
        (a, a_length), (b, b_length) = _span(one), _span(two)
        first, between, second = data[a : a + a_length], data[a + a_length : b], data[b : b + b_length]
        yield "arguments swapped", a, b + b_length - a, (second + between + first).decode()


def _is_bool(node: Node) -> bool:
    return bool(node["typeDescriptions"]["typeString"] == "bool")


def _span(node: Node) -> tuple[int, int]:
    start, length, _ = map(int, node["src"].split(":"))
    return start, length
