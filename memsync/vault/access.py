"""A vault's verbs about others: grant, revoke, and what tools propose. Each talks to the store and the chain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from memsync.chain.calls import NO_DEADLINE, Revoke, sign_call
from memsync.device.contacts import Contacts
from memsync.device.history import Deed
from memsync.device.journal import Wish
from memsync.device.proposals import Proposals, Proposed
from memsync.errors import InputError, NotFoundError
from memsync.format.card import Card, read_card, write_card
from memsync.format.link import Link
from memsync.format.owner import Grant as OwnerGrant
from memsync.memory import Memory, Proof, new_id
from memsync.sync.inbox import Collected, collect
from memsync.sync.keys import OwnerKeys
from memsync.sync.pull import take_in
from memsync.sync.push import Receipt, push
from memsync.sync.standing import Standing
from memsync.sync.wishes import GrantWish, wish_grant, wish_revocation
from memsync.terms import parse_rights, parse_times, show_rights
from memsync.vault.base import OpenVault


@dataclass(frozen=True, slots=True)
class Grant:
    """A live keyed grant: its id on chain (32 bytes), who, which scope, what it can (``read``, ``write``, ``read+write``), from and until
    (Unix seconds), whether it reads only from now on, and the link to hand over, which carries no secret."""

    id: bytes
    name: str
    scope: str
    can: str
    start: int
    end: int
    from_now: bool
    link: str


class AccessVerbs(OpenVault):
    """What a person grants, takes back and reviews."""

    def grant(
        self,
        card: Card | bytes,
        *,
        scope: str,
        until: str | int | datetime | timedelta = "30d",
        can: str = "read",
        from_now: bool = False,
        name: str | None = None,
        places: Sequence[str] = (),
    ) -> Grant:
        """Grant a scope to whoever a card names: pushes what waits, and the grant in the same transaction.

        ``from_now``: only what is pushed from now on. A card whose keys differ from those known under its account or name is
        refused. Raises what ``push`` raises; then there is no grant.
        """
        card = read_card(card) if isinstance(card, bytes) else card
        rights = parse_rights(can)
        with self._lock.hold("grant"):
            self._bind()
            at = self._replica
            start, end = parse_times(until, at.time_at(at.registry.snapshot(bytes(32))))
            scope_id = at.scopes.id_of(scope)
            contact = Contacts(at.database).meet(
                account=card.account,
                name=name or card.name,
                fingerprint=bytes.fromhex(card.fingerprint.replace(" ", "")),
                card=write_card(card),
                now=at.now_ms(),
            )
            wish = GrantWish(
                wish=at.random(16),
                name=contact.name,
                account=card.account,
                box=card.box,
                author=card.author,
                request=card.request,
                scope=scope_id,
                rights=rights,
                start=start,
                end=end,
                from_now=from_now,
                places=tuple(places),
            )
            with self._wishing(wish_grant(wish, created=at.now_ms())):
                receipt = push(at, self._first_owner())
            self._let_words_go()
            self._note("grant", receipt, f"{scope} to {contact.name}, {can}")
            granted = receipt.grants.get(wish.wish)
            made = [
                one
                for one in self.grants()
                if granted in (None, one.id) and (one.name, one.end) == (contact.name, end)
            ]
            return made[0]

    def grants(self) -> list[Grant]:
        """The grants that this vault's current root knows, by end."""
        keys = self._keys()
        found = self._owner_grants()
        return sorted((self._granted(keys, grant) for grant in found), key=lambda grant: grant.end)

    def revoke(self, grant: Grant | bytes | str, *, emergency: bool = False) -> Receipt | None:
        """End a grant: by a push that rotates the scope's keys in the same transaction.

        ``emergency``: only the bare call on chain, at once and whatever state the store is in. It takes no key away; the next
        push does. The grant by itself, its id, or the grantee's name if that has one grant only.
        """
        with self._lock.hold("revoke"):
            at, keys = self._replica, self._keys()
            found = self._grant_of(grant)
            if emergency:
                self._revoke_on_chain(keys, found)
                return None
            with self._wishing(wish_revocation(found.id, created=at.now_ms())):
                receipt = push(at, self._first_owner())
            self._note("revoke", receipt, f"{found.name}, {found.scope}")
            return receipt

    def collect(self) -> Collected:
        """Fetch what tools proposed; see ``review``."""
        with self._lock.hold("review"):
            at, keys, standing = self._replica, self._keys(), self._standing()
            if standing is None:
                return Collected(0, ())
            ids = [grant.id for grant in standing.owner.grants]
            return collect(at, keys, at.registry.snapshot(keys.vault, ids), standing)

    def review(self) -> list[Proposed]:
        """The proposals that wait for a decision, as far as they were collected."""
        return Proposals(self._replica.database).all(state="pending")

    def accept(self, proposal: Proposed) -> Memory:
        """Make a memory of a proposal, with ids of its own and the tool's signature as its proof."""
        with self._working("review") as at:
            scope = next((grant.scope for grant in self._owner_grants() if grant.id == proposal.grant), None)
            if scope is None:
                raise NotFoundError(
                    "the grant of this proposal has ended; remember the text yourself if you want it"
                )
            now = at.now_ms()
            memory = proposal.draft.accepted(
                new_id(now, at.random),
                new_id(now, at.random),
                author=proposal.author,
                proof=Proof(proposal.grant, proposal.parcel, proposal.id, proposal.signature),
            )
            self._write(at, scope, [memory])
            Proposals(at.database).decide(proposal, "accepted")
            return memory

    def refuse(self, proposal: Proposed) -> None:
        """Say no to a proposal, for good."""
        with self._working("review") as at:
            Proposals(at.database).decide(proposal, "refused")

    @contextmanager
    def _wishing(self, wish: Wish) -> Iterator[None]:
        """A wish for the push inside; taken back when that fails, unless an attempt that may still land holds it."""
        journal = self._replica.journal
        entry = journal.add(wish)
        try:
            yield
        except BaseException:
            if entry.ordinal in {free.ordinal for free in journal.free()}:
                journal.remove([entry.ordinal])
            raise

    def _revoke_on_chain(self, keys: OwnerKeys, grant: Grant) -> None:
        at = self._replica
        signer = keys.generation.signer()
        call = sign_call(
            Revoke(keys.vault, grant.id), signer, NO_DEADLINE, chain_id=keys.chain_id, contract=keys.contract
        )
        sent = at.registry.send(call)
        detail = f"{grant.name}, on chain only: the next push takes the keys away"
        self._history.append(Deed(at.now_ms(), "revoke", None, sent.block.number, sent.transaction, detail))

    def _note(self, kind: str, receipt: Receipt, detail: str) -> None:
        at = self._replica
        self._history.append(Deed(at.now_ms(), kind, receipt.sequence, None, receipt.transaction, detail))

    def _standing(self) -> Standing | None:
        """What the chain's head leads to now, taken in on the way."""
        keys = self._keys()
        return take_in(self._replica, keys, self._replica.registry.snapshot(keys.vault))[1]

    def _owner_grants(self) -> Sequence[OwnerGrant]:
        standing = self._standing()
        return () if standing is None else standing.owner.grants

    def _granted(self, keys: OwnerKeys, grant: OwnerGrant) -> Grant:
        link = Link(keys.chain_id, keys.contract, keys.vault, grant.envelope)
        scope = self._replica.scopes.name_of(grant.scope)
        can = show_rights(grant.rights)
        return Grant(
            grant.id, grant.name, scope, can, grant.start, grant.end, grant.since is not None, str(link)
        )

    def _grant_of(self, grant: Grant | bytes | str) -> Grant:
        found = self.grants()
        if isinstance(grant, Grant):
            grant = grant.id
        matching = [one for one in found if grant in (one.id, one.name)]
        if not matching:
            raise NotFoundError(
                f"no live grant to {grant!r}; there are: {', '.join(one.name for one in found) or 'none'}"
            )
        if len(matching) > 1:
            raise InputError(f"{grant!r} has {len(matching)} grants; name one by its id")
        return matching[0]
