from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsync.crypto.wordlist import WORDS
from memsync.crypto.words import from_words, to_words
from memsync.errors import InputError, LockedError, WrongWords

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/words.json").read_text(encoding="utf-8"))

# The 24-word English vectors of https://github.com/trezor/python-mnemonic/blob/master/vectors.json: entropy, words.
PUBLISHED = json.loads((Path(__file__).with_name("bip39.json")).read_text(encoding="utf-8"))

SECRETS = st.binary(min_size=32, max_size=32).filter(lambda secret: secret.hex() not in dict(PUBLISHED))


def test_the_list_is_that_of_bip_39():
    joined = "".join(word + "\n" for word in WORDS).encode()
    assert (
        hashlib.sha256(joined).hexdigest()
        == "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda"
    )


@pytest.mark.parametrize(("entropy", "words"), PUBLISHED, ids=lambda value: value[:8])
def test_published_entropies_are_encoded_as_published_and_refused_as_a_vault(entropy, words):
    assert to_words(bytes.fromhex(entropy)) == f"memsync {words}"
    with pytest.raises(WrongWords, match="published"):
        from_words(words)


def test_all_published_vectors_of_24_words_are_refused():
    assert len(PUBLISHED) == len(VECTORS["published"]) == 8
    assert {entropy for entropy, _ in PUBLISHED} == {case["secret"] for case in VECTORS["published"]}


@pytest.mark.parametrize("case", VECTORS["good"], ids=lambda case: case["secret"][:8])
def test_words_are_those_in_the_vectors(case):
    assert to_words(bytes.fromhex(case["secret"])) == case["words"]
    assert from_words(case["words"]).hex() == case["secret"]


@pytest.mark.parametrize(
    "case", VECTORS["accepted"], ids=["without the first", "upper case", "lines", "title case"]
)
def test_words_are_taken_in_any_case_and_spacing_and_without_the_first(case):
    assert from_words(case["words"]).hex() == case["secret"]


@pytest.mark.parametrize("case", VECTORS["bad"], ids=lambda case: case["why"])
def test_other_words_are_refused(case):
    with pytest.raises(WrongWords):
        from_words(case["words"])


@given(SECRETS)
def test_a_secret_comes_back_from_its_words(secret):
    words = to_words(secret)
    assert len(words.split()) == 25
    assert words.startswith("memsync ")
    assert from_words(words) == from_words(words.removeprefix("memsync ")) == secret


@given(SECRETS, st.integers(1, 24), st.sampled_from(WORDS))
def test_one_word_changed_is_another_secret_or_refused(secret, place, word):
    words = to_words(secret).split()
    same = words[place] == word
    words[place] = word
    try:
        found = from_words(" ".join(words))
    except WrongWords:
        assert not same
    else:
        assert (found == secret) == same
        assert to_words(found).split() == words


def test_the_checksum_refuses_all_but_one_in_256_wrong_words():
    words = to_words(bytes(range(32))).split()
    passed = 0
    for word in WORDS:
        try:
            from_words(" ".join([*words[:-1], word]))
        except WrongWords:
            continue
        passed += 1
    assert passed == 2048 // 256


def test_an_error_tells_the_place_and_never_a_word():
    words = to_words(bytes(range(32))).split()[1:]
    for bad in ([*words[:4], "hunter2", *words[5:]], words[::-1], words[:23]):
        with pytest.raises(LockedError) as caught:
            from_words(" ".join(bad))
        said = str(caught.value).split()
        assert not {*bad, "hunter2"} & {*said} - {"word", "is", "a", "in", "or"}
    with pytest.raises(WrongWords, match="word 5 "):
        from_words(" ".join([*words[:4], "hunter2", *words[5:]]))


def test_a_secret_of_another_length_is_the_callers_fault():
    with pytest.raises(InputError):
        to_words(bytes(16))


@given(st.text(max_size=300))
def test_any_text_is_words_or_one_error(text):
    with pytest.raises(WrongWords):
        from_words(text)
