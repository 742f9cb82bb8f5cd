"""The second reader agrees with every vector and opens the golden vault: docs/format.md says enough.

Comes in: tests/vectors/*.json and golden/. It imports no part of MemSync; what a vector holds that only a writer
could make (a sealed block of known salt) is made here from the reader's own functions.
"""

import ast
import functools
import json
import re
import sys
import zlib
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HERE = Path(__file__).parent
VECTORS = HERE.parent / "vectors"
sys.path.insert(0, str(HERE.parent))
from second_reader import codec, crypto, vault  # noqa: E402

sys.path.pop(0)

REFUSALS = (ValueError, InvalidTag, InvalidSignature, zlib.error, RecursionError)  # the last: JSON in JSON
ENGLISH = (HERE / "english.txt").read_text().split()
COVERED = {}


@functools.cache
def file_of(name):
    return json.loads((VECTORS / f"{name}.json").read_text())


def vectors(name, part):
    return file_of(name)[part]


def cases(name, part):
    """Parametrises a test with the vectors of one part of one file, and notes that this part is covered."""
    COVERED.setdefault(name, set()).add(part)
    return pytest.mark.parametrize(
        "case", vectors(name, part), ids=lambda case: str(case.get("why", ""))[:40]
    )


def value(x):
    """What a vector writes as {int}, {bytes}, {text}, {cid}, {map} or plainly."""
    if isinstance(x, list):
        return [value(item) for item in x]
    if not isinstance(x, dict):
        return x
    [(kind, inner)] = x.items()
    if kind == "map":
        return {key: value(item) for key, item in inner}
    return {"int": int, "bytes": bytes.fromhex, "text": str, "cid": codec.read_cid}[kind](inner)


def unhex(case, *names):
    return [bytes.fromhex(case[name]) for name in names]


def refuses(reader, *given, **named):
    with pytest.raises(REFUSALS) as refusal:
        reader(*given, **named)
    return str(refusal.value)


# codec


@cases("dagcbor", "good")
def test_a_value_has_its_one_encoding(case):
    data = bytes.fromhex(case["bytes"])
    assert codec.cbor(value(case["value"])) == data
    assert codec.uncbor(data) == value(case["value"])


@cases("dagcbor", "bad")
def test_any_other_encoding_is_refused(case):
    runs = case.get("runs") or [[case["bytes"], 1]]
    refuses(codec.uncbor, b"".join(bytes.fromhex(piece) * times for piece, times in runs))


@cases("cid", "good")
def test_a_cid_names_its_block(case):
    cid = codec.read_cid(case["text"])
    assert cid == bytes.fromhex(case["bytes"]) == codec.Cid(bytes.fromhex(case["bytes"]))
    assert cid[1] == case["codec"]
    assert cid[4:] == codec.sha256(bytes.fromhex(case["block"]))


@cases("cid", "bad_texts")
def test_another_text_is_no_cid(case):
    refuses(codec.read_cid, case["text"])


@cases("cid", "bad_bytes")
def test_other_bytes_are_no_cid(case):
    refuses(codec.Cid, bytes.fromhex(case["bytes"]))


@cases("car", "good")
def test_a_car_gives_its_roots_and_blocks(case):
    roots, blocks = codec.read_car(b64decode(case["car"]))
    assert roots == [codec.read_cid(root) for root in case["roots"]]
    assert blocks == {codec.read_cid(one["cid"])[4:]: b64decode(one["block"]) for one in case["blocks"]}


@cases("car", "bad")
def test_a_bad_car_is_refused(case):
    refuses(codec.read_car, b64decode(case["car"]))


# keys


@cases("derivations", "derive")
def test_derive_gives_the_key_of_the_vector(case):
    args = [case["label"], *map(value, case["args"])]
    assert codec.cbor(["memsync/v1", *args]) == bytes.fromhex(case["info"])
    out = crypto.derive(bytes.fromhex(case["key"]), *args, length=case["length"])
    assert out.hex() == case["out"] if "out" in case else codec.sha256(out).hex() == case["out_sha256"]


@cases("derivations", "mac")
def test_mac_gives_the_tag_of_the_vector(case):
    parts = [value(part) for part in case["parts"]]
    assert codec.cbor(["memsync/v1", *parts]).hex() == case["message"]
    assert crypto.mac(bytes.fromhex(case["key"]), *parts).hex() == case["out"]


def pairs_of(secret):
    """The box pair and author key of W, or of a device's or tool's seed."""
    box, author = crypto.derive(secret, "box"), crypto.derive(secret, "author")
    public = Ed25519PrivateKey.from_private_bytes(author).public_key().public_bytes_raw()
    return {
        "box": {"seed": box.hex(), "public_sha256": codec.sha256(crypto.key_pair(box)[1]).hex()},
        "author": {"seed": author.hex(), "public": public.hex()},
    }


def wallet_of(secret, *info):
    private = crypto.scalar(secret, *info)
    return {"secret": private.to_bytes(32).hex(), "address": crypto.address(crypto.times(private)).hex()}


def test_the_key_tree_of_the_vector_grows_from_its_words():
    tree = vectors("derivations", "tree")
    root = crypto.read_words(tree["words"], ENGLISH)
    assert root.hex() == tree["root"]
    for one in tree["owners"]:
        contract = bytes.fromhex(one["contract"])
        wallet = wallet_of(root, "owner", one["chain"], contract, one["i"])
        vault_id = crypto.keccak(crypto.abi(one["chain"], contract, bytes.fromhex(wallet["address"]), 0))
        assert {**wallet, "vault": vault_id.hex()}.items() <= one.items()
    vault_id = bytes.fromhex(tree["vault"])
    for one in tree["locators"]:
        secret = crypto.derive(root, "locator", vault_id, one["l"])
        assert secret.hex() == one["secret"]
        for pointer in one["pointer_keys"]:
            key = crypto.derive(secret, "pointer", pointer["k"])
            made = {"k": pointer["k"], "key": key.hex()}
            made |= {kind: crypto.derive(key, kind).hex() for kind in ("root", "access")}
            assert made == pointer
    for one in tree["generations"]:
        secret = crypto.derive(root, "generation", vault_id, one["g"])
        made = {"g": one["g"], "secret": secret.hex(), "signer": wallet_of(secret, "signer")}
        assert made | {"owner_key": crypto.derive(secret, "owner").hex()} | pairs_of(secret) == one


