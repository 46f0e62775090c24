"""Each rule of Endorse's own risk check, at its border; and what holds whatever the claim."""

from __future__ import annotations

from ipaddress import ip_address
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from endorse.core.policy import DAY
from endorse.risk import LEVELS, Circumstances, Level, Reason, Risk, Verdict, Way
from endorse.server.risk import IN_SANDBOX, Bounds, Rules, public_address
from tests.risk.scene import (
    ANCHORAGE_V6,
    AT_SEA_V6,
    GRONINGEN,
    HARMLESS,
    HOSTING,
    LILLE_V6,
    MIAMI_V6,
    NAMELESS_V6,
    NOW,
    PARIS,
    UTRECHT,
    UTRECHT_TOO,
    UTRECHT_V6,
    claim,
    table,
)

RULES = Rules(places=table())
NO_TABLE = Rules()

EACH_RULE: list[tuple[str, dict[str, object], Level, tuple[Reason, ...]]] = [
    ("nothing speaks against it", {}, "green", ()),
    ("a new browser by itself", {"browser_known": False}, "green", ("new_browser",)),
    ("a short code", {"way": "short_code"}, "amber", ("short_code",)),
    ("a link", {"way": "link"}, "green", ()),
    ("the same address", {"phone_address": UTRECHT}, "green", ("same_network",)),
    ("the same /24", {"phone_address": UTRECHT_TOO}, "green", ("same_network",)),
    (
        "the same /24 in two rows of the table, in two countries",
        {"browser_address": PARIS, "phone_address": GRONINGEN},
        "green",
        ("same_network",),
    ),
    (
        "the same address and a short code",
        {"way": "short_code", "phone_address": UTRECHT},
        "amber",
        ("short_code", "same_network"),
    ),
    ("another country", {"browser_address": LILLE_V6}, "amber", ("other_country",)),
    (
        "another country and far",
        {"browser_address": PARIS},
        "amber",
        ("other_country", "far_apart"),
    ),
    (
        "far in one country",
        {"browser_address": ANCHORAGE_V6, "phone_address": MIAMI_V6},
        "amber",
        ("far_apart",),
    ),
    (
        "another country, from a new browser",
        {"browser_address": LILLE_V6, "browser_known": False},
        "amber",
        ("new_browser", "other_country"),
    ),
    (
        "a data centre, a known browser",
        {"browser_address": HOSTING},
        "amber",
        ("hosting_network", "place_unknown"),
    ),
    (
        "a data centre, a new browser",
        {"browser_address": HOSTING, "browser_known": False},
        "red",
        ("hosting_network", "new_browser", "place_unknown"),
    ),
    (
        "one VPN for a new browser and the phone",
        {"browser_address": HOSTING, "phone_address": "192.0.2.77", "browser_known": False},
        "amber",
        ("hosting_network", "new_browser", "same_network", "place_unknown"),
    ),
    ("the phone behind a VPN", {"phone_address": HOSTING}, "green", ()),
    ("a phone that the table does not know", {"phone_address": "8.8.8.8"}, "green", ()),
    (
        "a browser that it does not know",
        {"browser_address": "8.8.8.8"},
        "green",
        ("place_unknown",),
    ),
    ("a network without a name", {"browser_address": NAMELESS_V6}, "green", ("place_unknown",)),
    ("a network without a country", {"browser_address": AT_SEA_V6}, "green", ()),
    ("an unverified client", {"client_verified": False}, "amber", ("unverified_client",)),
    (
        "a client of almost seven days",
        {"client_registered_at": NOW - 7 * DAY + 1},
        "amber",
        ("young_client",),
    ),
    ("a client of seven days", {"client_registered_at": NOW - 7 * DAY}, "green", ()),
    (
        "a client of tomorrow's clock",
        {"client_registered_at": NOW + DAY},
        "amber",
        ("young_client",),
    ),
    ("a phone of almost a day", {"phone_enrolled_at": NOW - DAY + 1}, "amber", ("young_phone",)),
    ("a phone of a day", {"phone_enrolled_at": NOW - DAY}, "green", ()),
    (
        "proven near, with all that is amber elsewhere",
        {
            "way": "near",
            "browser_address": PARIS,
            "client_verified": False,
            "client_registered_at": NOW,
            "phone_enrolled_at": NOW,
        },
        "green",
        ("other_country", "far_apart", "unverified_client", "young_client", "young_phone"),
    ),
    (
        "proven near, but a data centre and a new browser",
        {"way": "near", "browser_address": HOSTING, "browser_known": False},
        "red",
        ("hosting_network", "new_browser", "place_unknown"),
    ),
]


