"""A vault's verbs over many memories at once: find exactly those that are meant, then forget or move them, all or none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from memsync.device.rows import Found
from memsync.errors import InputError
from memsync.memory import Memory
from memsync.recall.plain import PlainQuery, folded
from memsync.sync.forgetting import id_there, move_away
from memsync.sync.replica import Replica
from memsync.vault.base import ScopeNames, to_ms
from memsync.vault.memories import MemoryVerbs

_PAGE = 500


@dataclass(frozen=True, slots=True)
class ScopeSummary:
    """What a grant of a scope makes readable: how many memories, and the ``when`` (ms) of the earliest and the latest, if there are any."""

    scope: str
    memories: int
    earliest: int | None
    latest: int | None


class SelectionVerbs(MemoryVerbs):
    """What a person does with many memories."""

    def find(
        self,
        *,
        query: str | None = None,
        ids: Iterable[bytes] = (),
        scope: ScopeNames = None,
        tag: str | None = None,
        since: int | datetime | None = None,
        until: int | datetime | None = None,
        limit: int | None = None,
    ) -> list[tuple[str, Memory]]:
        """The memories that all of this is true of, each with its scope's name, the latest first: what ``forget_many`` and ``move`` take.

        ``query``: all its words are in the text or the tags, whole, whatever their case and accents; nothing is ranked or guessed.
        ``ids``: one of these, or begins with one; each must be there. ``tag``: has it. ``since`` inclusive, ``until`` exclusive, by
        ``Memory.when``. A memory whose edits are in conflict comes with all its versions if one fits; ``limit`` counts memories.
        ``InputError`` when nothing is asked for; ``NotFoundError`` for an id that no memory has.
        """
        ids = tuple(ids)
        asked = (query, scope, tag, since, until)
        if not ids and all(one is None for one in asked):
            raise InputError("say what to find: words, ids, a scope, a tag or a time")
        at, fits = self._replica, _condition(query, tag)
        found: dict[tuple[bytes, bytes], list[Found]] = {}
        for one in self._candidates(at, ids, scope, to_ms(since), to_ms(until)):
            key = (one.scope, one.memory.id)
            if key not in found and fits(one.memory):
                if len(found) == limit:
                    break
                found[key] = at.memories.starting_with(one.memory.id, [one.scope])
        return [(at.scopes.name_of(one.scope), one.memory) for versions in found.values() for one in versions]

    def forget_many(self, memories: Iterable[Memory | bytes], *, scope: ScopeNames = None) -> int:
        """Forget many as ``forget`` does one, all or none; returns how many different ones."""
        with self._working("forget") as at:
            doomed = self._meant(at, memories, scope)
            self._forget(at, doomed)
            return len(doomed)

    def move(self, memories: Iterable[Memory | bytes], *, to: str, scope: str | None = None) -> list[Memory]:
        """Bring memories to the scope ``to``, all or none; returns them as they are there. What is there already stays as it is.

        Each gets an id and versions of its own there and a tombstone where it was, so nobody who reads one scope can name what is in the
        other. They follow from the old ones, so that two devices which move the same memory make one of it, and one that is forgotten on
        another device meanwhile is forgotten here too. Text, kind, times, tags,
        source and unknown fields come along, and every version of a conflict; what it was before its last edit does not. ``supersedes``
        names what the superseded memories are called in the scope ``to``.

        What a tool proposed loses ``author`` and ``proof``: the proof names a grant of the old scope, whose dates and inbox everybody
        finds on the chain under that id, and the author's key is on the tool's card. A reader of the new scope would learn which
        tool reads the old one. The person who moves a text vouches for it, as with an edit.
        """
        with self._working("move") as at:
            target = at.scopes.id_of(to)
            meant = {
                key: found for key, found in self._meant(at, memories, scope).items() if key[0] != target
            }
            moved = [_moved(one.memory, target) for versions in meant.values() for one in versions]
            move_away(at, meant, target)
            self._write(at, target, moved)
            return moved

    def scope_summary(self, scope: str) -> ScopeSummary:
        """What a grant of this scope makes readable now."""
        at = self._replica
        return ScopeSummary(scope, *at.memories.span(at.scopes.id_of(scope)))

    def _candidates(
        self, at: Replica, ids: Iterable[bytes], scope: ScopeNames, since: int | None, until: int | None
    ) -> Iterator[Found]:
        if ids:
            found = (one for memory in ids for one in self._found(at, memory, scope))
            kept = [
                one
                for one in found
                if (since is None or one.memory.when >= since) and (until is None or one.memory.when < until)
            ]
            yield from sorted(kept, key=lambda one: (-one.memory.when, -one.row))
            return
        scopes, last = self._scopes(scope), None
        while page := at.memories.latest(scopes, since=since, until=until, after=last, limit=_PAGE):
            yield from page
            last = page[-1]

    def _meant(
        self, at: Replica, memories: Iterable[Memory | bytes], scope: ScopeNames
    ) -> dict[tuple[bytes, bytes], list[Found]]:
        """The current versions of each of these, by scope and id."""
        found = (self._found(at, memory, scope) for memory in memories)
        return {(versions[0].scope, versions[0].memory.id): versions for versions in found}


def _condition(query: str | None, tag: str | None) -> Callable[[Memory], bool]:
    words = None if query is None else PlainQuery(query)
    wanted = None if tag is None else folded(tag)

    def fits(memory: Memory) -> bool:
        tagged = wanted is None or wanted in map(folded, memory.tags)
        return tagged and (words is None or words.matches(memory))

    return fits


def _moved(memory: Memory, target: bytes) -> Memory:
    return replace(
        memory,
        id=id_there(memory.id, target),
        version=id_there(memory.version, target),
        supersedes=tuple(sorted(id_there(one, target) for one in memory.supersedes)),
        replaces=(),
        author=None,
        proof=None,
    )
