"""The contract as Ape's users meet it: an instance with decoded events, named errors and structs, and their own accounts."""

from __future__ import annotations

import ape
import pytest
from ape.contracts import ContractInstance
from ethpm_types import ContractType

from memsync.chain.artifact import load_artifact
from tests.contracts.actions import BOTH, DAY, START, ZERO32, word

NO_DEADLINE = 2**256 - 1
BARE = (NO_DEADLINE, b"")


@pytest.fixture(scope="session")
def instance(registry) -> ContractInstance:
    contract_type = ContractType(contractName="MemoryRegistry", abi=list(load_artifact().abi))
    return ape.chain.contracts.instance_at(f"0x{registry.contract.hex()}", contract_type=contract_type)


@pytest.fixture
def owner():
    return ape.accounts.test_accounts[0]


@pytest.fixture
def signer():
    return ape.accounts.test_accounts[1]


@pytest.fixture
def vault(instance, owner, signer) -> bytes:
    instance.open(owner, 0, signer, 7, word("first"), *BARE, sender=owner)
    return instance.vaultIdOf(owner, 0)


def test_events_come_decoded(instance, vault, signer):
    receipt = instance.commit(vault, 1, 0, 8, word("second"), *BARE, sender=signer)
    assert receipt.events == [instance.Committed(vault=vault, sequence=2, salt=8, pointer=word("second"))]


def test_structs_come_with_names(instance, vault, signer):
    head = instance.vaultOf(vault)
    assert (head.signer, head.sequence, head.grantEpoch, head.salt) == (signer.address, 1, 0, 7)
    snapshot = instance.snapshot(vault, [ZERO32])
    assert snapshot.time >= START
    assert tuple(snapshot.head) == tuple(head)  # inside several values, Ape gives structs as plain tuples
    assert (list(snapshot.grants), snapshot.parcels) == ([(0,) * 6], [ZERO32])


def test_errors_come_by_name_with_their_values(instance, vault, owner, signer):
    with ape.reverts(instance.StaleSequence, current=1):
        instance.commit(vault, 9, 0, 8, word("second"), *BARE, sender=signer)
    with pytest.raises(instance.NotTheAccount) as caught:
        instance.commit(vault, 1, 0, 8, word("second"), *BARE, sender=owner)
    assert caught.value.inputs == {"account": signer.address, "caller": owner.address}


def test_a_grant_as_a_tuple_or_a_dictionary(instance, vault, signer):
    tool = ape.accounts.test_accounts[2]
    one, two = (instance.grantIdOf(vault, tool, word("scope"), word(salt)) for salt in ("one", "two"))
    grants = [
        (one, START - DAY, START + DAY, BOTH),
        {"grantId": two, "start": 0, "end": START + DAY, "rights": 1},
    ]
    instance.commitAndShare(vault, 1, 0, 8, word("second"), grants, [], *BARE, sender=signer)
    with_time = ape.chain.provider.get_block("latest").timestamp
    assert START - DAY <= with_time < START + DAY
    assert instance.isGranted(vault, tool, word("scope"), word("one"), BOTH)
    assert not instance.isGranted(vault, tool, word("scope"), word("two"), BOTH)
