"""A node that is reached through an RPC which fails, is stale or lies: a command completes, or says in a line what is wrong and what to do;
nothing acknowledged is lost, no lie is remembered, and when the RPC behaves the same command completes."""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import settings

from memsync.chain import ape, mining
from memsync.chain.ape import ApeRegistry, connect
from memsync.chain.node import LocalNode, local_node
from memsync.errors import AccessError, ChainError, ChainUnreachable, MemSyncError, NotFoundError
from memsync.shared import SharedVault, Tool
from memsync.store.directory import DirectoryStore
from memsync.sync import replica
from memsync.sync.push import DEADLINE_SECONDS
from memsync.vault import Grant, Vault
from tests.flow.actions import World, texts
from tests.flow.mischief import BELIEVED, CALLS_GRANTS_REVOKED, LIES, OTHER_CHAIN, TROUBLE, on
from tests.flow.proxy import Forward, Mischief, Proxy, Request, proxy_before
from tests.flow.test_on_a_node import own_payer

THOROUGH = settings.default.max_examples > 1000
ANSWER_SECONDS, MINED_SECONDS = 2.0, 1.5
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 the files of one trial, on the fastest disk there is


NEXT_STEPS = (
    "again",
    "another RPC",
    "wait and repeat",
    "is it running",
    "check the name or the URL",
    "`ape run deploy`",
    "payer of its own",
    "name another payer",
)


@dataclass
class Bench:
    """A node, reached honestly and through the proxy."""

    node: LocalNode
    proxy: Proxy
    honest: ApeRegistry
    provider: object
    payer: object

    def crooked(self) -> ApeRegistry:
        """A client that has asked nothing yet."""
        return ApeRegistry(self.provider, payer=self.payer)


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with (
        pytest.MonkeyPatch.context() as patience,
        local_node() as node,
        proxy_before(node.port) as proxy,
        connect(node.url, payer="TEST::0") as honest,
    ):
        patience.setattr(ape, "ANSWER_SECONDS", ANSWER_SECONDS)
        patience.setattr(ape, "_BACKOFF", 0.01)
        patience.setattr(mining, "MINED_SECONDS", MINED_SECONDS)
        # The node's id is that of chains for development, whose time is believed.
        patience.setattr(replica, "DEVELOPMENT_CHAINS", frozenset())
        with connect(proxy.url, payer="TEST::1") as crooked:
            yield Bench(node, proxy, honest, crooked._provider, crooked._payer)


@dataclass
class Scene:
    """One vault with a reader of it, honestly made."""

    world: World
    vault: Vault = field(init=False)
    words: str = field(init=False)
    tool: Tool = field(init=False)
    wanted: set[str] = field(default_factory=set)
    reader: SharedVault | None = None
    grant: Grant | None = None

    def __post_init__(self) -> None:
        self.vault, self.tool = self.world.vault(), Tool.generate()
        self.words = self.vault.words
        self.remember(self.vault, "First.")

    def remember(self, vault: Vault, text: str) -> None:
        vault.remember(text)
        self.wanted.add(text)

    def pushed(self) -> None:
        self.vault.push()

    def granted(self) -> None:
        _, self.grant = self.world.granted(self.vault, self.tool)
        self.reader = self.world.accepted(self.tool, self.grant)
        self.reader.pull()

    def another_pushed(self) -> None:
        other = self.world.restored(self.words)
        self.remember(other, "By another device.")
        other.push()

    def is_pushed(self) -> bool:
        """Whether a new device finds all, and a reader with a grant too."""
        with self.world.restored(self.words) as fresh:
            found = texts(fresh)
        if self.reader is not None:
            self.reader.pull()
            found &= texts(self.reader)
        return found == self.wanted and self.vault.status().waiting == 0

    def is_granted(self) -> bool:
        (grant,) = self.vault.grants()
        reader = self.world.accepted(self.tool, grant)
        reader.pull()
        return texts(reader) == self.wanted

    def is_revoked(self) -> bool:
        try:
            self.reader.pull()
        except AccessError:
            return True
        return False


@dataclass(frozen=True)
class Verb:
    prepare: Callable[[Scene], object]
    act: Callable[[Scene], object]
    is_done: Callable[[Scene], bool]
    repeated: bool = False
    """Whether it is done again though it was acknowledged."""