def test_a_device_has_the_keys_of_the_vector():
    device = vectors("derivations", "device")
    assert {"seed": device["seed"], **pairs_of(bytes.fromhex(device["seed"]))} == device


@cases("derivations", "epochs")
def test_an_epoch_has_the_keys_id_and_tag_of_the_vector(case):
    content = crypto.derive(bytes.fromhex(case["secret"]), "content")
    history = crypto.derive(bytes.fromhex(case["secret"]), "history")
    tag = crypto.mac(crypto.derive(content, "tag"), bytes.fromhex(case["root_salt"]))[:16]
    made = {"content": content, "history": history, "id": vault.epoch_id(content), "tag": tag}
    assert {name: part.hex() for name, part in made.items()}.items() <= case.items()


def grant_id_of(secret, vault_id, scope, envelope):
    grantee = crypto.address(crypto.times(crypto.scalar(secret, "grantee")))
    blinded, salt = crypto.derive(secret, "scope", scope), crypto.mac(secret, "grant", envelope)
    return blinded, salt, crypto.keccak(crypto.abi(vault_id, grantee, blinded, salt))


def test_a_grant_has_the_id_of_the_vector():
    case = vectors("derivations", "pairwise")
    secret, vault_id, scope, envelope = unhex(case, "secret", "vault", "scope", "envelope")
    blinded, salt, grant = grant_id_of(secret, vault_id, scope, envelope)
    made = {"grantee": wallet_of(secret, "grantee"), "blinded_scope": blinded.hex(), "grant_salt": salt.hex()}
    made |= {"grant_id": grant.hex()} | {"parcel": crypto.derive(secret, "parcel").hex()}
    assert made.items() <= case.items()


COVERED["derivations"] |= {"tree", "device", "pairwise"}


@cases("words", "good")
def test_words_hold_their_secret(case):
    assert crypto.read_words(case["words"], ENGLISH).hex() == case["secret"]


@cases("words", "accepted")
def test_words_are_read_in_any_case_and_spacing(case):
    assert crypto.read_words(case["words"], ENGLISH).hex() == case["secret"]


@cases("words", "published")
def test_published_words_are_refused(case):
    published = {bytes.fromhex(one["secret"]) for one in vectors("words", "published")}
    assert crypto.read_words(case["words"], ENGLISH).hex() == case["secret"]
    refuses(crypto.read_words, case["words"], ENGLISH, published)


@cases("words", "bad")
def test_other_words_are_refused(case):
    refuses(crypto.read_words, case["words"], ENGLISH)


@cases("pointer", "pointers")
def test_a_pointer_opens_to_its_digest(case):
    key, vault_id, salt, pointer = unhex(case, "pointer_key", "vault", "salt", "pointer")
    assert crypto.open_pointer(key, vault_id, case["sequence"], salt, pointer).hex() == case["digest"]
    assert int.from_bytes(salt) == case["salt_int"]


@cases("pointer", "bad")
def test_a_pointer_opens_with_nothing_else(case):
    key, vault_id, salt, pointer = unhex(case, "pointer_key", "vault", "salt", "pointer")
    refuses(crypto.open_pointer, key, vault_id, case["sequence"], salt, pointer)


@cases("pointer", "parcels")
def test_a_parcels_pointer_opens_to_its_digest(case):
    secret, grant, salt, pointer = unhex(case, "secret", "grant", "salt", "pointer")
    key = crypto.derive(secret, "parcel")
    assert crypto.open_pointer(key, grant, case["number"], salt, pointer, size=6).hex() == case["digest"]
    assert int.from_bytes(salt) == case["salt_int"]


@cases("pointer", "bad_parcels")
def test_a_parcels_pointer_opens_with_nothing_else(case):
    secret, grant, salt, pointer = unhex(case, "secret", "grant", "salt", "pointer")
    refuses(
        crypto.open_pointer, crypto.derive(secret, "parcel"), grant, case["number"], salt, pointer, size=6
    )


# seals and boxes


def seal(key, bound, plaintext, salt, size):
    """What section 2 says a writer does: only to compare with vectors that hold no more than a digest."""
    keys = crypto.derive(key, "seal", bound, length=64, salt=salt)
    padded = (len(plaintext).to_bytes(4) + plaintext).ljust(size - 80, b"\0")
    return keys, salt + keys[32:] + AESGCM(keys[:32]).encrypt(bytes(12), padded, bound)


def bound_of(case):
    vault_id, scope, epoch, place = unhex(case, "vault", "scope", "epoch", "object")
    bound = crypto.aad(vault_id, case["kind"], scope, epoch, place)
    assert bound.hex() == case["aad"]
    return bound


@cases("sealing", "blocks")
def test_a_sealed_block_opens_to_its_plaintext(case):
    key, salt, plaintext = unhex(case, "key", "salt", "plaintext")
    bound = bound_of(case)
    keys, block = seal(key, bound, plaintext, salt, case["size"])
    assert (keys[:32].hex(), keys[32:].hex()) == (case["k"], case["commitment"])
    assert (
        block == b64decode(case["block"])
        if "block" in case
        else codec.sha256(block).hex() == case["block_sha256"]
    )
    assert crypto.unseal(key, bound, block, [256] if case["kind"] == "entry" else crypto.SIZES) == plaintext


def test_a_sealed_block_is_of_the_smallest_size_that_fits():
    sizes = vectors("sealing", "sizes")
    bound, (key, salt) = bound_of(sizes), unhex(sizes, "key", "salt")
    for case in sizes["cases"]:
        plaintext = bytes.fromhex(case["fill"]) * case["length"]
        _, block = seal(key, bound, plaintext, salt, case["size"])
        assert codec.sha256(block).hex() == case["block_sha256"]
        assert crypto.unseal(key, bound, block) == plaintext
        if case["size"] < max(crypto.SIZES):
            refuses(crypto.unseal, key, bound, seal(key, bound, plaintext, salt, 2 * case["size"])[1])


COVERED["sealing"].add("sizes")


@cases("sealing", "bad")
def test_a_bad_sealed_block_is_refused(case):
    given = bytes.fromhex(case["key"]), bound_of(case), b64decode(case["block"])
    if case["fault"] is None:
        assert crypto.unseal(*given) is not None
    else:
        refuses(crypto.unseal, *given)


