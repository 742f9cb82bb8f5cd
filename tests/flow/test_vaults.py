"""Several vaults of one person, from one set of words: listed in the first, made, brought back, and told apart by nobody else."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsync.chain.calls import SignedCall
from memsync.crypto.tree import RootKey
from memsync.crypto.words import from_words
from memsync.device.config import change_config, read_config
from memsync.device.keystore_file import CHEAP_COST
from memsync.device.paths import check_name
from memsync.errors import (
    ChainUnreachable,
    InputError,
    LockedError,
    NotFoundError,
    PointerInvalid,
    StorageError,
    WrongPassphrase,
    WrongWords,
)
from memsync.format.owner import Owner
from memsync.sync.keys import OwnerKeys
from memsync.sync.listing import VaultList, VaultWish, is_listed, with_list
from memsync.sync.replica import VAULTS
from memsync.sync.wishes import VAULT, wish_vault
from memsync.testing import MemoryRegistry, MemoryStore
from memsync.vault import ListedVault, Vault
from tests.flow.actions import PASSPHRASE, World, texts


class Recorded(MemoryRegistry):
    """A chain that keeps what was sent to it."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[SignedCall] = []

    def send(self, signed: SignedCall):
        self.sent.append(signed)
        return super().send(signed)


class Family(World):
    """A person with a first vault that was pushed, and the words on paper."""

    def __init__(self, folder: Path, registry: MemoryRegistry | None = None) -> None:
        super().__init__(folder, registry or Recorded())
        self.first = self.vault()
        self.words = self.first.words
        self.first.remember("In the first.")
        self.first.push()

    def made(self, name: str, by: Vault | None = None, **more: object) -> Vault:
        """A further vault, made and pushed."""
        made = (by or self.first).create_vault(
            name,
            self.words,
            passphrase=PASSPHRASE,
            cost=CHEAP_COST,
            **{"store": self.store, **more},
        )
        self.open.append(made)
        return made

    def brought(self, listed: ListedVault, by: Vault, **more: object) -> Vault:
        found = by.bring_vault(
            listed,
            self.words,
            passphrase=PASSPHRASE,
            cost=CHEAP_COST,
            **{"make": False, "store": self.store, **more},
        )
        self.open.append(found)
        return found

    def id_of(self, number: int) -> bytes:
        return OwnerKeys.derive(
            RootKey(from_words(self.words)),
            chain_id=self.registry.chain_id,
            contract=self.registry.contract,
            number=number,
        ).vault


@pytest.fixture
def family(tmp_path: Path):
    made = Family(tmp_path)
    yield made
    made.close()


def named(vault: Vault) -> list[tuple[int, str]]:
    return [(one.number, one.name) for one in vault.vaults()]


# Making


def test_a_further_vault_is_made_from_the_same_words_and_listed_in_the_first(family):
    company = family.made("company")
    company.remember("In the company's.")
    company.push()
    assert family.first.vaults() == [
        ListedVault(1, company.status().vault, "company", listed=True, here="company")
    ]
    assert (family.first.number, company.number) == (0, 1)
    assert company.status().vault == family.id_of(1) != family.first.status().vault
    assert texts(company) == {"In the company's."} and texts(family.first) == {"In the first."}
    assert company.paths.folder.parent == family.first.paths.folder.parent
    with pytest.raises(LockedError, match="on your paper"):
        _ = company.words
    assert named(family.first) == [(1, "company")]
    family.made("family")
    assert named(family.first) == [(1, "company"), (2, "family")]


def test_a_further_vault_opens_like_any_other(family):
    family.made("company").close()
    with Vault.open("company", passphrase=PASSPHRASE, home=family.first.paths.folder.parents[1]) as vault:
        vault.remember("By its name.")
        assert texts(vault) == {"By its name."}


