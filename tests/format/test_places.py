"""What a place may be, and every spelling known to reach a private network that it may not be."""

from __future__ import annotations

import ipaddress

import pytest

from memsync.errors import FormatError
from memsync.format.places import is_public, read_place, read_places

GOOD = {
    "https://example.com": ("example.com", 443),
    "https://example.com/": ("example.com", 443),
    "https://example.com?token=a%2Fb": ("example.com", 443),
    "https://ipfs.example.com:8443/ipfs/?format=raw&x=(1)": ("ipfs.example.com", 8443),
    "https://xn--bcher-kva.example/%C3%BC": ("xn--bcher-kva.example", 443),
    "https://1.1.1.1/": ("1.1.1.1", 443),
    "https://8.8.8.8:53": ("8.8.8.8", 53),
    "https://[2606:4700:4700::1111]/": ("2606:4700:4700::1111", 443),
    "https://[2a00:1450:4001:80b::200e]:65535/a@b": ("2a00:1450:4001:80b::200e", 65535),
    "https://0.pool.example": ("0.pool.example", 443),
    "https://local.example": ("local.example", 443),
}

BAD = {
    "value": [
        "", "example.com", "http://example.com", "HTTPS://example.com", "https:/example.com", "//example.com", "file:///etc/passwd",
        "https://", "https:///", "https://?", "https://.", "https://a..b", "https://user@example.com", "https://user:pass@example.com",
        "https://example.com@10.0.0.1/", "https://example.com:@10.0.0.1/", "https://exa%6Dple.com", "https://Example.com",
        "https://example.com:", "https://example.com:0", "https://example.com:080", "https://example.com:65536", "https://example.com:-1",
        "https://example.com:443", "https://example.com:99999999999", "https://-a.example", "https://a-.example", "https://a_b.example",
        "https://" + "a" * 64 + ".example", "https://ex ample.com",
        # one label, private names, a trailing dot
        "https://localhost", "https://localhost:8443/", "https://LOCALHOST", "https://localhost.", "https://example.com.",
        "https://a.localhost", "https://printer.local", "https://metadata.google.internal", "https://router.lan", "https://a.home.arpa",
        "https://x.test", "https://abc.onion", "https://intranet", "https://127", "https://0",
        # IPv4 in every spelling that inet_aton or a browser takes
        "https://127.0.0.1", "https://127.1", "https://127.0.1", "https://2130706433/", "https://0x7f.1", "https://0x7f000001",
        "https://0x7f.0x0.0x0.0x1", "https://0177.0.0.1", "https://017700000001", "https://127.0.0.01", "https://127.0.0.1.",
        "https://127.0.0.256", "https://1.1.1", "https://1.1.1.1.1", "https://a.0x7f", "https://a.1",
        "https://0.0.0.0", "https://10.1.2.3", "https://100.64.0.1", "https://169.254.169.254/latest/meta-data/", "https://172.16.0.1",
        "https://172.31.255.255", "https://192.168.1.1", "https://192.0.0.8", "https://192.0.2.1", "https://198.18.0.1",
        "https://198.51.100.1", "https://203.0.113.9", "https://224.0.0.1", "https://240.0.0.1", "https://255.255.255.255",
        # IPv6: loopback, unspecified, mapped, compatible, translated, link-local, site-local, unique local, multicast, 6to4, Teredo
        "https://[::1]", "https://[::]", "https://[::ffff:7f00:1]", "https://[::7f00:1]", "https://[64:ff9b::a00:1]",
        "https://[64:ff9b:1::1]", "https://[fe80::1]", "https://[fec0::1]", "https://[fc00::1]", "https://[fd12:3456::1]",
        "https://[ff02::1]", "https://[2002:7f00:1::]", "https://[2001:0:7f00:1::]".replace(":0:", ":0:0:"),
        "https://[2001:db8::1]", "https://[3fff::1]", "https://[100::1]", "https://[]", "https://[1.1.1.1]", "https://[::1",
        "https://::1", "https://[2606:4700::1111]a", "https://a[2606:4700::1111]", "https://[2606:4700::1111]:443",
        "https://[v1.fe80::a]", "https://[2606:4700:4700::1111%1]", "https://[2606:4700:4700::1111%eth0]", "https://[2A00::1]",
        "https://[::ffff:127.0.0.1]", "https://[2a00::1.1.1.1]", "https://[2606:4700:4700::1111%251]",
    ],
    "encoding": [
        "https://example.com/#top", "https://example.com#top", "https://example.com/ü", "https://example.com/ ", "https://example.com/\n",
        "https://example.com\\@10.0.0.1/", "https://example.com/%", "https://example.com/%2", "https://example.com/%2f",
        "https://example.com/%zz", "https://example.com/<>", "https://example.com/[1]", "https://example.com/\0", "https://example.com/{}",
        "https://[2606:4700:4700:0:0:0:0:1111]", "https://[2606:4700:4700:0000::1111]", "https://[2a00:0::1]",
    ],
    "size": ["https://example.com/" + "a" * 181],
}  # fmt: skip


@pytest.mark.parametrize("url", GOOD)
def test_a_public_https_url_is_a_place(url):
    place = read_place(url, what="link")
    assert (place.url, (place.host, place.port)) == (url, GOOD[url])


@pytest.mark.parametrize(("fault", "url"), [(fault, url) for fault, urls in BAD.items() for url in urls])
def test_any_other_url_is_no_place(fault, url):
    with pytest.raises(FormatError) as refused:
        read_place(url, what="link")
    assert (refused.value.what, refused.value.fault) == ("link", fault)


def test_fullwidth_and_other_digits_reach_no_address():
    for host in ("１２７.0.0.1", "127。0。0。1", "①②⑦.0.0.1", "ⓛocalhost.example", "١٢٧.0.0.1"):
        with pytest.raises(FormatError):
            read_place(f"https://{host}/", what="link")


def test_a_text_of_200_characters_is_the_longest_place():
    assert read_place("https://example.com/" + "a" * 180, what="link")


def test_a_place_that_is_no_text_is_refused_by_type():
    for other in (None, 1, b"https://example.com"):
        with pytest.raises(FormatError, match="type"):
            read_place(other, what="link")


def test_eight_different_places_are_kept_in_their_order():
    urls = [f"https://{letter}.example" for letter in "hgfedcba"]
    assert read_places(urls, what="envelope") == tuple(urls)


def test_a_ninth_place_and_a_place_twice_are_refused():
    urls = [f"https://{letter}.example" for letter in "abcdefghi"]
    with pytest.raises(FormatError, match="count"):
        read_places(urls, what="envelope")
    with pytest.raises(FormatError, match="duplicate"):
        read_places([*urls[:3], urls[1]], what="envelope")


def test_what_python_calls_not_global_is_not_public_here():
    """Our list is fixed and Python's moves on; ours may only be the stricter."""
    edges = "1.1.1.1 192.0.0.9 192.31.196.1 100.127.255.255 198.19.0.1 2001:200::1 2001:20::1 2620:4f:8000::1 2600::"
    for text in edges.split():
        address = ipaddress.ip_address(text)
        assert address.is_global or not is_public(address), text
    assert is_public(ipaddress.ip_address("1.1.1.1"))
    assert is_public(ipaddress.ip_address("2600::"))