@cases("hpke", "keys")
def test_a_seed_gives_the_public_key_of_the_vector(case):
    assert crypto.key_pair(bytes.fromhex(case["seed"]))[1].hex() == case["public"]


@cases("hpke", "boxes")
def test_a_box_opens_to_its_plaintext(case):
    seed, bound = unhex(case, "seed", "aad")
    assert crypto.unbox(seed, bound, b64decode(case["box"]), [case["room"] + 1136]).hex() == case["plaintext"]


@cases("hpke", "bad")
def test_a_bad_box_is_refused(case):
    seed, bound = unhex(case, "seed", "aad")
    box = b64decode(case["box"])
    refuses(crypto.unbox, seed, bound, box, [len(box)])


@cases("keystore", "good")
def test_a_keystore_opens_with_its_passphrase(case):
    assert crypto.open_keystore(b64decode(case["file"]), case["passphrase"]).hex() == case["plaintext"]


@cases("keystore", "accepted")
def test_a_keystore_opens_with_another_spelling_of_its_passphrase(case):
    assert crypto.open_keystore(b64decode(case["file"]), case["passphrase"]).hex() == case["plaintext"]


@cases("keystore", "bad")
def test_a_wrong_passphrase_is_told_from_damage(case):
    refusal = refuses(crypto.open_keystore, b64decode(case["file"]), case["passphrase"])
    assert (refusal == "commitment") == (case["error"] == "WrongPassphrase")


# wallets


def test_domains_are_those_of_the_vector():
    domain = vectors("eip712", "domain")
    assert domain


@cases("eip712", "author")
def test_a_certificates_owner_is_recovered(case):
    contract, vault_id, author, signer, signature = unhex(
        case, "contract", "vault", "author_key", "signer", "signature"
    )
    digest = crypto.author_digest([case["chain"], contract], vault_id, case["generation"], author, signer)
    assert digest.hex() == case["digest"]
    assert crypto.recover(digest, signature).hex() == case["owner"]
    assert crypto.address(crypto.times(int(case["secret"], 16))).hex() == case["owner"]


@cases("eip712", "card")
def test_a_cards_account_is_recovered(case):
    account, box, author, signature = unhex(case, "account", "box", "author", "signature")
    digest = crypto.card_digest({**case, "account": account, "box": box, "author": author})
    assert digest.hex() == case["digest"]
    assert crypto.recover(digest, signature).hex() == case["account"]


@cases("eip712", "bad_signatures")
def test_a_bad_wallet_signature_is_refused(case):
    refuses(crypto.recover, *unhex(case, "digest", "signature"))


@cases("eip712", "vault_ids")
def test_a_vault_id_is_that_of_the_vector(case):
    contract, owner = unhex(case, "contract", "owner")
    assert crypto.keccak(crypto.abi(case["chain"], contract, owner, case["nonce"])).hex() == case["id"]


@cases("eip712", "grant_ids")
def test_a_grant_id_is_that_of_the_vector(case):
    assert (
        crypto.keccak(crypto.abi(*unhex(case, "vault", "grantee", "scope", "grant_salt"))).hex() == case["id"]
    )


COVERED["eip712"].add("domain")


# records, segments, catalog


def of_hex(text):
    return codec.uncbor(bytes.fromhex(text))


@cases("records", "good")
def test_a_record_has_its_leaf(case):
    record = codec.fit(of_hex(case["record"]), (vault.U32, 16, vault.memory))
    assert record == [case["batch"], bytes.fromhex(case["salt"]), of_hex(case["memory"])]
    assert vault.leaf(record).hex() == case["leaf"]
    assert vault.when(record[2]) == case["when"]


@cases("records", "drafts")
def test_a_draft_is_a_memory_to_be(case):
    assert codec.fits(of_hex(case["draft"]), vault.draft)


@cases("records", "bad")
def test_a_bad_memory_is_refused(case):
    refuses(lambda: codec.fit(of_hex(case["memory"]), vault.memory))


@cases("records", "bad_drafts")
def test_a_bad_draft_is_refused(case):
    refuses(lambda: codec.fit(of_hex(case["draft"]), vault.draft))


@cases("records", "bad_records")
def test_a_bad_record_is_refused(case):
    refuses(lambda: codec.fit(of_hex(case["record"]), (vault.U32, 16, vault.memory)))


def row_of(row, epoch_ids):
    """A row of a vector as the reader has it."""
    ref = unhex(row, "object_id", "digest")
    epoch = [row["epoch"], epoch_ids[row["epoch"]]]
    return [row["order"], ref, epoch, row["count"], row["earliest"], row["latest"]]


def segment_keys():
    epoch = vectors("segment", "epoch")
    content = bytes.fromhex(epoch["secret"])
    assert vault.epoch_id(content).hex() == epoch["id"]
    return {epoch["number"]: content}, {epoch["number"]: bytes.fromhex(epoch["id"])}


def read_segment_block(case, **changed):
    keys, ids = segment_keys()
    block = b64decode(case["block"])
    held = vault.Vault(bytes.fromhex(vectors("segment", "vault")), {codec.sha256(block): block})
    return held.segment(
        bytes.fromhex(vectors("segment", "scope")), keys, row_of({**case["row"], **changed}, ids)
    )


@cases("segment", "good")
def test_a_segment_gives_its_records(case):
    records, dropped = read_segment_block(case)
    assert records == [of_hex(record) for record in case["records"]]
    assert dropped == [[batch, bytes.fromhex(leaf)] for batch, leaf in case["dropped"]]
    assert vault.read_segment(b64decode(case["plaintext"])) == (records, dropped)


@cases("segment", "bad")
def test_a_bad_segment_is_refused(case):
    refuses(vault.read_segment, b64decode(case["plaintext"]))


@cases("segment", "bad_rows")
def test_a_segment_that_is_not_as_its_row_says_is_refused(case):
    refuses(read_segment_block, vectors("segment", "good")[0], **case["changed"])


COVERED["segment"] |= {"vault", "scope", "epoch"}


