"""Readers, tools, stores and RPCs that want more than they were given."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Sequence

import pytest

from memsync.chain.calls import Submit, sign_call
from memsync.chain.registry import Snapshot
from memsync.crypto.pairwise import PairwiseSecret
from memsync.crypto.pointer import seal_parcel_pointer, seal_pointer
from memsync.crypto.tree import RootKey
from memsync.errors import (
    AccessError,
    IntegrityError,
    NotFoundError,
    PointerInvalid,
    SignatureInvalid,
    WrongPassphrase,
    WrongWords,
)
from memsync.format.block import Block
from memsync.format.certificate import certify
from memsync.format.entry import ScopeEntry
from memsync.format.parcel import Inbox, seal_parcel
from memsync.format.root import seal_root
from memsync.ipld.dagcbor import encode
from memsync.memory import Draft
from memsync.shared import SharedVault, Tool
from memsync.testing import MemoryRegistry
from memsync.vault import Vault
from tests.flow.actions import PASSPHRASE, World, texts
from tests.flow.checks import view_of


class LyingRegistry:
    """An RPC that shows another head than the chain has, and else passes everything on."""

    def __init__(self, inner: MemoryRegistry) -> None:
        self._inner = inner
        self.shown: dict[bytes, object] = {}

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def snapshot(self, vault: bytes, grants: Sequence[bytes] = ()) -> Snapshot:
        true = self._inner.snapshot(vault, grants)
        return dataclasses.replace(true, vault=self.shown.get(vault, true.vault))

    def final_vault(self, vault: bytes) -> object:
        return self.shown.get(vault, self._inner.final_vault(vault))


def forge(world: World, reader: SharedVault, *, signer_too: bool) -> tuple[Block, object]:
    """What a reader can make of what it knows: the next root, sealed and pointed to rightly, signed and certified by a key of its own."""
    view, envelope = view_of(reader), reader._envelope
    state = world.registry.snapshot(envelope.vault).vault
    impostor = RootKey(secrets.token_bytes(32))
    own = impostor.generation(envelope.vault)
    key = next(iter(view.catalog.keys.values()))
    owner = impostor.owner(envelope.chain_id, envelope.contract)
    fields = {
        "pointer_key": envelope.pointer.secret,
        "chain_id": envelope.chain_id,
        "contract": envelope.contract,
        "vault": envelope.vault,
        "sequence": state.sequence + 1,
        "generation": 0,
        "author": own.author(),
        "certificate": certify(owner, own, chain_id=envelope.chain_id, contract=envelope.contract),
        "previous": view.root.digest,
        "access": view.root.access,
        "owner": view.root.owner,
        "witness": bytes(32),
        "entries": [ScopeEntry(envelope.scope, key, view.entry)],
    }
    with pytest.raises((SignatureInvalid, Exception)):
        seal_root(**fields)
    block = _sealed_without_looking(fields)
    sealed = seal_pointer(envelope.pointer.secret, envelope.vault, state.sequence + 1, block.digest)
    shown = dataclasses.replace(
        state,
        sequence=state.sequence + 1,
        salt=sealed.salt_int,
        pointer=sealed.pointer,
        signer=own.signer().address if signer_too else state.signer,
    )
    return block, shown


def _sealed_without_looking(fields: dict) -> Block:
    """``seal_root`` without its own last look: what a forger would write."""
    from memsync.crypto.kdf import derive
    from memsync.crypto.sealing import ZERO16, Kind, aad, seal_block
    from memsync.format.entry import seal_entries

    salt = secrets.token_bytes(32)
    entries = seal_entries(
        fields["entries"],
        vault=fields["vault"],
        sequence=fields["sequence"],
        root_salt=salt,
        random=secrets.token_bytes,
    )
    body = {
        "v": 1,
        "vault": fields["vault"],
        "sequence": fields["sequence"],
        "generation": fields["generation"],
        "salt": salt,
        "previous": fields["previous"],
        "access": fields["access"].to_value(),
        "owner": fields["owner"].to_value(),
        "witness": fields["witness"],
        "entries": [[entry.tag, entry.sealed] for entry in entries],
        "certificate": fields["certificate"].to_value(),
    }
    body["signature"] = fields["author"].sign(b"memsync/v1/root" + encode(body))
    place = aad(fields["vault"], ZERO16, ZERO16, Kind.ROOT, fields["sequence"].to_bytes(4, "big"))
    return Block.of(seal_block(derive(fields["pointer_key"], "root"), place, encode(body)))


@pytest.mark.parametrize("signer_too", [True, False])
def test_a_root_forged_by_a_former_reader_with_a_lying_rpc_is_refused(
    world: World, *, signer_too: bool
) -> None:
    vault = world.vault()
    vault.remember("True.")
    vault.push()
    forger = world.accepted(*world.granted(vault))
    victim_tool, grant = world.granted(vault)
    rpc = LyingRegistry(world.registry)
    victim = world.accepted(victim_tool, grant, registry=rpc)
    victim.pull()
    block, shown = forge(world, forger, signer_too=signer_too)
    world.store.put_many([(block.cid, block.data)])
    rpc.shown[vault.status().vault] = shown
    with pytest.raises(SignatureInvalid):
        victim.pull()
    assert texts(victim) == {"True."}
    rpc.shown.clear()
    vault.remember("Also true.")
    vault.push()
    victim.pull()
    assert texts(victim) == {"True.", "Also true."}, "control: the honest way still works"


def test_a_pointer_that_no_key_sealed_is_a_lying_rpc_not_a_missing_block(world: World) -> None:
    vault = world.vault(pushed=True)
    reader = world.accepted(*world.granted(vault))
    rpc = LyingRegistry(world.registry)
    reader._replica._registry = vault._replica._registry = rpc
    state = world.registry.snapshot(vault.status().vault).vault
    rpc.shown[vault.status().vault] = dataclasses.replace(state, pointer=secrets.token_bytes(32))
    with pytest.raises(PointerInvalid):
        reader.pull()
    with pytest.raises(PointerInvalid):
        vault.pull()


def test_a_reader_notices_when_it_is_shown_an_old_head(world: World) -> None:
    vault = world.vault(pushed=True)
    reader = world.accepted(*world.granted(vault))
    rpc = LyingRegistry(world.registry)
    reader._replica._registry = rpc
    old = world.registry.snapshot(vault.status().vault).vault
    vault.remember("Newer.")
    vault.push()
    reader.pull()
    rpc.shown[vault.status().vault] = old
    with pytest.raises(IntegrityError, match="final"):
        reader.pull()
    assert texts(reader) == {"Newer."}


def test_a_proposal_is_a_draft_and_can_carry_neither_an_id_nor_a_tombstone(world: World) -> None:
    vault = world.vault()
    memory = vault.remember("Mine.")
    tool, grant = world.granted(vault, can="read+write")
    shared = world.accepted(tool, grant)
    for sly in (
        {"id": memory.id, "kind": "semantic", "text": "Overwritten.", "created": 1},
        {"id": memory.id, "version": memory.version, "forgotten": 1},
        {"kind": "semantic", "text": "Overwritten.", "created": 1, "replaces": [memory.version]},
    ):
        _submit_raw(world, shared, sly)
        collected = vault.collect()
        assert collected.new == 0
        assert collected.refused
        assert vault.review() == []
    vault.push()
    assert texts(vault) == {"Mine."}
    shared.propose("An honest proposal.")
    assert vault.collect().new == 1, "control: the same way works for a draft"


def _submit_raw(world: World, shared: SharedVault, draft: dict) -> None:
    """A parcel as only a dishonest program would write it: any map in place of a draft, rightly signed, sealed and submitted."""
    from memsync.crypto.hpke import OVERHEAD, seal_box
    from memsync.crypto.sealing import ZERO16, Kind, aad

    envelope, author = shared._envelope, shared._tool.keys.author()
    snapshot = world.registry.snapshot(envelope.vault, [shared._grant])
    state = snapshot.grants[shared._grant]
    number, proposal = state.parcels + 1, secrets.token_bytes(16)
    where = [envelope.chain_id, envelope.contract, envelope.vault, shared._grant, number]
    signature = author.sign(b"memsync/v1/proposal" + encode([*where, proposal, draft]))
    names = ("chain", "contract", "vault", "grant", "number")
    body = {
        "v": 1,
        **dict(zip(names, where, strict=True)),
        "author": author.public,
        "drafts": [[proposal, draft, signature]],
    }
    place = aad(envelope.vault, ZERO16, ZERO16, Kind.PARCEL, shared._grant + number.to_bytes(4, "big"))
    block = Block.of(seal_box(envelope.box, place, encode(body), room=4096 - OVERHEAD))
    _place(world, shared, block, number)


def _place(world: World, shared: SharedVault, block: Block, number: int) -> None:
    envelope = shared._envelope
    world.store.put_many([(block.cid, block.data)])
    sealed = seal_parcel_pointer(envelope.secret.secret, shared._grant, number, block.digest)
    grantee = envelope.secret.grantee()
    call = Submit(
        grantee.address,
        envelope.vault,
        envelope.secret.blinded_scope(envelope.scope),
        envelope.secret.grant_salt(shared.link.envelope),
        number - 1,
        sealed.salt_int,
        sealed.pointer,
    )
    signed = sign_call(call, grantee, 2**40, chain_id=envelope.chain_id, contract=envelope.contract)
    world.registry.send(signed)


def test_a_proposal_re_boxed_to_another_vault_is_refused(world: World) -> None:
    """The owner of one vault passes a tool's signed drafts on, under a grant of its own in another vault, as if meant for that."""
    tool = Tool.generate()
    first, second = world.vault(pushed=True), world.vault(pushed=True)
    _, one = world.granted(first, tool, can="read+write")
    _, two = world.granted(second, tool, can="read+write")
    for_first, for_second = world.accepted(tool, one), world.accepted(tool, two)
    for_first.propose("Meant for the first vault only.")
    assert first.collect().new == 1, "control: there it is taken in"
    (proposed,) = first.review()
    envelope = for_second._envelope
    body = {
        "v": 1,
        "chain": envelope.chain_id,
        "contract": envelope.contract,
        "vault": envelope.vault,
        "grant": for_second._grant,
        "number": 1,
        "author": tool.keys.author().public,
        "drafts": [
            [
                proposed.id,
                {"kind": "semantic", "text": proposed.draft.text, "created": proposed.draft.created},
                proposed.signature,
            ]
        ],
    }
    from memsync.crypto.hpke import OVERHEAD, seal_box
    from memsync.crypto.sealing import ZERO16, Kind, aad

    place = aad(envelope.vault, ZERO16, ZERO16, Kind.PARCEL, for_second._grant + (1).to_bytes(4, "big"))
    _place(world, for_second, Block.of(seal_box(envelope.box, place, encode(body), room=4096 - OVERHEAD)), 1)
    collected = second.collect()
    assert collected.new == 0
    assert "parcel" in collected.refused[0][1] or "signature" in collected.refused[0][1]
    assert second.review() == []


