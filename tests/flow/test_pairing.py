"""A second device over a socket: one code on both, whoever stands between is noticed, and what is broken off leaves nothing half done."""

from __future__ import annotations

import socket
import time
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsync.device.paths import VaultPaths
from memsync.errors import (
    ChainUnreachable,
    CodesDiffer,
    DeviceGone,
    FormatError,
    InputError,
    NotFoundError,
    WrongPassphrase,
)
from memsync.format import handshake
from memsync.format.handshake import SIZES, Adder, Joiner, Kind, write_frame
from memsync.format.pairing import open_answer, read_request
from memsync.listening import read_address, show_address
from memsync.sync.keys import OwnerKeys
from memsync.vault import Vault, listening, pairing
from memsync.vault.joining import kept_answer
from tests.flow import desk
from tests.flow.actions import PASSPHRASE, Household, texts
from tests.flow.desk import Mallory, connected, frame, on_one_desk, outcome, reaches, wire


@pytest.fixture
def home(tmp_path):
    made = Household(tmp_path)
    yield made
    made.close()


def names(vault: Vault) -> list[str]:
    return [one.name for one in vault.devices()]


def nothing_happened(home: Household, folder) -> bool:
    """No seat in the vault, and no more of it on the new device than its own keys and request."""
    here = folder / "vaults" / "default"
    files = {path.relative_to(here).as_posix() for path in here.rglob("*") if path.is_file()}
    home.laptop.push()
    return names(home.laptop) == ["laptop"] and files <= {"joining/keystore", "joining/request"}


def test_two_devices_pair_over_a_socket_and_the_new_one_reads_and_writes(home):
    folder = home.home()
    found = on_one_desk(home, folder)
    phone = home.joins(folder, found.answer)
    assert texts(phone) == {"Before everything."}
    phone.remember("From the phone.")
    phone.push()
    home.laptop.pull()
    assert texts(home.laptop) == {"Before everything.", "From the phone."}
    assert names(home.laptop) == names(phone) == ["laptop", "phone"]
    assert not (folder / "vaults" / "default" / "joining").exists()


def test_the_whole_fingerprints_do_in_place_of_the_code(home):
    folder = home.home()
    vault = home.laptop.status().vault
    request = Vault.request(passphrase=PASSPHRASE, home=folder, cost=desk.CHEAP_COST, clock=home.clock)
    found = on_one_desk(home, folder, fingerprint=request.fingerprint.upper(), vault=f"0x{vault.hex()}")
    assert found.added.device.fingerprint == request.fingerprint, "it goes on with the keys it had shown"
    assert texts(home.joins(folder, found.answer)) == {"Before everything."}


# Who stands between


def test_who_stands_between_is_noticed_by_the_code_and_gets_nothing(home):
    folder, mallory = home.home(), Mallory(home)
    found = on_one_desk(home, folder, between=mallory.between)
    assert type(found.added) is CodesDiffer
    assert type(found.answer) in (CodesDiffer, DeviceGone)
    assert mallory.sessions[0].code != mallory.sessions[1].code
    assert mallory.stolen is None
    assert nothing_happened(home, folder)


def test_codes_of_two_pairings_with_somebody_between_agree_by_chance_alone(home, monkeypatch):
    """With codes of one digit a tenth agrees, and no more: nothing but chance is left to who stands between."""
    monkeypatch.setattr(handshake, "DIGITS", 1)
    device = desk.DeviceKey.generate()
    request = desk.sign_request(device, name="phone", issued=0, nonce=bytes(16))
    equal, times = 0, 200
    for _ in range(times):
        joiner, between = Joiner(request, device), Joiner(request, device)
        to_joiner, adder = Adder(joiner.commitment), Adder(between.commitment)
        codes = [joiner.reveal(to_joiner.public)[1].code, between.reveal(adder.public)[1].code]
        equal += codes[0] == codes[1]
    assert 2 <= equal <= 50


class Unbound(Adder):
    """A broken twin: it takes whatever is revealed."""

    def meet(self, body):
        plaintext = handshake.open_box(self._key, handshake._place(self._commitment), body, what="pairing")
        nonce, request = plaintext[:32], plaintext[32:]
        return read_request(request), handshake._session(self._commitment, self.public, nonce, request)