def catalog():
    """The vector's blocks as a vault, its scope, content keys and epoch ids by number."""
    blocks = [b64decode(block) for block in vectors("catalog", "blocks")]
    held = vault.Vault(
        bytes.fromhex(vectors("catalog", "vault")), {codec.sha256(block): block for block in blocks}
    )
    keys = {epoch["number"]: bytes.fromhex(epoch["secret"]) for epoch in vectors("catalog", "epochs")}
    ids = {epoch["number"]: bytes.fromhex(epoch["id"]) for epoch in vectors("catalog", "epochs")}
    return held, bytes.fromhex(vectors("catalog", "scope")), keys, ids


def top_row(root, ids, *count):
    return [None, unhex(root, "object_id", "digest"), [root["epoch"], ids[root["epoch"]]], *count]


def test_a_catalog_gives_each_reader_its_rows_and_the_counts_of_the_others():
    held, scope, keys, ids = catalog()
    good = vectors("catalog", "good")
    for reader in good["readers"]:
        own = {number: keys[number] for number in reader["epochs"]}
        top = top_row(good["root"], ids, good["count"])
        rows = [row for row in held.rows(scope, own, top) if row != top]
        assert len(rows) == len(reader["rows"])
        for row, said in zip(rows, reader["rows"], strict=True):
            names = ("epoch", "count", "earliest", "latest")
            assert [row[2][0], *row[3:]] == [said[name] for name in names if name in said]
            assert (row[2][0] in own) == ("not_for_me" not in said)
            if row[2][0] in own:
                assert row == row_of(said, ids)
    refuses(held.rows, scope, keys, top_row(good["root"], ids, good["count"] + 1))


@cases("catalog", "bad_trees")
def test_a_bad_catalog_is_refused(case):
    held, scope, keys, ids = catalog()
    refuses(held.rows, scope, keys, top_row(case["root"], ids))


@cases("catalog", "bad_top_nodes")
def test_a_bad_top_node_is_refused(case):
    held, scope, keys, ids = catalog()
    plaintext = b64decode(case["plaintext"])
    place, number = bytes(16), case["epoch"]
    bound = crypto.aad(held.id, "catalog", scope, ids[number], place)
    _, block = seal(keys[number], bound, plaintext, bytes(32), 4096)
    held.blocks[codec.sha256(block)] = block
    refuses(held.rows, scope, keys, [None, [place, codec.sha256(block)], [number, ids[number]]])


COVERED["catalog"] |= {"vault", "scope", "epochs", "blocks", "good"}


def test_the_witness_is_the_tree_hash_of_certificate_transparency():
    known = vectors("witness", "certificate_transparency")
    leaves = [bytes.fromhex(leaf) for leaf in known["leaves"]]
    for size in range(1, len(leaves) + 1):
        assert vault.witness(leaves[:size]).hex() == known["roots"][size]
    for one in vectors("witness", "witnesses"):
        assert vault.witness([bytes.fromhex(leaf) for leaf in one["leaves"]]).hex() == one["witness"]


COVERED["witness"] = {
    "certificate_transparency",
    "witnesses",
    "path",
}  # paths: section 7 names no proof of one record


# blocks of keys, root


def opens(case, key, bound, sizes=crypto.SIZES):
    """The plaintext of a good vector's block."""
    block = b64decode(case["block"])
    assert codec.sha256(block).hex() == case["digest"]
    plaintext = crypto.unseal(key, bound, block, sizes)
    assert plaintext == b64decode(case["plaintext"])
    return plaintext


def earlier_of(kind):
    """The key, AAD maker, layout and vectors of lockboxes or since blocks."""
    given = vectors("lockbox", kind)
    epoch = given["epoch" if kind == "lockbox" else "current"]
    content = crypto.derive(bytes.fromhex(epoch["secret"]), "content")
    key = crypto.derive(bytes.fromhex(epoch["secret"]), "history")
    if kind == "since":
        content = bytes.fromhex(epoch["secret"])
        key = bytes.fromhex(given["key"])
    vault_id, scope = unhex(given, "vault", "scope")

    def bound(case):
        return crypto.aad(vault_id, kind, scope, vault.epoch_id(content), bytes.fromhex(case["object_id"]))

    return key, bound, epoch["number"], given


@pytest.mark.parametrize("kind", ["lockbox", "since"])
def test_earlier_keys_open_and_others_are_refused(kind):
    key, bound, number, given = earlier_of(kind)
    for case in given["good"]:
        assert vault.earlier_keys(opens(case, key, bound(case)), number)
    for case in given["bad_plaintexts"]:
        refuses(vault.earlier_keys, b64decode(case["plaintext"]), number)
    for case in given["bad_blocks"]:
        refuses(crypto.unseal, key, bound(given["good"][0]), b64decode(case["block"]))


COVERED["lockbox"] = {"lockbox", "since"}


def access_bound(case):
    vault_id = bytes.fromhex(vectors("access", "vault"))
    place = bytes.fromhex(case["object_id"])
    return vault_id, place, crypto.aad(vault_id, "access", place=place)


@cases("access", "good")
def test_each_slot_opens_for_its_own_reader_and_nobody_else(case):
    key = crypto.derive(bytes.fromhex(vectors("access", "pointer_key")), "access")
    vault_id, place, bound = access_bound(case)
    codec.fit(codec.uncbor(opens(case, key, bound)), vault.ACCESS)
    held = vault.Vault(vault_id, {bytes.fromhex(case["digest"]): b64decode(case["block"])})
    held.key = bytes.fromhex(vectors("access", "pointer_key"))
    held.root = {"access": [place, bytes.fromhex(case["digest"])]}
    seeds = unhex(case, "tool_seed", "device_seed", "stranger_seed")
    tool, device, stranger = (crypto.derive(seed, "box") for seed in seeds)
    scope = bytes.fromhex(case["scope"])
    grants = [bytes.fromhex(grant) for grant in case["grants"]]
    slots = [held.slot(tool, scope, grant) for grant in grants] + [held.slot(device)]
    assert sorted(map(codec.cbor, slots)) == sorted(map(bytes.fromhex, case["slots"].values()))
    refuses(held.slot, tool)
    refuses(held.slot, stranger)
    refuses(held.slot, stranger, scope, grants[0])
    refuses(held.slot, tool, bytes(16), grants[0])


@cases("access", "bad_plaintexts")
def test_a_bad_access_block_is_refused(case):
    refuses(lambda: codec.fit(codec.uncbor(b64decode(case["plaintext"])), vault.ACCESS))