@pytest.mark.parametrize(
    ("changed", "level", "reasons"), [row[1:] for row in EACH_RULE], ids=[r[0] for r in EACH_RULE]
)
def test_a_rule_gives_its_level_and_names_its_reasons(
    changed: dict[str, object], level: Level, reasons: tuple[Reason, ...]
) -> None:
    verdict = RULES.verdict(claim(**changed))
    assert (verdict.level, verdict.reasons) == (level, reasons)


@pytest.mark.anyio
async def test_the_rules_are_a_risk_check() -> None:
    risk: Risk = RULES
    assert await risk.weigh(HARMLESS) == Verdict(level="green", place="Utrecht", distance_km=0)


def test_the_place_and_the_distance_are_the_tables() -> None:
    verdict = RULES.verdict(claim(browser_address=GRONINGEN))
    assert (verdict.place, verdict.distance_km) == ("Groningen", 159)
    assert verdict.level == "green"
    over_the_pole = RULES.verdict(claim(browser_address=ANCHORAGE_V6))
    assert (over_the_pole.place, over_the_pole.distance_km) == ("Anchorage", 7222)


@pytest.mark.parametrize(("bound", "level"), [(159, "green"), (158, "amber")])
def test_far_is_farther_than_the_bound(bound: int, level: Level) -> None:
    rules = Rules(Bounds(far_km=bound), table())
    assert rules.verdict(claim(browser_address=GRONINGEN)).level == level


@pytest.mark.parametrize("address", [HOSTING, UTRECHT])
def test_a_distance_to_a_data_centre_or_within_a_network_is_not_told(address: str) -> None:
    verdict = RULES.verdict(claim(browser_address=address, phone_address=UTRECHT_TOO))
    assert verdict.distance_km is None


SAME_NETWORK = [
    ("198.51.100.0", "198.51.100.255", True),
    ("198.51.100.0", "198.51.101.0", False),
    ("198.51.100.7", "::ffff:198.51.100.9", True),
    ("::ffff:198.51.100.7", "::ffff:198.51.100.9", True),
    ("2001:db8:1:100::1", "2001:db8:1:1ff::1", True),
    ("2001:db8:1:100::1", "2001:db8:1:200::1", False),
    ("198.51.100.7", "2001:db8:1::7", False),
    ("198.51.100.7", "::198.51.100.7", False),
    ("127.0.0.1", "127.0.0.1", False),
    ("10.0.0.1", "10.0.0.1", False),
    ("nothing", "nothing", False),
]


@pytest.mark.parametrize(("browser", "phone", "same"), SAME_NETWORK)
def test_a_network_is_a_24_of_ipv4_or_a_56_of_ipv6(browser: str, phone: str, same: bool) -> None:
    verdict = NO_TABLE.verdict(claim(browser_address=browser, phone_address=phone))
    assert ("same_network" in verdict.reasons) is same