def test_a_further_vault_has_the_places_of_the_first_unless_it_is_told_others(family, tmp_path):
    home = family.first.paths.folder.parents[1]
    stores = [str(tmp_path / "usb"), "blocks"]
    change_config({"vaults.default.stores": stores, "vaults.default.network": "node"}, home)
    family.made("company", store=None)
    found = read_config(home)["vaults"]["company"]
    assert found == {"stores": stores, "network": "node", "listed_in": "default", "number": "1"}
    assert {path.name for path in (home / "vaults" / "company" / "blocks").rglob("*")}
    family.made("family", store=None, places=[str(tmp_path / "own")], payer="other")
    found = read_config(home)["vaults"]["family"]
    assert (found["stores"], found["payer"], found["network"]) == ([str(tmp_path / "own")], "other", "node")
    assert any((tmp_path / "own").rglob("*"))


def test_the_words_that_are_still_here_need_not_be_given(tmp_path):
    family = World(tmp_path)
    first = family.vault()
    words = first.words
    made = first.create_vault("company", passphrase=PASSPHRASE, cost=CHEAP_COST, store=family.store)
    family.open.append(made)
    assert named(first) == [(1, "company")]
    assert made.is_of(words, 1) and not made.is_of(words, 0)
    family.close()


def test_other_words_no_words_and_bad_names_change_nothing(family):
    before = len(family.registry.sent)
    other = family.vault().words
    for wrong, error, match in (
        ({"words": other}, WrongWords, "another vault"),
        ({"words": None}, LockedError, "device join --vault NAME"),
        ({"name": "Up/../Down"}, InputError, "can't be"),
        ({"name": "default"}, InputError, "another vault 'default' on this device"),
        ({"passphrase": ""}, InputError, "empty passphrase"),
    ):
        wanted = {"name": "company", "words": family.words, "passphrase": PASSPHRASE} | wrong
        with pytest.raises(error, match=match):
            family.first.create_vault(
                wanted["name"], wanted["words"], passphrase=wanted["passphrase"], store=family.store
            )
    assert len(family.registry.sent) == before
    assert family.first.vaults() == [] and family.first.status().waiting == 0


def test_only_the_first_vault_has_a_list(family):
    company = family.made("company")
    for verb in (
        company.vaults,
        lambda: company.list_vault("x", family.words),
        lambda: company.rename_vault("company", "x"),
        lambda: company.unlist_vault("company"),
        lambda: company.find_vaults(family.words),
    ):
        with pytest.raises(InputError, match="vault 1 of its words"):
            verb()


def test_a_vault_that_has_the_name_on_this_device_by_chance_is_not_touched(family, tmp_path):
    home = family.first.paths.folder.parents[1]
    with Vault.create("company", passphrase="another", home=home, cost=CHEAP_COST) as stranger:
        stranger.remember("Of other words.")
    with pytest.raises(InputError, match="another vault 'company'"):
        family.made("company")
    assert family.first.vaults() == []
    listed = family.restored(family.words).list_vault("company", family.words)
    family.first.pull()
    with pytest.raises(InputError, match="another vault 'company'"):
        family.made("company")
    change_config({"vaults.company.listed_in": "default", "vaults.company.number": "1"}, home)
    with pytest.raises(WrongPassphrase):
        family.made("company")
    with pytest.raises(InputError, match="another vault 'company'"):
        family.first.bring_vault(listed, family.words, passphrase="another", store=family.store)
    assert family.registry.snapshot(family.id_of(1)).vault is None


# Nobody else can tell


def windows(data: bytes, size: int = 8) -> set[bytes]:
    return {data[at : at + size] for at in range(len(data) - size + 1)}


def public_bytes(family: Family, vault: Vault, store: MemoryStore) -> set[bytes]:
    """Every eight bytes in a row of what is on the chain and in the places of one vault: ids, accounts, pointers, signatures, block names,
    blocks; but for what all vaults of a chain have in common."""
    keys = vault._replica.keys()
    found = {data for cid, block in store.iter_blocks() for data in (cid.digest, block)}
    for signed in family.registry.sent:
        call = signed.call
        if keys.vault == getattr(call, "vault", None) or getattr(call, "owner", None) == keys.owner:
            found |= {signed.signature, *_bytes_of(call)}
    return set().union(*map(windows, found))