def test_a_tool_cannot_sign_for_another_tool(world: World) -> None:
    vault = world.vault(pushed=True)
    tool, grant = world.granted(vault, can="read+write")
    shared = world.accepted(tool, grant)
    inbox = Inbox(31337, world.registry.contract, shared._envelope.vault, shared._grant, 1)
    other = Tool.generate().keys.author()
    draft = Draft(kind="semantic", text="By somebody else.", created=1)
    block = seal_parcel(
        [(secrets.token_bytes(16), draft)], inbox=inbox, author=other, box=shared._envelope.box
    )
    _place(world, shared, block, 1)
    assert vault.collect().refused
    assert vault.review() == []


def test_accepted_proposals_keep_a_proof_that_verifies_and_lose_it_when_edited(world: World) -> None:
    from memsync.format.parcel import check_proof

    vault = world.vault(pushed=True)
    tool, grant = world.granted(vault, can="read+write")
    world.accepted(tool, grant).propose("The tool said so.")
    vault.collect()
    memory = vault.accept(vault.review()[0])
    where = {"chain_id": 31337, "contract": world.registry.contract, "vault": vault.status().vault}
    check_proof(memory, **where)
    with pytest.raises(SignatureInvalid):
        check_proof(dataclasses.replace(memory, text="The tool never said so."), **where)
    assert vault.edit(memory, "I say so.").proof is None