@cases("access", "bad_blocks")
def test_a_damaged_access_block_is_refused(case):
    key = crypto.derive(bytes.fromhex(vectors("access", "pointer_key")), "access")
    _, _, bound = access_bound(vectors("access", "good")[0])
    refuses(crypto.unseal, key, bound, b64decode(case["block"]))


@cases("access", "bad_slots")
def test_a_bad_slot_is_refused(case):
    layout = {"reader": vault.READER_SLOT, "device": vault.DEVICE_SLOT}[case["slot"]]
    refuses(lambda: codec.fit(codec.uncbor(b64decode(case["plaintext"])), layout))


COVERED["access"] |= {"pointer_key", "vault"}


@cases("owner", "good")
def test_an_owner_block_opens(case):
    key, vault_id = (bytes.fromhex(vectors("owner", name)) for name in ("owner_key", "vault"))
    plaintext = opens(case, key, crypto.aad(vault_id, "owner", place=bytes.fromhex(case["object_id"])))
    assert codec.cbor(vault.read_owner(plaintext, vectors("owner", "generation"))) == plaintext


@cases("owner", "bad_plaintexts")
def test_a_bad_owner_block_is_refused(case):
    refuses(vault.read_owner, b64decode(case["plaintext"]), vectors("owner", "generation"))


@cases("owner", "bad_blocks")
def test_a_damaged_owner_block_is_refused(case):
    key, vault_id = (bytes.fromhex(vectors("owner", name)) for name in ("owner_key", "vault"))
    place = bytes.fromhex(vectors("owner", "good")[0]["object_id"])
    refuses(crypto.unseal, key, crypto.aad(vault_id, "owner", place=place), b64decode(case["block"]))


COVERED["owner"] |= {"owner_key", "generation", "vault"}


def root_context():
    contract, vault_id, pointer_key = (
        bytes.fromhex(vectors("root", name)) for name in ("contract", "vault", "pointer_key")
    )
    return [vectors("root", "chain"), contract], vault_id, crypto.derive(pointer_key, "root")


@cases("root", "good")
def test_a_root_opens_with_its_entries(case):
    where, vault_id, key = root_context()
    plaintext = opens(case, key, crypto.aad(vault_id, "root", place=case["sequence"].to_bytes(4)))
    held = vault.Vault(vault_id, {})
    held.root = vault.read_root(plaintext, where, vault_id, case["sequence"])
    assert held.root["generation"] == case["generation"]
    for one in case["entries"]:
        epoch, scope = one["content_key"], bytes.fromhex(one["scope"])
        content = bytes.fromhex(epoch["secret"])
        assert vault.epoch_id(content).hex() == epoch["id"]
        assert dict(held.root["entries"])[bytes.fromhex(one["tag"])].hex() == one["sealed"]
        assert codec.cbor(held.entry(scope, content, epoch["number"])) == b64decode(one["plaintext"])
        refuses(held.entry, bytes(16), content, epoch["number"])


@cases("root", "bad_plaintexts")
def test_a_bad_root_is_refused(case):
    where, vault_id, _ = root_context()
    refuses(vault.read_root, b64decode(case["plaintext"]), where, vault_id, vectors("root", "sequence"))


@cases("root", "bad_blocks")
def test_a_damaged_root_is_refused(case):
    _, vault_id, key = root_context()
    bound = crypto.aad(vault_id, "root", place=vectors("root", "sequence").to_bytes(4))
    refuses(crypto.unseal, key, bound, b64decode(case["block"]))


@cases("root", "bad_entries")
def test_a_bad_entry_is_refused(case):
    epoch = vectors("root", "good")[0]["entries"][0]["content_key"]
    refuses(vault.read_entry, b64decode(case["plaintext"]), bytes.fromhex(epoch["secret"]), epoch["number"])


COVERED["root"] |= {"contract", "vault", "chain", "pointer_key", "sequence"}


# what travels


@cases("link", "good")
def test_a_link_says_where_its_envelope_is(case):
    chain, contract, vault_id, cid, places = vault.read_link(case["text"])
    assert (chain, places) == (case["chain"], case["places"])
    assert [part.hex() for part in (contract, vault_id, cid[4:])] == [
        case[name] for name in ("contract", "vault", "envelope")
    ]


@cases("link", "bad")
def test_a_bad_link_is_refused(case):
    refuses(vault.read_link, case["text"])


def grantee_seed():
    return crypto.derive(bytes.fromhex(vectors("envelope", "seed")), "box")


def envelope_bound(link):
    vault_id = vault.read_link(link)[2]
    return vault_id, crypto.aad(vault_id, "envelope")


@cases("envelope", "good")
def test_an_envelope_opens_for_its_grantee(case):
    vault_id, bound = envelope_bound(case["link"])
    block = b64decode(case["block"])
    assert codec.sha256(block).hex() == case["digest"] == vault.read_link(case["link"])[3][4:].hex()
    plaintext = crypto.unbox(grantee_seed(), bound, block, [4096])
    assert plaintext == b64decode(case["plaintext"])
    x = vault.read_envelope(plaintext, vault_id)
    assert grant_id_of(x["secret"], vault_id, x["scope"][0], codec.sha256(block))[2].hex() == case["grant"]


@cases("envelope", "bad_plaintexts")
def test_a_bad_envelope_is_refused(case):
    vault_id, _ = envelope_bound(vectors("envelope", "link"))
    refuses(vault.read_envelope, b64decode(case["plaintext"]), vault_id)


@cases("envelope", "bad_blocks")
def test_a_damaged_envelope_is_refused(case):
    _, bound = envelope_bound(vectors("envelope", "link"))
    refuses(crypto.unbox, grantee_seed(), bound, b64decode(case["block"]), [4096])


def test_the_envelopes_seed_has_its_public_key():
    assert crypto.key_pair(grantee_seed())[1].hex() == vectors("envelope", "box_public")


COVERED["envelope"] |= {"seed", "box_public", "link"}


def parcel_context():
    contract, vault_id, grant, author, seed = (
        bytes.fromhex(vectors("parcel", name))
        for name in ("contract", "vault", "grant", "author", "box_seed")
    )
    number = vectors("parcel", "number")
    bound = crypto.aad(vault_id, "parcel", place=grant + number.to_bytes(4))
    return [vectors("parcel", "chain"), contract, vault_id, grant], number, author, seed, bound


