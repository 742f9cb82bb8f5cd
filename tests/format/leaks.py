"""Leaks put into the library on purpose, each a small mistake that a change could make: to see that the graph notices.

Each function takes pytest's ``monkeypatch`` and breaks one thing in ``memsync``; reading and writing still agree afterwards: the vault
works and only its secrecy is gone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from memsync.crypto import sealing
from memsync.crypto.epochs import ContentKey, EpochKey
from memsync.crypto.kdf import derive, mac
from memsync.crypto.pairwise import PairwiseSecret
from memsync.crypto.tree import Generation, Locator, RootKey
from memsync.format import segment
from memsync.format.access import DeviceSeat, Reader
from memsync.format.segment import carry, open_segment
from memsync.sync import compose, composition
from memsync.sync import sealing as sync_sealing
from memsync.sync.composition import Composition
from tests.format import story

Patch = pytest.MonkeyPatch


def since_block_under_the_vaults_id(patch: Patch) -> None:
    _since_keys_by(patch, lambda _, vault: derive(vault, "since"))


def since_block_under_the_content_key_alone(patch: Patch) -> None:
    _since_keys_by(patch, lambda current, _: derive(current.secret, "since"))


def since_block_under_the_content_key_and_a_secret(patch: Patch) -> None:
    """As the format once had it: a removed device knows the secret, and a later reader the content key."""
    make = Composition._seat
    tell = story.Story._slot

    def seat(self: Composition, grant: object) -> object:
        with Patch.context() as inner:
            _since_keys_by(inner, lambda current, _: derive(grant.secret.secret + current.secret, "since"))
            return make(self, grant)

    def slot(self: story.Story, grant: object, scope: object) -> object:
        with Patch.context() as inner:
            _since_keys_by(inner, lambda current, _: derive(grant.secret.secret + current.secret, "since"))
            return tell(self, grant, scope)

    patch.setattr(Composition, "_seat", seat)
    patch.setattr(story.Story, "_slot", slot)


def _since_keys_by(patch: Patch, key: Callable[[ContentKey, bytes], bytes]) -> None:
    """Since blocks under keys that follow from the current content key or the vault's id."""
    seal = composition.seal_since

    def sealed(
        earlier: list, *, current: ContentKey, vault: bytes, random: Callable, **where: bytes
    ) -> object:
        made = [key(current, vault)]

        def chosen(length: int) -> bytes:
            return made.pop() if length == 32 and made else random(length)

        return seal(earlier, current=current, vault=vault, random=chosen, **where)

    for module in (composition, story):
        patch.setattr(module, "seal_since", sealed)


def one_pairwise_secret_for_all(patch: Patch) -> None:
    patch.setattr(PairwiseSecret, "generate", classmethod(lambda cls, **_: cls(b"\x07" * 32)))


def next_key_from_the_last(patch: Patch) -> None:
    rotate = Composition.rotate

    def ratchet(self: Composition, scope: bytes) -> None:
        last = self.scopes[scope].scope.epoch.secret
        with Patch.context() as inner:
            inner.setattr(composition, "new_epoch", lambda number, _: EpochKey(number, derive(last, "next")))
            rotate(self, scope)

    patch.setattr(Composition, "rotate", ratchet)


def last_key_from_the_next(patch: Patch) -> None:
    """Chained the other way round: a content key gives that of the epoch before."""
    patch.setattr(EpochKey, "history", property(lambda self: derive(self.secret, "content")))


def new_scopes_key_from_the_firsts(patch: Patch) -> None:
    make = compose._scopes_wished

    def wished(making: Composition, wishes: object) -> None:
        first = next(iter(making.scopes.values())).scope.epoch.secret
        with Patch.context() as inner:
            inner.setattr(compose, "new_epoch", lambda number, _: EpochKey(number, derive(first, "scope")))
            make(making, wishes)

    patch.setattr(compose, "_scopes_wished", wished)


def whole_key_in_the_slot(patch: Patch) -> None:
    seat = Composition._seat
    patch.setattr(
        Composition, "_seat", lambda self, grant: seat(self, dataclasses.replace(grant, since=None))
    )


def whole_key_in_the_envelope(patch: Patch) -> None:
    made: dict[bytes, EpochKey] = {}
    begin, seal = composition.new_epoch, composition.seal_envelope

    def remembered(number: int, random: Callable[[int], bytes]) -> EpochKey:
        epoch = begin(number, random)
        made[epoch.content.secret] = epoch
        return epoch

    def generous(envelope: composition.Envelope, box: bytes) -> composition.Block:
        if isinstance(envelope.key, ContentKey):
            envelope = dataclasses.replace(envelope, key=made[envelope.key.secret])
        return seal(envelope, box)

    for module in (compose, composition):
        patch.setattr(module, "new_epoch", remembered)
    patch.setattr(composition, "seal_envelope", generous)


