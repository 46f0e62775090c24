from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from endorse.phone import Consent, ConsentNotTrusted
from endorse.phone.answers import Account, Changed
from endorse.phone.consent import challenge_of, read_consent
from tests.phone.checks import b64, canonical, challenge
from tests.phone.scripted import ScriptedBank

ISSUER = "http://localhost:8000"
Document = dict[str, Any]


def document(**changed: object) -> Document:
    bank = ScriptedBank(device="thumb")
    return {**bank._document(["r1", "r2"]), **changed}


def read_(
    text: str,
    given: object = None,
    accounts: tuple[str, ...] = ("r2", "r1"),
    changes: Changed | None = None,
) -> Consent:
    return read_consent(
        text,
        b64(challenge(text)) if given is None else given,
        issuer=ISSUER,
        device="thumb",
        person="anna",
        accounts=accounts,
        changes=changes,
    )


def test_a_right_document_is_read() -> None:
    consent = read_(canonical(document()))
    assert [account.resource_id for account in consent.accounts] == ["r1", "r2"]
    assert consent.client.name == "Budget"
    assert consent.valid_until.isoformat() == "2027-02-21T15:04:05+00:00"


def test_the_challenge_is_the_documented_hash() -> None:
    # printf 'endorse-consent-v1\0{}' | openssl dgst -sha256 -binary | basenc --base64url | tr -d =
    assert challenge_of("{}") == "V2N3VPMFM6Xx2gM34qNZQW9AYlmdEZtq1fSHo1nFzVk"


def test_names_in_other_scripts_are_hashed_as_utf_8() -> None:
    text = canonical(document(locale="Zoë 日本"))
    assert read_(text).locale == "Zoë 日本"


@pytest.mark.parametrize("name", sorted(document()))
def test_any_field_changed_after_the_hash_is_refused(name: str) -> None:
    text = canonical(document())
    changed = canonical({**document(), name: "x"})
    with pytest.raises(ConsentNotTrusted, match="challenge"):
        read_(changed, b64(challenge(text)))


@pytest.mark.parametrize("given", ["", 7, [], "A" * 43])
def test_another_challenge_is_refused(given: object) -> None:
    with pytest.raises(ConsentNotTrusted, match="challenge"):
        read_(canonical(document()), given)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"issuer": "http://localhost:8001"}, "issuer"),
        ({"issuer": ISSUER + "/"}, "issuer"),
        ({"device": "other"}, "device"),
        ({"person": "bob"}, "person"),
        ({"type": "endorse-consent-v2"}, "type"),
        ({"texts": "2"}, "texts"),
        ({"accounts": []}, "accounts"),
        ({"accounts": document()["accounts"][:1]}, "accounts"),
        ({"accounts": document()["accounts"] * 2}, "accounts"),
        ({"valid_until": "soon"}, "malformed"),
        ({"recurring": "yes"}, "malformed"),
        ({"payments": True}, "malformed"),
        ({"client": {**document()["client"], "logo": "x"}}, "malformed"),
    ],
    ids=str,
)
def test_a_document_for_something_else_is_refused(changed: Document, reason: str) -> None:
    with pytest.raises(ConsentNotTrusted, match=reason):
        read_(canonical(document(**changed)))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: " " + text,
        lambda text: text.replace('"locale":"en"', '"locale":"de","locale":"en"'),
        lambda text: text.replace('"en"', '"\\u0065n"'),
        lambda text: text + "\n",
    ],
    ids=["space", "name twice", "escape", "line end"],
)
def test_a_document_that_is_not_canonical_is_refused(change: Callable[[str], str]) -> None:
    with pytest.raises(ConsentNotTrusted, match="canonical"):
        read_(change(canonical(document())))


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "\ud800", '{"a":"\\ud800"}'])
def test_a_document_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConsentNotTrusted):
        read_(text, challenge_of(text) if text != "\ud800" else "x")


def existing(how: str) -> Changed:
    """A connection that gives r1, and would be changed."""
    since = datetime(2026, 1, 1, tzinfo=UTC)
    account = Account("r1", "NL91ABNA0417164300", "Current", "EUR")
    return Changed("g1", how, 3, ("accounts",), (account,), since, since)


def test_a_merge_is_read_with_what_stays_without_being_chosen() -> None:
    text = canonical(document(merges="g1", revision=4))
    assert read_(text, accounts=("r2",), changes=existing("merge")).merges == "g1"
    with pytest.raises(ConsentNotTrusted, match="accounts"):
        read_(text, accounts=(), changes=existing("merge"))


def test_a_replacement_is_read_with_what_was_chosen_alone() -> None:
    text = canonical(document(replaces="g1", revision=4))
    assert read_(text, changes=existing("replace")).replaces == "g1"
    with pytest.raises(ConsentNotTrusted, match="accounts"):
        read_(text, accounts=("r2",), changes=existing("replace"))


@pytest.mark.parametrize(
    ("how", "said", "reason"),
    [
        ("merge", {"merges": "g2", "revision": 4}, "merges"),
        ("merge", {"replaces": "g1", "revision": 4}, "merges"),
        ("merge", {"merges": "g1", "replaces": "g1", "revision": 4}, "replaces"),
        ("merge", {"merges": "g1", "revision": 5}, "revision"),
        ("merge", {"merges": "g1"}, "revision"),
        ("merge", {}, "merges"),
        ("replace", {"replaces": "g2", "revision": 4}, "replaces"),
        ("", {"merges": "g1", "revision": 4}, "merges"),
        ("", {"replaces": "g1", "revision": 4}, "replaces"),
        ("", {"revision": 4}, "revision"),
        ("swallow", {"revision": 4}, "swallow"),
    ],
)
def test_another_change_than_the_phone_was_told_of_is_not_signed(
    how: str, said: Document, reason: str
) -> None:
    with pytest.raises(ConsentNotTrusted, match=reason):
        read_(canonical(document(**said)), changes=existing(how) if how else None)
