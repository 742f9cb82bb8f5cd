"""A vault's verbs about where its blocks are kept: list, add, remove, repair.

The settings remember the places; each change is whole or not made. A place is written as text: a directory, or a gateway's URL, which is
read only. What the vault needs is what its last known root reaches; a new place gets all of that before it counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from memsync.device.config import Settings, change_config, settings
from memsync.device.paths import VaultPaths
from memsync.errors import InputError, NotFoundError, StorageError
from memsync.ipld.cid import CID, RAW
from memsync.progress import tell
from memsync.store.mirror import MirrorStore
from memsync.store.places import open_place, open_places, place_kind, writable
from memsync.store.port import BlockStore
from memsync.store.repair import Copied, copy_missing
from memsync.sync.reachable import needed_by_vault
from memsync.sync.settling import head_taken
from memsync.sync.whereabouts import note_places
from memsync.vault.base import OpenVault

_TOKEN = 4096  # characters; a file that has more is none


@dataclass(frozen=True, slots=True)
class StoreState:
    """One place: as the settings have it, what kind it is, how many of the blocks that are needed it has and how many not; or why it can't
    be asked."""

    place: str
    kind: str
    blocks: int
    missing: int
    error: str | None


def configured_store(paths: VaultPaths, found: Settings | None = None) -> MirrorStore:
    """The store of a vault as the settings have it."""
    found = found or settings(paths.name, paths.folder.parents[1])
    return open_places(found.stores, tokens=read_tokens(found), base=paths.folder)


def read_tokens(found: Settings) -> dict[str, str]:
    """The gateways' tokens, by URL, from the files that hold them. ``InputError`` for one that can't be read."""
    tokens = {}
    for url, file in found.tokens.items():
        tokens[url] = read_token(Path(file))
    return tokens


def read_token(file: Path) -> str:
    """The token that a file holds."""
    try:
        with file.expanduser().open(encoding="utf-8") as opened:
            return opened.read(_TOKEN).strip()
    except (OSError, RuntimeError, UnicodeDecodeError) as err:
        raise InputError(f"the token file {file} can't be read: {err}; name another") from None


class PlaceVerbs(OpenVault):
    """What a person does about places."""

    def store_names(self) -> tuple[str, ...]:
        """The places, as the settings have them; ``blocks`` is the vault's own folder."""
        return self._settings().stores

    def stores(self) -> list[StoreState]:
        """Each place, and what it has of what the vault needs."""
        needed, found = self.needed(), []
        for place, store in self._places():
            try:
                held = len(store.has_many(needed))
            except StorageError as error:
                found.append(StoreState(place, place_kind(place), 0, len(needed), str(error)))
            else:
                found.append(StoreState(place, place_kind(place), held, len(needed) - held, None))
        return found

    def add_store(self, place: str, *, token_file: Path | str | None = None) -> Copied:
        """Use a place too, after what the vault needs was copied there; a gateway, which can't be written, gets it another way.

        ``InputError`` for one that is used already or can't be used; ``StorageError`` when it can't be written; then nothing has changed.
        """
        kind = place_kind(place)
        if kind == "car":
            raise InputError(
                "a CAR holds what it holds; to make one say `memsync export car FILE`, to read one `memsync restore --store FILE`"
            )
        token = None if token_file is None else read_token(Path(token_file))
        with self._lock.hold("store add"):
            now = self.store_names()
            if place in now:
                raise InputError(f"{place} is a store of this vault already; `memsync store list` shows them")
            store = open_place(place, token=token, base=self.paths.folder)
            if writable(place):
                copied = self._copy(self.needed(), store)
                if copied.missing:
                    raise StorageError(
                        f"{len(copied.missing)} blocks that the vault needs are in none of its stores; `memsync verify` says more"
                    )
            else:
                store.has_many(self.needed())
                copied = Copied(0, 0, ())
            name = f"vaults.{self.name}"
            changes: dict[str, str | list[str] | None] = {f"{name}.stores": [*now, place]}
            if token_file is not None:
                changes[f"{name}.tokens.{place}"] = str(token_file)
            change_config(changes, self._home())
            self._use_configured()
            note_places(self._replica)
            return copied

    def remove_store(self, place: str) -> None:
        """Use a place no longer. What is there stays; the last that can be written can't be taken away."""
        with self._lock.hold("store remove"):
            now = self.store_names()
            if place not in now:
                raise NotFoundError(f"{place} is no store of this vault; there are: {', '.join(now)}")
            left = [one for one in now if one != place]
            if not any(writable(one) for one in left):
                raise InputError(
                    f"{place} is the only store that can be written; add another first: `memsync store add PLACE`"
                )
            name = f"vaults.{self.name}"
            changes: dict[str, str | list[str] | None] = {f"{name}.stores": left}
            if place in self._settings().tokens:
                changes[f"{name}.tokens.{place}"] = None
            # What only that place has must not be lost to the others.
            lacking = self._lacking_without(place)
            if lacking:
                raise InputError(f"{lacking} blocks are in {place} only; say `memsync store repair` first")
            change_config(changes, self._home())
            self._use_configured()
            note_places(self._replica)

    def repair_stores(self) -> Copied:
        """Give each place that can be written the blocks that it lacks, or holds damaged, from those that have them."""
        with self._lock.hold("store repair"):
            needed, source = self.needed(), self._replica.store
            copied, present, missing = 0, 0, set[CID]()
            for place, store in self._places():
                if writable(place):
                    done = copy_missing(
                        needed,
                        source,
                        store,
                        deep=True,
                        progress=lambda at, of: tell("checking blocks", at, of),
                    )
                    copied, present = copied + done.copied, present + done.present
                    missing.update(done.missing)
            note_places(self._replica)
            return Copied(copied, present, tuple(sorted(missing, key=str)))

    def keep_from(self, store: BlockStore) -> Copied:
        """Copy what the vault needs from another store into its own, and use those: after a restore from a file or a gateway."""
        with self._lock.hold("store repair"):
            self._replica.use_store(store)
            needed = self.needed()
            self._use_configured()
            done = self._copy(needed, self._replica.store, source=store)
            note_places(self._replica)
            return done

    def troubles(self) -> list[str]:
        """What failed at single places though the vault's verbs succeeded."""
        store = self._replica.store
        return (
            [f"{one.place}: {one.what}" for one in store.troubles] if isinstance(store, MirrorStore) else []
        )

    def needed(self) -> list[CID]:
        """The blocks that the last root which this device knows reaches; none before the first push. Reads catalogs in the stores."""
        at, keys = self._replica, self._replica.keys()
        found = None if keys is None else head_taken(at, keys)
        if keys is None or found is None:
            return []
        blocks = needed_by_vault(*found, vault=keys.vault, fetch=at.fetch)
        return [CID(RAW, digest) for digest in dict.fromkeys(one.digest for one in blocks)]

    def _copy(self, needed: Iterable[CID], target: BlockStore, *, source: BlockStore | None = None) -> Copied:
        return copy_missing(
            needed,
            source or self._replica.store,
            target,
            progress=lambda at, of: tell("copying blocks", at, of),
        )

    def _lacking_without(self, place: str) -> int:
        needed = set(self.needed())
        for other, store in self._places():
            if other != place and needed:
                try:
                    needed -= store.has_many(needed)
                except StorageError:
                    continue
        return len(needed)

    def _places(self) -> list[tuple[str, BlockStore]]:
        found = self._settings()
        tokens = read_tokens(found)
        return [
            (place, open_place(place, token=tokens.get(place), base=self.paths.folder))
            for place in found.stores
        ]

    def _use_configured(self) -> None:
        self._replica.use_store(configured_store(self.paths))

    def _settings(self) -> Settings:
        return settings(self.name, self._home())
