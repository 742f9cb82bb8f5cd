"""The registry on a real chain, through Ape: the only module of MemSync that imports ape.

In goes a ready Ape contract instance (or an address and the connected provider) and the Ape account that pays; out come the values of
``memsync.chain.registry``. Reads are plain ``eth_call`` pinned to one block hash, decoded with the registry's own ABI. A call is tried
without sending first, so that a lost race costs no gas and its reason is known by name. It never signs for a vault: the derived keys do.

Ape's connection is a process-wide global: connect to one network a process, once. Views may run in threads; sends of one payer wait for
each other here, since their nonces would race.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

try:
    from eth_abi.exceptions import DecodingError
    from web3.exceptions import Web3Exception
except ModuleNotFoundError as err:
    raise ModuleNotFoundError(
        "talking to a chain needs Ape: pip install 'memsync[ape]'", name=err.name
    ) from err

from memsync.chain.answers import (
    no_funds,
    read_answer,
    read_block,
    read_bytes,
    read_log,
    read_number,
    read_vault,
    shown,
)
from memsync.chain.artifact import load_artifact
from memsync.chain.calls import SignedCall
from memsync.chain.host_settings import host_settings_kept, quiet
from memsync.chain.mining import have_mined
from memsync.chain.naming import without_keys
from memsync.chain.registry import (
    DEVELOPMENT_CHAINS,
    BlockStamp,
    Event,
    Facts,
    GrantState,
    Receipt,
    Snapshot,
    VaultState,
)
from memsync.crypto.secp256k1 import keccak
from memsync.errors import ChainError, ChainUnreachable, PayerError, PayerLocked, WrongContract

if TYPE_CHECKING:
    from ape.api import AccountAPI, ProviderAPI

PAGE = 500
_TEST_CHAIN_ID = 31337
ANSWER_SECONDS = 30.0
"""So long an RPC may take for an answer; Ape would give it half an hour."""
_TRIES, _PAUSE = 5, 0.05  # seconds, each next longer by as much
# Of a request that met no server or an HTTP error: how often, and the first pause in seconds, each next twice as long.
_RETRIES, _BACKOFF = 3, 0.25

_NONSENSE = (Web3Exception, OSError, ValueError, TypeError, LookupError, AttributeError)
"""What web3 and Ape raise when they get no answer, or one that they didn't expect."""

_payer_locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
_connecting = threading.Lock()


@contextmanager
def connect(
    network: str,
    *,
    contract: bytes | None = None,
    payer: str | AccountAPI | None = None,
    passphrase: str | None = None,
) -> Iterator[ApeRegistry]:
    """Connect to an Ape network choice or an RPC's URL for as long as the context lasts.

    ``payer`` is an Ape account or its alias; ``TEST::0`` and the like only on a local chain (id 31337). The keyfile of an alias is opened
    by ``passphrase``, and without one what must be paid for raises ``PayerLocked``. Raises ``ChainUnreachable``, ``PayerError``,
    ``WrongContract``.
    """
    with ExitStack() as stack:
        with host_settings_kept():
            import ape
            import ape.logging
            from ape.exceptions import ApeException
        with host_settings_kept():
            log = logging.getLogger("ape")
            log.setLevel(log.level or logging.WARNING)
            try:
                with _answers_bounded():
                    provider = stack.enter_context(ape.networks.parse_network_choice(network))
            except (ApeException, *_NONSENSE) as err:
                if isinstance(err, OSError) and err.filename:
                    raise ChainError(
                        f"Ape can't use {err.filename}: {err.strerror}; set APE_DATA_FOLDER to a folder that it may write to"
                    ) from err
                raise ChainUnreachable(
                    f"can't connect to {without_keys(network)!r}: {shown(err)}; check the name or the URL"
                ) from err
            account = _load_payer(payer, provider.chain_id) if isinstance(payer, str) else payer
        registry = ApeRegistry(provider, contract=contract, payer=account)
        if isinstance(payer, str):
            registry.alias = payer
        if passphrase is not None:
            registry.unlock_payer(passphrase)
        yield registry


@contextmanager
def _answers_bounded() -> Iterator[None]:
    """What Ape connects with inside has bounds. Ape takes none: of each request it waits half an hour for an answer, five times, twice."""
    import requests
    from ape_ethereum import provider
    from web3 import HTTPProvider, Web3
    from web3.providers.rpc.utils import ExceptionRetryConfiguration

    create = provider._create_web3  # noqa: SLF001 Ape has no setting for it

    def bounded(
        http_uri: str | None = None,
        ipc_path: Path | None = None,
        ws_uri: str | None = None,
        request_kwargs: dict[str, Any] | None = None,
    ) -> Any:
        request_kwargs = {**(request_kwargs or {}), "timeout": ANSWER_SECONDS}
        if http_uri is None or (ipc_path is not None and ipc_path.exists()):
            return create(http_uri, ipc_path, ws_uri, request_kwargs)
        again = ExceptionRetryConfiguration(
            errors=(requests.HTTPError, requests.ConnectionError), retries=_RETRIES, backoff_factor=_BACKOFF
        )
        return Web3(
            HTTPProvider(http_uri, request_kwargs, exception_retry_configuration=again), middleware=[]
        )

    with _connecting:
        provider._create_web3 = bounded  # noqa: SLF001
        try:
            yield
        finally:
            provider._create_web3 = create  # noqa: SLF001


