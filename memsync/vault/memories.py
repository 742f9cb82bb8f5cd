"""A vault's verbs on this device: remember, edit, forget, get, list, recall, and the names of scopes. No chain, no network."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice

from memsync.collector import many_values
from memsync.device.rows import Found
from memsync.errors import InputError, NotFoundError
from memsync.format.entry import MAX_SCOPES
from memsync.intake.screening import screen
from memsync.memory import SECRET_TAG, Draft, Memory, MemoryKind, Source, new_id
from memsync.recall import Hit
from memsync.recall.context import BUDGET, Context, pack
from memsync.recall.contradict import Contradiction, contradictions
from memsync.recall.fuse import fuse
from memsync.recall.profile import BUDGET as PROFILE_BUDGET
from memsync.recall.profile import Profile
from memsync.sync.forgetting import forget
from memsync.sync.replica import Replica
from memsync.sync.wishes import wish_scope
from memsync.vault.base import PERSONAL, ScopeNames, to_ms
from memsync.vault.meanings import MeaningVerbs

_BATCH = 1000


class MemoryVerbs(MeaningVerbs):
    """What a person does with memories."""

    def remember(
        self,
        text: str,
        *,
        scope: str = PERSONAL,
        kind: MemoryKind = "semantic",
        tags: Iterable[str] = (),
        source: Source | None = None,
        happened: int | datetime | None = None,
        supersedes: Iterable[bytes] = (),
    ) -> Memory:
        """Keep a text, found at once by ``recall``, pushed by the next ``push``. ``happened``: a time, or Unix ms.
        ``supersedes``: ids of memories that it takes the place of, which are ranked lower from then on.

        A text in which a secret is recognised (a seed phrase, a card's number, a key) gets the tag ``secret``.
        """
        with self._working("remember") as at:
            now = at.now_ms()
            memory = Memory(
                id=new_id(now, at.random),
                version=new_id(now, at.random),
                kind=kind,
                text=text,
                created=now,
                tags=tuple(sorted({*tags, *screen(text).tags})),
                source=source,
                happened=to_ms(happened),
                supersedes=tuple(sorted(set(supersedes))),
            )
            self._write(at, at.scopes.id_of(scope), [memory])
            return memory

    @many_values()
    def remember_many(self, drafts: Iterable[Draft], *, scope: str = PERSONAL) -> int:
        """Keep many at once, all or none; returns how many."""
        with self._working("remember") as at, self._writing(at) as write:
            scope_id, done, source = at.scopes.id_of(scope), 0, iter(drafts)
            while batch := list(islice(source, _BATCH)):
                write(scope_id, self._made(batch))
                done += len(batch)
        return done

    def edit(self, memory: Memory | bytes, text: str, *, scope: str | None = None) -> Memory:
        """Give a memory another text; what it was stays in the history. An edit of a conflict settles it."""
        with self._working("edit") as at:
            found = self._found(at, memory, scope)
            now = at.now_ms()
            edited = replace(
                found[0].memory,
                version=new_id(now, at.random),
                text=text,
                tags=tuple(sorted({*found[0].memory.tags, *screen(text).tags})),
                replaces=tuple(sorted(one.memory.version for one in found)),
                author=None,
                proof=None,
            )
            self._write(at, found[0].scope, [edited])
            return edited

    def forget(self, memory: Memory | bytes, *, scope: str | None = None) -> None:
        """Forget a memory with all its versions, here at once, and for every later reader with the next push."""
        with self._working("forget") as at:
            found = self._found(at, memory, scope)[0]
            self._forget(at, [(found.scope, found.memory.id)])

    def get(self, memory: bytes, *, scope: ScopeNames = None) -> Memory:
        """The memory of this id, or of an id that begins so; the first of its versions if edits are in conflict."""
        return self._found(self._replica, memory, scope)[0].memory

    def memories(
        self,
        *,
        scope: ScopeNames = None,
        since: int | datetime | None = None,
        until: int | datetime | None = None,
    ) -> Iterator[Memory]:
        """Every memory, the latest first."""
        at, last = self._replica, None
        scopes = self._scopes(scope)
        while page := at.memories.latest(scopes, since=to_ms(since), until=to_ms(until), after=last):
            yield from (one.memory for one in page)
            last = page[-1]

    def count(self, *, scope: ScopeNames = None) -> int:
        """How many memories there are."""
        return self._replica.memories.count(self._scopes(scope))

    def conflicts(self) -> list[tuple[str, tuple[Memory, ...]]]:
        """Memories that two devices edited at once: scope and the versions that both stand."""
        at = self._replica
        return [
            (at.scopes.name_of(scope), at.memories.get(scope, memory))
            for scope, memory in at.memories.conflicts()
        ]

    def recall(
        self,
        question: str = "",
        *,
        queries: Sequence[str] = (),
        k: int = 10,
        scope: ScopeNames = None,
        now: int | datetime | None = None,
        since: int | datetime | None = None,
        until: int | datetime | None = None,
        secrets: bool | Collection[str] = True,
        words_only: bool = False,
    ) -> list[Hit]:
        """The best ``k`` memories for a question, what is not pushed yet among them. ``queries``: a hard question in parts, as well.
        ``secrets``: whether, or in which scopes, those that are tagged so may be found. ``words_only``: no embedder gets the question; nor
        does one get a question in which a secret is recognised."""
        at = self._replica
        at.refresh_index()
        self._choose_embedder()
        scopes, clock = self._scopes(scope), at.now_ms()
        open_in = self._scopes(secrets) if not isinstance(secrets, bool) else None if secrets else ()
        answers = [
            at.index.search(
                one,
                scopes,
                k=k,
                since=to_ms(since),
                until=to_ms(until),
                now=to_ms(now),
                clock=clock,
                words_only=words_only or bool(screen(one).secrets),
                secrets=open_in,
            )
            for one in dict.fromkeys([question, *queries])
            if one
        ]
        return fuse(answers, k) if len(answers) > 1 else [hit for hits in answers for hit in hits]

    def context(
        self,
        question: str = "",
        *,
        queries: Sequence[str] = (),
        tokens: int = BUDGET,
        k: int = 25,
        scope: ScopeNames = None,
        since: int | datetime | None = None,
        until: int | datetime | None = None,
        secrets: bool | Collection[str] = True,
    ) -> Context:
        """What is found, as a block for a prompt of at most ``tokens``: dated, by conversation, quoted as data."""
        at = self._replica
        hits = self.recall(
            question, queries=queries, k=k, scope=scope, since=since, until=until, secrets=secrets
        )

        def neighbours(hit: Hit) -> list[Memory]:
            may = secrets if isinstance(secrets, bool) else at.scopes.name_of(hit.scope) in secrets
            return [one.memory for one in at.index.neighbours(hit.scope, hit.row, secrets=may)]

        return pack(hits, budget=tokens, neighbours=neighbours, scope_name=at.scopes.name_of)

    def profile(self, *, scope: ScopeNames = None, tokens: int = PROFILE_BUDGET) -> Profile:
        """What lasts of what is kept about the person, in at most ``tokens``: ranked, each thing once, dated; made without a model."""
        at = self._replica
        at.refresh_index()
        scopes, name = self._scopes(scope), scope if isinstance(scope, str) else None
        return at.profiles.make(
            scopes, name=name, now=at.now_ms(), budget=tokens, secret=lambda text: bool(screen(text).secrets)
        )

    def changed(
        self, since: int | datetime, *, scope: str | None = None, limit: int = 100
    ) -> list[tuple[str, Memory]]:
        """What was ``added`` or ``edited`` since a time, the latest first, by when it was written down."""
        written = self._replica.memories.written_since(to_ms(since) or 0, self._scopes(scope), limit)
        return [("edited" if one.memory.replaces else "added", one.memory) for one in written]

    def contradicting(
        self, memory: Memory | bytes | str, *, scope: str | None = None, k: int = 5
    ) -> list[Contradiction]:
        """What may speak against a memory, or a text: for the person to judge, and to edit or forget by."""
        at = self._replica
        found = None if isinstance(memory, str) else self._found(at, memory, scope)[0].memory
        text = memory if isinstance(memory, str) else found.text if found else ""
        secret = found is not None and SECRET_TAG in found.tags
        hits = self.recall(text, k=25, scope=scope, words_only=secret)
        return contradictions(
            text, [hit for hit in hits if found is None or hit.memory.id != found.id], found
        )[:k]

    def scopes(self) -> tuple[str, ...]:
        """The names of the scopes."""
        return tuple(scope.name for scope in self._replica.scopes.all())

    def add_scope(self, name: str) -> None:
        """Make a scope: a part of the vault with keys of its own, the unit of every grant."""
        with self._working("scope add") as at:
            if name in self.scopes():
                raise InputError(f"there is a scope {name!r} already")
            if len(self.scopes()) >= MAX_SCOPES:
                raise InputError(f"a vault has at most {MAX_SCOPES} scopes")
            scope = at.random(16)
            at.scopes.add(scope, name)
            at.journal.add(wish_scope(scope, name, created=at.now_ms()))

    def rename_scope(self, old: str, new: str) -> None:
        """Give a scope another name; readers see the new one in later grants only."""
        with self._working("scope rename") as at:
            scope = at.scopes.id_of(old)
            at.scopes.rename(scope, new)
            at.journal.add(wish_scope(scope, new, created=at.now_ms()))

    def _made(self, drafts: list[Draft], *, cleaned: bool = False) -> list[Memory]:
        """Memories of drafts, tagged where they hold a secret; ``cleaned``: without what shows nothing, unless that is all there is."""
        at, now, made = self._replica, self._replica.now_ms(), []
        for draft in drafts:
            seen = screen(draft.text)
            tags = tuple(sorted({*draft.tags, *seen.tags})) if seen.secrets else draft.tags
            text = seen.text if cleaned and seen.text else draft.text
            one = draft if (text, tags) == (draft.text, draft.tags) else replace(draft, text=text, tags=tags)
            made.append(one.accepted(new_id(now, at.random), new_id(now, at.random)))
        return made

    def _forget(self, at: Replica, memories: Iterable[tuple[bytes, bytes]]) -> None:
        """Forget memories by scope and id; what waits of them and is in no attempt is never pushed."""
        forget(at, memories)
        at.refresh_index()

    def _found(self, at: Replica, memory: Memory | bytes, scope: ScopeNames) -> list[Found]:
        memory_id = memory.id if isinstance(memory, Memory) else memory
        if not memory_id:
            raise InputError("an empty id names no memory; `recall` and `list` show ids")
        found = at.memories.starting_with(memory_id, self._scopes(scope))
        ids = {(one.scope, one.memory.id) for one in found}
        if not ids:
            raise NotFoundError(f"no memory {memory_id.hex()}; `recall` and `list` show ids")
        if len(ids) > 1:
            raise InputError(f"{memory_id.hex()} begins {len(ids)} ids; give more of it")
        return found
