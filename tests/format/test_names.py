from __future__ import annotations

import pytest

from memsync.errors import FormatError
from memsync.format.names import read_name


@pytest.mark.parametrize(
    "name", ["a", "personal", " ", "Ada's phone", "工作", "👩‍💻", "e\u0301", "x" * 64, "𝒳" * 64, "مرحبا"]
)
def test_a_name_is_kept_verbatim(name):
    assert read_name(name, what="owner") == name


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("", "size"),
        ("x" * 65, "size"),
        *[
            (f"a{chr(code)}b", "value")
            for code in (
                0,
                9,
                10,
                13,
                31,
                127,
                0x85,
                0x9F,
                0x2028,
                0x2029,
                0x202A,
                0x202E,
                0x2066,
                0x2069,
                0xD800,
            )
        ],
        (None, "type"),
        (b"work", "type"),
    ],
)
def test_a_name_that_could_deceive_is_refused(name, fault):
    with pytest.raises(FormatError) as refused:
        read_name(name, what="owner")
    assert (refused.value.what, refused.value.fault) == ("owner", fault)
