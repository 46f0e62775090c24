"""A signed assertion shows its client once, here, now, by its own key, and nothing else does."""

from __future__ import annotations

import base64
import json
from typing import Any

import msgspec
import pytest
from joserfc import jws
from joserfc.jwk import ECKey, Key, OctKey

from endorse.core import assertion
from endorse.core import client as clients
from endorse.core.client import Call
from endorse.core.coding import b64url
from endorse.core.metadata import FAPI2, Metadata
from endorse.core.model import Client
from endorse.core.refusal import Refusal
from tests.core import scene
from tests.core.scene import CLIENT, ISSUER, LAW, NOW, SECRET
from tests.signing import EC, ED, RSA

BY_ALG: dict[str, Key] = {"ES256": EC, "PS256": RSA, "RS256": RSA, "EdDSA": ED, "Ed25519": ED}
TOKEN = f"{ISSUER}/token"
CALL = Call(ISSUER, (TOKEN, f"{ISSUER}/revoke"))


def jwks(*keys: Key) -> str:
    """The public keys as a client registers them."""
    return json.dumps({"keys": [key.as_dict(private=False) for key in keys]})


PLAIN_KEYS = msgspec.structs.replace(
    CLIENT,
    secrets=(),
    metadata=Metadata("private_key_jwt", jwks=jwks(EC, RSA, ED)),
)
STRICT = msgspec.structs.replace(PLAIN_KEYS, profile=FAPI2)
GOOD: dict[str, Any] = {
    "iss": "app",
    "sub": "app",
    "aud": ISSUER,
    "exp": NOW + 60,
    "iat": NOW,
    "jti": "one",
}


def signed(alg: str = "ES256", key: Key | None = None, header: Any = None, **claims: Any) -> str:
    """An assertion with these claims in place of the good ones; None leaves one out."""
    said = {name: value for name, value in {**GOOD, **claims}.items() if value is not None}
    head = {"alg": alg, **(header or {})}
    text = ".".join(b64url(json.dumps(part).encode()) for part in (head, said))
    # joserfc's `serialize_compact` warns of the name EdDSA, which clients still send.
    signature = jws.JWSRegistry.algorithms[alg].sign(text.encode(), key or BY_ALG[alg])
    return f"{text}.{b64url(signature)}"


def form(text: str, **more: str) -> dict[str, str]:
    """The form of a call with this assertion."""
    return {
        "client_assertion": text,
        "client_assertion_type": assertion.JWT_BEARER,
        **more,
    }


def who(
    text: str,
    client: Client = STRICT,
    now: int = NOW,
    authorization: str | None = None,
    **more: str,
) -> Client | Refusal:
    """The client that a call with this assertion turns out to be."""
    said = clients.credentials(scene.params(**form(text, **more)), authorization, LAW)
    return said if isinstance(said, Refusal) else clients.authenticate(said, client, CALL, now, LAW)


def why(text: str, client: Client = STRICT, now: int = NOW, **more: str) -> str:
    """Why an assertion shows nobody, as the log tells it; the answer never differs."""
    no = who(text, client, now, **more)
    assert isinstance(no, Refusal)
    assert (no.name, no.error, no.status) == ("client_not_authenticated", "invalid_client", 401)
    return no.detail


@pytest.mark.spec("RFC 7523 3", "a verified assertion of the client's key authenticates it")
@pytest.mark.parametrize("alg", ["ES256", "PS256", "EdDSA", "Ed25519"])
def test_a_fresh_assertion_by_the_clients_key_shows_the_client(alg: str) -> None:
    assert who(signed(alg)) == STRICT
    assert who(signed(alg, header={"kid": BY_ALG[alg].kid, "typ": "JWT"})) == STRICT
    assert who(signed(alg, header={"typ": "client-authentication+jwt"}), client_id="app") == STRICT


@pytest.mark.spec(
    "FAPI 2.0 Security Profile 5.4.1", "JWTs are signed by PS256, ES256 or EdDSA with Ed25519"
)
def test_rs256_is_for_plain_clients_alone() -> None:
    assert who(signed("RS256"), PLAIN_KEYS) == PLAIN_KEYS
    assert why(signed("RS256")) == "alg is not allowed"


def test_a_client_that_registered_one_algorithm_is_held_to_it() -> None:
    only = msgspec.structs.replace(STRICT.metadata, token_endpoint_auth_signing_alg="PS256")
    client = msgspec.structs.replace(STRICT, metadata=only)
    assert who(signed("PS256"), client) == client
    assert why(signed("ES256"), client) == "alg is not allowed"