@cases("parcel", "good")
def test_a_parcel_opens_for_the_letter_box(case):
    where, number, author, seed, bound = parcel_context()
    block = b64decode(case["block"])
    assert codec.sha256(block).hex() == case["digest"]
    plaintext = crypto.unbox(seed, bound, block, crypto.SIZES)
    assert plaintext == b64decode(case["plaintext"])
    assert vault.read_parcel(plaintext, where, number, author)["drafts"]


@cases("parcel", "bad_plaintexts")
def test_a_bad_parcel_is_refused(case):
    where, number, author, _, _ = parcel_context()
    refuses(vault.read_parcel, b64decode(case["plaintext"]), where, number, author)


@cases("parcel", "bad_blocks")
def test_a_damaged_parcel_is_refused(case):
    _, _, _, seed, bound = parcel_context()
    refuses(crypto.unbox, seed, bound, b64decode(case["block"]), crypto.SIZES)


def test_an_accepted_memory_proves_who_proposed_it():
    x = of_hex(vectors("parcel", "accepted_memory"))
    where, *_ = parcel_context()
    assert vault.memory(x)
    grant, number, proposal, signature = x["proof"]
    given = [*where[:3], grant], number, x["author"], proposal
    vault.check_proposal(*given, x, signature)
    refuses(vault.check_proposal, *given, {**x, "text": "another"}, signature)


COVERED["parcel"] |= {
    "chain",
    "contract",
    "vault",
    "grant",
    "author",
    "box_seed",
    "number",
    "accepted_memory",
}


@cases("card", "good")
def test_a_card_is_signed_by_its_account(case):
    x, digest, print16 = vault.read_card(case["json"].encode())
    assert (digest.hex(), print16.hex()) == (case["digest"], case["fingerprint"].replace(" ", ""))
    said = [bytes.fromhex(case[name]) for name in ("account", "box", "author")] + [
        case["name"],
        case["url"],
        case["issued"],
    ]
    assert [x[name] for name in ("account", "box", "author", "name", "url", "issued")] == said
    assert (x["request"].hex() if "request" in x else None) == case["request"]


@cases("card", "bad")
def test_a_bad_card_is_refused(case):
    refuses(vault.read_card, case["json"].encode())


COVERED["card"].add("secret")


# ---------------------------------------------------------------------------------------------------- pairing


REQUEST = {"memsync": re.compile("device request"), "version": vault.V1, "name": vault.NAME, "box": 1216}
REQUEST |= {"author": 32, "issued": vault.S, "nonce": 16, "signature": 64}
ANSWER = {"memsync": re.compile("device answer"), "version": vault.V1, "sealed": bytes}


def read_pairing(text, shape):
    """What two devices hand each other, its byte strings decoded."""
    codec.need(len(text.encode()) < 4096, "size")
    pairs = json.loads(text, object_pairs_hook=list)
    codec.need(isinstance(pairs, list) and all(isinstance(one, tuple) for one in pairs), "an object")
    x = dict(pairs)
    codec.need(len(x) == len(pairs), "a key twice")
    for name in shape.keys() & {"box", "author", "nonce", "signature", "sealed"} & x.keys():
        text, x[name] = x[name], urlsafe_b64decode(codec.fit(x[name], str) + "==")
        codec.need(urlsafe_b64encode(x[name]).decode().rstrip("=") == text, "base64url")
    return codec.fit(x, shape)


def read_request(text):
    return read_pairing(text, REQUEST)


def check_request(x):
    """The digest of what the device signed."""
    said = [x[name] for name in ("name", "box", "author", "issued", "nonce")]
    signed = b"memsync/v1/device-request" + codec.cbor(said)
    crypto.verify(x["author"], x["signature"], signed)
    return codec.sha256(signed)


def test_a_devices_request_and_its_answer_are_read():
    given = file_of("pairing")
    x = read_request(given["request"])
    digest = check_request(x)
    assert digest.hex() == given["digest"]
    assert codec.sha256(b"memsync/v1/device", x["box"], x["author"])[:16].hex() == given["device"]
    sealed = read_pairing(given["answer"], ANSWER)["sealed"]
    bound = codec.cbor(["memsync/v1", "pairing", digest])
    seed = crypto.derive(bytes.fromhex(given["device_seed"]), "box")
    assert crypto.unbox(seed, bound, sealed, [1648]).hex() == given["keys"]
    other = crypto.derive(bytes.fromhex(given["stranger_seed"]), "box")
    refuses(crypto.unbox, other, bound, sealed, [1648])
    refuses(crypto.unbox, seed, bound + b"x", sealed, [1648])
    for text in given["altered"]:
        refuses(check_request, read_request(text))


@cases("pairing", "bad_requests")
def test_what_is_no_devices_request_is_refused(case):
    refuses(read_request, case["json"])


COVERED["pairing"] |= {
    "request",
    "device",
    "digest",
    "altered",
    "answer",
    "device_seed",
    "stranger_seed",
    "keys",
}


def test_what_two_devices_say_over_a_wire_is_read_and_comes_to_the_code():
    given = file_of("handshake")
    x = read_request(given["request"])
    nonce = bytes.fromhex(given["nonce"])
    request = given["request"].encode()
    commitment = crypto.mac(nonce, "pairing commitment", request)
    assert commitment.hex() == given["commitment"]
    seed, public = bytes.fromhex(given["key_seed"]), bytes.fromhex(given["key"])
    place = codec.cbor(["memsync/v1", "pairing reveal", commitment])
    assert (
        crypto.unbox(seed, place, bytes.fromhex(given["reveal"]), [given["sizes"]["REVEAL"]])
        == nonce + request
    )
    session = crypto.mac(nonce, "pairing session", commitment, public, request)
    assert session.hex() == given["session"]
    code = int.from_bytes(crypto.derive(session, "pairing code", length=16), "big") % 10**7
    assert f"{code:07}" == given["code"]
    for name, proof in given["proofs"].items():
        assert crypto.mac(session, "pairing", name).hex() == proof
    place = codec.cbor(["memsync/v1", "pairing answer", session])
    box = crypto.derive(bytes.fromhex(file_of("pairing")["device_seed"]), "box")
    answer = crypto.unbox(box, place, bytes.fromhex(given["answer"]), [given["sizes"]["ANSWER"]])
    assert read_pairing(answer.decode(), ANSWER)
    assert check_request(x).hex() == file_of("pairing")["digest"]
    names = ("COMMIT", "KEY", "REVEAL", "EQUAL", "AGREED", "ANSWER", "TAKEN", "STOP")
    assert given["sizes"] == dict(zip(names, (32, 1216, 5232, 32, 32, 5232, 32, 1), strict=True))
    assert given["kinds"] == {name: number for number, name in enumerate(names, 1)}