def _after(*steps: Callable[[Scene], object]) -> Callable[[Scene], object]:
    return lambda scene: [step(scene) for step in (Scene.pushed, *steps)]


VERBS = {
    "init": Verb(lambda _: None, lambda scene: scene.vault.push(), Scene.is_pushed),
    "push": Verb(
        _after(Scene.granted, lambda scene: scene.remember(scene.vault, "Second.")),
        lambda scene: scene.vault.push(),
        Scene.is_pushed,
    ),
    "pull": Verb(
        _after(Scene.granted, Scene.another_pushed),
        lambda scene: scene.vault.pull(),
        lambda scene: texts(scene.vault) == scene.wanted and scene.is_pushed(),
        repeated=True,
    ),
    "grant": Verb(
        _after(lambda scene: scene.remember(scene.vault, "Second.")),
        lambda scene: scene.world.granted(scene.vault, scene.tool),
        Scene.is_granted,
    ),
    "revoke": Verb(_after(Scene.granted), lambda scene: scene.vault.revoke(scene.grant), Scene.is_revoked),
    "revoke --emergency": Verb(
        _after(Scene.granted),
        lambda scene: scene.vault.revoke(scene.grant, emergency=True),
        Scene.is_revoked,
    ),
}


def trial(
    bench: Bench,
    verb: Verb,
    mischief: Mischief | None,
    *,
    at: int = 1,
    times: int = 1 << 30,
    believed: bool = False,
) -> int:
    """Do it with the mischief, look, do it again without, look; returns how many requests were ill treated, without any mischief how many
    there were. ``believed``: it may be acknowledged and not be so, as long as the next push makes it so."""
    with tempfile.TemporaryDirectory(dir=SHARED_MEMORY if SHARED_MEMORY.is_dir() else None) as folder:
        world = World(Path(folder), registry=bench.honest, store=DirectoryStore(Path(folder) / "blocks"))
        try:
            scene = Scene(world)
            verb.prepare(scene)
            before = texts(scene.vault)
            scene.vault._replica._registry = bench.crooked()
            bench.proxy.arm(mischief, at=at, times=times)
            raised = None
            try:
                verb.act(scene)
            except MemSyncError as error:
                raised = error
            met = bench.proxy.behave()
            if mischief is None:
                assert raised is None
                return len(bench.proxy.asked)
            assert texts(scene.vault) >= before
            if raised is not None:
                check_words(raised)
            elif believed:
                scene.vault._replica._registry = bench.crooked()
                scene.vault.push()
            elif not verb.repeated:
                assert verb.is_done(scene), "it was acknowledged and is not so"
            if raised is not None or verb.repeated:
                scene.vault._replica._registry = bench.crooked()
                try:
                    verb.act(scene)
                except NotFoundError:  # the first try ended the grant after all
                    assert verb in (VERBS["revoke"], VERBS["revoke --emergency"])
            assert verb.is_done(scene), f"it was done again after {raised!r} and is not so"
            scene.vault._replica._registry = bench.honest
            scene.vault.push()
            assert scene.vault.status().waiting == 0
            assert texts(scene.vault) == scene.wanted
            verified = scene.vault.verify(deep=True)
            assert verified.ok, verified.findings
        finally:
            bench.proxy.behave()
            world.close()
    return met


def check_words(error: MemSyncError) -> None:
    """One line that says what to do."""
    said = str(error)
    assert "\n" not in said
    assert len(said) < 400, said
    assert any(step in said for step in NEXT_STEPS), said


@pytest.mark.parametrize("name", LIES)
def test_a_lying_rpc_is_found_out_or_does_no_harm(bench: Bench, name: str) -> None:
    for verb in VERBS.values() if THOROUGH else [some(VERBS, name)]:
        assert trial(bench, verb, LIES[name], believed=name == BELIEVED)


@pytest.mark.parametrize("name", TROUBLE)
def test_an_rpc_in_trouble_at_any_request_loses_nothing(bench: Bench, name: str) -> None:
    """Once, or from then on."""
    if not THOROUGH:
        at, lasts = divmod(zlib.crc32(name.encode()) % 20, 2)
        trial(bench, some(VERBS, name), TROUBLE[name], at=1 + at, times=1 << 30 * lasts)
        return
    for verb in VERBS.values():
        for at in range(1, trial(bench, verb, None) + 1):
            for times in (1, 1 << 30):
                trial(bench, verb, TROUBLE[name], at=at, times=times)


