"""The demo's acts: a ChatGPT history becomes memory that its owner holds. Each is one sentence and one real figure.

In go a stage and a way to tell; the acts play on a new vault, new places and a new chain, with the library's own verbs and nothing beside
them. An act that doesn't come out as its sentence says fails. What was public is searched afterwards, by ``watch``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import wrap

from memsync.demo.console import sort_export
from memsync.demo.stage import Stage
from memsync.demo.story import (
    AFTERWARDS,
    ANSWER,
    PRIVATE_QUESTION,
    PROPOSAL,
    QUESTION,
    SCOPE,
    TOOL_NAME,
)
from memsync.demo.thief import Segment, Thief, segments_of
from memsync.errors import AccessError, IntegrityError
from memsync.format.card import Card
from memsync.intake import ImportOptions, survey, write_sample_export
from memsync.memory import Memory
from memsync.shared import SharedVault, Tool
from memsync.vault import Grant, Vault

WIDTH, MARGIN = 100, 14


@dataclass(slots=True)
class Teller:
    """Says each act with its number."""

    say: Callable[[str], None]
    number: int = 0

    def tell(self, name: str, sentence: str, figure: str) -> None:
        """The act's name, what happened, and below it the figure."""
        self.number += 1
        first, *more = wrap(sentence, WIDTH - MARGIN)
        self.say(f"{self.number:2} {name:<{MARGIN - 3}}{first}")
        for line in (*more, *wrap(figure, WIDTH - MARGIN - 2, initial_indent="→ ", subsequent_indent="  ")):
            self.say(" " * MARGIN + line)


@dataclass(frozen=True, slots=True)
class Played:
    """What the acts leave for the search: the words, the tool with its card, every memory by scope, and who paid (20 bytes)."""

    words: str = field(repr=False)
    tool: Tool
    card: Card
    memories: Mapping[str, Sequence[Memory]] = field(repr=False)
    payer: bytes


def play(stage: Stage, teller: Teller) -> Played:
    """All acts but the last; then the vault that was restored is closed too."""
    tool = Tool.generate()
    card = tool.card(TOOL_NAME)
    passphrase, registry = stage.passphrase, stage.registry
    with Vault.create(passphrase=passphrase, home=stage.laptop, store=stage.both, registry=registry) as vault:
        words = vault.words
        import_export(stage, vault, teller)
        payer = push(stage, vault, teller)
        answer = recall(vault, teller)
        grant = grant_scope(stage, vault, card, teller)
        with SharedVault.accept(grant.link, key=tool, registry=stage.registry, store=stage.server) as shared:
            thief = Thief.holding(tool, grant.link, registry=stage.registry, store=stage.server)
            read(vault, shared, teller)
            propose(stage, vault, shared, tool, teller)
            revoke(stage, vault, grant, words, thief, shared, teller)
        count = vault.count()
    stage.lose_laptop()
    started = time.perf_counter()
    with Vault.restore(
        words, passphrase=passphrase, home=stage.new_machine, store=stage.server, registry=registry
    ) as vault:
        restored(vault, count, answer, time.perf_counter() - started, teller)
        memories = {scope: tuple(vault.memories(scope=scope)) for scope in vault.scopes()}
    return Played(words, tool, card, memories, payer)


def import_export(stage: Stage, vault: Vault, teller: Teller) -> None:
    """Sort the export's conversations into scopes by their titles; the rest goes to ``personal``."""
    export = write_sample_export(stage.folder / "chatgpt-export.zip")
    found = survey(export, ImportOptions(), seen=())
    started = time.perf_counter()
    sort_export(vault, export)
    took = time.perf_counter() - started
    _expect(vault.count() == found.memories, "every message is a memory, once")
    teller.tell(
        "Imported",
        f"Vera's year in ChatGPT becomes memories in {len(vault.scopes())} scopes: {', '.join(vault.scopes())}.",
        f"{found.groups} conversations, {vault.count()} memories, {took:.1f} s; the zip itself stays plain text",
    )


def push(stage: Stage, vault: Vault, teller: Teller) -> bytes:
    """Seal, store, anchor: one push, told as three acts. The account that paid."""
    receipt = vault.push()
    held = [set(place.iter()) for place in (stage.disk, stage.server)]
    _expect(held[0] == held[1] and len(held[0]) == receipt.blocks, "both places hold every block")
    teller.tell(
        "Sealed",
        "They are encrypted into blocks of a few fixed sizes, which are noise without a key.",
        f"{receipt.memories} memories in {receipt.blocks} blocks, {receipt.size:,} bytes",
    )
    teller.tell(
        "Stored",
        "Each block is filed under the hash of its bytes, on her laptop and on a server that can't read it.",
        f"{len(held[0] & held[1])} of {receipt.blocks} blocks in both places",
    )
    teller.tell(
        "Anchored",
        "One transaction puts 32 sealed bytes on the chain that lead to all of it.",
        f"{_last_call(stage)} bytes of calldata, {receipt.gas_used:,} gas",
    )
    return receipt.payer


def recall(vault: Vault, teller: Teller) -> str:
    """Ask on the device; the answer."""
    started = time.perf_counter()
    answer = vault.recall(QUESTION)[0].memory.text
    took = time.perf_counter() - started
    _expect(ANSWER in answer, "the question is answered")
    teller.tell(
        "Recalled",
        f"“{QUESTION}” she asks, and her own machine answers.",
        f"“{answer}” ({took * 1000:.1f} ms)",
    )
    return answer


