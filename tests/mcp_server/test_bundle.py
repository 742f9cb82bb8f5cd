"""The bundle for Claude Desktop, and what the registry of servers is told: against what their schemas ask."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from jsonschema import validate

from memsync import __version__
from memsync.mcp_server.bundle import bundle
from tests.people import Person
from tests.shell import ROOT

COMMAND = "/opt/memsync/bin/memsync"
# What version 0.3 of a manifest must and may have, as far as ours goes (MANIFEST.md of modelcontextprotocol/mcpb).
MANIFEST = {
    "type": "object",
    "required": ["manifest_version", "name", "version", "description", "author", "server"],
    "additionalProperties": False,
    "properties": {
        "manifest_version": {"const": "0.3"},
        "name": {"type": "string"},
        "display_name": {"type": "string"},
        "version": {"type": "string", "pattern": r"^\d+\.\d+\.\d+"},
        "description": {"type": "string"},
        "long_description": {"type": "string"},
        "author": {"type": "object", "required": ["name"]},
        "license": {"type": "string"},
        "keywords": {"type": "array", "items": {"type": "string"}},
        "tools_generated": {"type": "boolean"},
        "server": {
            "type": "object",
            "required": ["type", "entry_point", "mcp_config"],
            "additionalProperties": False,
            "properties": {
                "type": {"enum": ["python", "node", "binary"]},
                "entry_point": {"type": "string"},
                "mcp_config": {
                    "type": "object",
                    "required": ["command"],
                    "additionalProperties": False,
                    "properties": {
                        "command": {"type": "string"},
                        "args": {"type": "array", "items": {"type": "string"}},
                        "env": {"type": "object", "additionalProperties": {"type": "string"}},
                    },
                },
            },
        },
        "compatibility": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"platforms": {"items": {"enum": ["darwin", "win32", "linux"]}}},
        },
        "user_config": {
            "additionalProperties": {
                "required": ["type", "title", "description"],
                "additionalProperties": False,
                "properties": {
                    "type": {"enum": ["string", "number", "boolean", "directory", "file"]},
                    "title": {"type": "string"},
                    "description": {"type": "string"},
                    "required": {"type": "boolean"},
                    "default": {"type": "string"},
                },
            }
        },
    },
}
# Likewise of server.json, schema 2025-12-11 (modelcontextprotocol.io/registry).
SERVER = {
    "type": "object",
    "required": ["name", "description", "version"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"const": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"},
        "name": {"pattern": "^[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+$", "minLength": 3, "maxLength": 200},
        "title": {"type": "string", "minLength": 1, "maxLength": 100},
        "description": {"type": "string", "minLength": 1, "maxLength": 100},
        "version": {"type": "string", "pattern": r"^\d+\.\d+\.\d+$"},
        "packages": {
            "items": {
                "required": ["registryType", "identifier", "transport"],
                "additionalProperties": False,
                "properties": {
                    "registryType": {"const": "pypi"},
                    "registryBaseUrl": {"const": "https://pypi.org"},
                    "identifier": {"const": "memsync"},
                    "version": {"type": "string"},
                    "runtimeHint": {"type": "string"},
                    "transport": {"const": {"type": "stdio"}},
                    "runtimeArguments": {"$ref": "#/$defs/arguments"},
                    "packageArguments": {"$ref": "#/$defs/arguments"},
                },
            }
        },
    },
    "$defs": {
        "arguments": {
            "items": {
                "required": ["type"],
                "oneOf": [
                    {"properties": {"type": {"const": "positional"}}, "required": ["value"]},
                    {"properties": {"type": {"const": "named"}}, "required": ["name"]},
                ],
            }
        }
    },
}


def opened(data: bytes, folder: Path) -> Path:
    """The bundle as a client unpacks it."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for entry in archive.infolist():
            file = Path(archive.extract(entry, folder))
            file.chmod(stat.S_IMODE(entry.external_attr >> 16))
    return folder


def test_the_manifest_is_what_the_format_asks(tmp_path: Path):
    folder = opened(bundle(__version__, COMMAND, {"MEMSYNC_HOME": "/m"}), tmp_path)
    manifest = json.loads((folder / "manifest.json").read_text())
    validate(manifest, MANIFEST)
    assert manifest["version"] == __version__
    assert (folder / manifest["server"]["entry_point"]).is_file()
    assert manifest["user_config"]["memsync"]["default"] == COMMAND
    assert manifest["server"]["mcp_config"]["env"] == {
        "MEMSYNC": "${user_config.memsync}",
        "MEMSYNC_HOME": "/m",
    }


def test_the_bytes_are_the_same_for_the_same():
    first, again = (bundle("1.2.3", COMMAND, {"A": "1"}) for _ in range(2))
    assert first == again
    assert first != bundle("1.2.4", COMMAND, {"A": "1"})


def test_what_the_bundle_starts_is_the_command_that_was_chosen(tmp_path: Path):
    folder = opened(bundle("1.2.3", COMMAND, {}), tmp_path)
    chosen = tmp_path / "my memsync"
    chosen.write_text(f'#!{sys.executable}\nimport sys; print(*sys.argv[1:], sep="|")\n')
    chosen.chmod(0o755)
    started = [folder / "server" / "memsync", "--http"]
    env = os.environ | {"MEMSYNC": str(chosen)}
    out = subprocess.run(started, env=env, capture_output=True, text=True, check=True).stdout
    assert out == "mcp|--client|claude-desktop|--http\n"


def test_a_bundle_is_written_by_the_command(tmp_path: Path):
    person = Person(tmp_path / "person")
    file = tmp_path / "memsync.mcpb"
    done = person.types("mcp", "bundle", str(file))
    assert done.stdout.splitlines()[0] == f"{file}: open it with Claude Desktop"
    manifest = json.loads(zipfile.ZipFile(file).read("manifest.json"))
    assert manifest["user_config"]["memsync"]["default"] == str(Path(sys.executable).parent / "memsync")
    assert manifest["server"]["mcp_config"]["env"]["MEMSYNC_HOME"] == str(person.home)
    refused = person.types("mcp", "bundle", str(tmp_path / "memsync.zip"))
    assert (refused.returncode, refused.stderr) == (
        2,
        f"memsync: {tmp_path / 'memsync.zip'} does not end in .mcpb, by which Claude Desktop knows it; name it so\n",
    )


@pytest.mark.skipif(not shutil.which("mcpb"), reason="npm's @anthropic-ai/mcpb is not on PATH")
def test_the_formats_own_tool_takes_the_bundle(tmp_path: Path):
    file = tmp_path / "memsync.mcpb"
    file.write_bytes(bundle(__version__, COMMAND, {"MEMSYNC_HOME": "/m"}))
    subprocess.run(["mcpb", "unpack", file, tmp_path / "out"], check=True, capture_output=True)
    subprocess.run(["mcpb", "validate", tmp_path / "out"], check=True, capture_output=True)
    assert os.access(tmp_path / "out" / "server" / "memsync", os.X_OK)


def test_the_registry_is_told_this_version_and_the_name_that_the_readme_proves():
    server = json.loads((ROOT / "server.json").read_text())
    validate(server, SERVER)
    assert server["version"] == server["packages"][0]["version"] == __version__
    [proof] = re.findall(r"^<!-- mcp-name: (\S+) -->$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert server["name"] == proof
    done = subprocess.run([sys.executable, ROOT / "tools" / "server_json.py", "--check"], check=False)
    assert done.returncode == 0