def _bytes_of(call: object) -> set[bytes]:
    fields = [getattr(call, name) for name in type(call).__slots__]
    shares = [share.grant_id for share in getattr(call, "grants", ())]
    return {one for one in (*fields, *shares) if isinstance(one, bytes)}


class OpenStore(MemoryStore):
    """A store whose every block can be looked at."""

    def iter_blocks(self):
        cids = list(self.iter())
        return list(self.get_many(cids))


def test_chain_and_places_have_no_eight_bytes_in_common_for_two_vaults_of_the_same_words(tmp_path):
    family = Family.__new__(Family)
    own, other = OpenStore(), OpenStore()
    World.__init__(family, tmp_path, Recorded(), own)
    family.first = family.vault()
    family.words = family.first.words
    family.first.remember("The same text.")
    company = family.made("company", store=other)
    company.remember("The same text.")
    company.push()
    family.first.push()
    for vault in (family.first, company):
        family.granted(vault)
    first, second = public_bytes(family, family.first, own), public_bytes(family, company, other)
    assert len(first) > 30_000 < len(second)
    assert first & second == set()
    assert windows(family.first._replica.keys().vault) <= first, "so they would be seen"
    assert first & windows(own.iter_blocks()[0][1]) and not second & windows(own.iter_blocks()[0][1])
    family.close()


def test_a_tool_that_is_granted_both_vaults_is_shown_nothing_in_common(family):
    company = family.made("company")
    tool, grant = family.granted(family.first)
    _, other = family.granted(company, tool)
    first = family.accepted(tool, grant)._envelope
    second = family.accepted(tool, other)._envelope
    public = {"chain_id", "contract", "nonce", "rights", "start", "end", "scope_name", "generation", "places"}
    same = {
        name
        for name in type(first).__slots__
        if getattr(first, name) == getattr(second, name) and getattr(first, name) is not None
    }
    assert same <= public


# Bringing back


def test_the_words_bring_back_the_first_vault_its_list_and_each_listed_vault(family):
    for name in ("company", "family"):
        with family.made(name) as made:
            made.remember(f"In {name}.")
            made.push()
    back = family.restored(family.words)
    assert named(back) == [(1, "company"), (2, "family")]
    assert [one.here for one in back.vaults()] == [None, None]
    for listed in back.vaults():
        assert texts(family.brought(listed, back)) == {f"In {listed.name}."}
    assert [one.here for one in back.vaults()] == ["company", "family"]


def test_a_vault_can_be_called_otherwise_on_this_device(family):
    family.made("company")
    back = family.restored(family.words)
    [listed] = back.vaults()
    assert family.brought(listed, back, name="work").name == "work"
    [listed] = back.vaults()
    assert (listed.name, listed.here) == ("company", "work")
    assert family.brought(listed, back).name == "work", "found again under that name"


def test_a_listed_vault_that_was_never_opened_is_said_to_be_so(family):
    listed = family.first.list_vault("company", family.words)
    with pytest.raises(NotFoundError, match="`memsync vault create company` does"):
        family.brought(listed, family.first)
    assert not (family.first.paths.folder.parent / "company").exists()


def test_a_vault_that_no_list_has_is_found_by_the_words(family):
    home = family.home()
    orphan = Vault.create(
        "lost",
        passphrase=PASSPHRASE,
        home=home,
        cost=CHEAP_COST,
        store=family.store,
        registry=family.registry,
        clock=family.clock,
        words=family.words,
        number=7,
    )
    with orphan:
        orphan.remember("Nobody listed me.")
        orphan.push()
    back = family.restored(family.words)
    assert back.vaults() == []
    [found] = back.find_vaults(family.words)
    assert (found.number, found.name, found.listed) == (7, "vault-7", False)
    assert texts(family.brought(found, back)) == {"Nobody listed me."}
    assert back.find_vaults(family.words) == []
    back.push()
    family.first.pull()
    assert named(family.first) == [(7, "vault-7")]
    assert family.made("company").number == 8


