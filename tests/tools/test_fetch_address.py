"""Which addresses are asked, in whatever form they come."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import ConfigError, ToolFailed, ToolRetry
from tools.fetch_address import allowed, refusal
from tools.fetch_download import Downloader
from tools.fetch_url import followed, parse_url

REFUSED = [
    *("127.0.0.1", "127.255.0.3", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
    *("169.254.169.254", "169.254.1.1", "100.64.0.1", "100.100.100.200", "192.0.0.192", "168.63.129.16"),
    *("224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "203.0.113.9"),
    *("::1", "::", "fd00:ec2::254", "fc00::1", "fe80::1", "fec0::1", "ff02::1", "2001:db8::1", "3fff::1", "5f00::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe"),
    *("64:ff9b:1::7f00:1", "2002:7f00:1::", "2002:808:808::1", "2001:0:4136:e378::1", "::7f00:1", "::808:808"),
    *("2a00::5efe:7f00:1", "fe80::1%1", "100::1"),
]
ASKED = [
    "1.1.1.1",
    "93.184.215.14",
    "2606:4700::1111",
    "::ffff:1.1.1.1",
    "64:ff9b::101:101",
    "172.32.0.1",
    "100.128.0.1",
]


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_not_of_the_open_internet_is_refused(text: str) -> None:
    assert refusal(ip_address(text))


@pytest.mark.parametrize("text", ASKED)
def test_what_is_of_it_is_asked(text: str) -> None:
    assert refusal(ip_address(text)) == ""


@given(st.ip_addresses())
def test_nothing_is_asked_that_python_itself_calls_private_or_multicast(
    address: object,
) -> None:
    found = ip_address(str(address))
    if found.is_private or found.is_multicast or found.is_loopback or found.is_link_local:
        mapped = getattr(found, "ipv4_mapped", None)
        assert refusal(found) or (mapped is not None and not mapped.is_private)


@given(st.ip_addresses(v=4))
def test_a_mapped_address_is_judged_by_what_it_carries(address: object) -> None:
    for form in (f"::ffff:{address}", f"64:ff9b::{address}"):
        assert bool(refusal(ip_address(form))) == bool(refusal(ip_address(str(address))))


@pytest.mark.parametrize(
    "url",
    [
        *("http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/", "http://127.1/", "http://0x7f.1/"),
        *("http://127.0.0.1.0x0/", "http://017700000001/", "http://0/", "http://1.2.3.4.5/", "http://0x/"),
        *("http://user@127.0.0.1/", "http://example.org@10.0.0.1/", "http://a:b@example.org/"),
        *("file:///etc/passwd", "ftp://example.org/", "gopher://x/", "javascript:alert(1)", "data:text/plain,x"),
        *(
            "http://exa mple.org/",
            "http://example.org\\@10.0.0.1/",
            "http://example.org\x00/",
            "http://[::1",
            "http:///x",
        ),
        *(
            "",
            "   ",
            "http://",
            "http://ex%61mple.org/",
            "http://a..b/",
            "http://example.org:99999/",
            "http://[fe80::1%25eth0]/",
        ),
        "https://example.org/" + "a" * 5_000,
    ],
)
def test_addresses_in_disguise_are_no_addresses(url: str) -> None:
    with pytest.raises(ToolRetry):
        parse_url(url)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("example.org/x", "example.org"),
        ("HTTPS://EXAMPLE.org./x", "example.org"),
        ("//example.org/x", "example.org"),
        ("example.org:8080/x", "example.org"),
        ("http://bücher.example/", "xn--bcher-kva.example"),
        ("http://①②⑦.0.0.1/", "127.0.0.1"),
        ("http://127。0。0。1/", "127.0.0.1"),
        ("http://[::ffff:127.0.0.1]/", "::ffff:7f00:1"),
    ],
)
def test_what_an_address_names(url: str, host: str) -> None:
    assert ip(parse_url(url).host) == ip(host)


def ip(host: str) -> object:
    try:
        return ip_address(host)
    except ValueError:
        return host


def test_a_path_is_sent_as_ascii_and_never_as_a_line_of_its_own() -> None:
    assert parse_url("https://example.org/a%0d%0aX:1/ü?q=ä b".replace(" ", "+")).path == "/a%0d%0aX:1/%C3%BC?q=%C3%A4+b"


def test_a_redirect_is_read_as_strictly() -> None:
    here = parse_url("https://example.org/a/b")
    assert followed(here, "../c?d").url == "https://example.org/c?d"
    assert followed(here, "//other.example/").host == "other.example"
    for bad in ("file:///etc/passwd", "http://0x7f.1/", "https://a@b.example/"):
        with pytest.raises(ToolRetry):
            followed(here, bad)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "url",
    [
        *("http://127.0.0.1/", "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://①②⑦.0.0.1/", "http://0.0.0.0/"),
        *(
            "http://[::]/",
            "http://[::ffff:7f00:1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[2002:7f00:1::]/",
            "127.0.0.1",
        ),
        *("http://localhost/", "http://localhost./", "http://a.localhost/", "http://printer/", "http://router.local/"),
        *("http://127.0.0.1:22/", "http://1.1.1.1:25/", "http://169.254.169.254/latest/", "http://[fd00:ec2::254]/"),
    ],
)
async def test_without_an_exception_no_way_leads_to_this_machine(url: str) -> None:
    with pytest.raises(ToolFailed, match="For safety"):
        await Downloader().get(url)


def test_an_exception_opens_no_more_than_it_says() -> None:
    net, host, one = allowed(["10.1.0.0/16", "Wiki.Intern", "127.0.0.1:8080"])
    assert refusal(ip_address("10.1.2.3"), exceptions=[net]) == ""
    assert refusal(ip_address("::ffff:10.1.2.3"), exceptions=[net]) == ""
    assert refusal(ip_address("10.2.0.1"), exceptions=[net])
    assert refusal(ip_address("10.9.9.9"), host="wiki.intern", port=443, exceptions=[host]) == ""
    assert refusal(ip_address("10.9.9.9"), host="other.intern", port=443, exceptions=[host])
    assert refusal(ip_address("127.0.0.1"), port=8080, exceptions=[one]) == ""
    assert refusal(ip_address("127.0.0.1"), port=8081, exceptions=[one])


def test_no_exception_opens_the_metadata_of_a_cloud() -> None:
    for entry in ("169.254.0.0/16", "169.254.169.254", "0.0.0.0/0"):
        assert refusal(ip_address("169.254.169.254"), port=80, exceptions=allowed([entry]))
        assert refusal(ip_address("::ffff:169.254.169.254"), port=80, exceptions=allowed([entry]))
    assert refusal(ip_address("fd00:ec2::254"), exceptions=allowed(["fd00::/8"]))


@pytest.mark.parametrize("entry", ["10.0.0.0/99", "a b", "http://x/", "[::1/", "x/y"])
def test_an_exception_that_is_none_is_told(entry: str) -> None:
    with pytest.raises(ConfigError):
        allowed([entry])
