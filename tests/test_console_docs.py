"""``docs/console.md`` shows what a console shows: its session is typed into ``ape console`` and compared."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from memsync.chain.artifact import load_artifact
from memsync.chain.node import local_node
from tests.console import PATIENCE, ROOT, open_console, type_into_console

PAGE = (ROOT / "docs/console.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
VOLATILE = (
    (re.compile(r"0x[0-9a-fA-F]{64}"), "0x…"),
    (re.compile(r"(?<=total fees paid = )\d+"), "…"),
)


def steps_of(page: str) -> list[tuple[str, str]]:
    """What the page types and what it shows after each line."""
    steps = []
    for block in BLOCK.findall(page):
        for step in re.split(r"^>>> ", block, flags=re.MULTILINE)[1:]:
            typed, _, shown = step.partition("\n")
            steps.append((typed, shown.strip("\n")))
    return steps


def masked(text: str) -> str:
    for pattern, mask in VOLATILE:
        text = pattern.sub(mask, text)
    return text


def differences(page: str, shown: list[str]) -> list[tuple[str, str, str]]:
    """(typed, shown by the page, shown by the console) where these differ."""
    return [
        (typed, expected, actual)
        for (typed, expected), actual in zip(steps_of(page), shown, strict=True)
        if masked(expected) != masked(actual)
    ]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return type_into_console([typed for typed, _ in steps_of(PAGE)], home=tmp_path_factory.mktemp("home"))


def test_the_page_shows_what_the_console_shows(shown: list[str]) -> None:
    assert len(shown) > 30
    assert differences(PAGE, shown) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("(False, False)", "(True, False)"),
        ("AccessError: the grant", "the grant"),
        ("6 Revoked", "7 Revoked"),
        ("10 Submitted\n", ""),
        ("0x2715600272", "0x2715600273"),
        ("INFO:     Confirmed", "Confirmed"),
    ],
)
def test_a_wrong_page_would_be_noticed(shown: list[str], right: str, wrong: str) -> None:
    assert right in PAGE
    assert len(differences(PAGE.replace(right, wrong, 1), shown)) == 1


def test_elsewhere_the_registry_is_found_or_one_line_says_how_to_deploy_it(tmp_path: Path) -> None:
    artifact = load_artifact()
    put_code = f"_ = chain.provider.make_request('anvil_setCode', ['0x{artifact.address.hex()}', '0x%s'])"
    with local_node("--chain-id", "777") as node:
        node.rpc("anvil_setCode", "0x" + artifact.address.hex(), "0x")
        missing, method, _, wrong, _, found, _, again, watched, demo = type_into_console(
            [
                "registry",
                "registry.vaultOf",
                put_code % "00",
                "registry",
                put_code % artifact.runtime_code.hex(),
                "registry",
                put_code % "",
                "registry.address",
                "watch(registry)",
                "demo_vault()",
            ],
            "--network",
            node.url,
            home=tmp_path,
        )
        sent = int(node.rpc("eth_getTransactionCount", node.rpc("eth_accounts")[0], "latest"), 16)
    assert missing == method == again
    assert missing == (
        f"NotDeployed: ape run deploy --network {node.url} --account ALIAS puts the registry on chain 777"
    )
    assert wrong.startswith("WrongContract: the code at 0x")
    assert found.lower() == f"<memoryregistry 0x{artifact.address.hex()}>"
    assert watched.startswith("<Watch from block ")
    assert demo == (
        "PayerError: a demo vault is paid for by a test account: use a development chain, not chain 777"
    )
    assert sent == 1  # the node's own deployment


def test_ctrl_c_ends_the_watching_and_neither_console_nor_node(tmp_path: Path) -> None:
    with open_console(home=tmp_path) as console:
        console.stdin.write(
            "owner = accounts.test_accounts[0]\n"
            "receipt = registry.open(owner, 0, owner, 0, bytes(32), 2**256 - 1, b'', sender=owner)\n"
            "for event in watch(registry, every=0.1): print('heard', event.name)\n"
        )
        console.stdin.flush()
        assert any("heard Opened" in line for line in console.stdout)
        console.send_signal(signal.SIGINT)
        told, _ = console.communicate(
            "registry.vaultOf(registry.vaultIdOf(owner, 0)).sequence\n", timeout=PATIENCE
        )
    assert re.search(r"Out\[\d+\]: 1$", told, re.MULTILINE), told
