"""Make the golden vault, ``tests/vectors/golden/vault-v1.car`` and ``.json``: ``python tools/make_golden.py --once``.

The CAR holds every block that the vault of ``tests/format/lives.py`` ever published, its root is the CID of the last root; the JSON holds
what is known besides: words, heads, seeds, links, and for each reader at each head what it must see. Keys, ids and memories are the same
at each run. HPKE boxes are not, for the library draws their randomness itself, and with the envelopes the grants' ids and the owner
blocks change; so the vault is made once, committed, and made again only when the format itself changes. Without ``--once`` it refuses.
"""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
# Some distributions install a package named `tests`, which would hide ours.
sys.modules["tests"] = types.ModuleType("tests")
sys.modules["tests"].__path__ = [str(ROOT / "tests")]

from memsync.crypto.words import to_words  # noqa: E402
from memsync.format.envelope import read_envelope  # noqa: E402
from memsync.format.records import encode_memory  # noqa: E402
from memsync.format.rights import READ  # noqa: E402
from memsync.ipld.car import write_car  # noqa: E402
from memsync.ipld.cid import CID, RAW  # noqa: E402
from tests.format import readers  # noqa: E402
from tests.format.lives import tell  # noqa: E402
from tests.format.story import Story  # noqa: E402
from tests.format.world import Granted, Head, Party  # noqa: E402

GOLDEN = ROOT / "tests/vectors/golden"


def published(story: Story, head: Head) -> readers.Published:
    return readers.Published(
        story.chain_id, story.contract, story.vault, story.blocks, head.sequence, head.sealed
    )


def seen(story: Story, views: dict[bytes, readers.Seen]) -> dict[str, Any]:
    names = {scope.id: first for first, scope in story.scopes.items()}
    return {names[scope]: view.texts for scope, view in sorted(views.items(), key=lambda one: names[one[0]])}


def last_records(views: dict[bytes, readers.Seen]) -> dict[str, Any]:
    return {
        scope.hex(): {
            "hidden": view.hidden,
            "current": view.current,
            "records": [
                {
                    "order": list(order),
                    "epoch": epoch,
                    "batch": record.batch,
                    "memory": encode_memory(record.memory).hex(),
                }
                for order, epoch, record in view.records
            ],
        }
        for scope, view in sorted(views.items())
    }


def owner(story: Story) -> dict[str, Any]:
    heads, views = [], {}
    for head in story.heads:
        _, views = readers.owner_reads(published(story, head), story.root_key)
        heads.append({"sequence": head.sequence, "sees": seen(story, views)})
    return {"reader": "owner", "has": {"words": True}, "heads": heads, "last": last_records(views)}


def device(story: Story, party: Party) -> dict[str, Any]:
    paired = story.root_key.generation(story.vault, 0)
    heads, views = [], {}
    for head in story.heads:
        key = story.locator.pointer_key(head.pointer)
        found, views = readers.device_reads(published(story, head), party.key.box(), key, paired)
        heads.append(
            {
                "sequence": head.sequence,
                "generation_in_slot": found and found.number,
                "sees": seen(story, views) if views else None,
            }
        )
    has = {"seed": party.key.seed.hex(), "P": story.locator.secret.hex(), "W": paired.secret.hex(), "g": 0}
    return {"reader": party.name, "has": has, "heads": heads, "last": last_records(views)}


def reader(story: Story, grant: Granted) -> dict[str, Any]:
    """From its grant on: a former reader too, with the key of its last slot."""
    envelope = read_envelope(story.blocks[grant.link.envelope], grant.link, grant.tool.key.box())
    heads, view, kept = [], None, None
    for head in story.heads[grant.granted - 1 :]:
        at = published(story, head)
        root = readers.open_root(at, envelope.pointer.secret, least_generation=envelope.generation)
        slot = root and readers.find_slot(at, root, envelope, grant.id, grant.tool.key.box())
        kept = slot or kept
        view = readers.reader_reads(at, root, envelope, kept) if root else None
        heads.append(
            {"sequence": head.sequence, "root": root is not None, "slot": slot is not None}
            | {"sees": view and seen(story, {envelope.scope: view})}
        )
    return {
        "reader": grant.name,
        "has": {"seed": grant.tool.key.seed.hex(), "link": str(grant.link)},
        "from_now_on": grant.from_now_on,
        "heads": heads,
        "last": last_records({envelope.scope: view} if view else {}),
    }


def granted(story: Story, grant: Granted) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": grant.name,
        "tool": grant.tool.name,
        "link": str(grant.link),
        "id": grant.id.hex(),
        "secret": grant.secret.secret.hex(),
        "author": grant.tool.key.author().public.hex(),
        "scope": story.scopes[grant.scope].id.hex(),
        "rights": grant.rights,
        "granted_at": grant.granted,
        "ended_at": grant.ended,
        "acknowledged": grant.acknowledged,
        "inbox": None,
    }
    if grant.parcel is not None:
        found["inbox"] = {
            "number": grant.parcels,
            "salt": grant.parcel.salt.hex(),
            "pointer": grant.parcel.pointer.hex(),
        }
    return found


def describe(story: Story) -> dict[str, Any]:
    grants = list(story.grants.values())
    return {
        "about": "Made by tools/make_golden.py. `sees`: texts of all records in order, a tombstone as `forgotten <id>`; null: nothing. "
        "A reader tries each head with the pointer key of its envelope and the keys of its last slot.",
        "words": to_words(story.root_key.secret),
        "chain": story.chain_id,
        "contract": story.contract.hex(),
        "owner": story.owner_key.address.hex(),
        "vault": story.vault.hex(),
        "scopes": {name: scope.id.hex() for name, scope in story.scopes.items()},
        "heads": [
            {
                "sequence": head.sequence,
                "salt": head.sealed.salt.hex(),
                "pointer": head.sealed.pointer.hex(),
                "signer": head.signer.hex(),
                "root": str(CID(RAW, head.digest)),
                "generation": head.generation,
                "pointer_key": head.pointer,
            }
            for head in story.heads
        ],
        "grants": [granted(story, grant) for grant in grants],
        "readers": [
            owner(story),
            *(device(story, party) for party in story.devices.values()),
            *(reader(story, grant) for grant in grants if grant.rights & READ),
        ],
    }


def main() -> None:
    if sys.argv[1:] != ["--once"]:
        raise SystemExit(__doc__)
    story = tell()
    GOLDEN.mkdir(parents=True, exist_ok=True)
    text = json.dumps(describe(story), indent=1, ensure_ascii=False) + "\n"
    (GOLDEN / "vault-v1.json").write_text(text, encoding="utf-8")
    blocks = [(CID(RAW, digest), data) for digest, data in sorted(story.blocks.items())]
    with (GOLDEN / "vault-v1.car").open("wb") as car:
        write_car([CID(RAW, story.heads[-1].digest)], blocks, car.write)
    for path in sorted(GOLDEN.iterdir()):
        print(f"{path.stat().st_size:8} {path.name}")


if __name__ == "__main__":
    main()
