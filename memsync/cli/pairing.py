"""What `device add --listen` does: it lets one device in, has the person type the code that this device shows, and hands it the keys.

The socket is this process's. The keys are not: what is sent is the answer of `device add`, by the keeper or here, which only the other
device can open.
"""

from __future__ import annotations

import shlex

from memsync.cli.asking import ask_code
from memsync.cli.calling import Found, call, target
from memsync.cli.frame import note, shown
from memsync.errors import ChainError
from memsync.format.pairing import write_request
from memsync.vault.pairing import LOOPBACK, listening


def add_over(where: str, name: str | None, fingerprint: str | None) -> Found:
    """Add the device that comes; what `device add` found. ``fingerprint``: the device's whole one, instead of the code."""
    # What is wrong with vault, store or chain is said before anybody has compared anything.
    if not call("pull")["sequence"]:
        raise ChainError("the vault is on no chain yet; push first")
    with listening(where) as door:
        note(f"on the new device, say: {_line(door.address)}")
        with door.wait() as joining:
            asked = joining.request
            note(f"{shown(asked.name)} asks for the whole vault")
            if fingerprint is None:
                joining.compare(ask_code("The code that it shows"))
            else:
                joining.compare_fingerprint(fingerprint)
            note("the code is right: say so there")
            joining.wait_for_yes()
            found = call(
                "device add",
                request=write_request(asked).decode(),
                name=name,
                again=True,
                fingerprint=asked.fingerprint,
            )
            joining.hand_over(found["answer"].encode())
    return found | {"answer": None}


def _line(address: str) -> str:
    """What to type on the other device: with the vault's chain and places, as far as they are the same from there."""
    from memsync.chain.naming import without_keys
    from memsync.device.config import settings
    from memsync.keeper.chains import OWN_NODE

    found = settings(target().get("vault"))
    network = target().get("network") or found.network
    line = ["memsync", "device", "join", "--connect", address]
    if network not in (None, OWN_NODE) and without_keys(network) == network:
        line += ["--network", network]
    for place in found.stores:
        if "://" in place or (place != "blocks" and address.startswith(LOOPBACK)):
            line += ["--store", place]
    return shlex.join(line)
