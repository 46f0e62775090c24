"""Input that Hypothesis invents: whatever comes, a clear answer, no fault, nothing stored."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote_from_bytes, urlencode

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from endorse.phone import Passkey, Phone, Review, sandbox_code
from endorse.phone.encoding import b64url, from_b64url
from tests import parts
from tests.flows import broken, play
from tests.flows.rows import counts
from tests.serving import CALLBACK, Served

pytestmark = pytest.mark.anyio

examples = settings(
    max_examples=2000 if parts.SOAK else 40,
    deadline=None,
    # The server is shared by all examples on purpose: none of them may leave anything.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

NAMES = [
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
    "response_mode",
    "prompt",
    "max_age",
    "nonce",
    "dpop_jkt",
    "request",
    "request_uri",
    "grant_type",
    "code",
    "code_verifier",
    "client_secret",
    "refresh_token",
    "token",
]
VALUES = [
    b"code",
    b"app-confidential",
    b"app-public",
    CALLBACK.encode(),
    b"accounts",
    b"S256",
    b"query",
    b"a" * 43,  # as long as a code_challenge; one that looks drawn would be taken for a secret
    b"authorization_code",
    b"refresh_token",
    b"er_AAAA",
    b"ec_AAAA",
]

values = (
    st.sampled_from(VALUES)
    | st.binary(max_size=40)
    | st.text(max_size=20).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
names = st.sampled_from(NAMES) | st.text(st.characters(codec="ascii"), max_size=10)
pairs = st.lists(st.tuples(names, values), max_size=12).map(
    lambda them: "&".join(
        f"{quote_from_bytes(name.encode())}={quote_from_bytes(value)}" for name, value in them
    ).encode()
)
noise = st.binary(max_size=200)
# Control characters do not even reach the routes: the HTTP parser refuses them.
header_values = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=60
).map(lambda text: text.encode("latin-1"))
header_names = st.sampled_from(
    [b"Authorization", b"DPoP", b"Accept", b"Origin", b"Sec-Fetch-Site", b"Cookie", b"User-Agent"]
)
headers = st.lists(st.tuples(header_names, header_values), max_size=3)
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["anna", "waiting", "public-key", "webauthn.get"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


async def _good_url(served: Served) -> str:
    return str(served.authorize_url()).split("?", 1)[1]


@examples
@given(query=pairs | noise.map(quote_from_bytes).map(str.encode), good=st.booleans())
async def test_auth_answers_any_query(served: Served, query: bytes, good: bool) -> None:
    before = await counts(served)
    prefix = (await _good_url(served)).encode() + b"&" if good else b""
    answer = await broken.exchange(served, "GET", b"/auth?" + prefix + query, [])
    assert answer.status_code in (200, 303, 400)
    if answer.status_code == 303:
        assert answer.headers["location"].startswith(CALLBACK + "?")
        assert "iss=" in answer.headers["location"]
    else:
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert await counts(served) == before


@examples
@given(
    form=pairs | noise,
    path=st.sampled_from([b"/token", b"/revoke", b"/par"]),
    authenticated=st.booleans(),
    others=headers,
)
async def test_token_and_revoke_answer_any_form(
    served: Served,
    form: bytes,
    path: bytes,
    authenticated: bool,
    others: list[tuple[bytes, bytes]],
) -> None:
    before = await counts(served)
    sent = [(b"Content-Type", broken.FORM.encode()), *others]
    if authenticated:
        credentials = {"client_id": served.app.client_id, "client_secret": served.app.secret}
        form += b"&" + urlencode(credentials).encode()
    answer = await broken.exchange(served, "POST", path, sent, form)
    if answer.status_code == 200:
        # A revocation of nothing that is known is answered like any other.
        assert (path, answer.json()) == (b"/revoke", {})
    else:
        assert answer.status_code in (400, 401), answer.text
        assert broken.is_json_error(answer)
    assert answer.headers["cache-control"] == "no-store"
    assert await counts(served) == before


PATHS = ["enrol/options", "enrol", "sign-in/options", "sign-in", "claim", "match", "review"]
PATHS += ["edit", "approve", "refuse", "watch"]
MEMBERS = ["code", "credential", "name", "phone_id", "journey", "accounts", "state"]


@pytest.fixture(scope="module")
async def review(served: Served) -> tuple[Phone, Review]:
    """A phone that is asked to approve, and what."""
    phone = await play.phone_of(served)
    return phone, await play.reviewed(await play.begun(served), phone)


objects = st.dictionaries(st.sampled_from(MEMBERS), anything, max_size=7)


@examples
@given(
    path=st.sampled_from(PATHS),
    body=objects.map(json.dumps).map(str.encode) | anything.map(json.dumps).map(str.encode) | noise,
)
async def test_the_phones_api_answers_any_body(
    served: Served, review: tuple[Phone, Review], path: str, body: bytes
) -> None:
    phone, _ = review
    before = await counts(served)
    session = not path.startswith(("enrol", "sign-in"))
    answer = await broken.signed(phone, served, f"/phone/{path}", body, session=session)
    assert 400 <= answer.status_code < 500, answer.text
    assert broken.is_json_error(answer)
    assert await counts(served) == before


@examples
@given(
    path=st.sampled_from(["claim", "match", "review", "edit", "approve", "refuse"]),
    sent=headers,
)
async def test_the_phones_api_answers_any_headers(
    served: Served, review: tuple[Phone, Review], path: str, sent: list[tuple[bytes, bytes]]
) -> None:
    _, asked = review
    before = await counts(served)
    body = msgspec.json.encode({"journey": asked.journey})
    kind = (b"Content-Type", b"application/json")
    target = f"/phone/{path}".encode()
    answer = await broken.exchange(served, "POST", target, [kind, *sent], body)
    assert answer.status_code == 401, answer.text
    assert broken.is_json_error(answer)
    assert await counts(served) == before


OUTER = ["id", "rawId", "type", "response"]
INNER = ["clientDataJSON", "authenticatorData", "signature"]

credential_changes = st.dictionaries(
    st.sampled_from(OUTER + INNER),
    anything | st.binary(max_size=200).map(b64url) | st.text("AZaz09-_=", max_size=60),
    min_size=1,
    max_size=4,
)


@examples
@given(changes=credential_changes)
async def test_no_invented_passkey_answer_approves(
    served: Served, review: tuple[Phone, Review], changes: dict[str, Any]
) -> None:
    phone, asked = review
    assert phone.passkey is not None
    before = await counts(served)
    good = phone.passkey.sign(asked.options, served.issuer)
    inner = good["response"] | {name: it for name, it in changes.items() if name in INNER}
    outer = {name: it for name, it in changes.items() if name in OUTER}
    credential = {**good, "response": inner, **outer}
    body = json.dumps({"journey": asked.journey, "credential": credential}).encode()
    answer = await broken.signed(phone, served, "/phone/approve", body)
    assert answer.status_code in (400, 403), answer.text
    assert broken.is_json_error(answer)
    assert await counts(served) == before


@examples
@given(
    part=st.sampled_from(["attestationObject", "clientDataJSON"]),
    at=st.integers(0, 250),
    cut=st.integers(0, 40),
    put=st.binary(max_size=40),
)
async def test_no_invented_passkey_breaks_the_enrolment(
    served: Served, part: str, at: int, cut: int, put: bytes
) -> None:
    phone = Phone(served.issuer, served.http, clock=served.clock)
    code = await sandbox_code(served.issuer, served.http, "anna")
    asked = await phone.call("POST", "/phone/enrol/options", {"code": code})
    _, credential = Passkey.create(asked.json()["options"], served.issuer, random=served.desk.fresh)
    raw = from_b64url(credential["response"][part])
    credential["response"][part] = b64url(raw[:at] + put + raw[at + cut :])
    body = {"code": code, "credential": credential, "name": "A phone"}
    answer = await phone.call("POST", "/phone/enrol", body)
    # What is changed may be of no weight: without attestation nobody signed the new key.
    assert answer.status_code in (201, 400, 403), answer.text
    assert answer.status_code == 201 or broken.is_json_error(answer)