def grant_scope(stage: Stage, vault: Vault, card: Card, teller: Teller) -> Grant:
    """One scope to one tool."""
    grant = vault.grant(card, scope=SCOPE, until="30d", can="read+write")
    teller.tell(
        "Granted",
        f"She grants one scope, {SCOPE}, to {card.name}, a writing tool, for 30 days.",
        f"one transaction, {_last_call(stage)} bytes; the link has {len(grant.link)} characters and no secret",
    )
    return grant


def read(vault: Vault, shared: SharedVault, teller: Teller) -> None:
    """The tool reads its scope, and asks for what is in another."""
    added = shared.pull().added
    _expect(added == vault.count(scope=SCOPE), "the tool reads the whole scope")
    _expect(
        shared.recall(QUESTION)[0].memory == vault.recall(QUESTION)[0].memory, "the tool finds the answer"
    )
    hers, its = (
        sum("hazelnut" in hit.memory.text for hit in of.recall(PRIVATE_QUESTION)) for of in (vault, shared)
    )
    _expect(hers > 0 and its == 0, "another scope stays shut")
    teller.tell(
        "Read",
        f"{TOOL_NAME} reads {SCOPE} with a key of its own, and nothing else: “{PRIVATE_QUESTION}” is in another scope.",
        f"{added} of {vault.count()} memories; answers about hazelnuts: Vera {hers}, {TOOL_NAME} {its}",
    )


def propose(stage: Stage, vault: Vault, shared: SharedVault, tool: Tool, teller: Teller) -> None:
    """The tool proposes, the owner reviews."""
    shared.propose(PROPOSAL, kind="semantic")
    calldata = _last_call(stage)
    vault.collect()
    (proposed,) = vault.review()
    memory = vault.accept(proposed)
    vault.push()
    _expect(memory.author == tool.keys.author().public, "the memory says who proposed it")
    _expect(shared.pull().added == 1, "the tool reads back what was accepted")
    teller.tell(
        "Proposed",
        f"{TOOL_NAME} proposes a memory, sealed for her alone; she accepts it, and it keeps the tool's signature.",
        f"1 proposed, 1 accepted, {calldata} bytes of calldata: “{memory.text}”",
    )


def revoke(
    stage: Stage, vault: Vault, grant: Grant, words: str, thief: Thief, shared: SharedVault, teller: Teller
) -> None:
    """The owner revokes and goes on; the tool tries whatever it ever had."""

    def segments() -> list[Segment]:
        return segments_of(words, SCOPE, registry=stage.registry, store=stage.server)

    thief.take_keys()
    before = segments()
    opened_before = thief.opens(before)
    _expect(opened_before == len(before), "until now the tool's keys open everything in its scope")
    receipt = vault.revoke(grant)
    vault.remember(AFTERWARDS, scope=SCOPE)
    vault.push()
    _expect(receipt is not None and receipt.rotated == (SCOPE,), "revoking rotates the scope's keys")
    teller.tell(
        "Revoked",
        f"She revokes; the keys of {SCOPE} change in the same transaction, and she writes on.",
        f"one transaction, {receipt.gas_used if receipt else 0:,} gas",
    )
    known = {segment.digest for segment in before}
    after = [segment for segment in segments() if segment.digest not in known]
    opened = thief.opens(after)
    _expect(_refusal(shared) is not None, "the tool's next pull is refused")
    _expect(not thief.finds_the_root(), "the tool can't find the new root")
    _expect(len(after) > 0 and opened == 0, "its keys open nothing new")
    _expect(all(memory.text != AFTERWARDS for memory in shared.memories()), "it has nothing new")
    teller.tell(
        "Closed",
        f"{TOOL_NAME}'s next pull is refused; where it ignores that, no key it ever had leads to the new root or opens what is new, "
        "even with the catalog as a gift. What it has read, it keeps.",
        f"segments opened: {opened} of {len(after)} since, {opened_before} of {len(before)} before",
    )


def restored(vault: Vault, count: int, answer: str, took: float, teller: Teller) -> None:
    """The same question on a machine that had nothing but the words."""
    _expect(vault.count() == count, "every memory is back")
    _expect(vault.recall(QUESTION)[0].memory.text == answer, "the same question has the same answer")
    teller.tell(
        "Restored",
        "Her laptop is lost with all that was on it; 24 words, the chain and the server bring everything back on an empty machine.",
        f"{vault.count()} of {count} memories in {took:.1f} s; the same question, the same answer",
    )


def _expect(holds: bool, what: str) -> None:  # noqa: FBT001
    if not holds:
        raise IntegrityError(f"the demo did not come out as it says: not so that {what}; please report it")


def _refusal(shared: SharedVault) -> AccessError | None:
    try:
        shared.pull()
    except AccessError as refusal:
        return refusal
    return None


def _last_call(stage: Stage) -> int:
    """Bytes of calldata of the latest transaction."""
    with_transactions = True
    block = stage.node.rpc("eth_getBlockByNumber", "latest", with_transactions)
    return len(block["transactions"][-1]["input"]) // 2 - 1