@pytest.mark.spec(
    "FAPI 2.0 Security Profile 5.3.2.1",
    "The audience of a client assertion is the issuer, as a string",
)
@pytest.mark.parametrize(
    ("aud", "plain", "strict"),
    [
        (ISSUER, True, True),
        (TOKEN, True, False),
        (f"{ISSUER}/revoke", True, False),
        ([ISSUER], True, False),
        (["https://other.example", TOKEN], True, False),
        (ISSUER + "/", False, False),
        (f"{ISSUER}/auth", False, False),
        ("https://other.example", False, False),
        (["https://other.example"], False, False),
        ([], False, False),
        ([[ISSUER]], False, False),
        ({ISSUER: 1}, False, False),
        (7, False, False),
        (None, False, False),
    ],
)
def test_the_audience_is_this_server(aud: Any, plain: bool, strict: bool) -> None:
    for client, good in ((PLAIN_KEYS, plain), (STRICT, strict)):
        if good:
            assert who(signed(aud=aud), client) == client
        else:
            assert why(signed(aud=aud), client) == "aud is not this server"


@pytest.mark.spec("RFC 7523 3", "an assertion without exp, or past it, is refused")
@pytest.mark.spec(
    "FAPI 2.0 Security Profile 5.3.2.1",
    "A JWT is taken with iat or nbf up to 10 s ahead, and refused more than 60 s ahead",
)
@pytest.mark.parametrize(
    ("claims", "problem"),
    [
        ({"exp": None}, "exp is missing"),
        ({"exp": "soon"}, "exp is missing"),
        ({"exp": True}, "exp is missing"),
        ({"exp": NOW - 10}, "expired"),
        ({"exp": NOW - 9}, ""),
        ({"exp": NOW + 610}, ""),
        ({"exp": NOW + 611}, "exp is more than 600 s ahead"),
        ({"exp": NOW + 10 * 365 * 86400}, "exp is more than 600 s ahead"),
        ({"exp": 1e300}, "exp is missing"),
        ({"iat": None}, ""),
        ({"iat": NOW + 10, "nbf": NOW + 10}, ""),
        ({"iat": NOW + 11}, "iat is in the future"),
        ({"nbf": NOW + 61}, "nbf is in the future"),
        ({"iat": "now"}, "iat is no number"),
        ({"iat": NOW - 611}, "iat is more than 600 s ago"),
        ({"nbf": 0}, ""),
    ],
)
def test_the_times_of_an_assertion_are_near(claims: dict[str, Any], problem: str) -> None:
    if problem:
        assert why(signed(**claims)) == problem
    else:
        assert who(signed(**claims)) == STRICT


@pytest.mark.parametrize("jti", [None, "", 7, "x" * 256])
def test_an_assertion_carries_its_own_id(jti: Any) -> None:
    assert why(signed(jti=jti)) == "jti must be a text of 1 to 255 characters"


@pytest.mark.spec("FAPI 2.0 Security Profile 5.4.3", "Two keys of one kid do not confuse the check")
def test_two_keys_of_one_kid_are_both_tried() -> None:
    other = ECKey.generate_key("P-256", {"kid": "ec"})
    both = msgspec.structs.replace(STRICT.metadata, jwks=jwks(other, EC))
    client = msgspec.structs.replace(STRICT, metadata=both)
    for key in (other, EC):
        assert who(signed(key=key, header={"kid": "ec"}), client) == client


@pytest.mark.spec("RFC 7523 3", "iss and sub are the client_id")
@pytest.mark.parametrize(
    "claims", [{"iss": "other-app"}, {"sub": "other-app"}, {"sub": None}, {"iss": None}]
)
def test_issuer_and_subject_are_one_client(claims: dict[str, Any]) -> None:
    assert why(signed(**claims)) == "iss and sub of the assertion are not one client_id"


def test_another_clients_key_or_name_shows_nobody() -> None:
    foreign = ECKey.generate_key("P-256", {"kid": "ec"})
    assert "none of the keys" in why(signed(key=foreign))
    other = msgspec.structs.replace(STRICT, client_id="other-app")
    assert why(signed(), other) == "sub is not this client"


@pytest.mark.spec("RFC 7521 4.2", "client_id, where it is sent, is that of the assertion")
def test_a_client_id_beside_the_assertion_must_be_its_own() -> None:
    assert who(signed(), client_id="app") == STRICT
    assert "client_id differs" in why(signed(), client_id="other-app")


@pytest.mark.spec("FAPI 2.0 Security Profile 5.4.1", "none is never taken")
def test_unsigned_or_confused_assertions_show_nobody() -> None:
    body = b64url(json.dumps(GOOD).encode())
    for alg in ("none", "None", "nOnE"):
        head = b64url(json.dumps({"alg": alg}).encode())
        assert "unreadable" in why(f"{head}.{body}.")
        assert why(f"{head}.{body}.AAAA") == "alg is not allowed"
    pem = base64.b64encode(EC.as_pem(private=False)).decode()
    assert why(signed("HS256", OctKey.import_key(pem))) == "alg is not allowed"
    assert why(signed("HS256", OctKey.import_key(jwks(EC)))) == "alg is not allowed"


