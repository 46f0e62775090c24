"""Which proxies are believed: single addresses, whole networks, and nothing that is neither."""

from __future__ import annotations

import pytest

from endorse.server.limit import address_of
from endorse.server.proxies import Proxies, proxy_problem

TRUSTED = Proxies(("10.0.0.7", "10.42.0.0/16", "2001:db8:1::/48", "2001:DB8:0:0::7"))


@pytest.mark.parametrize(
    ("address", "believed"),
    [
        ("10.0.0.7", True),
        ("10.0.0.8", False),
        ("::ffff:10.0.0.7", True),
        ("::ffff:10.0.0.8", False),
        ("10.42.255.255", True),
        ("10.43.0.0", False),
        ("::ffff:10.42.0.1", True),
        ("::ffff:10.43.0.1", False),
        ("2001:db8:1:ffff::1", True),
        ("2001:db8:2::1", False),
        ("2001:db8::7", True),
        ("2001:db8::8", False),
        ("10.42.0.0/16", False),
        ("unix:", False),
        ("", False),
    ],
)
def test_an_address_is_believed_if_it_or_its_network_was_named(
    address: str, believed: bool
) -> None:
    assert (address in TRUSTED) is believed
    # What was looked up once is remembered.
    assert (address in TRUSTED) is believed
    assert address not in Proxies()


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("10.0.0.7", ""),
        ("10.0.0.0/8", ""),
        ("10.0.0.7/32", ""),
        ("fc00::/7", ""),
        ("fe80::1", ""),
        ("proxy", "is no address and no network: write such as 10.0.0.7 or 10.0.0.0/24"),
        ("10.0.0.0/33", "is no address and no network"),
        ("10.0.0", "is no address and no network"),
        ("10.0.0.7/24", "write 10.0.0.0/24, or the address alone"),
        ("2001:db8::7/64", "write 2001:db8::/64, or the address alone"),
        ("0.0.0.0/0", "would believe strangers"),
        ("::/0", "would believe strangers"),
        ("10.0.0.0/7", "would believe strangers"),
        ("2000::/3", "would believe strangers"),
    ],
)
def test_what_is_wrong_with_a_proxy_says_what_to_write(said: str, problem: str) -> None:
    found = proxy_problem(said)
    assert problem in found
    assert bool(found) is bool(problem)
    if not found:
        assert said.partition("/")[0] in Proxies((said,))


@pytest.mark.parametrize(
    ("forwarded", "found"),
    [
        (b"203.0.113.7", "203.0.113.7"),
        # Behind a load balancer within the network that saw the caller.
        (b"203.0.113.7, 10.42.3.4", "203.0.113.7"),
        # The first was sent by whoever calls.
        (b"6.6.6.6, 203.0.113.7, 10.42.3.4", "203.0.113.7"),
        (b"10.42.9.9, 203.0.113.7", "203.0.113.7"),
        # Somebody within the network.
        (b"10.42.3.4", "10.42.3.4"),
        (b"", "10.42.0.1"),
        (b" , ", "10.42.0.1"),
    ],
)
def test_the_caller_is_the_last_that_is_no_proxy_itself(forwarded: bytes, found: str) -> None:
    scope = {"client": ("10.42.0.1", 5), "headers": [(b"x-forwarded-for", forwarded)]}
    assert address_of(scope, TRUSTED) == found
    assert address_of({**scope, "client": ("192.0.2.1", 5)}, TRUSTED) == "192.0.2.1"
