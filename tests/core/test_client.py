"""Who is calling: client authentication, and what a registration must hold."""

from __future__ import annotations

import base64
from urllib.parse import quote_plus

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from endorse.core import client as clients
from endorse.core.client import Call, Credentials
from endorse.core.coding import Secret, fingerprint
from endorse.core.model import Client, ClientSecret
from endorse.core.policy import SCOPES
from endorse.core.refusal import Refusal
from tests.core import scene
from tests.core.scene import CLIENT, LAW, NOW, PUBLIC, SECRET

CALL = Call(scene.ISSUER, (f"{scene.ISSUER}/token",))
OLD = "ecs_an-older-secret"


def basic(client_id: str, secret: str, scheme: str = "Basic") -> str:
    """The Authorization header of these credentials (RFC 6749 2.3.1)."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return f"{scheme} {base64.b64encode(pair.encode()).decode()}"


def said(authorization: str | None = None, **form: str) -> Credentials | Refusal:
    """The credentials of a call with this header and form."""
    return clients.credentials(scene.params(**form), authorization, LAW)


def who(
    authorization: str | None = None, client: Client | None = CLIENT, now: int = NOW, **form: str
) -> Client | Refusal:
    """The client that a call turns out to be."""
    credentials = said(authorization, **form)
    if isinstance(credentials, Refusal):
        return credentials
    return clients.authenticate(credentials, client, CALL, now, LAW)


def test_a_client_authenticates_by_header_or_by_form() -> None:
    assert who(basic("app", SECRET)) == CLIENT
    assert who(client_id="app", client_secret=SECRET) == CLIENT
    assert who(basic("app", SECRET), client_id="app") == CLIENT


def test_the_scheme_of_the_header_is_read_in_any_case() -> None:
    assert who(basic("app", SECRET, "bAsIc")) == CLIENT


@settings(max_examples=30, deadline=None)
@given(st.text(st.characters(codec="utf-8"), min_size=1), st.text(st.characters(codec="utf-8")))
def test_both_parts_of_the_header_are_form_encoded(client_id: str, secret: str) -> None:
    credentials = said(basic(client_id, secret))
    hidden = Secret(secret) if secret else None
    assert credentials == Credentials(client_id, hidden, basic=True)


def test_an_encoded_colon_stays_in_its_part() -> None:
    credentials = said(basic("a:b", "c:d e+f%"))
    assert credentials == Credentials("a:b", Secret("c:d e+f%"), basic=True)


def test_a_colon_that_was_not_encoded_belongs_to_the_secret() -> None:
    header = "Basic " + base64.b64encode(b"app:one:two").decode()
    assert said(header) == Credentials("app", Secret("one:two"), basic=True)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic ",
        "Basic !!!!",
        "Bearer abc",
        "Basic YXBw",  # no colon
        "Basic OnNlY3JldA==",  # no client_id
        "Basic YXBwOng",  # no padding
        "Basic /w==",  # not UTF-8
        "Basic YXBw OnNlY3JldA==",
        "Basic ÿ",
    ],
)
def test_an_unusable_header_is_no_authentication_even_beside_a_good_form(header: str) -> None:
    no = said(header, client_id="app")
    assert isinstance(no, Refusal)
    assert (no.error, no.status) == ("invalid_client", 401)


def test_header_and_form_together_are_refused() -> None:
    no = who(basic("app", SECRET), client_secret=SECRET, client_id="app")
    assert isinstance(no, Refusal)
    assert (no.name, no.error) == ("client_authenticated_twice", "invalid_request")


def test_a_client_id_in_the_form_that_differs_from_the_headers_is_refused() -> None:
    no = who(basic("app", SECRET), client_id="other-app")
    assert isinstance(no, Refusal)
    assert no.error == "invalid_client"


def test_doubled_or_malformed_credentials_are_an_invalid_request() -> None:
    for form in ("client_id=app&client_id=app", "client_id=a%00", "client_secret=%FF"):
        no = clients.credentials(scene.query(form), None, LAW)
        assert isinstance(no, Refusal)
        assert no.error == "invalid_request"


def test_every_failed_authentication_has_the_one_same_answer() -> None:
    tries = [
        who(),
        who(client_secret=SECRET),
        who(client=None, client_id="nobody", client_secret=SECRET),
        who(client_id="app"),
        who(client_id="app", client_secret=SECRET + "x"),
        who(client_id="app", client_secret=fingerprint(SECRET)),
        who(basic("app", "")),
        who(client=PUBLIC, client_id="public-app", client_secret=SECRET),
        who(basic("public-app", SECRET), client=PUBLIC),
        who(client=msgspec.structs.replace(CLIENT, secrets=()), client_id="app", client_secret=""),
    ]
    told = set()
    for no in tries:
        assert isinstance(no, Refusal)
        told.add((no.name, no.error, no.status, no.told))
    assert len(told) == 1


def test_a_public_client_names_itself_without_a_secret() -> None:
    assert who(client=PUBLIC, client_id="public-app") == PUBLIC
    assert who(basic("public-app", ""), client=PUBLIC) == PUBLIC


def test_an_old_secret_works_until_its_overlap_ends() -> None:
    secrets = (
        ClientSecret(fingerprint(OLD), NOW - 1000, NOW + 10),
        ClientSecret(fingerprint(SECRET), NOW),
    )
    rotated = msgspec.structs.replace(CLIENT, secrets=secrets)
    for secret, now, good in (
        (OLD, NOW + 9, True),
        (OLD, NOW + 10, False),
        (SECRET, NOW + 10**6, True),
    ):
        known = who(client=rotated, now=now, client_id="app", client_secret=secret)
        assert (known == rotated) is good


def test_a_secret_does_not_show_in_credentials() -> None:
    assert SECRET not in repr(said(client_id="app", client_secret=SECRET))


def test_a_new_secret_has_256_random_bits_and_is_kept_as_its_hash() -> None:
    asked: list[int] = []

    def fresh(size: int) -> bytes:
        asked.append(size)
        return b"\x07" * size

    secret, stored = clients.new_secret(fresh, NOW)
    assert asked == [32]
    assert secret.reveal().startswith("ecs_")
    assert stored == ClientSecret(fingerprint(secret.reveal()), NOW)


# --- registration ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/callback",
        "https://app.example/callback?from=bank&x=%20",
        "https://app.example:8443/",
        "https://app.example",
        "http://127.0.0.1:8001/callback",
        "http://127.0.0.1/callback",
        "http://localhost:3000/",
        "http://[::1]:80/callback",
        "http://[::1]/callback",
        "com.example.app:/callback",
        "com.example.app://callback",
    ],
)
def test_a_redirect_uri_that_may_be_registered(uri: str) -> None:
    assert clients.redirect_uri_problem(uri) == ""


@pytest.mark.parametrize(
    ("uri", "problem"),
    [
        ("", "visible ASCII"),
        ("https://app.example/a b", "visible ASCII"),
        ("https://app.example/\n", "visible ASCII"),
        ("https://äpp.example/", "visible ASCII"),
        ("/callback", "absolute"),
        ("app.example/callback", "absolute"),
        ("//app.example/callback", "absolute"),
        ("https://app.example/callback#", "fragment"),
        ("https://app.example/callback#part", "fragment"),
        ("https://anna@app.example/", "user name"),
        ("https://anna:pw@app.example/", "user name"),
        ("https://@app.example/", "user name"),
        ("https://app.example\\@evil.example/", "user name"),
        ("https://", "host"),
        ("https:///callback", "host"),
        ("https:callback", "host"),
        ("http://app.example/callback", "https"),
        ("http://127.0.0.1.evil.example/", "https"),
        ("http://localhost.evil.example/", "https"),
        ("http://10.0.0.1/", "https"),
        ("http://0.0.0.0/", "https"),
        ("http://", "https"),
        ("http://127.0.0.1:99999/", "not a URI"),
        ("https://app.example:port/", "not a URI"),
        ("https://[::1/", "not a URI"),
        ("javascript:alert(1)", "reversed domain"),
        ("data:text/html,x", "reversed domain"),
        ("myapp://callback", "reversed domain"),
        ("file:///etc/passwd", "reversed domain"),
    ],
)
def test_a_redirect_uri_that_may_not_be_registered_and_why(uri: str, problem: str) -> None:
    assert problem in clients.redirect_uri_problem(uri)


@settings(max_examples=50, deadline=None)
@given(st.text() | st.text("htps:/.[]@#0123456789ab", max_size=30).map("https://".__add__))
def test_any_text_can_be_offered_as_a_redirect_uri(uri: str) -> None:
    assert isinstance(clients.redirect_uri_problem(uri), str)


def test_the_scope_of_a_registration_is_known_and_shows_something() -> None:
    assert clients.scope_of("offline_access accounts") == ("accounts", "offline_access")
    assert clients.scope_of(" ".join(SCOPES)) == SCOPES
    for asked in ("", "offline_access", "accounts payments"):
        assert isinstance(clients.scope_of(asked), str)


@pytest.mark.parametrize(
    "name", ["A", "a" * 80, "Budget & Co", "Zoë's <bank>", "銀行", "\U0001f4b6"]
)
def test_a_name_that_may_be_shown_to_people(name: str) -> None:
    assert clients.name_problem(name) == ""


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "1 to 80"),
        pytest.param("a" * 81, "1 to 80", id="81 letters"),
        (" Bank", "spaces around"),
        ("Bank\n", "spaces around"),
        ("Zoe\u0308", "NFC"),
        ("Ba\0nk", "control"),
        ("Ba\nnk", "control"),
        ("Ba\u200bnk", "control"),
        ("Bank \u202eknab", "direction"),
        ("Bank \u2066knab\u2069", "direction"),
        ("My\u00a0Bank", "unusual space"),
        ("My\u2028Bank", "unusual space"),
        ("Ba\ud800nk", "control"),
    ],
)
def test_a_name_that_could_look_like_another_is_refused_and_why(name: str, problem: str) -> None:
    assert problem in clients.name_problem(name)