@pytest.mark.parametrize("adder", [Unbound, Adder], ids=["without-the-commitment", "with-it"])
def test_who_tries_nonces_until_the_codes_agree_succeeds_only_without_the_commitment(
    home, monkeypatch, adder
):
    monkeypatch.setattr(handshake, "DIGITS", 4)  # 10^7 would take the same, for minutes
    monkeypatch.setattr(pairing, "Adder", adder)
    monkeypatch.setattr(pairing, "MACHINE", 60.0)
    folder, mallory = home.home(), Mallory(home, grinds=True)
    found = on_one_desk(home, folder, between=mallory.between)
    assert mallory.sessions[0].code == mallory.sessions[1].code, "it found a nonce"
    if adder is Unbound:
        stolen = OwnerKeys.from_bytes(open_answer(mallory.stolen, mallory.request, mallory.device))
        assert stolen == home.laptop._replica.keys()
    else:
        assert isinstance(found.added, FormatError)
        assert found.added.fault == "hash"
        assert mallory.stolen is None
        assert nothing_happened(home, folder)


def test_who_sees_the_key_and_hangs_up_has_used_up_the_only_attempt(home):
    """Else who has seen the code on one side could try the other again and again until it agrees, unseen."""
    with listening("0") as door, desk.ThreadPoolExecutor(1) as other:
        waiting = other.submit(outcome, door.wait)
        with connected(door.address) as first:
            first.sendall(write_frame(Kind.COMMIT, bytes(32)))
            assert len(frame(first, Kind.KEY)) == 1216
            with pytest.raises(ConnectionRefusedError):
                connected(door.address)
        assert type(waiting.result(timeout=10)) is DeviceGone
        with pytest.raises(InputError, match="had its one attempt"):
            door.wait()


def test_a_mistyped_code_ends_the_pairing_on_both_sides(home):
    """Nor is a fingerprint taken for a code: the adding device has that of whoever asks, and it would say nothing."""
    folder = home.home()
    shown = Vault.request(
        passphrase=PASSPHRASE, home=folder, cost=desk.CHEAP_COST, clock=home.clock
    ).fingerprint
    for typed in ("", "000 0000", shown):
        found = on_one_desk(home, folder, carried=lambda _, typed=typed: typed)
        assert found.errors == (CodesDiffer, CodesDiffer)
        assert nothing_happened(home, folder)
    found = on_one_desk(home, folder, fingerprint=shown[:-1] + ("0" if shown[-1] != "0" else "1"))
    assert found.errors == (CodesDiffer, CodesDiffer)


def test_nothing_is_handed_over_before_the_person_said_yes_on_both(home):
    folder = home.home()
    found = on_one_desk(home, folder, says_yes=False)
    assert found.errors == (DeviceGone, KeyboardInterrupt)
    assert nothing_happened(home, folder)


def test_a_script_that_leaves_out_a_step_is_told(home):
    with listening("0") as door, desk.ThreadPoolExecutor(1) as other:
        waiting = other.submit(door.wait)
        with reaches(home, home.home(), door.address) as adding, waiting.result(timeout=10) as joining:
            with pytest.raises(InputError, match="compare them first"):
                home.laptop.pair_device(joining)
            with pytest.raises(InputError, match="wait for it"):
                joining.hand_over(b"")
            with pytest.raises(InputError, match="wait for it"):
                adding.agree()
    assert names(home.laptop) == ["laptop"]


def test_keys_of_another_vault_than_the_one_that_was_named_are_refused(home):
    folder, stranger = home.home(), home.vault(pushed=True)
    found = on_one_desk(home, folder, by=stranger, vault=home.laptop.status().vault.hex())
    assert found.errors == (DeviceGone, CodesDiffer)
    assert nothing_happened(home, folder)


# The wire


