"""The verbs that move memories in from other tools, and out into files."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Literal

from memsync.errors import InputError
from memsync.intake import ImportOptions
from memsync.keeper.at import At
from memsync.keeper.values import iso, read_time
from memsync.keeper.verb import Needs, Values, verb


@verb("import", Needs.VAULT, "Vault.import_file")
def import_file(
    at: At,
    *,
    format: Literal["auto", "chatgpt", "claude", "mem0", "mcp-memory", "markdown", "jsonl", "csv"],  # noqa: A002 - the word of the documentation
    file: str,
    scope: str | None = None,
    since: str | None = None,
    title: str | None = None,
    only: str | None = None,
    all_branches: bool = False,
    dry_run: bool = False,
) -> Values:
    """Take in what another tool exported; again adds what is new in it."""
    options = ImportOptions(
        scope=scope or at.settings.scope,
        since=read_time(since, now=time.time()),
        title=title,
        only=only,
        all_branches=all_branches,
        dry_run=dry_run,
    )
    report = at.vault.import_file(_whole(file), format, options)
    fields = {name: getattr(report, name) for name in report.__slots__}
    told = {
        "left_out": {str(reason): count for reason, count in report.left_out.items()},
        "first": iso(report.first),
        "last": iso(report.last),
    }
    return {"report": fields | told, "lines": report.lines()}


@verb("export", Needs.VAULT, "Vault.export_file")
def export(
    at: At,
    *,
    format: Literal["car", "jsonl", "markdown"],  # noqa: A002 - as with import
    file: str,
    grant: str | None = None,
    scope: str | None = None,
    tag: str | None = None,
    since: str | None = None,
    until: str | None = None,
) -> Values:
    """Write the vault's blocks, those that one grantee needs, or memories in plain text."""
    path = _whole(file)
    if format == "car":
        if any(one is not None for one in (scope, tag, since, until)):
            raise InputError("a CAR holds blocks, not single memories; leave out scope, tag and time")
        written = at.vault.export_car(path, grant=grant)
        return {"file": str(path), "format": format, "blocks": written.blocks, "size": written.bytes}
    if grant is not None:
        raise InputError("a grantee reads blocks; export a car for it")
    now = time.time()
    found = at.vault.export_file(
        path,
        format,
        scope=scope,
        tag=tag,
        since=read_time(since, now=now),
        until=read_time(until, now=now),
    )
    return {
        "file": str(path),
        "format": format,
        "memories": found.memories,
        "secrets": found.secrets,
        "size": found.bytes,
        "warning": found.warning,
    }


def _whole(file: str) -> Path:
    path = Path(file)
    if not path.is_absolute():
        raise InputError(f"{file} must be a whole path; give it from the root on")
    return path
