"""The verbs about the person's devices: list, add, rename. Joining takes a passphrase and removing the words: the commands do these."""

from __future__ import annotations

from memsync.errors import DecisionNeeded
from memsync.format.pairing import bare, read_request
from memsync.format.pairing import fingerprint as shown
from memsync.keeper.at import At
from memsync.keeper.values import device_value, iso
from memsync.keeper.verb import Needs, Values, verb


@verb("device list", Needs.VAULT, "Vault.devices")
def list_devices(at: At) -> Values:
    """The devices that have the vault, as of the last push or pull."""
    vault = at.vault
    return {"devices": [device_value(one) for one in vault.devices()], "generation": vault.generation}


@verb("device add", Needs.CHAIN, "Vault.add_device")
def add(
    at: At,
    *,
    request: str,
    name: str | None = None,
    again: bool = False,
    fingerprint: str | None = None,
    preview: bool = False,
) -> Values:
    """Add the device that made a request (its JSON), and answer with the vault's keys, which only that device can open.

    ``preview``: only who asks. ``fingerprint``: that which the person saw; another is refused. ``again``: answer a listed device once more.
    """
    asked = read_request(request.encode())
    told: Values = {
        "device": {
            "name": name or asked.name,
            "fingerprint": asked.fingerprint,
            "asked": iso(asked.issued * 1000),
        }
    }
    if fingerprint is not None and bare(fingerprint) != asked.device.hex():
        raise DecisionNeeded(
            f"the request is another than the one shown, with fingerprint {asked.fingerprint}; look at it again"
        )
    if preview:
        return told
    added = at.vault_on_chain.add_device(asked, name=name, again=again)
    return {
        "device": told["device"] | {"name": added.device.name},  # type: ignore[operator]
        "vault": shown(added.vault),
        "answer": added.answer.decode(),
        "sequence": added.sequence,
    }


@verb("device rename", Needs.VAULT, "Vault.rename_device")
def rename(at: At, *, who: str, name: str) -> Values:
    """Call a device by another name, from the next push on."""
    at.vault.rename_device(who, name)
    return {"name": name}
