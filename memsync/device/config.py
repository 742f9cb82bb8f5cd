"""The one file of settings, ``config.toml`` in MemSync's folder: read strictly, changed in place with the person's comments kept, by one
at a time. (Where a vault's keys are written dotted or inline, what is changed may be written anew, without comments.)

A flag of a command comes first, then an environment variable, then this file, then what is built in; flags and variables are the command
line's affair. A key that nobody knows is an error that names the nearest one. The file holds no secret: a gateway's token is in a file that
the setting names. Mode 0600, for an RPC's address may carry an account.
"""

from __future__ import annotations

import difflib
import fcntl
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from memsync.device.paths import check_name
from memsync.errors import InputError
from memsync.home import memsync_home
from memsync.store.directory import flush
from memsync.store.faults import named

LIMIT: Final = 1 << 20
OWN_BLOCKS: Final = "blocks"
"""How a vault's own folder for blocks is written among its stores."""

# What each setting is; a star stands for a name.
KEYS: Final[Mapping[str, tuple[type, str]]] = MappingProxyType(
    {
        "vault": (str, "the vault that is meant when none is named; default"),
        "scope": (str, "the scope that new memories go to; personal"),
        "idle": (str, "how long the keeper stays open unused; 8h"),
        "recall.embedder": (str, "what else than words finds memories: `none`, sentence-transformers:NAME, fastembed:NAME, or URL#MODEL"),
        "recall.allow_remote": (str, "`yes` if a URL there may be another machine, which then gets the texts; no"),
        "recall.token_file": (str, "the file that holds that URL's token"),
        "profile.endpoint": (str, "a language model that may put the profile into sentences, when asked: URL#MODEL"),
        "profile.allow_remote": (str, "`yes` if that URL may be another machine, which then gets the profile; no"),
        "profile.token_file": (str, "the file that holds that URL's token"),
        "chain.network": (str, "the chain of vaults that have none of their own: `node`, an Ape network choice, or an RPC's URL"),
        "chain.payer": (str, "the Ape account that pays there"),
        "vaults.*.network": (str, "the chain of one vault"),
        "vaults.*.payer": (str, "who pays for it"),
        "vaults.*.stores": (list, "where its blocks are kept; its own folder is `blocks`"),
        "vaults.*.listed_in": (str, "the vault of the same words that lists it; `memsync vault` writes that"),
        "vaults.*.number": (str, "which vault of these words it is; written with that"),
        "vaults.*.tokens.*": (str, "the file that holds the token of a gateway, by the gateway's URL"),
    }
)  # fmt: skip
_VAULT, _SCOPE, IDLE = "default", "personal", "8h"
_SPAN: Final = re.compile(r"([1-9][0-9]{0,4})(s|m|h|d)")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for one vault. ``idle``: seconds; ``stores``: places as text, this vault's own folder as ``blocks``; ``tokens``: files by
    a gateway's URL; ``embedder_token``: the file of that of ``embedder``, and so ``writer_token`` of
    ``writer``, the model that rewrites a profile; ``network`` and ``payer`` None where nothing is chosen; ``listed_in``: the vault that has
    this one on its list, None for one that has a list itself."""

    vault: str
    scope: str
    idle: int
    network: str | None
    payer: str | None
    stores: tuple[str, ...]
    tokens: Mapping[str, str]
    listed_in: str | None = None
    embedder: str = "none"
    allow_remote: bool = False
    embedder_token: str | None = None
    writer: str | None = None
    writer_remote: bool = False
    writer_token: str | None = None


def config_file(home: Path | None = None) -> Path:
    """Where the file is, whether there is one or not."""
    return (memsync_home() if home is None else home) / "config.toml"


def settings(vault: str | None = None, home: Path | None = None) -> Settings:
    """What holds for ``vault``, or for the one that is meant when none is named. ``InputError`` for a file that can't be used."""
    found = read_config(home)
    name = vault or found.get("vault", _VAULT)
    check_name(name)
    own, chain = found.get("vaults", {}).get(name, {}), found.get("chain", {})
    # A payer belongs to the network that was chosen with it.
    chosen = own if "network" in own else chain
    return Settings(
        vault=name,
        scope=found.get("scope", _SCOPE),
        idle=seconds(found.get("idle", IDLE)),
        network=chosen.get("network"),
        payer=own.get("payer") or chosen.get("payer"),
        stores=tuple(own.get("stores") or (OWN_BLOCKS,)),
        tokens=dict(own.get("tokens", {})),
        listed_in=own.get("listed_in"),
        embedder=found.get("recall", {}).get("embedder", "none"),
        allow_remote=found.get("recall", {}).get("allow_remote", "no") == "yes",
        embedder_token=found.get("recall", {}).get("token_file"),
        writer=found.get("profile", {}).get("endpoint"),
        writer_remote=found.get("profile", {}).get("allow_remote", "no") == "yes",
        writer_token=found.get("profile", {}).get("token_file"),
    )


