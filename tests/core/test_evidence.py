"""A bundle of evidence holds as it was signed, and with any one thing changed it does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import rfc8785

from endorse.core import consent, evidence, redeem
from endorse.core.change import Amend
from endorse.core.model import Evidence, Grant
from tests.core import scene
from tests.core.scene import CLIENT, LAW, NOW
from tests.core.signed import (
    GENERIC,
    GRANT,
    ITEMS,
    OTHER_DEVICE,
    PHONE,
    TEXT,
    WHOLE,
    changed,
    first,
    holds,
    leaves,
    narrowed,
    put,
    redone,
    renewed,
    signed,
    wrongs,
)


def test_a_whole_life_holds() -> None:
    assert wrongs(WHOLE) == []
    assert evidence.read(TEXT) == WHOLE
    assert [finding.what for finding in evidence.verify(WHOLE)] == [
        "the bundle is undamaged",
        "nothing is missing",
        "consent 1 is signed",
        "amendment 2 is signed",
        "consent 3 is signed",
        "amendment 4 is signed",
        "the grant gives what was signed",
    ]


def altered(grant: Grant, how: str, *ids: str, **said: Any) -> tuple[Grant, Evidence]:
    """A grant after a merge or a replacement, whose document says `said` besides."""
    request = msgspec.structs.replace(
        scene.REQUEST, grant_action=how, grant_id=grant.grant_id, scope=("accounts",)
    )
    chosen = [account for account in scene.OWNED if account.resource_id in ids]
    journey = scene.matched(scene.REQUEST)
    journey = msgspec.structs.replace(journey, request=request)
    text = consent.document(
        journey, PHONE, CLIENT, chosen, "en", scene.TERMS, scene.fresh_from("alter"), grant
    )
    document = rfc8785.dumps({**json.loads(text), **said}).decode()
    done = msgspec.structs.replace(
        scene.redirected(), request=request, document=document, assertion=signed(document).text
    )
    good = {"code": scene.code_of(done), "redirect_uri": scene.CALLBACK}
    decision = redeem.code(
        scene.params(**good),
        CLIENT,
        redeem.Approval(done, PHONE, grant),
        scene.KEY,
        NOW,
        scene.fresh_from("r"),
        LAW,
    )
    [amend] = [it for it in decision.changes if isinstance(it, Amend)]
    return amend.after, amend.evidence


def test_a_grant_that_was_merged_and_replaced_holds() -> None:
    grant, made = first()
    less = narrowed(grant, "acc-1")
    merged, merge = altered(less.after, "merge", "acc-3")
    items = [made, less.evidence, merge]
    assert wrongs(evidence.bundle(merged, items)) == []
    replaced, replace = altered(merged, "replace", "acc-2")
    assert wrongs(evidence.bundle(replaced, [*items, replace])) == []
    # What was signed last is what counts: the grant of before is more than that.
    assert wrongs(evidence.bundle(merged, [*items, replace])) != []


@pytest.mark.parametrize(
    "said",
    [
        {"merges": "another-grant"},
        {"renews": "another-grant"},
        {"accounts": []},
        {"scope": ["accounts"]},
    ],
)
def test_a_merge_of_another_grant_or_that_gives_less_does_not_hold(said: dict[str, Any]) -> None:
    grant, made = first()
    merged, merge = altered(grant, "merge", "acc-3", **said)
    assert "consent 2 is signed" in wrongs(evidence.bundle(merged, [made, merge]))


def test_a_merge_at_another_place_than_it_says_does_not_hold() -> None:
    grant, made = first()
    less = narrowed(grant, "acc-1", "acc-3")
    merged, merge = altered(grant, "merge", "acc-2")
    moved = msgspec.structs.replace(merge, number=3)
    later = msgspec.structs.replace(merged, revision=3)
    assert "consent 3 is signed" in wrongs(evidence.bundle(later, [made, less.evidence, moved]))


def test_a_first_consent_that_changes_a_grant_does_not_hold() -> None:
    grant, _ = first()
    merged, merge = altered(grant, "merge", "acc-2")
    alone = msgspec.structs.replace(merge, number=1)
    only = msgspec.structs.replace(merged, revision=1)
    assert "consent 1 is signed" in wrongs(evidence.bundle(only, [alone]))


def test_a_grant_for_one_time_holds_though_it_ends_before_its_document() -> None:
    grant, made = first(("accounts", "balances"))
    assert wrongs(evidence.bundle(grant, [made])) == []


def test_a_bundle_of_another_bank_says_so() -> None:
    found = evidence.verify(WHOLE, "https://other.example")
    assert [it.what for it in found if it.wrong] == ["it is of https://other.example"]


def test_an_issuer_that_is_no_address_is_a_finding_and_no_crash() -> None:
    broken = msgspec.structs.replace(WHOLE, issuer="https://[bank.example")
    assert not holds(evidence.write(broken))


# --- a change, with the digest made to fit: now the signatures must tell ----------------------

NESTED = ("signed", "signature")
PLAIN = [
    path
    for path in leaves(GENERIC)
    # The time is the server's word, and the digest is made to fit.
    if path[-1] not in ("at", *NESTED) and path != ("digest",)
]


def test_every_fact_is_bound_to_what_was_signed() -> None:
    assert len(PLAIN) > 30
    for path in PLAIN:
        at = GENERIC
        for step in path:
            at = at[step]
        assert not redone(put(GENERIC, path, changed(at))), path


@pytest.mark.parametrize("number", range(4))
def test_every_member_of_what_was_signed_is_bound(number: int) -> None:
    inner = msgspec.json.decode(ITEMS[number].signed)
    for path in leaves(inner):
        at = inner
        for step in path:
            at = at[step]
        text = rfc8785.dumps(put(inner, path, changed(at))).decode()
        assert not redone(put(GENERIC, ("items", number, "signed"), text)), path


@pytest.mark.parametrize("member", ["clientDataJSON", "authenticatorData", "signature"])
def test_another_spelling_of_what_the_passkey_signed_does_not_hold(member: str) -> None:
    answer = msgspec.json.decode(ITEMS[0].signature)
    padded = put(answer, ("response", member), answer["response"][member] + "=")
    broken = msgspec.json.encode(padded).decode()
    assert not redone(put(GENERIC, ("items", 0, "signature"), broken))


Change = Callable[[list[Any]], list[Any]]
SHUFFLES: dict[str, Change] = {
    "the first is gone": lambda items: items[1:],
    "one in the middle is gone": lambda items: [items[0], *items[2:]],
    "the last is gone": lambda items: items[:-1],
    "two changed places": lambda items: [items[0], items[2], items[1], items[3]],
    "one came twice": lambda items: [*items, items[-1]],
    "nothing is there": lambda items: [],
}


@pytest.mark.parametrize("name", SHUFFLES)
@pytest.mark.parametrize("renumbered", [False, True])
def test_what_was_signed_is_whole_and_in_its_order(name: str, renumbered: bool) -> None:
    items = [dict(item) for item in SHUFFLES[name](GENERIC["items"])]
    if renumbered:
        items = [{**item, "number": number} for number, item in enumerate(items, 1)]
    whole = put(GENERIC, ("items",), items)
    if renumbered:
        whole = put(whole, ("grant", "revision"), len(items))
    if name == "one in the middle is gone" and renumbered:
        # A renewal says anew what was narrowed before it, so the narrowing can go unseen.
        assert redone(whole)
        return
    assert not redone(whole)


# --- signed, but not what it should be --------------------------------------------------------


def with_last(grant: Grant, *items: Evidence) -> list[str]:
    """What does not hold of a grant after these."""
    return wrongs(evidence.bundle(grant, items))


def test_an_amendment_by_another_device_key_does_not_hold() -> None:
    grant, made = first()
    amend = narrowed(grant, "acc-1", device=OTHER_DEVICE)
    assert with_last(amend.after, made, amend.evidence) == ["amendment 2 is signed"]


def test_an_amendment_that_was_signed_for_another_call_does_not_hold() -> None:
    grant, made = first()
    amend = narrowed(grant, "acc-1", path="renew")
    assert with_last(amend.after, made, amend.evidence) == ["amendment 2 is signed"]


def test_an_amendment_that_gives_back_does_not_hold() -> None:
    grant, made = first()
    one, back = narrowed(grant, "acc-1"), narrowed(grant, "acc-1", "acc-3")
    second = msgspec.structs.replace(back.evidence, number=3)
    after = msgspec.structs.replace(back.after, revision=3)
    assert with_last(after, made, one.evidence, second) == ["amendment 3 is signed"]


@pytest.mark.parametrize("how", [{"origin": "https://evil.example"}, {"user_verified": False}])
def test_a_consent_elsewhere_or_without_the_person_does_not_hold(how: dict[str, Any]) -> None:
    grant, made = first()
    text = signed(made.signed, **how).text
    bad = msgspec.structs.replace(made, signature=text)
    assert with_last(grant, bad) == ["consent 1 is signed"]


def test_a_renewal_that_gives_more_does_not_hold() -> None:
    grant, made = first()
    one = narrowed(grant, "acc-1")
    wider = msgspec.structs.replace(one.after, accounts=grant.accounts)
    two = renewed(wider, made.signed, NOW + 1000)
    assert with_last(two.after, made, one.evidence, two.evidence) == ["consent 3 is signed"]


def test_a_renewal_of_another_connection_does_not_hold() -> None:
    grant, made = first()
    other = msgspec.structs.replace(grant, grant_id="another")
    two = renewed(other, made.signed, NOW + 1000)
    after = msgspec.structs.replace(two.after, grant_id=grant.grant_id)
    assert with_last(after, made, two.evidence) == ["consent 2 is signed"]


@pytest.mark.parametrize(
    "more",
    [
        {"expires_at": GRANT.expires_at + 1},
        {"accounts": (scene.CURRENT, scene.DOLLARS)},
        {"accounts": (scene.DOLLARS, scene.DOLLARS)},
        {"scope": (*GRANT.scope, "payments")},
        {"person_id": "ben"},
        {"client_id": "other-app"},
    ],
)
def test_a_grant_that_gives_more_than_was_signed_does_not_hold(more: dict[str, Any]) -> None:
    assert wrongs(evidence.bundle(msgspec.structs.replace(GRANT, **more), ITEMS)) != []


@pytest.mark.parametrize("text", ["", "{}", "[", "null", "[" * 5000, TEXT + " ", TEXT + "\n"])
def test_what_is_no_bundle_is_said_to_be_none(text: str) -> None:
    assert isinstance(evidence.read(text), str)
