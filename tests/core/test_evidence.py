"""A bundle of evidence holds as it was signed, and with any one thing changed it does not."""

from __future__ import annotations

import copy
import json
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from endorse.core import consent, evidence, grants, proof, redeem
from endorse.core.change import Amend, MakeGrant
from endorse.core.coding import b64url
from endorse.core.evidence import Bundle
from endorse.core.model import Evidence, Grant, Phone
from endorse.core.proof import Assertion, consent_challenge
from endorse.phone import DeviceKey, Passkey
from tests.core import scene
from tests.core.scene import ANNA, CLIENT, ISSUER, LAW, NOW
from tests.parts import SOAK

HOST = "bank.example"
DEVICE = DeviceKey.create(secrets.token_bytes)
OTHER_DEVICE = DeviceKey.create(secrets.token_bytes)


def a_passkey() -> tuple[Passkey, str]:
    """A passkey of the bank's app, and its public key as the server keeps it."""
    challenge = b64url(secrets.token_bytes(32))
    options = {
        "rp": {"id": HOST, "name": "Bank"},
        "user": {"id": b64url(b"anna")},
        "challenge": challenge,
        "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
    }
    passkey, answer = Passkey.create(options, ISSUER, random=secrets.token_bytes)
    made = proof.registered(msgspec.json.encode(answer), challenge, ISSUER, HOST)
    assert isinstance(made, proof.Passkey)
    return passkey, made.public_key


PASSKEY, PUBLIC_KEY = a_passkey()
PHONE = msgspec.structs.replace(
    ANNA,
    device=DEVICE.thumbprint,
    credential_id=b64url(PASSKEY.credential_id),
    public_key=PUBLIC_KEY,
)


def signed(document: str, **how: Any) -> Assertion:
    """The passkey's answer over a document."""
    challenge = consent_challenge(document)
    options = {"challenge": challenge, "rpId": HOST}
    answer = PASSKEY.sign(options, how.pop("origin", ISSUER), **how)
    return Assertion(challenge, PHONE.credential_id, 0, msgspec.json.encode(answer).decode())


def first(scope: tuple[str, ...] = scene.REQUEST.scope) -> tuple[Grant, Evidence]:
    """A grant of two accounts, and the consent that it was made by."""
    request = msgspec.structs.replace(scene.REQUEST, scope=scope)
    matched = scene.matched(request)
    accounts = (scene.CURRENT, scene.SAVINGS, scene.DOLLARS)
    document = consent.document(
        matched, PHONE, CLIENT, accounts, "en", scene.TERMS, scene.fresh_from("document")
    )
    done = msgspec.structs.replace(
        scene.redirected(request), document=document, assertion=signed(document).text
    )
    good = {"code": scene.code_of(done), "redirect_uri": scene.CALLBACK}
    decision = redeem.code(
        scene.params(**good),
        CLIENT,
        redeem.Approval(done, PHONE),
        scene.KEY,
        NOW,
        scene.fresh_from("r"),
        LAW,
    )
    [made] = [it for it in decision.changes if isinstance(it, MakeGrant)]
    return made.grant, made.evidence


def accounts_text(grant: Grant) -> str:
    """The accounts of a grant as the store writes them."""
    return msgspec.json.encode(grant.accounts).decode()


def narrowed(
    grant: Grant, *keep: str, now: int = NOW + 5, device: DeviceKey = DEVICE, path: str = "narrow"
) -> Amend:
    """The narrowing of a grant to some accounts."""
    body = msgspec.json.encode({"accounts": list(keep)})
    url = f"{ISSUER}/phone/connections/{grant.grant_id}/{path}"
    proved = device.proof("POST", url, body, at=now, jti="a-name-once", session="session")
    decision = grants.narrow(grant, PHONE, keep, body.decode(), proved, now)
    [amend] = [it for it in decision.changes if isinstance(it, Amend)]
    return amend


def renewed(grant: Grant, last: str, now: int, phone: Phone = PHONE) -> Amend:
    """The renewal of a grant."""
    owned = [account.resource_id for account in scene.OWNED]
    document = grants.offer(
        grant, phone, CLIENT, last, owned, ISSUER, now, scene.fresh_from("renewal"), LAW
    )
    assert isinstance(document, str), document
    decision = grants.renew(grant, phone, grant.revision, document, signed(document), now)
    [amend] = [it for it in decision.changes if isinstance(it, Amend)]
    return amend


def a_life() -> tuple[Grant, list[Evidence]]:
    """A grant that was approved, narrowed, renewed and narrowed again, and all that was signed."""
    grant, made = first()
    one = narrowed(grant, "acc-1", "acc-3")
    two = renewed(one.after, made.signed, NOW + 1000)
    three = narrowed(two.after, "acc-3", now=NOW + 2000)
    return three.after, [made, one.evidence, two.evidence, three.evidence]


GRANT, ITEMS = a_life()
WHOLE = evidence.bundle(GRANT, ITEMS)
TEXT = evidence.write(WHOLE)