def test_what_passes_over_the_wire_tells_nothing_but_its_length(home):
    lengths = []
    for name in ("phone", "the telephone of somebody with many words"):
        seen: list[tuple[Kind, bytes]] = []
        folder = home.home()
        reach = lambda address, f=folder, n=name: reaches(home, f, address, n)  # noqa: E731
        found = on_one_desk(home, folder, reach=reach, between=lambda address, s=seen: wire(address, seen=s))
        phone = home.joins(folder, found.answer)
        everything = b"".join(body for _, body in seen)
        keys, device = phone._replica.keys(), phone._secrets.device_key()
        for secret in (
            keys.vault, keys.vault[:16], keys.owner, keys.locator.secret, keys.generation.secret, device.seed,
            device.box().public, device.author().public, name.encode(), found.code.replace(" ", "").encode(),
        ):  # fmt: skip
            assert secret not in everything
        assert {kind for kind, _ in seen} == set(Kind) - {Kind.STOP}
        lengths.append([len(body) for _, body in seen])
    assert lengths[0] == lengths[1] == [SIZES[kind] for kind in desk.ORDER]


@given(st.lists(st.integers(1, 40), max_size=20))
def test_a_frame_is_the_same_in_whatever_pieces_it_comes(sizes):
    body, (here, there) = bytes(range(32)), socket.socketpair()
    with here, there:
        whole = write_frame(Kind.COMMIT, body) + b"more"
        for size in [*sizes, len(whole)]:
            here.sendall(whole[:size])
            whole = whole[size:]
        assert pairing._Line(there).receive(Kind.COMMIT, 5) == body
        assert there.recv(9) == b"more"


@given(st.binary(max_size=60))
def test_any_bytes_that_come_are_a_frame_or_one_of_two_errors(data):
    here, there = socket.socketpair()
    with here, there:
        here.sendall(data)
        here.close()
        try:
            got = pairing._Line(there).receive(Kind.EQUAL, 5)
        except (DeviceGone, FormatError, CodesDiffer):
            assert not data.startswith(b"memsync\x04") or len(data) < 40
        else:
            assert data.startswith(b"memsync\x04" + got)


@given(
    st.sampled_from(["127.0.0.1", "localhost", "192.0.2.7", "::1", "fe80::1%eth0", "a-b.example"]),
    st.integers(0, 65535),
)
def test_an_address_is_read_as_it_is_shown(host, port):
    assert read_address(show_address(host, port)) == (host, port)
    assert read_address(str(port), host="x") == ("x", port)


def test_a_listener_names_the_address_that_another_machine_could_use():
    everywhere = str(IPv4Address(0))
    for where in ("0", f"{everywhere}:0"):
        with listening(where) as door:
            host, port = read_address(door.address)
            assert host != everywhere
            assert port > 0


@pytest.mark.parametrize("kind", [kind for kind in desk.ORDER if kind is not Kind.COMMIT])
def test_a_frame_that_is_altered_on_the_way_is_refused(home, kind):
    def changed(which: Kind, body: bytes) -> bytes:
        return body[:-1] + bytes([body[-1] ^ 1]) if which is kind else body

    folder = home.home()
    found = on_one_desk(home, folder, between=lambda address: wire(address, changed=changed))
    if kind is Kind.TAKEN:
        assert type(found.added) is DeviceGone
        assert texts(home.joins(folder, found.answer)) == {"Before everything."}
    else:
        assert {*found.errors} & {FormatError, CodesDiffer}
        assert not isinstance(found.answer, bytes)
        assert not kept_answer(VaultPaths.of("default", folder)).exists()


@pytest.mark.parametrize("cut", desk.ORDER)
def test_a_pairing_whose_wire_is_cut_anywhere_is_completed_by_the_same_commands(home, cut, monkeypatch):
    folder = home.home()
    with monkeypatch.context() as impatient:
        if cut is Kind.COMMIT:
            impatient.setattr(pairing, "PERSON", 0.5)  # nobody has come yet
        found = on_one_desk(home, folder, between=lambda address: wire(address, cut=cut))
    assert isinstance(found.added, DeviceGone)
    if cut is Kind.TAKEN:
        assert texts(home.joins(folder, found.answer)) == {"Before everything."}
        return
    assert isinstance(found.answer, DeviceGone)
    assert not kept_answer(VaultPaths.of("default", folder)).exists()
    if cut is Kind.ANSWER:
        assert names(home.laptop) == ["laptop", "phone"], "it has its place, which `device remove` takes away"
        assert "device remove" in str(found.added)
    else:
        assert nothing_happened(home, folder)
    again = on_one_desk(home, folder)
    assert texts(home.joins(folder, again.answer)) == {"Before everything."}
    assert names(home.laptop) == ["laptop", "phone"]