SAYS_NOTHING = [
    *("127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "10.1.2.3", "172.16.0.1"),
    *("172.31.255.255", "192.168.1.1", "::ffff:192.168.1.1", "169.254.1.1", "fe80::1"),
    *("fe80::1%eth0", "fd00::1", "100.64.0.1", "0.0.0.0", "::", "224.0.0.1", "ff02::1"),
    *("", "localhost", "testclient", "198.51.100.256", "198.51.100.7:80", "\x00"),
]


@pytest.mark.parametrize("address", SAYS_NOTHING)
def test_such_an_address_says_nothing_about_a_place(address: str) -> None:
    everywhere = table(
        "network,country,name,latitude,longitude,hosting\n"
        "0.0.0.0/0,NL,Everywhere,52,5,1\n::/0,NL,Everywhere,52,5,1\n"
    )
    it = claim(browser_address=address, phone_address=address, browser_known=False)
    assert Rules(places=everywhere).verdict(it) == Verdict(
        level="green", reasons=("new_browser", "place_unknown")
    )


@pytest.mark.parametrize("address", ["172.32.0.1", "100.128.0.1", "192.169.0.1", "198.51.100.7"])
def test_an_address_beside_a_private_network_counts(address: str) -> None:
    assert public_address(address) == ip_address(address)


def test_an_ipv4_address_written_as_ipv6_is_looked_up_as_ipv4() -> None:
    assert RULES.verdict(claim(browser_address="::ffff:203.0.113.200")).place == "Paris"


def test_a_sandbox_on_one_machine_is_green_without_a_place() -> None:
    it = claim(
        browser_address="127.0.0.1",
        phone_address="127.0.0.1",
        browser_known=False,
        client_registered_at=NOW,
        phone_enrolled_at=NOW,
    )
    assert Rules(IN_SANDBOX).verdict(it) == Verdict(
        level="green", reasons=("new_browser", "place_unknown")
    )


# What holds whatever the claim.

ADDRESSES = st.sampled_from(
    [
        *(UTRECHT, UTRECHT_TOO, GRONINGEN, PARIS, HOSTING, UTRECHT_V6, LILLE_V6, NAMELESS_V6),
        *(
            ANCHORAGE_V6,
            MIAMI_V6,
            AT_SEA_V6,
            "192.0.2.200",
            "127.0.0.1",
            "10.0.0.1",
            "8.8.8.8",
            "nowhere",
        ),
    ]
)
AGES = st.integers(0, 10 * DAY).map(lambda age: NOW - age)
CLAIMS = st.builds(
    Circumstances,
    way=st.sampled_from(get_args(Way)),
    browser_address=ADDRESSES | st.ip_addresses().map(str),
    phone_address=ADDRESSES | st.ip_addresses().map(str),
    browser=st.just("Chrome on Windows"),
    browser_known=st.booleans(),
    client_registered_at=AGES,
    client_verified=st.booleans(),
    phone_enrolled_at=AGES,
    now=st.just(NOW),
)
GRAVE = ("hosting_network", "new_browser")


@given(CLAIMS)
def test_a_short_code_is_never_green(it: Circumstances) -> None:
    verdict = RULES.verdict(replace(it, way="short_code"))
    assert verdict.level != "green"
    assert "short_code" in verdict.reasons


@given(CLAIMS)
def test_red_has_its_named_reasons(it: Circumstances) -> None:
    verdict = RULES.verdict(it)
    if verdict.level == "red":
        assert set(GRAVE) <= set(verdict.reasons)
    if verdict.level == "amber":
        assert set(verdict.reasons) - {"new_browser", "same_network", "place_unknown"}


@given(CLAIMS)
def test_without_a_table_no_place_is_told_and_nobody_is_refused(it: Circumstances) -> None:
    verdict = NO_TABLE.verdict(it)
    assert (verdict.place, verdict.distance_km) == (None, None)
    assert "place_unknown" in verdict.reasons
    assert verdict.level != "red"
    assert not {"hosting_network", "other_country", "far_apart"} & set(verdict.reasons)


@given(CLAIMS)
def test_a_place_is_told_or_said_to_be_unknown(it: Circumstances) -> None:
    verdict = RULES.verdict(it)
    assert (verdict.place is None) is ("place_unknown" in verdict.reasons)
    assert verdict.place in {None, "Utrecht", "Groningen", "Paris", "Lille, Nord"} | {
        "Anchorage",
        "Miami",
        "At sea",
    }


@given(CLAIMS)
def test_reasons_come_once_the_gravest_first(it: Circumstances) -> None:
    order = [get_args(Reason).index(reason) for reason in RULES.verdict(it).reasons]
    assert order == sorted(set(order))


WORSE: list[dict[str, object]] = [
    {"browser_known": False},
    {"browser_known": False, "client_verified": False},
    {"client_verified": False},
    {"client_registered_at": NOW},
    {"phone_enrolled_at": NOW},
    {"way": "short_code"},
    {"browser_address": HOSTING},
]


@given(CLAIMS, st.sampled_from(WORSE))
def test_a_bad_fact_more_never_makes_it_better(it: Circumstances, bad: dict[str, object]) -> None:
    before, after = RULES.verdict(it), RULES.verdict(replace(it, **bad))
    assert LEVELS.index(after.level) >= LEVELS.index(before.level)


@given(CLAIMS)
def test_nearness_proven_is_green_unless_it_is_refused(it: Circumstances) -> None:
    assert RULES.verdict(replace(it, way="near")).level in ("green", "red")