COVERED["handshake"] = {
    "request",
    "nonce",
    "key_seed",
    "key",
    "commitment",
    "reveal",
    "session",
    "code",
    "proofs",
    "answer",
    "kinds",
    "sizes",
}


@cases("pins", "good")
def test_pins_name_their_blocks(case):
    block = b64decode(case["block"])
    pins = codec.fit(codec.uncbor(block), vault.PINS)
    assert [pin[4:].hex() for pin in pins] == case["digests"]
    assert codec.read_cid(case["cid"]) == codec.Cid(b"\x01\x71\x12\x20" + codec.sha256(block))


@cases("pins", "bad")
def test_bad_pins_are_refused(case):
    refuses(lambda: codec.fit(codec.uncbor(b64decode(case["block"])), vault.PINS))


# the golden vault

GOLDEN = json.loads((VECTORS / "golden" / "vault-v1.json").read_text())
ROOTS, BLOCKS = codec.read_car((VECTORS / "golden" / "vault-v1.car").read_bytes())
WHERE, VAULT = [GOLDEN["chain"], bytes.fromhex(GOLDEN["contract"])], bytes.fromhex(GOLDEN["vault"])
SCOPES = {name: bytes.fromhex(scope) for name, scope in GOLDEN["scopes"].items()}
HEADS = {head["sequence"]: (head["sequence"], *unhex(head, "salt", "pointer")) for head in GOLDEN["heads"]}


def reader(name):
    [found] = [one for one in GOLDEN["readers"] if one["reader"] == name]
    return found


def texts(found):
    records = [record for _, segment in found for record in (segment or ([], []))[0]]
    return [f"forgotten {x['id'].hex()}" if "forgotten" in x else x["text"] for _, _, x in records]


def agree_on_the_last(found, said):
    """Compares every record that a reader sees in a scope at the last head, and how many it doesn't see."""
    records = [(row, record) for row, segment in found for record in (segment or ([], []))[0]]
    assert sum(row[3] for row, segment in found if segment is None) == said["hidden"]
    assert [x["text"] for x in vault.current([record for _, record in records])] == said["current"]
    made = [
        {"order": row[0], "epoch": row[2][0], "batch": record[0], "memory": codec.cbor(record[2]).hex()}
        for row, record in records
    ]
    assert made == said["records"]


def whole(held, secret):
    """Everything that the holder of W of the root's generation sees: scope id → what `scope` gives."""
    scopes = held.owner(secret)["scopes"]
    return {scope: held.scope(scope, *held.with_history(scope, number, k)) for scope, _, number, k in scopes}


def agree_on_the_whole(found, sees):
    assert {name: texts(found[scope]) for name, scope in SCOPES.items()} == sees


@functools.cache
def owners_vault(sequence):
    """The owner's, from nothing but the words, chain, contract and head; with W."""
    secret = crypto.read_words(GOLDEN["words"], ENGLISH)
    owner = crypto.address(crypto.times(crypto.scalar(secret, "owner", *WHERE, 0)))
    vault_id = crypto.keccak(crypto.abi(*WHERE, owner, 0))
    assert (owner.hex(), vault_id) == (GOLDEN["owner"], VAULT)
    locators = [crypto.derive(secret, "locator", vault_id, number) for number in range(2)]
    held = vault.Vault(vault_id, BLOCKS).find(WHERE, locators, HEADS[sequence])
    return held, crypto.derive(secret, "generation", vault_id, held.root["generation"])


def test_the_owner_opens_every_root_from_the_words():
    for head, said in zip(GOLDEN["heads"], reader("owner")["heads"], strict=True):
        held, secret = owners_vault(said["sequence"])
        author, signer, _ = held.root["certificate"]
        assert wallet_of(secret, "signer")["address"] == signer.hex() == head["signer"]
        assert pairs_of(secret)["author"]["public"] == author.hex()
        x = held.owner(secret)
        assert (x["generation"], x["pointer"]) == (head["generation"], head["pointer_key"])
        agree_on_the_whole(whole(held, secret), said["sees"])
    for scope, said in reader("owner")["last"].items():
        agree_on_the_last(whole(held, secret)[bytes.fromhex(scope)], said)
    assert [held.root["previous"] in BLOCKS, HEADS.keys() == set(range(1, 11))] == [True, True]


def test_each_root_names_the_one_before_and_witnesses_what_it_added():
    held, secret = owners_vault(max(HEADS))
    leaves = {sequence: [] for sequence in HEADS}
    for found in whole(held, secret).values():
        for row, (records, dropped) in found:
            for record in records:
                leaves[record[0] or row[0][0]].append(vault.leaf(record))
            for batch, leaf in dropped:
                leaves[batch].append(leaf)
    previous = None
    for head in GOLDEN["heads"]:
        root = owners_vault(head["sequence"])[0].root
        assert root["previous"] == previous
        previous = codec.read_cid(head["root"])[4:]
        added = sorted(leaves[head["sequence"]])
        assert not added or root["witness"] == vault.witness(added)
    assert sum(map(bool, leaves.values())) > 5
    assert [root[4:] for root in ROOTS] == [previous]


def test_the_owners_list_of_grants_opens_each_envelope_and_inbox():
    for given in GOLDEN["grants"]:
        envelope, secret, scope = vault.read_link(given["link"])[3][4:], *unhex(given, "secret", "scope")
        assert grant_id_of(secret, VAULT, scope, envelope)[2].hex() == given["id"]
        held, w = owners_vault(given["granted_at"])
        [x] = [one for one in held.owner(w)["grants"] if one["id"].hex() == given["id"]]
        assert (x["name"], x["secret"], x["scope"], x["envelope"]) == (given["name"], secret, scope, envelope)
        assert (x["author"].hex(), x["rights"]) == (given["author"], given["rights"])
        last, last_w = owners_vault(max(HEADS))
        assert (given["ended_at"] is None) == any(
            one["id"] == x["id"] for one in last.owner(last_w)["grants"]
        )
        if given["inbox"]:
            number, (salt, pointer) = given["inbox"]["number"], unhex(given["inbox"], "salt", "pointer")
            digest = crypto.open_pointer(
                crypto.derive(secret, "parcel"), x["id"], number, salt, pointer, size=6
            )
            bound = crypto.aad(VAULT, "parcel", place=x["id"] + number.to_bytes(4))
            plaintext = crypto.unbox(crypto.derive(w, "box"), bound, BLOCKS[digest], crypto.SIZES)
            assert vault.read_parcel(plaintext, [*WHERE, VAULT, x["id"]], number, x["author"])["drafts"]