def test_an_earlier_pairing_that_is_replayed_opens_nothing(home):
    seen: list[tuple[Kind, bytes]] = []
    folder = home.home()
    on_one_desk(home, folder, between=lambda address: wire(address, seen=seen))
    old = dict(seen)
    with desk.listener() as (here, address), desk.ThreadPoolExecutor(1) as other:

        def replay():
            with here.accept()[0] as joiner:
                for kind in desk.ORDER:
                    if kind in desk.TO_JOINER:
                        joiner.sendall(write_frame(kind, old[kind]))
                    else:
                        frame(joiner, kind)

        played = other.submit(outcome_of_any, replay)
        with pytest.raises(FormatError, match="EQUAL is not from"), reaches(home, folder, address) as adding:
            adding.wait_until_equal()
        played.result(timeout=10)
    with listening("0") as door, desk.ThreadPoolExecutor(1) as other:
        waiting = other.submit(outcome, door.wait)
        with connected(door.address) as replayer:
            replayer.sendall(write_frame(Kind.COMMIT, old[Kind.COMMIT]))
            frame(replayer, Kind.KEY)
            replayer.sendall(write_frame(Kind.REVEAL, old[Kind.REVEAL]))
            assert isinstance(waiting.result(timeout=10), FormatError)


def outcome_of_any(do):
    try:
        return do()
    except (OSError, FormatError) as error:
        return error


@pytest.mark.parametrize(
    "says", ["nothing", "its own words back", "rubbish", "a bad key", "a byte now and then"]
)
def test_a_listener_that_is_no_device_is_told_from_one_in_time(home, says, monkeypatch):
    monkeypatch.setattr(pairing, "MACHINE", 0.6)

    def answers(here: socket.socket) -> None:
        with here.accept()[0] as joiner:
            own = joiner.recv(64)
            if says == "its own words back":
                joiner.sendall(own)
            elif says == "rubbish":
                joiner.sendall(b"SSH-2.0-OpenSSH_9.9\r\n" * 200)
            elif says == "a bad key":
                joiner.sendall(write_frame(Kind.KEY, b"\xff" * 1216))
            elif says == "a byte now and then":
                for byte in write_frame(Kind.KEY, bytes(1216)):
                    joiner.sendall(bytes([byte]))
                    time.sleep(0.1)
            joiner.recv(100)

    folder = home.home()
    with desk.listener() as (here, address), desk.ThreadPoolExecutor(1) as other:
        server = other.submit(outcome_of_any, lambda: answers(here))
        before = time.monotonic()
        with pytest.raises((DeviceGone, FormatError)):
            reaches(home, folder, address)
        assert time.monotonic() - before < 30, "all of it would take two minutes"
        server.result(timeout=30)
    assert nothing_happened(home, folder)


def test_nobody_at_the_address_is_said_with_what_to_do(home):
    with desk.listener() as (_, address):
        pass
    with pytest.raises(DeviceGone, match="say `memsync device add --listen`"):
        reaches(home, home.home(), address)
    for where in ("8042", "", "127.0.0.1", "127.0.0.1:65536", "http://127.0.0.1:1", "a b:1", "[::1:80"):
        with pytest.raises(InputError, match="is no address"):
            reaches(home, home.home(), where)


