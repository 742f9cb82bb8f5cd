"""Edits of TOML with everything else kept."""

from __future__ import annotations

import tomllib

import pytest

from memsync.errors import InputError
from memsync.mcp_server.json_edit import MISSING
from memsync.mcp_server.toml_edit import get, put, take

PATH = ("mcp_servers", "memsync")
ENTRY = {"command": "/opt/mem sync", "args": ["mcp", "--client", "codex"], "env": {"MEMSYNC_HOME": "/a\\b"}}
TABLE = '[mcp_servers.memsync]\ncommand = "/opt/mem sync"\nargs = ["mcp", "--client", "codex"]\nenv = {MEMSYNC_HOME = "/a\\\\b"}\n'
MESSY = """# Vera's settings
model = "o4"   # the small one

[mcp_servers.docs]
command = "npx"
args = [
  "-y", # yes
]

[projects."/home/vera"]
trust_level = "trusted"

[mcp_servers.docs.env]
TOKEN = 'x'
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", TABLE),
        (MESSY, f"{MESSY}\n{TABLE}"),
        ("a = 1", f"a = 1\n\n{TABLE}"),
        ("\ufeffa = 1\r\n", ("\ufeffa = 1\n\n" + TABLE).replace("\n", "\r\n")),
        ("[[x]]\ny = 1\n", f"[[x]]\ny = 1\n\n{TABLE}"),
    ],
)
def test_a_new_table_stands_at_the_end_and_all_before_it_as_it_was(before: str, after: str):
    assert put(before, PATH, ENTRY) == after
    assert get(after, PATH) == ENTRY


@pytest.mark.parametrize(
    "before",
    [
        'mcp_servers = {docs = {command = "npx"}}\n',
        "mcp_servers.docs.command = 'npx'\n\n[other]\na = 1\n",
        "[mcp_servers]\ndocs = {command = 'npx'} # inline\n",
        "mcp_servers = {}\n",
    ],
)
def test_a_table_comes_in_however_the_others_are_written(before: str):
    after = put(before, PATH, ENTRY)
    wanted = tomllib.loads(before)
    wanted["mcp_servers"]["memsync"] = ENTRY
    assert tomllib.loads(after) == wanted
    assert tomllib.loads(take(after, PATH)) == tomllib.loads(before)


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_one_value_of_a_table_changes_and_the_persons_own_stay(line_end: str):
    text = (
        MESSY
        + '\n[mcp_servers.memsync] # mine\ncommand = "/old"\nstartup_timeout_sec = 20 # slow disk\n\n[z]\n'
    ).replace("\n", line_end)
    assert put(text, (*PATH, "command"), "/new") == text.replace("/old", "/new")


def test_a_table_that_is_taken_out_takes_nothing_else_along():
    text = f"{MESSY}\n{TABLE}\n[z] # last\na = 1\n"
    after = take(text, PATH)
    assert get(after, PATH) is MISSING
    assert after.startswith(MESSY)
    assert after.endswith("[z] # last\na = 1\n")
    assert take(MESSY, PATH) == MESSY


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("a = 1\nb = \n", "line 2, column 5: "),
        ("[a\n", "line 1, column 3: "),
        ('a = "', "line 1, column 6: "),
        ("mcp_servers = 1\n", "line 1, column 1: "),
        ("[a]\n[a]\n", "line 2, column 3: "),
    ],
)
def test_a_text_that_is_not_valid_is_refused_with_line_and_column(text: str, where: str):
    with pytest.raises(InputError) as caught:
        put(text, PATH, ENTRY)
    assert str(caught.value).startswith(where)