def some(verbs: dict[str, Verb], name: str) -> Verb:
    """One of the verbs, another for each name."""
    return list(verbs.values())[zlib.crc32(name[::-1].encode()) % len(verbs)]


@pytest.fixture
def scene(bench: Bench, tmp_path: Path) -> Iterator[Scene]:
    world = World(tmp_path, registry=bench.honest, store=DirectoryStore(tmp_path / "blocks"))
    yield Scene(world)
    bench.proxy.behave()
    world.close()


@pytest.mark.parametrize("asked", [False, True])
def test_a_grant_that_an_rpc_calls_revoked_is_revoked(bench: Bench, scene: Scene, *, asked: bool) -> None:
    """Its word ends the grant here; so it is ended on chain too, and nobody holds what the owner believes to be over."""
    scene.pushed()
    scene.granted()
    scene.vault._replica._registry = bench.crooked()
    bench.proxy.arm(CALLS_GRANTS_REVOKED)
    if asked:
        scene.vault.revoke(scene.grant)
    else:
        scene.remember(scene.vault, "Second.")
        assert scene.vault.push().rotated == ("personal",)
    bench.proxy.behave()
    assert scene.vault.grants() == []
    vault = scene.vault.status().vault
    assert bench.honest.snapshot(vault, [scene.grant.id]).grants[scene.grant.id].revoked
    assert scene.is_revoked()


def test_a_vault_that_was_to_be_opened_on_a_chain_by_a_lie_is_opened_on_its_own(
    bench: Bench, scene: Scene
) -> None:
    payer = own_payer(bench.node)
    with proxy_before(bench.node.port) as proxy:
        proxy.arm(OTHER_CHAIN)
        with connect(proxy.url, payer=payer) as lied_to:
            scene.vault._replica._registry = lied_to
            with pytest.raises(MemSyncError) as refused:
                scene.vault.push()
            check_words(refused.value)
    with connect(bench.proxy.url, payer=payer) as registry:
        scene.vault._replica._registry = registry
        assert scene.vault.push().sequence == 1
    assert scene.is_pushed()


def test_a_vault_that_a_lie_has_bound_to_another_chain_is_free_when_its_call_can_land_no_more(
    bench: Bench, scene: Scene
) -> None:
    """It was refused its own chain for ever."""
    payer = own_payer(bench.node)

    def lie(request: Request, forward: Forward) -> object:
        costs = on(
            "eth_estimateGas", lambda asked, _: {"jsonrpc": "2.0", "id": asked["id"], "result": "0x30000"}
        )
        return OTHER_CHAIN(request, lambda asked: costs(asked, forward))

    with proxy_before(bench.node.port) as proxy:
        proxy.arm(lie)
        with connect(proxy.url, payer=payer) as lied_to:
            scene.vault._replica._registry = lied_to
            with pytest.raises(ChainError):
                scene.vault.push()
    scene.vault._replica._registry = bench.crooked()
    with pytest.raises(ChainError, match="lives on chain 1337"):
        scene.vault.push()
    now = scene.world.now()
    scene.vault._replica.clock = lambda: now + DEADLINE_SECONDS + 1.0
    assert scene.vault.push().sequence == 1
    assert scene.is_pushed()


def test_a_pushed_vault_keeps_to_its_chain_whatever_an_rpc_says(bench: Bench, scene: Scene) -> None:
    scene.pushed()
    with proxy_before(bench.node.port) as proxy:
        proxy.arm(OTHER_CHAIN)
        with connect(proxy.url) as lied_to:
            scene.vault._replica._registry = lied_to
            for verb in (scene.vault.push, scene.vault.pull):
                with pytest.raises(MemSyncError, match="lives on chain 31337"):
                    verb()
    scene.vault._replica._registry = bench.crooked()
    assert scene.vault.push().sequence == 0


@pytest.mark.parametrize("name", TROUBLE)
def test_connecting_through_an_rpc_in_trouble_works_or_says_what_to_do(bench: Bench, name: str) -> None:
    for at in (1, 2, 3) if THOROUGH else (1 + zlib.crc32(name.encode()) % 3,):
        bench.proxy.arm(TROUBLE[name], at=at)
        try:
            with connect(bench.proxy.url) as registry:
                registry.describe()
        except ChainUnreachable as error:
            check_words(error)
        finally:
            bench.proxy.behave()