def _load_payer(alias: str, chain_id: int) -> AccountAPI:
    import ape

    if alias.startswith("TEST::"):
        if chain_id != _TEST_CHAIN_ID:
            raise _known_key(alias, chain_id)
        try:
            return ape.accounts.test_accounts[int(alias.removeprefix("TEST::"))]
        except (ValueError, IndexError) as err:
            raise PayerError(f"no test account is called {alias}; the first is TEST::0") from err
    try:
        return ape.accounts.load(alias)
    except KeyError as err:
        raise PayerError(f"no Ape account is called {alias!r}; see `ape accounts list`") from err


class ApeRegistry:
    """One registry contract on the chain of a connected Ape provider.

    ``contract`` is its 20-byte address, by default the canonical one. Without a ``payer`` it only reads. ``PayerError`` for a test account
    on any chain but 31337.
    """

    def __init__(
        self, provider: ProviderAPI, *, contract: bytes | None = None, payer: AccountAPI | None = None
    ) -> None:
        self._provider: Any = provider
        self._contract = contract or load_artifact().address
        self._payer = payer
        self._checked = False
        self._chain_id = int(provider.chain_id)
        # Set where this module loaded the account: then it never asks at the terminal, as Ape would.
        self.alias: str | None = None
        if payer is not None and self._chain_id != _TEST_CHAIN_ID:
            from ape.api import TestAccountAPI

            if isinstance(payer, TestAccountAPI):
                raise _known_key(str(payer.address), self._chain_id)

    @classmethod
    def at(cls, instance: Any, payer: AccountAPI | None = None) -> ApeRegistry:
        """From an Ape ``ContractInstance``, as ``ape console`` and scripts hold it."""
        return cls(instance.provider, contract=bytes.fromhex(str(instance.address)[2:]), payer=payer)

    @property
    def chain_id(self) -> int:
        return self._chain_id

    @property
    def contract(self) -> bytes:
        return self._contract

    def unlock_payer(self, passphrase: str) -> None:
        """Open the payer's keyfile, and let it sign what is sent here without asking. ``PayerError`` for a wrong passphrase."""
        from ape.exceptions import ApeException

        payer: Any = self._payer
        if not hasattr(payer, "set_autosign") or not getattr(payer, "locked", False):
            return
        try:
            with quiet():  # Ape warns of what is wanted here
                payer.set_autosign(True, passphrase=passphrase)
        except (ApeException, ValueError) as err:
            raise PayerError(
                f"the passphrase does not open the account {self.alias!r}, and nothing was sent; say it again"
            ) from err

    def describe(self) -> Facts:
        """What a person may want to know of this chain before they use it. Raises ``ChainUnreachable``; other code is told, not refused."""
        code = read_bytes(self._rpc("eth_getCode", _hex(self._contract), "latest"))
        payer = None if self._payer is None else read_bytes(str(self._payer.address))
        balance = None if payer is None else read_number(self._rpc("eth_getBalance", _hex(payer), "latest"))
        return Facts(
            self._chain_id, self._contract, keccak(code) if code else None, bool(code) and keccak(code) == load_artifact().runtime_hash,
            payer, balance, self._block("latest"),
        )  # fmt: skip

    # ------------------------------------------------------------------ reads

    def snapshot(self, vault: bytes, grants: Sequence[bytes] = ()) -> Snapshot:
        stamp = self._block("latest")
        found: dict[bytes, GrantState] = {}
        state: VaultState | None = None
        for start in range(0, max(len(grants), 1), PAGE):
            page = list(grants[start : start + PAGE])
            _, head, rows, parcels = self._read("snapshot", (vault, page), {"blockHash": _hex(stamp.hash)})
            state = read_vault(head)
            for grant, row, parcel in zip(page, rows, parcels, strict=True):
                begin, end, epoch, rights, count, salt = row
                found[grant] = GrantState(begin, end, epoch, rights, count, salt, bytes(parcel))
        return Snapshot(stamp, state, found)

    def final_vault(self, vault: bytes) -> VaultState | None:
        block = "latest" if self._chain_id in DEVELOPMENT_CHAINS else "finalized"
        try:
            (head,) = self._read("vaultOf", (vault,), block)
        except ChainUnreachable:
            if read_bytes(self._rpc("eth_getCode", _hex(self._contract), block)):
                raise
            return None  # the contract is younger than what is final
        return read_vault(head)

    def key_of(self, account: bytes) -> bytes:
        (digest,) = self._read("keyOf", (_hex(account),), "latest")
        return bytes(digest)

    def events(self, vault: bytes, since: int = 0) -> list[Event]:
        logs = self._rpc(
            "eth_getLogs",
            {
                "address": _hex(self._contract),
                "fromBlock": hex(since),
                "toBlock": "latest",
                "topics": [None, _hex(vault)],
            },
        )
        if not isinstance(logs, list):
            raise ChainUnreachable("the RPC's logs make no sense; try another RPC")
        stamps: dict[int, BlockStamp] = {}
        found = []
        for log in logs:
            name, values, number, transaction = read_log(log, self._contract, vault)
            if number not in stamps:
                stamps[number] = self._block(number)
            found.append(Event(name, values, stamps[number], transaction))
        return found

    # ------------------------------------------------------------------ writes

    def send(self, signed: SignedCall) -> Receipt:
        payer = self._payer
        if payer is None:
            raise PayerError(
                "no account was named to pay for this; name one with --payer, or `memsync chain use NETWORK --payer NAME`"
            )
        if self.alias is not None and getattr(payer, "locked", False):
            raise PayerLocked(f"the account {self.alias!r} that pays is locked; give its passphrase")
        self._check_code()
        data = load_artifact().encode_call(signed.call.function, signed.arguments())
        with _payer_locks[str(payer.address)]:
            return self._transact(payer, data)

    def _transact(self, payer: Any, data: bytes) -> Receipt:
        request = {"from": str(payer.address), "to": _hex(self._contract), "data": _hex(data)}
        for number in range(_TRIES):
            time.sleep(number * _PAUSE)
            # What the contract refuses, it refuses here, by name and for nothing; who is faster after this is met again below.
            gas = read_number(self._rpc("eth_estimateGas", request, "latest")) * 6 // 5
            mined = have_mined(self._rpc, self._sign(payer, data, gas))
            if mined is not None:
                break
        else:
            raise PayerError(
                f"other programs keep sending from {payer.address}; give this one a payer of its own"
            )
        if not mined.passed:
            self._rpc("eth_call", request, hex(mined.block))
            raise ChainError("the transaction was mined and failed, and would pass now: push again")
        return Receipt(
            mined.transaction, self._block(mined.block), mined.gas_used, read_bytes(str(payer.address))
        )

    def _sign(self, payer: Any, data: bytes, gas: int) -> bytes:
        """A transaction of the payer's, with nonce and fees as Ape finds them. Ape's own sending prints traces, so it only signs."""
        from ape.exceptions import ApeException

        transaction = self._provider.network.ecosystem.create_transaction(
            sender=payer.address,
            receiver=_checksum(self._contract),
            data=data,
            chain_id=self._chain_id,
            gas=gas,
        )
        try:
            with quiet():
                signed = payer.sign_transaction(payer.prepare_transaction(transaction))
        except ApeException as err:
            if "balance" in str(err):
                raise no_funds(payer.address) from err
            raise PayerError(
                f"{payer.address} can't pay: {shown(err)}; name another payer, or try another RPC"
            ) from err
        except _NONSENSE as err:
            raise ChainUnreachable(
                f"the RPC doesn't say what a transaction costs: {shown(err)}; nothing was sent, try again or another RPC"
            ) from err
        if signed is None:
            raise PayerError(f"{payer.address} did not sign; nothing was sent")
        return bytes(signed.serialize_transaction())

    # ------------------------------------------------------------------ the wire

    def _read(self, function: str, arguments: tuple[object, ...], block: object) -> tuple[Any, ...]:
        self._check_code()
        artifact = load_artifact()
        data = artifact.encode_call(function, arguments)
        answer = self._rpc("eth_call", {"to": _hex(self._contract), "data": _hex(data)}, block)
        try:
            return artifact.decode_result(function, read_bytes(answer))
        except (DecodingError, ValueError, OverflowError) as err:
            raise ChainUnreachable(f"the RPC's answer to {function} makes no sense; try another RPC") from err

    def _block(self, number: int | str) -> BlockStamp:
        without_transactions = False
        block = self._rpc(
            "eth_getBlockByNumber", hex(number) if isinstance(number, int) else number, without_transactions
        )
        return read_block(block, number)

    def _check_code(self) -> None:
        if self._checked:
            return
        code = read_bytes(self._rpc("eth_getCode", _hex(self._contract), "latest"))
        if not code:
            raise WrongContract(
                f"no contract at {_hex(self._contract)} on chain {self._chain_id}: `ape run deploy` puts it there"
            )
        if keccak(code) != load_artifact().runtime_hash:
            raise WrongContract(
                f"the code at {_hex(self._contract)} on chain {self._chain_id} is not this release's registry; check the network, "
                "or try another RPC"
            )
        self._checked = True

    def _rpc(self, method: str, *params: object) -> Any:
        """One JSON-RPC request. Raises ``CallRefused`` for a revert, ``ChainUnreachable`` for all else that goes wrong."""
        try:
            answer = self._provider.web3.provider.make_request(method, list(params))
        except _NONSENSE as err:
            raise ChainUnreachable(f"the RPC doesn't answer {method}: {shown(err)}; is it running?") from err
        return read_answer(answer, method)


def _known_key(account: str, chain_id: int) -> PayerError:
    return PayerError(
        f"{account} is a test account whose key everybody knows; name a real one for chain {chain_id}"
    )


def _checksum(address: bytes) -> str:
    from eth_utils.address import to_checksum_address

    return str(to_checksum_address(address))


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
