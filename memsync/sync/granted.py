"""The grants of the root that was last taken in, as this device remembers them: enough to ask the chain about them and to end one
when no store answers. The owner block is the truth, and alone has their keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from memsync.device.pending import Pending
from memsync.format.fields import as_bytes, as_list, as_uint
from memsync.format.names import read_name
from memsync.format.owner import Owner
from memsync.ipld.dagcbor import Encodable, Value, decode, encode
from memsync.sync.replica import GRANTS, Replica
from memsync.sync.seats import replaced_grants
from memsync.sync.wishes import GRANT, read_wishes

CARRIED = "carried"
_WHAT = "database"


@dataclass(frozen=True, slots=True)
class Known:
    """A grant's id on chain (32 bytes), the grantee's name and account (20), scope id (16), rights, start and end (Unix seconds)."""

    id: bytes
    name: str
    account: bytes
    scope: bytes
    rights: int
    start: int
    end: int


def remember_grants(replica: Replica, owner: Owner) -> None:
    """Know the grants of this owner block and no others."""
    rows: list[Encodable] = [
        [one.id, one.name, one.account, one.scope, one.rights, one.start, one.end] for one in owner.grants
    ]
    replica.meta.put(GRANTS, encode(rows))


def known_grants(replica: Replica) -> list[Known]:
    """The grants that were remembered."""
    data = replica.meta.get(GRANTS)
    return [] if data is None else [_known(row) for row in as_list(decode(data), what=_WHAT, name="grants")]


def remember_carried(replica: Replica, scopes: Mapping[bytes, bytes]) -> None:
    """Know the scopes (ids, 16 bytes) of grants (ids, 32) that a move or a removal left behind, for proposals that came under them."""
    rows: list[Encodable] = [[grant, scope] for grant, scope in sorted(scopes.items())]
    replica.meta.put(CARRIED, encode(rows))


def follow_replaced(replica: Replica, owner: Owner) -> None:
    """Have what is known under a grant's id hold for the grant that took its place: whether its tool is muted, and of what waits for review
    the scope."""
    live = {grant.id: grant for grant in owner.grants}
    later = {old: live[new] for old, new in replaced_grants(owner).items() if new in live}
    if not later:
        return
    pending = Pending(replica.database)
    for old in pending.muted() & later.keys():
        pending.mute(later[old].id, replica.now_ms())
    remember_carried(replica, carried_scopes(replica) | {old: new.scope for old, new in later.items()})


def carried_scopes(replica: Replica) -> dict[bytes, bytes]:
    """The scopes of grants that were left behind."""
    data = replica.meta.get(CARRIED)
    found = {}
    for row in [] if data is None else as_list(decode(data), what=_WHAT, name="carried grants"):
        grant, scope = as_list(row, 2, what=_WHAT, name="carried grant")
        found[as_bytes(grant, 32, what=_WHAT, name="id")] = as_bytes(scope, 16, what=_WHAT, name="scope")
    return found


def wishes_for(replica: Replica, grant: Known) -> list[int]:
    """The journal's wishes (ordinals) that this grant came from, while its making may still be undone: who ends it wants no other made."""
    found = []
    for entry in replica.journal.entries(kind=GRANT):
        (wish,) = read_wishes([entry]).grants
        terms = (wish.account, wish.scope, wish.rights, wish.start, wish.end)
        if terms == (grant.account, grant.scope, grant.rights, grant.start, grant.end):
            found.append(entry.ordinal)
    return found


def _known(row: Value) -> Known:
    grant, name, account, scope, rights, start, end = as_list(row, 7, what=_WHAT, name="grant")
    return Known(
        as_bytes(grant, 32, what=_WHAT, name="id"),
        read_name(name, what=_WHAT),
        as_bytes(account, 20, what=_WHAT, name="account"),
        as_bytes(scope, 16, what=_WHAT, name="scope"),
        as_uint(rights, 8, what=_WHAT, name="rights"),
        as_uint(start, 40, what=_WHAT, name="start"),
        as_uint(end, 40, what=_WHAT, name="end"),
    )
