"""What an address says, what is shown of it, and what is said about one that makes no sense."""

from __future__ import annotations

import pytest

from orchestrator.bus import connect
from orchestrator.bus.redis_address import parsed, shown_url
from orchestrator.bus.redis_primary import checked
from orchestrator.errors import ConfigError

SECRETS = ("s3cret", "t0ken")


@pytest.mark.parametrize(
    ("url", "kind", "places"),
    [
        ("redis://", "server", (("localhost", 6379),)),
        ("redis://here:7000/3", "server", (("here", 7000),)),
        ("rediss://me:s3cret@[::1]", "server", (("::1", 6379),)),
        ("unix:///run/redis.sock?db=2", "server", ()),
        ("unix://me:s3cret@/run/redis.sock", "server", ()),
        ("redis+sentinel://a,b:7000,[::1]:7001/main", "sentinel", (("a", 26379), ("b", 7000), ("::1", 7001))),
        ("rediss+cluster://:s3cret@a, b:7000", "cluster", (("a", 6379), ("b", 7000))),
    ],
)
def test_who_is_named(url: str, kind: str, places: tuple[tuple[str, int], ...]) -> None:
    address = checked(url)
    assert (address.kind, address.places) == (kind, places)


def test_servers_and_sentinels_have_their_own_words() -> None:
    address = parsed(
        "rediss+sentinel://me:s3%2Fcret@a:1,b:2/my%20service/3"
        "?sentinel_username=you&sentinel_password=t0/ken&ssl_ca_certs=/ca.pem"
    )
    assert address.service == "my service"
    assert address.server_url == "rediss://me:s3%2Fcret@a:1/3?ssl_ca_certs=%2Fca.pem"
    assert address.sentinel_url == "rediss://you:t0%2Fken@a:1/0?ssl_ca_certs=%2Fca.pem"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://me:s3cret@here:7000/3", "redis://me:***@here:7000/3"),
        ("redis://:s3cret@here", "redis://:***@here"),
        # A password whose colon was forgotten, or written as if it were a part of it.
        ("redis://s3cret@here", "redis://***@here"),
        ("redis://me%3As3cret@here", "redis://***@here"),
        ("redis://here?password=s3cret&db=2", "redis://here?password=***&db=2"),
        ("redis://me:a@b:s3cret@here", "redis://me:***@here"),
        (
            "rediss://here?ssl_password=s3cret&ssl_ca_certs=/ca.pem",
            "rediss://here?ssl_password=***&ssl_ca_certs=/ca.pem",
        ),
        ("redis://here?credential=s3cret", "redis://here?credential=***"),
        ("redis+sentinel://:s3cret@a,b/x?sentinel_password=t0ken", "redis+sentinel://:***@a,b/x?sentinel_password=***"),
        # Where a password may be taken for something else, nothing is shown.
        ("redis://me:s3cret/x@here", "redis://***"),
        ("redis://me:s3cret?x@here", "redis://***"),
        ("redis://me:s3cret#x@here", "redis://***"),
        ("redis://me:s3cret", "redis://***"),
        ("redis:me:s3cret@here", "(an address that cannot be read)"),
        ("http://me:s3cret@here/x", "http://me:***@here/x"),
    ],
)
def test_no_secret_is_shown(url: str, shown: str) -> None:
    assert shown_url(url) == shown


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("s3cret", "must begin with"),
        ("http://me:s3cret@here", "must begin with"),
        ("redis://me:s3cret@here:port", "port must be a number"),
        ("redis://me:s3cret@here:0", "port must be a number"),
        ("redis://me:s3cret@[::1", "port must be a number"),
        ("redis://me:s3cret", "port must be a number"),
        ("redis://me:s3cret/x@here", "must be written as %2F"),
        ("redis://me:s3cret@here/x", "database must be a number"),
        ("redis://me:s3cret@a,b", "Several servers"),
        ("redis://here?nonsense=t0ken", "no option 'nonsense'"),
        ("redis://here?ssl_ca_certs=/ca.pem&password=s3cret", "no option 'ssl_ca_certs'"),
        ("rediss://:s3cret@here?ssl_cert_reqs=perhaps", "a value that cannot be"),
        ("redis://here?db=s3cret", "a value that cannot be"),
        ("redis://here?sentinel_password=s3cret", "belong to an address that names sentinels"),
        ("unix://:s3cret@", "whole path of a socket"),
        ("unix://run/redis.sock", "whole path of a socket"),
        ("redis+sentinel://:s3cret@a,b", "name of the service is missing"),
        ("redis+sentinel://a/x?sentinel_secret=s3cret", "sentinel_username and sentinel_password"),
        ("redis+cluster://:s3cret@a,b/1", "no other database than 0"),
        ("redis+cluster://:s3cret@a,,b:x", "port must be a number"),
    ],
)
def test_what_makes_no_sense_is_refused_in_three_lines(url: str, why: str) -> None:
    with pytest.raises(ConfigError) as refused:
        connect(url)
    assert why in refused.value.why
    assert len(str(refused.value).splitlines()) == 3
    assert not any(secret in f"{refused.value} {refused.value.__cause__!r}" for secret in SECRETS if secret != url)


def test_nothing_that_holds_an_address_shows_it() -> None:
    url = "redis+sentinel://me:s3cret@a,b/x?sentinel_password=t0ken"
    assert not any(secret in f"{parsed(url)!r} {parsed(url)} {connect(url)!r}" for secret in SECRETS)