@pytest.mark.parametrize("kid", ["other", "../../dev/null", "ec' OR '1'='1", "rsa", ""])
def test_no_kid_chooses_a_key_that_is_not_the_clients(kid: str) -> None:
    foreign = ECKey.generate_key("P-256", {"kid": kid})
    assert why(signed(key=foreign, header={"kid": kid}))


@pytest.mark.parametrize("name", ["jku", "jwk", "x5u", "x5c", "crit", "b64"])
def test_a_key_that_an_assertion_brings_or_points_to_is_not_believed(name: str) -> None:
    foreign = ECKey.generate_key("P-256")
    brought: Any = {
        "jwk": foreign.as_dict(private=False),
        "jku": "https://evil.example/jwks",
        "x5u": "https://evil.example/cert",
        "x5c": ["MIIB"],
        "crit": ["exp"],
        "b64": True,
    }
    head = b64url(json.dumps({"alg": "ES256", name: brought[name]}).encode())
    body = b64url(json.dumps(GOOD).encode())
    assert f"the header holds {name}" in why(f"{head}.{body}.AAAA")


@pytest.mark.spec("RFC 6749 2.3", "A client uses one way to authenticate in one request")
def test_two_methods_at_once_are_refused() -> None:
    basic = "Basic " + base64.b64encode(f"app:{SECRET}".encode()).decode()
    for no in (
        who(signed(), client_secret=SECRET),
        who(signed(), authorization=basic),
        who("garbage", authorization=basic),
    ):
        assert isinstance(no, Refusal)
        assert (no.name, no.error) == ("client_authenticated_twice", "invalid_request")


@pytest.mark.parametrize(
    "sent",
    [
        {"client_assertion": "x.y.z"},
        {"client_assertion_type": assertion.JWT_BEARER},
        form("x.y.z", client_assertion_type="urn:ietf:params:oauth:client-assertion-type:saml2"),
    ],
)
def test_assertion_and_type_come_together(sent: dict[str, str]) -> None:
    no = clients.credentials(scene.params(**sent, client_id="app"), None, LAW)
    assert isinstance(no, Refusal)
    assert (no.name, no.error) == ("client_assertion_type", "invalid_request")


@pytest.mark.parametrize("name", ["client_assertion", "client_assertion_type", "client_id"])
def test_a_doubled_parameter_of_authentication_is_refused(name: str) -> None:
    raw = f"client_id=app&client_assertion=a.b.c&client_assertion_type=x&{name}=y"
    no = clients.credentials(scene.query(raw), None, LAW)
    assert isinstance(no, Refusal)
    assert (no.name, no.error) == ("parameter_doubled", "invalid_request")


def test_a_client_uses_the_method_that_it_registered() -> None:
    assert "registered for client_secret_basic" in why(signed(), CLIENT)
    assert "registered for none" in why(signed(), msgspec.structs.replace(CLIENT, public=True))
    said = clients.credentials(scene.params(client_id="app", client_secret=SECRET), None, LAW)
    nothing = clients.credentials(scene.params(client_id="app"), None, LAW)
    keeps_a_secret = msgspec.structs.replace(PLAIN_KEYS, secrets=CLIENT.secrets)
    for credentials in (said, nothing):
        assert not isinstance(credentials, Refusal)
        no = clients.authenticate(credentials, keeps_a_secret, CALL, NOW, LAW)
        assert isinstance(no, Refusal)
        assert "private_key_jwt" in no.detail


@pytest.mark.spec(
    "FAPI 2.0 Security Profile 5.3.2.1", "Clients authenticate by mutual TLS or private_key_jwt"
)
@pytest.mark.spec("FAPI 2.0 Security Profile 5.3.2.1", "Clients are confidential")
def test_a_strict_client_authenticates_by_no_secret_and_is_never_public() -> None:
    said = clients.credentials(scene.params(client_id="app", client_secret=SECRET), None, LAW)
    assert not isinstance(said, Refusal)
    for client in (CLIENT, scene.PUBLIC):
        strict = msgspec.structs.replace(client, profile=FAPI2)
        no = clients.authenticate(said, strict, CALL, NOW, LAW)
        assert isinstance(no, Refusal)
        assert "not allowed in the profile fapi2" in no.detail


def test_the_same_jti_of_another_client_is_another_use() -> None:
    said = clients.credentials(scene.params(**form(signed())), None, LAW)
    assert not isinstance(said, Refusal)
    assert said.assertion is not None
    other = msgspec.structs.replace(STRICT, client_id="other-app")
    mine, theirs = (assertion.use(said.assertion, it, LAW) for it in (STRICT, other))
    assert mine.what != theirs.what
    assert mine.expires_at == NOW + 70