def test_a_refused_proposal_does_not_come_again(world: World) -> None:
    vault = world.vault(pushed=True)
    tool, grant = world.granted(vault, can="write")
    shared = world.accepted(tool, grant)
    shared.propose("Buy my product.")
    vault.collect()
    vault.refuse(vault.review()[0])
    shared.propose("A second thought.")
    assert vault.collect().new == 1
    assert [one.draft.text for one in vault.review()] == ["A second thought."]


def test_a_write_only_tool_reads_nothing(world: World) -> None:
    vault = world.vault()
    vault.remember("Not for it.")
    shared = world.accepted(*world.granted(vault, can="write"))
    with pytest.raises(AccessError, match="no right to read"):
        shared.pull()
    assert shared._envelope.pointer is None
    assert shared._envelope.key is None


def test_an_unsolicited_envelope_is_refused_by_who_asks_for_a_nonce(world: World) -> None:
    vault = world.vault(pushed=True)
    tool, nonce = Tool.generate(), secrets.token_bytes(16)
    plain = vault.grant(tool.card("service", now=world.now()), scope="personal")
    asked = vault.grant(tool.card("service", request=nonce, now=world.now()), scope="personal")
    where = {"key": tool, "registry": world.registry, "store": world.store, "clock": world.clock}
    with pytest.raises(AccessError, match="nobody here asked"):
        SharedVault.accept(plain.link, unsolicited=False, **where)
    with pytest.raises(AccessError, match="nobody here asked"):
        SharedVault.accept(plain.link, request=nonce, **where)
    SharedVault.accept(asked.link, request=nonce, **where).close()