def wrongs(whole: Bundle) -> list[str]:
    """What does not hold."""
    return [finding.what for finding in evidence.verify(whole, ISSUER) if finding.wrong]


def holds(text: str) -> bool:
    """Whether this text is a bundle that holds."""
    whole = evidence.read(text)
    return isinstance(whole, Bundle) and not wrongs(whole)


def redone(generic: Any) -> bool:
    """Whether a changed bundle holds, with its digest made to fit."""
    try:
        whole = evidence.sealed(msgspec.convert(generic, Bundle))
        return holds(evidence.write(whole))
    except (msgspec.ValidationError, rfc8785.CanonicalizationError):
        return False


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


@settings(max_examples=400)
@given(st.integers(0, len(TEXT.encode()) - 1), st.integers(1, 255))
def test_one_changed_byte_anywhere_is_seen(where: int, by: int) -> None:
    raw = bytearray(TEXT.encode())
    raw[where] ^= by
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return
    assert not holds(text)


def test_every_single_byte_counts() -> None:
    # The digest alone tells, so each place can be tried; the signatures are tried below.
    for where in range(0, len(TEXT), 1 if SOAK else 11):
        letter = TEXT[where]
        whole = evidence.read(TEXT[:where] + ("1" if letter != "1" else "0") + TEXT[where + 1 :])
        if isinstance(whole, Bundle):
            assert evidence.sealed(whole).digest != whole.digest, where


def test_an_issuer_that_is_no_address_is_a_finding_and_no_crash() -> None:
    broken = msgspec.structs.replace(WHOLE, issuer="https://[bank.example")
    assert not holds(evidence.write(broken))


# --- a change, with the digest made to fit: now the signatures must tell ----------------------

Path = tuple[str | int, ...]


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    """The way to each value that holds no others."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, (*path, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from leaves(inner, (*path, number))
    else:
        yield path


def changed(value: Any) -> Any:
    """Another value of the same type; of a text the first letter that makes it another."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if value is None:
        return "x"
    middle = len(value) // 2
    letter = "A" if value[middle : middle + 1] != "A" else "B"
    return value[:middle] + letter + value[middle + 1 :]


def put(whole: Any, path: Path, value: Any) -> Any:
    """A copy with another value at one place."""
    copied = copy.deepcopy(whole)
    at = copied
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return copied


GENERIC = msgspec.json.decode(TEXT)
NESTED = ("signed", "signature")
PLAIN = [
    path
    for path in leaves(GENERIC)
    # The time is the server's word, and the digest is made to fit.
    if path[-1] not in ("at", *NESTED) and path != ("digest",)
]


@pytest.mark.parametrize("path", PLAIN, ids=lambda path: ".".join(map(str, path)))
def test_every_fact_is_bound_to_what_was_signed(path: Path) -> None:
    at = GENERIC
    for step in path:
        at = at[step]
    assert not redone(put(GENERIC, path, changed(at)))


@pytest.mark.parametrize("number", range(4))
def test_every_member_of_what_was_signed_is_bound(number: int) -> None:
    inner = msgspec.json.decode(ITEMS[number].signed)
    for path in leaves(inner):
        at = inner
        for step in path:
            at = at[step]
        text = rfc8785.dumps(put(inner, path, changed(at))).decode()
        assert not redone(put(GENERIC, ("items", number, "signed"), text)), path


@pytest.mark.parametrize("number", [0, 2])
@pytest.mark.parametrize("member", ["clientDataJSON", "authenticatorData", "signature"])
def test_every_byte_that_the_passkey_signed_is_bound(number: int, member: str) -> None:
    answer = msgspec.json.decode(ITEMS[number].signature)
    text = answer["response"][member]
    # The last letter counts too, though some of its bits are none of any byte.
    for where in (*range(0, len(text), 3), len(text) - 1):
        other = text[:where] + ("A" if text[where] != "A" else "B") + text[where + 1 :]
        broken = msgspec.json.encode(put(answer, ("response", member), other)).decode()
        assert not redone(put(GENERIC, ("items", number, "signature"), broken)), where


@pytest.mark.parametrize("member", ["clientDataJSON", "authenticatorData", "signature"])
def test_another_spelling_of_what_the_passkey_signed_does_not_hold(member: str) -> None:
    answer = msgspec.json.decode(ITEMS[0].signature)
    padded = put(answer, ("response", member), answer["response"][member] + "=")
    broken = msgspec.json.encode(padded).decode()
    assert not redone(put(GENERIC, ("items", 0, "signature"), broken))


@pytest.mark.parametrize("number", [1, 3])
def test_every_byte_of_the_phones_proof_is_bound(number: int) -> None:
    proved = ITEMS[number].signature
    for where in range(0, len(proved), 3):
        other = proved[:where] + ("A" if proved[where] != "A" else "B") + proved[where + 1 :]
        assert not redone(put(GENERIC, ("items", number, "signature"), other)), where


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