def test_strangers_who_hold_or_flood_the_listener_do_not_keep_the_device_out(home):
    """More than the crowd that is let stand there, all silent, half done or saying something else."""
    folder, held = home.home(), []
    says = [
        b"",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        write_frame(Kind.COMMIT, bytes(32))[:-1],
        b"memsync\x02",
        b"memsync\x08\x01",
    ]

    def crowded(address: str):
        for number in range(3 * pairing.CROWD // 2):
            held.append(connected(address))
            held[-1].sendall(says[number % len(says)])
        return desk.same(address)

    found = on_one_desk(home, folder, between=crowded)
    for one in held:
        one.close()
    assert texts(home.joins(folder, found.answer)) == {"Before everything."}


@pytest.mark.parametrize("drips", [False, True])
def test_a_device_that_stops_or_drips_in_the_middle_of_a_frame_is_given_up(home, monkeypatch, drips):
    monkeypatch.setattr(pairing, "MACHINE", 0.4)
    with listening("0") as door, desk.ThreadPoolExecutor(1) as other:
        waiting = other.submit(outcome, door.wait)
        with connected(door.address) as slow:
            slow.sendall(write_frame(Kind.COMMIT, bytes(32)))
            frame(slow, Kind.KEY)
            for byte in write_frame(Kind.REVEAL, bytes(SIZES[Kind.REVEAL]))[:400]:
                if drips:
                    outcome_of_any(lambda byte=byte: slow.sendall(bytes([byte])))
                if waiting.done():
                    break
                time.sleep(0.05)
            error = waiting.result(timeout=0)
    assert isinstance(error, DeviceGone)
    assert "took too long" in str(error)


def test_a_listener_to_which_nobody_comes_gives_up(monkeypatch):
    monkeypatch.setattr(pairing, "PERSON", 0.2)
    with listening("0") as door, pytest.raises(DeviceGone, match="no device came"):
        door.wait()
    with listening("0") as door, pytest.raises(InputError, match="can't listen"), listening(door.address):
        pass


# Broken off by something else


@pytest.mark.parametrize("sent", [False, True], ids=["before-it-was-sent", "maybe-sent"])
def test_a_push_that_fails_is_told_on_both_sides_and_the_same_commands_complete_it(home, sent):
    folder, send = home.home(), home.registry.send

    def lost(signed):
        send(signed)
        raise ChainUnreachable("no answer; try again")

    def carried(code: str) -> str:
        home.registry.reachable, home.registry.send = sent, lost
        return code

    found = on_one_desk(home, folder, carried=carried)
    home.registry.reachable, home.registry.send = True, send
    assert found.errors == (ChainUnreachable, DeviceGone)
    assert "says there why" in str(found.answer)
    if not sent:
        assert nothing_happened(home, folder)
    assert texts(home.joins(folder, on_one_desk(home, folder).answer)) == {"Before everything."}
    assert names(home.laptop) == ["laptop", "phone"]


def test_an_answer_that_came_is_kept_until_the_vault_is_there(home):
    folder = home.home()
    found = on_one_desk(home, folder)
    home.registry.reachable = False
    with pytest.raises(ChainUnreachable):
        home.joins(folder, found.answer)
    home.registry.reachable = True
    assert isinstance(outcome(lambda: reaches(home, folder, "127.0.0.1:1")), DeviceGone)
    kept = kept_answer(VaultPaths.of("default", folder)).read_bytes()
    assert texts(home.joins(folder, kept)) == {"Before everything."}


def test_a_pairing_goes_on_under_the_passphrase_of_its_beginning(home):
    folder = home.home()
    on_one_desk(home, folder, says_yes=False)
    with pytest.raises(WrongPassphrase):
        Vault.reach("127.0.0.1:1", passphrase="another", home=folder, clock=home.clock)


def test_a_device_that_lost_its_way_comes_back_over_a_socket(home):
    phone, tablet = home.added("phone"), home.added("tablet")
    tablet.remember("Waits on the tablet.")
    home.laptop.remove_device("phone", home.words, stolen=True)
    found = on_one_desk(home, home.home(), reach=lambda address: tablet.reach_again(address, "tablet"))
    tablet.join_again(found.answer)
    tablet.push()
    home.laptop.pull()
    assert "Waits on the tablet." in texts(home.laptop)
    refused = on_one_desk(home, home.home(), reach=phone.reach_again)
    assert isinstance(refused.added, InputError)
    assert "was removed" in str(refused.added)
    with pytest.raises(NotFoundError):
        Vault.join(b"", passphrase=PASSPHRASE, home=home.home(), registry=home.registry)