def test_wrong_words_wrong_passphrase_and_a_changed_card_change_nothing(world: World) -> None:
    vault = world.vault(pushed=True)
    home = vault.paths.folder.parents[1]
    with pytest.raises(WrongPassphrase):
        Vault.open(passphrase="wrong", home=home)
    with pytest.raises(WrongWords):
        world.restored("memsync " + " ".join(["abandon"] * 24))
    never_pushed = world.vault().words
    with pytest.raises(NotFoundError, match="no vault of these words"):
        world.restored(never_pushed)
    one, two = Tool.generate(), Tool.generate()
    vault.grant(one.card("Claude", now=world.now()), scope="personal")
    with pytest.raises(IntegrityError, match="has changed"):
        vault.grant(two.card("Claude", now=world.now()), scope="personal")
    bad = dataclasses.replace(two.card("Eve", now=world.now()), name="Adam")
    from memsync.format.card import write_card

    with pytest.raises(SignatureInvalid):
        vault.grant(write_card(bad), scope="personal")
    assert len(vault.grants()) == 1
    assert (
        Vault.open(passphrase=PASSPHRASE, home=home, store=world.store, registry=world.registry).count() == 0
    )


def test_pairwise_secrets_of_two_grants_share_nothing_that_shows_on_chain(world: World) -> None:
    vault, tool = world.vault(pushed=True), Tool.generate()
    grants = [vault.grant(tool.card("twice", now=world.now()), scope="personal") for _ in range(2)]
    envelopes = [world.accepted(tool, grant)._envelope for grant in grants]
    words = [
        {one.secret.grantee().address, one.secret.blinded_scope(one.scope), grant.id}
        for one, grant in zip(envelopes, grants, strict=True)
    ]
    assert not words[0] & words[1]
    assert isinstance(envelopes[0].secret, PairwiseSecret)
    with pytest.raises(AccessError, match="made for another card"):
        world.accepted(Tool.generate(), grants[0])