def test_every_accepted_memory_proves_its_tool():
    held, secret = owners_vault(max(HEADS))
    grants = {bytes.fromhex(given["id"]): given for given in GOLDEN["grants"]}
    proven = 0
    for _, (records, _) in (one for found in whole(held, secret).values() for one in found):
        for _, _, x in records:
            if "proof" in x:
                grant, number, proposal, signature = x["proof"]
                assert x["author"].hex() == grants[grant]["author"]
                vault.check_proposal([*WHERE, VAULT, grant], number, x["author"], proposal, x, signature)
                proven += 1
    assert proven


@pytest.mark.parametrize("name", ["laptop", "phone"])
def test_a_device_opens_generations_up_to_its_removal(name):
    device = reader(name)
    seed, locator, secret = unhex(device["has"], "seed", "P", "W")
    box, generation, lost = crypto.derive(seed, "box"), device["has"]["g"], 0
    for said in device["heads"]:
        held = vault.Vault(VAULT, BLOCKS).find(WHERE, [locator], HEADS[said["sequence"]])
        if said["generation_in_slot"] is None:
            assert refuses(held.slot, box) == "no slot is ours"
            assert refuses(held.owner, secret) == "commitment"
            lost += 1
            continue
        slot = held.slot(box)
        assert slot[1] == said["generation_in_slot"] == held.root["generation"]
        assert slot[1] > generation or slot[2] == secret
        _, generation, secret = slot
        found = whole(held, secret)
        agree_on_the_whole(found, said["sees"])
    assert (lost > 0) == (name == "phone")
    for scope, said in device["last"].items():
        agree_on_the_last(found[bytes.fromhex(scope)], said)


def granted(name):
    """A tool's envelope, grant id and box seed."""
    seed, (_, _, vault_id, cid, _) = reader(name)["has"]["seed"], vault.read_link(reader(name)["has"]["link"])
    seed = crypto.derive(bytes.fromhex(seed), "box")
    plaintext = crypto.unbox(seed, crypto.aad(vault_id, "envelope"), BLOCKS[cid[4:]], [4096])
    x = vault.read_envelope(plaintext, vault_id)
    assert vault_id == VAULT
    return x, grant_id_of(x["secret"], vault_id, x["scope"][0], cid[4:])[2], seed


@pytest.mark.parametrize("name", ["Visitor", "Historian", "Newcomer", "Former"])
def test_a_tool_sees_what_was_granted_until_it_ends(name):
    x, grant, seed = granted(name)
    scope, tool = x["scope"][0], reader(name)
    assert (x["key"][0] == 0) == tool["from_now_on"]
    epoch, found, ends = x["key"], [], 0
    for said in tool["heads"]:
        held, given = vault.Vault(VAULT, BLOCKS), (WHERE, x["pointer"][1], HEADS[said["sequence"]])
        if not said["root"]:
            assert refuses(held.enter, *given) == "not sealed by this key"
            ends += 1
            continue
        held.enter(*given)
        if said["slot"]:
            epoch = held.slot(seed, scope, grant)
            assert (epoch[0] == 0) == tool["from_now_on"]
            opened = (
                held.from_now_on(scope, epoch) if epoch[0] == 0 else held.with_history(scope, *epoch[1:3])
            )
            found = held.scope(scope, *opened)
            assert {name: texts(found) for name in SCOPES if SCOPES[name] == scope} == said["sees"]
        else:
            assert refuses(held.slot, seed, scope, grant) == "no slot is ours"
            content = epoch[2] if epoch[0] == 0 else crypto.derive(epoch[2], "content")
            assert refuses(held.entry, scope, content, epoch[1]) == "no entry under this content key"
            ends += 1
    assert (ends > 0) == (name in {"Visitor", "Former"}) == (not tool["last"])
    for scope_id, said in tool["last"].items():
        assert scope_id == scope.hex()
        agree_on_the_last(found, said)


def test_a_from_now_on_reader_has_no_lockbox_key():
    x, grant, seed = granted("Newcomer")
    held = vault.Vault(VAULT, BLOCKS).enter(WHERE, x["pointer"][1], HEADS[max(HEADS)])
    _, number, content, since, _ = held.slot(seed, x["scope"][0], grant)
    assert since
    lockbox = held.entry(x["scope"][0], content, number)[2]
    place = [x["scope"][0], vault.epoch_id(content)]
    assert refuses(held.open, lockbox, crypto.derive(content, "history"), "lockbox", *place) == "commitment"
    y, grant, seed = granted("Historian")
    k = held.slot(seed, y["scope"][0], grant)[2]
    assert vault.earlier_keys(held.open(lockbox, crypto.derive(k, "history"), "lockbox", *place), number)


# the reader itself


def imports_of(source):
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def foreign(source):
    """Imports beyond the standard library, cryptography, eth-hash and the reader's own modules."""
    tops = {name.split(".")[0] for name in imports_of(source)} - {""}
    return tops - sys.stdlib_module_names - {"cryptography", "eth_hash"}


MODULES = sorted(path for path in HERE.glob("*.py") if path.name != Path(__file__).name)


def test_the_reader_is_at_most_400_lines_and_imports_nothing_of_ours():
    assert {path.stem for path in MODULES} == {"codec", "crypto", "vault"}
    assert sum(len(path.read_text().splitlines()) for path in MODULES) <= 400
    assert [foreign(path.read_text()) for path in MODULES] == [set()] * len(MODULES)
    assert foreign("import os\nfrom memsync.crypto import words\nimport memsync") == {"memsync"}


def test_every_part_of_every_vector_file_is_read_here():
    held = {path.stem: set(file_of(path.stem)) for path in VECTORS.glob("*.json")}
    assert held == COVERED