def further_vaults(first: str, home: Path | None = None) -> dict[int, str]:
    """The vaults that ``first`` lists, by number, under the names that they have on this device."""
    return {
        int(found["number"]): name
        for name, found in read_config(home).get("vaults", {}).items()
        if found.get("listed_in") == first and "number" in found
    }


def read_config(home: Path | None = None) -> dict[str, Any]:
    """The file's content, every key and type checked; empty where there is no file."""
    return _read(config_file(home))[1]


def change_config(changes: Mapping[str, str | list[str] | None], home: Path | None = None) -> Path:
    """Set these keys (``chain.network``, ``vaults.default.stores`` …), or unset those with None; all or none. ``InputError``."""
    import tomlkit

    file = config_file(home)
    keys = {split_key(dotted): value for dotted, value in changes.items()}
    for key, value in keys.items():
        if value is not None:
            _check(key, value, "this setting")
    with _alone(file.parent):
        text, wanted = _read(file)
        changed = _changed_in_place(text, keys)
        for key, value in keys.items():
            _put(wanted, key, value)
        if changed is None or tomllib.loads(changed) != wanted:
            changed = tomlkit.dumps(wanted)
        _write(file, changed)
    return file


def split_key(dotted: str) -> tuple[str, ...]:
    """The parts of a key; only what stands last may hold dots. ``InputError`` for one that nobody knows."""
    if dotted.startswith("vaults."):
        # A vault's name may hold dots, and so does a URL: what is known decides.
        for pattern in (key.split(".") for key in KEYS if key.startswith("vaults.")):
            found = re.fullmatch(
                rf"vaults\.(.+?)\.{re.escape(pattern[2])}" + (r"\.(.+)" if len(pattern) > 3 else ""), dotted
            )
            if found:
                return ("vaults", found[1], pattern[2], *found.groups()[1:])
    key = tuple(dotted.split("."))
    _known(key, "this setting")
    return key


def seconds(span: str) -> int:
    """The seconds of ``30m``, ``8h`` and the like. ``InputError``."""
    found = _SPAN.fullmatch(span)
    if not found:
        raise InputError(f"{span!r} is no span of time; say for example 30m or 8h")
    return int(found[1]) * _SECONDS[found[2]]


def _read(file: Path) -> tuple[str, dict[str, Any]]:
    """The file as it is written, and what it says, checked; both empty where there is none."""
    with named(f"{file}", "read"):
        if not file.exists():
            return "", {}
        if not file.is_file():
            raise InputError(f"{file} is no file; put it away")
        with file.open("rb") as opened:
            data = opened.read(LIMIT + 1)
    if len(data) > LIMIT:
        raise InputError(f"{file} is larger than {LIMIT} bytes; put it away")
    try:
        text = data.decode()
        found = tomllib.loads(text)
        for key, value in _leaves(found):
            _check(key, value, str(file))
    except InputError:
        raise
    except (ValueError, RecursionError) as err:
        raise InputError(f"{file} is not TOML: {err}; mend it, or put it away") from None
    return text, found


