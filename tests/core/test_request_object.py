"""A signed request counts by its signature, its audience and its time, and by nothing beside it."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from endorse.core import authorize
from endorse.core.answer import Reply
from endorse.core.coding import b64url
from endorse.core.metadata import FAPI2, Metadata
from endorse.core.model import Client, Request
from endorse.core.trust import Untrusted
from tests import signing
from tests.core import scene
from tests.core.scene import CALLBACK, CLIENT, ISSUER, LAW, NOW
from tests.signing import EC, RSA, STRANGER, signed

KEYS = Metadata(jwks=signing.jwks(EC, RSA))
SIGNER = msgspec.structs.replace(CLIENT, metadata=KEYS)
STRICT = msgspec.structs.replace(SIGNER, profile=FAPI2)
GOOD: dict[str, Any] = {
    "iss": "app",
    "aud": ISSUER,
    "exp": NOW + 60,
    "nbf": NOW,
    "iat": NOW,
    "jti": "one",
    "client_id": "app",
    "response_type": "code",
    "redirect_uri": CALLBACK,
    "scope": "accounts",
    "state": "inside",
}

Answer = Request | Reply | Untrusted


def claims(**changed: Any) -> dict[str, Any]:
    """Good claims, changed; None leaves one out."""
    said = {**GOOD, **changed}
    return {name: value for name, value in said.items() if value is not None}


def present(text: str, client: Client = SIGNER, now: int = NOW, **beside: str) -> Answer:
    """What the authorization endpoint decides about a signed request."""
    params = scene.params(client_id="app", request=text, **beside)
    return authorize.present(params, client, ISSUER, now, LAW)


def reason(text: str, client: Client = SIGNER, now: int = NOW) -> str:
    """Why a signed request is not believed: told to the registered address beside it."""
    answer = present(text, client, now, redirect_uri=CALLBACK, state="beside")
    assert isinstance(answer, Reply), answer
    assert answer.refusal is not None
    assert answer.refusal.error == "invalid_request_object"
    assert dict(answer.pairs)["state"] == b"beside"
    return answer.refusal.detail


@pytest.mark.spec("RFC 9101 6.3", "only parameters inside the request object are used")
def test_only_what_is_inside_counts() -> None:
    text = signed(claims())
    answer = present(
        text, redirect_uri="https://evil.example", scope="balances", state="beside", prompt="none"
    )
    assert isinstance(answer, Request)
    assert answer.returns_to.redirect_uri == CALLBACK
    assert (answer.scope, answer.state, answer.prompt) == (("accounts",), b"inside", ())
    assert answer.request_object == text


def test_a_parameter_that_stands_only_beside_is_missing() -> None:
    answer = present(signed(claims(response_type=None)), response_type="code")
    assert isinstance(answer, Reply)
    assert answer.refusal is not None
    assert answer.refusal.name == "parameter_missing"


@pytest.mark.spec("RFC 9101 6.3", "the client_id inside and outside must be the same")
@pytest.mark.parametrize("inside", ["other", None, 7, ["app"]])
def test_the_client_inside_is_the_one_outside(inside: object) -> None:
    assert reason(signed(claims(client_id=inside))) == "client_id inside is another one"


@pytest.mark.parametrize("alg", ["PS256", "RS256"])
def test_each_registered_key_and_algorithm_may_sign(alg: str) -> None:
    assert isinstance(present(signed(claims(), RSA, alg)), Request)


@pytest.mark.spec("RFC 9101 6.2", "the signature must be validated with the client's key")
def test_no_other_key_may_sign() -> None:
    assert "none of the keys" in reason(signed(claims(), STRANGER))
    assert reason(signed(claims()), CLIENT).startswith("no key")


def test_no_unsigned_or_shared_secret_request_is_believed() -> None:
    body = b64url(json.dumps(claims()).encode())
    for alg in ("none", "None", "HS256"):
        head = b64url(json.dumps({"alg": alg, "typ": signing.REQUEST_TYPE}).encode())
        assert reason(f"{head}.{body}.") == "not strict base64url, or without a signature"
        assert reason(f"{head}.{body}.AAAA") == "alg is not allowed"


def test_a_client_may_bind_itself_to_one_algorithm() -> None:
    bound = msgspec.structs.replace(KEYS, request_object_signing_alg="PS256")
    client = msgspec.structs.replace(SIGNER, metadata=bound)
    assert isinstance(present(signed(claims(), RSA, "PS256"), client), Request)
    assert reason(signed(claims()), client) == "alg is not allowed"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"iss": "other"}, "iss is not the client"),
        ({"iss": None}, "iss is not the client"),
        ({"aud": None}, "aud is not this issuer"),
        ({"aud": ISSUER + "/"}, "aud is not this issuer"),
        ({"aud": ISSUER + "/par"}, "aud is not this issuer"),
        ({"aud": []}, "aud is not this issuer"),
        ({"aud": ["https://other.example"]}, "aud is not this issuer"),
        ({"aud": {ISSUER: 1}}, "aud is not this issuer"),
        ({"sub": "app"}, "sub is the client"),
        ({"request": "x"}, "request inside"),
        ({"request_uri": "urn:x"}, "request_uri inside"),
        ({"exp": NOW - LAW.clocks_differ}, "expired"),
        ({"exp": "soon"}, "exp is no number"),
        ({"exp": True}, "exp is no number"),
        ({"nbf": NOW + LAW.clocks_differ + 1}, "from the future"),
        ({"iat": NOW + LAW.clocks_differ + 1}, "from the future"),
        ({"state": "\ud800"}, "a parameter is no text"),
    ],
)
def test_a_claim_that_does_not_hold_is_refused(changed: dict[str, Any], why: str) -> None:
    assert reason(signed(claims(**changed))) == why


def test_an_audience_that_lists_this_issuer_is_good() -> None:
    text = signed(claims(aud=["https://other.example", ISSUER]))
    assert isinstance(present(text), Request)


@pytest.mark.parametrize(
    "typ", [None, "JWT", signing.REQUEST_TYPE, "application/oauth-authz-req+jwt"]
)
def test_a_plain_client_may_leave_the_type_and_the_times_out(typ: str | None) -> None:
    text = signed(claims(exp=None, nbf=None, iat=None, jti=None), typ=typ)
    answer = present(text)
    assert isinstance(answer, Request)
    assert answer.once == ""


@pytest.mark.parametrize("typ", ["at+jwt", "dpop+jwt", "client-authentication+jwt"])
def test_a_token_made_for_something_else_is_no_request(typ: str) -> None:
    assert reason(signed(claims(), typ=typ)) == "typ"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"exp": None}, "nbf and exp are required here"),
        ({"nbf": None}, "nbf and exp are required here"),
        ({"nbf": NOW - 3601, "exp": NOW - 1}, "nbf too old, or exp too far from it"),
        ({"exp": NOW + 3601}, "nbf too old, or exp too far from it"),
    ],
)
def test_a_fapi2_client_signs_for_an_hour_at_most(changed: dict[str, Any], why: str) -> None:
    assert reason(signed(claims(**changed)), STRICT) == why


def test_a_fapi2_client_names_the_type_and_no_weak_algorithm() -> None:
    assert reason(signed(claims(), typ=None), STRICT) == "typ"
    assert reason(signed(claims(), RSA, "RS256"), STRICT) == "alg is not allowed"


def test_what_cannot_be_believed_redirects_nowhere_on_its_own_word() -> None:
    answer = present(signed(claims(), STRANGER))
    assert isinstance(answer, Untrusted)
    assert answer.name == "request_object_not_good"
    answer = present(signed(claims(), STRANGER), redirect_uri="https://evil.example")
    assert isinstance(answer, Untrusted)


def test_an_unregistered_redirect_uri_inside_redirects_nowhere() -> None:
    answer = present(signed(claims(redirect_uri="https://evil.example")), redirect_uri=CALLBACK)
    assert isinstance(answer, Untrusted)
    assert answer.name == "redirect_uri_mismatch"


def test_a_long_request_belongs_to_the_push_endpoint() -> None:
    text = signed(claims(unknown="a" * 4096))
    answer = present(text, redirect_uri=CALLBACK)
    assert isinstance(answer, Reply)
    assert answer.refusal is not None
    assert answer.refusal.name == "parameter_too_long"


def test_a_client_that_must_sign_may_not_ask_otherwise() -> None:
    must = msgspec.structs.replace(KEYS, require_signed_request_object=True)
    client = msgspec.structs.replace(SIGNER, metadata=must)
    plain = scene.params(client_id="app", redirect_uri=CALLBACK, response_type="code")
    answer = authorize.present(plain, client, ISSUER, NOW, LAW)
    assert isinstance(answer, Reply)
    assert answer.refusal is not None
    assert answer.refusal.name == "signed_request_required"
    assert isinstance(present(signed(claims()), client), Request)


def test_a_jti_stands_for_one_client_alone_and_can_be_told_as_used() -> None:
    request = present(signed(claims()))
    assert isinstance(request, Request)
    assert request.once
    again = present(signed(claims(state="other")))
    assert isinstance(again, Request)
    assert again.once == request.once
    no = authorize.showable(request, True, ISSUER)
    assert isinstance(no, Reply)
    assert no.refusal is not None
    assert no.refusal.error == "invalid_request_object"


def test_the_way_to_try_again_is_the_signed_request_itself() -> None:
    text = signed(claims())
    request = present(text)
    assert isinstance(request, Request)
    again = scene.query(authorize.again(request, scene.KEY))
    assert authorize.present(again, SIGNER, ISSUER, NOW, LAW) == request
