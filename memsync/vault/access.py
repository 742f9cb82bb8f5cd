"""A vault's verbs about others: grant, revoke, and what tools propose. Each talks to the store and the chain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from memsync.chain.calls import NO_DEADLINE, Revoke, sign_call
from memsync.device.contacts import Contacts
from memsync.device.history import Deed
from memsync.device.journal import Entry
from memsync.errors import ChainError, InputError, NotFoundError
from memsync.format.card import Card, read_card, write_card
from memsync.format.link import Link
from memsync.format.owner import Grant as OwnerGrant
from memsync.format.rights import READ
from memsync.sync.granted import Known, known_grants, wishes_for
from memsync.sync.keys import OwnerKeys
from memsync.sync.pull import take_in
from memsync.sync.push import Receipt, push
from memsync.sync.settling import waiting
from memsync.sync.standing import Standing
from memsync.sync.wishes import GRANT, GrantWish, read_wishes, wish_grant, wish_revocation, wish_rotation
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
        refused. Raises what ``push`` raises; then there is no grant, unless the call was sent and may still land: the next push
        looks, and asking for the same again makes no second one.
        """
        card = read_card(card) if isinstance(card, bytes) else card
        rights = parse_rights(can)
        with self._lock.hold("grant"):
            keys, at = self._keys(), self._replica
            start, end = parse_times(until, at.time_to_sign(at.registry.snapshot(bytes(32))))
            wish = GrantWish(
                wish=at.random(16),
                name=name or card.name,
                account=card.account,
                box=card.box,
                author=card.author,
                request=card.request,
                scope=at.scopes.id_of(scope),
                rights=rights,
                start=start,
                end=end,
                from_now=from_now,
                places=tuple(places),
            )
            entry = wish_grant(wish, created=at.now_ms())
            Contacts(at.database).meet(
                account=card.account,
                name=wish.name,
                fingerprint=bytes.fromhex(card.fingerprint.replace(" ", "")),
                card=write_card(card),
                now=at.now_ms(),
            )
            waits, wish = self._waiting_for(wish) or (at.journal.add(entry), wish)
            with self._wishing(waits, leaves=wish if rights & READ else None):
                receipt = push(at, self._first_owner())
            self._let_words_go()
            self._note("grant", receipt, f"{scope} to {wish.name}, {can}")
            return self._granted(keys, receipt.grants.get(wish.wish) or self._made_before(wish))

    def grants(self) -> list[Grant]:
        """The grants that this vault's current root knows, by end."""
        with self._lock.hold("grants"):
            keys = self._keys()
            return sorted(
                (self._granted(keys, grant) for grant in self._owner_grants()), key=lambda grant: grant.end
            )

    def revoke(self, grant: Grant | bytes | str, *, emergency: bool = False) -> Receipt | None:
        """End a grant: by a push that rotates the scope's keys in the same transaction.

        ``emergency``: only the bare call on chain, at once and whatever state the store is in. It takes no key away; the next
        push does, whether this call could be sent or not. The grant by itself, its id, or the grantee's name if that has one grant only.
        """
        with self._lock.hold("revoke"):
            at = self._replica
            if emergency:
                self._revoke_on_chain(grant)
                return None
            self._standing()
            found = self._known_as(grant)
            with self._wishing(self._wish_end(found)):
                receipt = push(at, self._first_owner())
            self._note("revoke", receipt, f"{found.name}, {at.scopes.name_of(found.scope)}")
            return receipt

    def expired(self) -> list[str]:
        """The grantees whose time is over and whose keys have not been changed yet, as far as this device knows; nobody is asked."""
        at = self._replica
        return [one.name for one in known_grants(at) if one.end <= at.clock()]

    def end_expired(self) -> Receipt:
        """Change the keys of scopes whose grants' time is over, and do nothing else that waits. Raises what ``push`` raises."""
        with self._lock.hold("expiry"):
            self._bind()
            receipt = push(self._replica, self._first_owner(), only=frozenset())
            if receipt.sequence:
                self._note("expiry", receipt, f"new keys for {', '.join(receipt.rotated)}")
            return receipt

    def _waiting_for(self, wish: GrantWish) -> tuple[Entry, GrantWish] | None:
        """A wish of the same terms that waits already, for an earlier call was lost: it would be granted twice."""
        for entry in waiting(self._replica):
            if entry.kind == GRANT:
                (found,) = read_wishes([entry]).grants
                if replace(found, wish=wish.wish, start=wish.start) == wish:
                    return entry, found
        return None

    def _made_before(self, wish: GrantWish) -> OwnerGrant:
        """The grant of a wish whose call had landed unseen."""
        terms = (wish.account, wish.scope, wish.rights, wish.end, wish.from_now and bool(wish.rights & READ))
        for one in self._owner_grants():
            if (one.account, one.scope, one.rights, one.end, one.since is not None) == terms:
                return one
        raise ChainError("the grant was made, and the RPC does not show it yet; `memsync grants` will")

    @contextmanager
    def _wishing(self, entry: Entry, *, leaves: GrantWish | None = None) -> Iterator[None]:
        """A wish for the push inside; taken back when that fails, unless an attempt that may still land holds it.

        A grant to read that is taken back ``leaves`` an envelope with keys, which may lie in a store already: the next push rotates.
        """
        journal = self._replica.journal
        try:
            yield
        except BaseException:
            if entry.ordinal in {free.ordinal for free in journal.free()}:
                with self._replica.database.transaction():
                    journal.remove([entry.ordinal])
                    if leaves is not None and leaves.scope in self._replica.offered:
                        journal.add(wish_rotation(leaves.scope, created=self._replica.now_ms()))
            raise

    def _wish_end(self, grant: Known) -> Entry:
        """The wish that a grant ends, in place of any that it be made."""
        at = self._replica
        with at.database.transaction():
            at.journal.remove(wishes_for(at, grant))
            return at.journal.add(wish_revocation(grant.id, created=at.now_ms()))

    def _revoke_on_chain(self, grant: Grant | bytes | str) -> None:
        at, keys = self._replica, self._keys()
        try:
            found = self._known_as(grant)
        except NotFoundError:
            self._standing()
            found = self._known_as(grant)
        self._wish_end(found)
        state = at.registry.snapshot(keys.vault).vault
        if state is not None and state.signer != keys.generation.signer().address:
            self._standing()  # another device has removed one: the signer is another now
            keys = self._keys()
        call = sign_call(
            Revoke(keys.vault, found.id),
            keys.generation.signer(),
            NO_DEADLINE,
            chain_id=keys.chain_id,
            contract=keys.contract,
        )
        sent = at.registry.send(call)
        detail = f"{found.name}, on chain only: the next push takes the keys away"
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

    def _known_as(self, grant: Grant | bytes | str) -> Known:
        """The grant that is meant, as far as this device knows."""
        found = known_grants(self._replica)
        meant = grant.id if isinstance(grant, Grant) else grant
        matching = [one for one in found if meant in (one.id, one.id.hex(), one.name)]
        if not matching:
            raise NotFoundError(
                f"no live grant to {meant!r}; there are: {', '.join(one.name for one in found) or 'none'}"
            )
        if len(matching) > 1:
            raise InputError(f"{meant!r} has {len(matching)} grants; name one by its id")
        return matching[0]