def _changed_in_place(text: str, keys: Mapping[tuple[str, ...], object]) -> str | None:
    """The file with these keys changed and all else as it was written; None where tomlkit can't."""
    import tomlkit

    try:
        document = tomlkit.parse(text)
        for key, value in keys.items():
            _put(document, key, value)
        changed = tomlkit.dumps(document)
        tomllib.loads(changed)
    except Exception:  # noqa: BLE001 - it stumbles over dotted keys and inline tables in several ways
        return None
    return changed


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else changes the settings meanwhile; the system lets go of the lock if the process dies."""
    with named(f"folder {folder}", "written"):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with named(f"folder {folder}", "written"):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _leaves(table: Mapping[str, Any], *before: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in table.items():
        key = (*before, name)
        if isinstance(value, dict) and not any(map(_of(key), KEYS)):
            yield from _leaves(value, *key)
        else:
            yield key, value


def _of(key: tuple[str, ...]) -> Callable[[str], bool]:
    """Whether a pattern of ``KEYS`` is one of this key."""

    def fits(pattern: str) -> bool:
        parts = pattern.split(".")
        return len(parts) == len(key) and all(
            part in ("*", name) for part, name in zip(parts, key, strict=True)
        )

    return fits


def _known(key: tuple[str, ...], where: str) -> type:
    for pattern, (kind, _) in KEYS.items():
        if _of(key)(pattern):
            return kind
    dotted = ".".join(key)
    shape = ".".join(name if at != 1 or key[0] != "vaults" else "*" for at, name in enumerate(key))
    near = difflib.get_close_matches(shape, KEYS, n=1, cutoff=0.4)
    advice = (
        f"did you mean {near[0].replace('*', key[1] if len(key) > 1 else 'NAME', 1)!r}?"
        if near
        else f"known are {', '.join(KEYS)}"
    )
    raise InputError(f"{where} has an unknown key {dotted!r}; {advice}")


def _check(key: tuple[str, ...], value: object, where: str) -> None:
    kind, dotted = _known(key, where), ".".join(key)
    if kind is list:
        if not isinstance(value, list) or not value or not all(isinstance(one, str) and one for one in value):
            raise InputError(f"{where}: {dotted} is a list of texts, at least one")
    elif not isinstance(value, str) or not value:
        raise InputError(f"{where}: {dotted} is a text, not {value!r}; put it in quotes")
    if any(
        "\ud800" <= char <= "\udfff"
        for text in (dotted, *(value if kind is list else (value,)))
        for char in text
    ):
        raise InputError(f"{where}: {dotted!r} is not UTF-8; write it so")
    if dotted == "idle":
        seconds(str(value))
    if dotted in {"recall.allow_remote", "profile.allow_remote"} and value not in ("yes", "no"):
        raise InputError(f"{where}: {dotted} is yes or no, not {value!r}; write one of them")
    if key[0] == "vaults":
        check_name(key[1])
        if key[2] == "listed_in":
            check_name(str(value))
        if key[2] == "number" and not re.fullmatch("[1-9][0-9]{0,9}", str(value), re.ASCII):
            raise InputError(f"{where}: {dotted} is a number from 1 on, not {value!r}; write one")


def _put(document: Any, key: tuple[str, ...], value: object) -> None:
    """Set or unset one key; tables that become empty go."""
    tables = [document]
    for name in key[:-1]:
        if name not in tables[-1]:
            if value is None:
                return
            tables[-1][name] = {}
        tables.append(tables[-1][name])
    if value is not None:
        tables[-1][key[-1]] = value
        return
    tables[-1].pop(key[-1], None)
    for table, name in zip(reversed(tables[:-1]), reversed(key[:-1]), strict=True):
        if not table[name]:
            table.pop(name)


def _write(file: Path, text: str) -> None:
    file = file.resolve()  # a link to where the person keeps such files stays one
    temporary = file.with_name(f".{file.name}-new")
    with named(f"{file}", "written"):
        try:
            with os.fdopen(
                os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600),
                "w",
                encoding="utf-8",
            ) as opened:
                opened.write(text)
            flush(temporary)
            temporary.replace(file)
            flush(file.parent)
        finally:
            with suppress(OSError):
                temporary.unlink()
