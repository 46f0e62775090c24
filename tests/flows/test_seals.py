"""What the server seals: two forms that every server opens, unread, unchanged and for a time."""

from __future__ import annotations

import base64

import pytest
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from endorse.core.coding import from_b64url
from endorse.server.keys import Keys, Seal
from tests.serving import Served

SECRET = bytes(range(32))
NOW = 1_764_000_000
LIVES = 600
SAID = {"what": "was said", "to": 7}
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

FORMS = pytest.mark.parametrize("alone", [True, False], ids=["alone", "beside others"])


def seal(alone: bool = True, purpose: str = "tests", secret: bytes = SECRET) -> Seal:
    return Seal(secret, purpose, alone=alone)


def opened(sealed: str, at: int = NOW, by: Seal | None = None) -> object:
    return (by or seal()).open(sealed, dict, at, LIVES)


@FORMS
def test_every_server_opens_what_any_server_sealed(alone: bool) -> None:
    sealed = seal(alone).close(SAID, NOW)
    assert opened(sealed, by=seal(alone=True)) == opened(sealed, by=seal(alone=False)) == SAID


def test_a_server_beside_others_seals_what_the_version_before_opens() -> None:
    derived = HKDF(SHA256(), 32, salt=None, info=b"endorse tests 1").derive(SECRET)
    before = Fernet(base64.urlsafe_b64encode(derived))
    sealed = seal(alone=False).close(SAID, NOW)
    assert before.decrypt_at_time(sealed.encode(), LIVES, NOW) == b'{"what":"was said","to":7}'


@FORMS
def test_sealed_twice_it_is_two_texts_and_neither_says_what_is_in_it(alone: bool) -> None:
    one, other = (seal(alone).close(SAID, NOW) for _ in range(2))
    assert one != other
    for sealed in (one, other):
        assert b"said" not in (from_b64url(sealed.rstrip("=")) or b"said")


@FORMS
def test_it_opens_for_as_long_as_asked_and_a_minute_before_it_was_closed(alone: bool) -> None:
    sealed = seal(alone).close(SAID, NOW)
    for at in (NOW - 60, NOW, NOW + LIVES):
        assert opened(sealed, at) == SAID, at
    for at in (NOW - 61, NOW + LIVES + 1):
        assert opened(sealed, at) is None, at


@FORMS
def test_no_changed_letter_opens(alone: bool) -> None:
    sealed = seal(alone).close(SAID, NOW)
    for at, letter in enumerate(sealed.rstrip("=")):
        other = LETTERS[(LETTERS.index(letter) + 1) % len(LETTERS)]
        assert opened(f"{sealed[:at]}{other}{sealed[at + 1 :]}") is None, at


@FORMS
def test_nothing_shorter_longer_or_foreign_opens(alone: bool) -> None:
    sealed = seal(alone).close(SAID, NOW)
    bare = sealed.rstrip("=")
    for cut in range(len(bare)):
        assert opened(bare[:cut]) is None, cut
    for other in (
        f"{sealed}A",
        f" {sealed}",
        f"{sealed}\n",
        f"{bare[:9]}.{bare[9:]}",
        "é",
        "A" * 20_000,
    ):
        assert opened(other) is None, other[:200]


def test_the_newer_form_is_one_text() -> None:
    sealed = seal().close(SAID, NOW)
    for other in (f"{sealed}=", f"{sealed}==", sealed.replace("_", "/").replace("-", "+") + "="):
        assert opened(other) is None


@FORMS
def test_what_was_sealed_for_something_else_or_elsewhere_does_not_open(alone: bool) -> None:
    sealed = seal(alone).close(SAID, NOW)
    for by in (seal(purpose="more tests"), seal(secret=bytes(32))):
        assert opened(sealed, by=by) is None


def test_no_two_purposes_of_a_server_share_a_key() -> None:
    for alone in (True, False):
        keys = Keys(SECRET, alone=alone)
        seals = [keys.requests, keys.sessions, keys.ceremonies, keys.pings, keys.renewals]
        for closes in seals:
            sealed = closes.close(SAID, NOW)
            assert [opened(sealed, by=it) for it in seals].count(SAID) == 1


@pytest.mark.anyio
async def test_only_a_server_that_shares_its_database_writes_the_older_form(
    served: Served,
) -> None:
    sealed = served.desk.keys.requests.close(SAID, NOW)
    assert sealed.startswith("gAAAA") == (served.desk.store.ear is not None)  # Fernet's mark