def test_a_number_whose_vault_is_on_the_chain_and_not_listed_is_not_taken_again(family):
    orphan = Vault.create(
        "lost",
        passphrase=PASSPHRASE,
        home=family.home(),
        cost=CHEAP_COST,
        store=family.store,
        registry=family.registry,
        clock=family.clock,
        words=family.words,
        number=1,
    )
    with orphan:
        orphan.remember("Nobody listed me.")
        orphan.push()
    company = family.made("company")
    assert (company.number, texts(company)) == (2, set())
    assert [one.name for one in family.first.find_vaults(family.words)] == ["vault-1"]


def test_an_rpc_that_makes_up_vaults_is_told_from_one_that_has_them(family):
    company = family.made("company")
    true = family.registry.snapshot
    real = true(company._replica.keys().vault).vault

    def lying(vault: bytes, grants=()):
        found = true(vault, grants)
        return replace(found, vault=found.vault or real)

    family.registry.snapshot = lying
    for verb in (family.first.find_vaults, lambda words: family.first.list_vault("family", words)):
        with pytest.raises(PointerInvalid, match="ask another RPC"):
            verb(family.words)
    assert named(family.first) == [(1, "company")] and family.first.status().waiting == 0


# What breaks off


@pytest.mark.parametrize("sends", range(3))
@pytest.mark.parametrize("lands", [False, True])
def test_a_making_that_was_cut_off_is_completed_by_the_same_call_or_another_device(family, sends, lands):
    """The chain stops answering at the first, second … call that is sent; that call lands, or it doesn't."""
    registry, left = family.registry, [sends]
    true = registry.send

    def send(signed: SignedCall):
        if left[0] == 0:
            if lands:
                true(signed)
            registry.reachable = False
            raise ChainUnreachable("cut off")
        left[0] -= 1
        return true(signed)

    registry.send = send
    if sends < 2:
        with pytest.raises(ChainUnreachable):
            family.made("company")
    else:
        family.made("company").close()
    registry.send, registry.reachable = true, True
    other = family.restored(family.words)
    company = family.made("company", family.first)
    assert company.number == 1
    company.remember("Here at last.")
    company.push()
    other.pull()
    assert named(other) == [(1, "company")]
    assert texts(family.brought(other.vaults()[0], other)) == {"Here at last."}