def forgotten_rewritten_under_the_current_key(patch: Patch) -> None:
    """What a rewrite keeps goes to the end of the catalog, with the new records."""
    kept: list[object] = []
    build = sync_sealing.build_segments

    def leave_out(change: sync_sealing._Change, root: object, forgotten: dict, _: object) -> None:
        at = change.catalog
        where = {"vault": at.vault, "scope": at.scope}
        for row in at.rows(root):
            if row.ref.digest in forgotten:
                gone, key = forgotten[row.ref.digest], at.keys[row.epoch.id]
                old = open_segment(at.fetch(row.ref.digest), row, key=key, **where)
                records, _dropped = carry(
                    [(row, old)], lambda one, gone=gone: (one.memory.id, one.memory.version) in gone
                )
                kept.extend(records)
                change.replace[row.order] = None

    def build_all(records: list, **how: object) -> object:
        together = [*kept, *records]
        kept.clear()
        return build(together, **how)

    patch.setattr(sync_sealing, "_leave_out", leave_out)
    patch.setattr(sync_sealing, "_with_newest", lambda *_: [])
    patch.setattr(sync_sealing, "build_segments", build_all)


def rewrite_under_the_old_object_id(patch: Patch) -> None:
    rewrite = segment.rewrite_segment

    def lazy(old: list, **how: object) -> object:
        how["random"] = lambda length: (
            old[0][0].ref.object_id if length == 16 else sealing.system_random(length)
        )
        return rewrite(old, **how)

    for module in (sync_sealing, story):
        patch.setattr(module, "rewrite_segment", lazy)


def rotation_after_sealing(patch: Patch) -> None:
    rotate, seal = Composition.rotate, Composition.seal
    waiting: list[bytes] = []
    sealed: list[Composition] = []

    def later(self: Composition, scope: bytes) -> None:
        if any(one is self for one in sealed):
            rotate(self, scope)
        else:
            waiting.append(scope)

    def first(self: Composition, *what: object) -> None:
        seal(self, *what)
        sealed.append(self)
        while waiting:
            rotate(self, waiting.pop())

    patch.setattr(Composition, "rotate", later)
    patch.setattr(Composition, "seal", first)


def slot_kept_by_who_has_ended(patch: Patch) -> None:
    patch.setattr(compose, "_let_go", lambda *_, **__: None)


def slots_boxed_to_every_reader(patch: Patch) -> None:
    seal = composition.seal_access

    def generous(key: bytes, seats: list, **where: object) -> object:
        readers = [one for one in seats if isinstance(one, Reader)]
        more = [
            dataclasses.replace(one, box=two.box) for one in readers for two in readers if one.box != two.box
        ]
        return seal(key, [*seats, *more], **where)

    patch.setattr(composition, "seal_access", generous)


def epoch_key_for_a_pairwise_secret(patch: Patch) -> None:
    give = Composition.give

    def careless(self: Composition, wish: object) -> object:
        epoch = self.scopes[wish.scope].scope.epoch
        with Patch.context() as inner:
            inner.setattr(PairwiseSecret, "generate", classmethod(lambda cls, **_: cls(epoch.secret)))
            return give(self, wish)

    patch.setattr(Composition, "give", careless)


def scopes_that_do_not_rotate_with_a_removal(patch: Patch) -> None:
    rotate = Composition.rotate

    def lazy(self: Composition, scope_id: bytes) -> None:
        if self.keys.generation.number == self.owner.generation and self.owner.earlier:
            return
        rotate(self, scope_id)

    patch.setattr(Composition, "rotate", lazy)


def slot_kept_by_a_removed_device(patch: Patch) -> None:
    seal, seated = composition.seal_access, set()

    def forgetful(key: bytes, seats: list, **where: object) -> object:
        devices = [one for one in seats if isinstance(one, DeviceSeat)]
        seated.update(one.box for one in devices)
        gone = seated - {one.box for one in devices}
        return seal(key, [*seats, *(dataclasses.replace(devices[0], box=box) for box in gone)], **where)

    patch.setattr(composition, "seal_access", forgetful)


def pointer_key_for_ever(patch: Patch) -> None:
    patch.setattr(Locator, "pointer_key", lambda self, k: derive(self.secret, "pointer", 0))


def locator_that_everybody_knows(patch: Patch) -> None:
    patch.setattr(RootKey, "locator", lambda self, vault, number=0: Locator(vault))


def generation_from_the_one_before(patch: Patch) -> None:
    first = RootKey.generation

    def chained(self: RootKey, vault: bytes, number: int = 0) -> Generation:
        w = first(self, vault, 0).secret
        for n in range(1, number + 1):
            w = derive(w, "generation", vault, n)
        return Generation(w, number)

    patch.setattr(RootKey, "generation", chained)


def one_letter_box_for_all_generations(patch: Patch) -> None:
    made: list[bytes] = []

    def box_seed(self: Generation) -> bytes:
        made.append(derive(self.secret, "box"))
        return made[0]

    patch.setattr(Generation, "box_seed", box_seed)


def one_salt_for_all(patch: Patch) -> None:
    seal = sealing._seal
    patch.setattr(
        sealing, "_seal", lambda key, aad, plaintext, size, _: seal(key, aad, plaintext, size, bytes)
    )


def tags_without_the_roots_salt(patch: Patch) -> None:
    patch.setattr(ContentKey, "tag", lambda self, _: mac(derive(self.secret, "tag"), b"")[:16])