def test_a_making_whose_files_could_not_be_made_is_completed_by_the_same_call(family, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise StorageError("the disk is full; make room")

    monkeypatch.setattr("memsync.vault.lifecycle.create_keystore", full)
    with pytest.raises(StorageError):
        family.made("company")
    assert [one.here for one in family.first.vaults()] == [None]
    monkeypatch.undo()
    assert family.made("company").number == 1


def test_a_name_that_waits_to_be_listed_is_listed_by_the_next_making_of_it(family):
    at = family.first._replica
    at.journal.add(wish_vault(VaultWish(1, family.id_of(1), "company"), created=at.now_ms()))
    assert [one.listed for one in family.first.vaults()] == [False]
    assert family.made("company").number == 1
    assert len(at.journal.entries(kind=VAULT)) <= 1
    assert named(family.first) == [(1, "company")]


# Two devices at once


def test_two_devices_that_make_vaults_at_once_take_different_numbers(family):
    other = family.restored(family.words)
    mine = family.first.list_vault("company", family.words)
    # The other has seen nothing of that when it chooses a number.
    at = other._replica
    at.journal.add(wish_vault(VaultWish(1, family.id_of(1), "family"), created=at.now_ms()))
    theirs = other.list_vault("family", family.words)
    assert (mine.number, theirs.number) == (1, 2)
    family.first.pull()
    assert named(family.first) == named(other) == [(1, "company"), (2, "family")]


def test_two_devices_that_make_the_same_vault_at_once_have_one_vault(family):
    other = family.restored(family.words)
    ours = [one.list_vault("company", family.words) for one in (family.first, other)]
    assert [one.number for one in ours] == [1, 1]
    first = family.made("company")
    second = family.brought(ours[1], other, make=True)
    first.remember("From one.")
    first.push()
    second.remember("From the other.")
    second.push()
    first.pull()
    assert texts(first) == texts(second) == {"From one.", "From the other."}


def test_a_race_between_list_and_list_loses_no_entry(family):
    other = family.restored(family.words)
    true, raced = family.registry.send, []

    def send(signed: SignedCall):
        if not raced:
            raced.append(True)
            family.made("family", other)
        return true(signed)

    family.registry.send = send
    company = family.made("company")
    other.pull()
    assert named(other) == named(family.first) == [(1, "family"), (2, "company")]
    assert company.number == 2


WISHES = st.builds(
    VaultWish,
    number=st.integers(1, 4),
    id=st.none() | st.binary(min_size=32, max_size=32),
    name=st.none() | st.sampled_from(["a", "a-2", "b", "x" * 63]),
)


@given(st.lists(WISHES, max_size=12), st.lists(WISHES, max_size=12))
def test_a_list_keeps_one_name_and_one_row_a_number_whatever_two_devices_want(one, other):
    found = VaultList().after(one)
    assert found.after(other) == found.after(other).after(other[-1:])
    merged = found.after(other)
    names, numbers = [row.name for row in merged.rows], [row.number for row in merged.rows]
    assert len(set(names)) == len(names)
    assert numbers == sorted(set(numbers))
    assert not merged.unlisted.intersection(numbers)
    assert merged.unlisted >= found.unlisted
    assert {row.number for row in found.rows} <= {*numbers, *merged.unlisted}
    assert all(check_name(name) is None for name in names)
    assert merged.next_number not in {*numbers, *merged.unlisted}
    owner = with_list(Owner(generation=0, locator=0, pointer=0, scopes=()), merged)
    assert VaultList.of(owner) == merged
    assert all(is_listed(owner, wish) for wish in other[-1:])


def test_a_name_of_another_implementation_that_no_folder_can_have_is_called_otherwise_here(family):
    family.made("company").close()
    at = family.first._replica
    at.journal.add(wish_vault(VaultWish(1, name="The Company, Ltd."), created=at.now_ms()))
    family.first.push()
    back = family.restored(family.words)
    [listed] = back.vaults()
    with pytest.raises(InputError, match="can't be a vault's name"):
        family.brought(listed, back)
    assert family.brought(listed, back, name="ltd").number == 1


# Renaming, taking off


def test_a_vault_is_renamed_in_the_list_for_every_device(family):
    family.made("company")
    other = family.restored(family.words)
    other.rename_vault("company", "firm")
    assert named(other) == [(1, "firm")]
    other.push()
    family.first.pull()
    [listed] = family.first.vaults()
    assert (listed.name, listed.here) == ("firm", "company")
    family.made("family")
    with pytest.raises(InputError, match="another vault is called 'family'"):
        family.first.rename_vault("firm", "family")
    with pytest.raises(NotFoundError, match="there are: firm, family"):
        family.first.rename_vault("company", "x")
    family.first.rename_vault("1", "firm-2")
    family.first.rename_vault("1", "firm")
    assert named(family.first) == [(1, "firm"), (2, "family")]
    family.first.push()
    assert family.first.status().waiting == 0


def test_two_vaults_that_get_one_name_at_once_keep_names_of_their_own(family):
    family.made("company")
    family.made("family")
    other = family.restored(family.words)
    other.rename_vault("company", "same")
    family.first.rename_vault("family", "same")
    family.first.push()
    other.push()
    family.first.pull()
    assert named(family.first) == named(other) == [(1, "same-2"), (2, "same")]


def test_what_was_taken_off_the_list_never_comes_back_and_its_number_neither(family):
    company = family.made("company")
    other = family.restored(family.words)
    other.rename_vault("company", "firm")
    gone = family.first.unlist_vault("company")
    assert (gone.number, family.first.vaults()) == (1, [])
    family.first.push()
    other.push()
    assert other.vaults() == [] and other.status().waiting == 0
    assert other.find_vaults(family.words) == []
    assert family.made("company-2").number == 2
    company.remember("It is still here.")
    company.push()
    back = family.restored(family.words)
    assert named(back) == [(2, "company-2")]
    kept = family.brought(ListedVault(1, gone.id, "kept", listed=False, here=None), back)
    assert texts(kept) == {"It is still here."}


def test_a_new_generation_and_a_move_take_the_list_along(family):
    family.made("company")
    family.made("family")
    family.first.unlist_vault("family")
    family.first.push()
    other = family.restored(family.words)
    other.remember("From another device.")
    other.push()
    family.first.pull()
    family.first.remove_device(family.first.devices()[1].name, family.words)
    assert (family.first.generation, named(family.first)) == (1, [(1, "company")])
    there = MemoryRegistry(chain_id=10)
    family.first.relocate(
        family.words,
        connect_new=lambda: nullcontext(there),
        connect_old=lambda: nullcontext(family.registry),
    )
    assert named(family.first) == [(1, "company")]
    back = family.restored(family.words, registry=there)
    assert named(back) == [(1, "company")]
    assert back.list_vault("third", family.words).number == 3
    with pytest.raises(NotFoundError, match="name its chain by --network"):
        family.brought(back.vaults()[0], back)
    assert family.brought(back.vaults()[0], back, registry=family.registry).number == 1


def test_a_further_vault_moves_and_loses_a_device_like_the_first(family):
    company = family.made("company")
    other = family.restored(family.words)
    other = family.brought(other.vaults()[0], other)
    other.remember("From another device.")
    other.push()
    company.pull()
    with pytest.raises(WrongWords):
        company.remove_device(company.devices()[1].name, family.vault().words)
    company.remove_device(company.devices()[1].name, family.words)
    there = MemoryRegistry(chain_id=10)
    company.relocate(family.words, connect_new=lambda: nullcontext(there))
    assert (company.number, company.is_of(family.words, 1)) == (1, True)
    home = family.home()
    with Vault.restore(
        family.words,
        passphrase=PASSPHRASE,
        number=1,
        home=home,
        store=family.store,
        registry=there,
        cost=CHEAP_COST,
    ) as back:
        assert texts(back) == {"From another device."}
    with pytest.raises(NotFoundError):
        family.restored(family.words, registry=there)


def test_a_database_of_an_older_release_learns_the_list_from_the_head_that_it_has(family):
    family.made("company")
    family.first._replica.meta.delete(VAULTS)
    assert family.first.vaults() == []
    assert family.first.pull().changed is False
    assert named(family.first) == [(1, "company")]


def test_a_list_that_an_undone_block_held_is_written_again(tmp_path):
    family = Family(tmp_path, MemoryRegistry(confirmations=3))
    listed = family.first.list_vault("company", family.words)
    family.registry.undo(1)
    family.first.pull()
    assert [(one.number, one.listed) for one in family.first.vaults()] == [(1, False)]
    family.first.push()
    assert family.first.vaults() == [listed]
    family.close()


# A device without the words


def test_a_device_that_joined_sees_the_list_and_joins_each_vault_by_itself(family):
    company = family.made("company")
    company.remember("In the company's.")
    company.push()
    home = family.home()

    def join(vault: Vault, name: str) -> Vault:
        request = Vault.request(
            name, passphrase=PASSPHRASE, device="phone", home=home, cost=CHEAP_COST, clock=family.clock
        )
        joined = Vault.join(
            vault.add_device(request).answer,
            passphrase=PASSPHRASE,
            name=name,
            home=home,
            store=family.store,
            registry=family.registry,
            clock=family.clock,
        )
        family.open.append(joined)
        return joined

    phone = join(family.first, "default")
    assert named(phone) == [(1, "company")]
    for verb in (
        lambda: phone.create_vault("x", passphrase=PASSPHRASE),
        lambda: phone.bring_vault(phone.vaults()[0], passphrase=PASSPHRASE, make=False),
        phone.find_vaults,
    ):
        with pytest.raises(LockedError, match=r"24 words.*`memsync device join --vault NAME`"):
            verb()
    there = join(company, "company")
    assert (there.number, texts(there)) == (1, {"In the company's."})
    assert {one.name for one in company.devices()} >= {"phone"}
    phone.rename_vault("company", "firm")
    phone.push()
    family.first.pull()
    assert named(family.first) == [(1, "firm")]
    assert company._replica.device.seed != family.first._replica.device.seed
