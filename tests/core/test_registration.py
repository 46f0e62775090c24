"""What a registration must hold, and which profile demands what of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from joserfc.jwk import ECKey

from endorse.core import profile, registration
from endorse.core.coding import b64url
from endorse.core.metadata import CIBA, CLIENT_CREDENTIALS, FAPI2, PLAIN, Metadata
from endorse.core.model import Client
from endorse.server.settings import _software_issuers
from tests.core.scene import CLIENT, PUBLIC

EC = ECKey.generate_key("P-256", {"kid": "ec"})
JWKS = json.dumps({"keys": [EC.as_dict(private=False)]})
DN = {"tls_client_auth_subject_dn": "CN=app,C=NL"}
PLAIN_APP = CLIENT
PUBLIC_APP = msgspec.structs.replace(PUBLIC, metadata=Metadata("none"))
STRICT = msgspec.structs.replace(
    CLIENT,
    secrets=(),
    profile=FAPI2,
    metadata=Metadata("private_key_jwt", jwks=JWKS, id_token_signed_response_alg="PS256"),
)


def changed(client: Client, **values: Any) -> Client:
    """The client with these values, in itself or in its metadata."""
    own = {name: it for name, it in values.items() if name in client.__struct_fields__}
    rest = {name: it for name, it in values.items() if name not in own}
    metadata = msgspec.structs.replace(client.metadata, **rest)
    return msgspec.structs.replace(client, **{"metadata": metadata, **own})


def why(client: Client) -> tuple[str, str]:
    no = registration.problem(client)
    return (no.error, no.told) if no is not None else ("", "")


@pytest.mark.parametrize(
    "client",
    [
        PLAIN_APP,
        PUBLIC_APP,
        STRICT,
        changed(PLAIN_APP, token_endpoint_auth_method="client_secret_post"),
        changed(PLAIN_APP, redirect_uris=(), grant_types=(CLIENT_CREDENTIALS,)),
        changed(STRICT, token_endpoint_auth_method="self_signed_tls_client_auth"),
        changed(STRICT, token_endpoint_auth_method="tls_client_auth", jwks="", **DN),
        changed(STRICT, redirect_uris=("http://127.0.0.1:8001/callback",)),
        changed(STRICT, authorization_signed_response_alg="PS256"),
        changed(STRICT, grant_types=(CIBA,), backchannel_token_delivery_mode="poll"),
        changed(
            STRICT,
            grant_types=(CIBA,),
            backchannel_token_delivery_mode="ping",
            backchannel_client_notification_endpoint="https://app.example/told",
        ),
    ],
)
def test_what_may_be_registered(client: Client) -> None:
    assert why(client) == ("", "")


@pytest.mark.spec(
    "FAPI 2.0 Security Profile 5.3.2.2",
    "Redirect URIs are https, except loopback addresses of native apps",
)
@pytest.mark.parametrize(
    ("client", "told"),
    [
        (changed(PLAIN_APP, redirect_uris=()), "at least one redirect URI"),
        (changed(PLAIN_APP, redirect_uris=("https://a.example/#x",)), "no fragment"),
        (changed(PLAIN_APP, redirect_uris=("javascript:alert(1)",)), "reversed domain"),
        (changed(PLAIN_APP, redirect_uris=("https://*.example/\u202e",)), "visible ASCII"),
        (changed(PLAIN_APP, redirect_uris=tuple(f"https://{n}.ex/" for n in range(21))), "most 20"),
        (changed(STRICT, redirect_uris=("com.example.app:/callback",)), "must be https in the pro"),
    ],
)
def test_a_redirect_uri_that_may_not_be_registered(client: Client, told: str) -> None:
    error, said = why(client)
    assert error == "invalid_redirect_uri"
    assert told in said


PRIVATE = json.dumps({"keys": [EC.as_dict(private=True)]})
SHORT = json.dumps({"keys": [{"kty": "RSA", "e": "AQAB", "n": b64url(b"\x81" * 128)}]})
SECRET_KEY = json.dumps({"keys": [{"kty": "oct", "k": "AAAA"}]})


@pytest.mark.spec(
    "FAPI 2.0 Security Profile 5.4.1", "RSA keys have 2048 bits or more, EC keys 224 or more"
)
@pytest.mark.parametrize(
    ("client", "told"),
    [
        (changed(PLAIN_APP, profile="fapi1"), "one of plain, fapi2"),
        (changed(PLAIN_APP, name="Ba\u202enk"), "direction"),
        (changed(PLAIN_APP, legal_name=""), "1 to 80"),
        (changed(PLAIN_APP, grant_types=("password",)), "grant_types may hold"),
        (changed(PLAIN_APP, grant_types=()), "grant_types may hold"),
        (changed(PLAIN_APP, grant_types=("refresh_token",)), "first token"),
        (changed(PUBLIC_APP, grant_types=(CLIENT_CREDENTIALS,)), "cannot authenticate"),
        (changed(PLAIN_APP, token_endpoint_auth_method="client_secret_jwt"), "must be one of"),
        (changed(PLAIN_APP, token_endpoint_auth_method="none"), "public client, and no other"),
        (changed(PUBLIC_APP, token_endpoint_auth_method="client_secret_post"), "no other"),
        (changed(PLAIN_APP, token_endpoint_auth_method="private_key_jwt"), "jwks must hold"),
        (changed(PLAIN_APP, token_endpoint_auth_method="tls_client_auth"), "exactly one of"),
        (changed(PLAIN_APP, **DN), "for tls_client_auth alone"),
        (changed(PLAIN_APP, jwks=PRIVATE), "holds a private key"),
        (changed(PLAIN_APP, jwks=SECRET_KEY), "a shared secret is no public key"),
        (changed(PLAIN_APP, jwks=SHORT), "at least 2048 bits"),
        (changed(PLAIN_APP, jwks='{"keys": 1}'), "JSON object with at most"),
        (changed(PLAIN_APP, jwks="[]"), "not a JSON object"),
        (changed(PLAIN_APP, require_signed_request_object=True), "jwks must hold"),
        (changed(PLAIN_APP, request_object_signing_alg="none"), "request_object_signing_alg must"),
        (changed(PLAIN_APP, authorization_signed_response_alg="HS256"), "must be one of"),
        (changed(PLAIN_APP, access_token_format="jwt"), "access_token_format"),
        (changed(PLAIN_APP, backchannel_token_delivery_mode="poll"), "go together"),
        (changed(STRICT, grant_types=(CIBA,)), "go together"),
        (changed(PLAIN_APP, backchannel_token_delivery_mode="push"), "poll or ping"),
        (changed(PLAIN_APP, client_uri="javascript:1"), "https address"),
        (changed(PLAIN_APP, contacts=("a\nb",)), "printable"),
        (changed(PLAIN_APP, contacts=("a",) * 21), "at most 20"),
    ],
)
def test_anything_else_that_may_not_be_registered(client: Client, told: str) -> None:
    error, said = why(client)
    assert error == "invalid_client_metadata"
    assert told in said


@pytest.mark.parametrize(
    ("client", "told"),
    [
        (changed(PUBLIC_APP, profile=FAPI2), "none is not allowed in the profile fapi2"),
        (changed(PLAIN_APP, profile=FAPI2), "client_secret_basic is not allowed"),
        (changed(STRICT, id_token_signed_response_alg="RS256"), "one of ES256, PS256"),
        (changed(STRICT, token_endpoint_auth_signing_alg="RS256"), "ES256, PS256, EdDSA"),
        (changed(STRICT, request_object_signing_alg="RS256"), "ES256, PS256, EdDSA"),
        (
            changed(
                STRICT,
                token_endpoint_auth_method="tls_client_auth",
                jwks="",
                grant_types=(CIBA,),
                backchannel_token_delivery_mode="poll",
                **DN,
            ),
            "jwks must hold",
        ),
    ],
)
def test_the_strict_profile_is_enforced_at_the_registration(client: Client, told: str) -> None:
    error, said = why(client)
    assert error == "invalid_client_metadata"
    assert told in said


def test_the_strict_profile_demands_all_that_the_other_leaves_open() -> None:
    for asks in (profile.pushed_only, profile.pkce, profile.bound_tokens):
        assert not asks(PLAIN_APP)
        assert asks(STRICT)
    assert profile.pkce(PUBLIC_APP)
    assert (profile.TABLE[PLAIN].rotates, profile.TABLE[FAPI2].rotates) == (True, False)
    assert "RS256" not in profile.algorithms(STRICT)


def test_a_client_may_ask_for_more_than_its_profile_demands() -> None:
    assert profile.pushed_only(changed(PLAIN_APP, require_pushed_authorization_requests=True))
    assert profile.bound_tokens(changed(PLAIN_APP, dpop_bound_access_tokens=True))
    assert profile.signed_request(changed(PLAIN_APP, require_signed_request_object=True))
    assert profile.signed_response(changed(STRICT, authorization_signed_response_alg="PS256"))
    assert profile.signed_introspection(changed(STRICT, introspection_signed_response_alg="PS256"))
    for asks in (profile.signed_request, profile.signed_response, profile.signed_introspection):
        assert not asks(STRICT)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ([], ""),
        ([{"issuer": "https://directory.example", "jwks": json.loads(JWKS)}], ""),
        ([{"issuer": "http://directory.example", "jwks": {"keys": []}}], "no https address"),
        ([{"issuer": "https://directory.example", "jwks": {"keys": []}}], "has no keys"),
        ([{"issuer": "https://d.example", "jwks": json.loads(PRIVATE)}], "holds a private key"),
        ([{"issuer": "https://d.example", "jwks": {}, "profile": "x"}], "one of plain, fapi2"),
        ([{"issuer": "https://d.example", "keys": []}], "unknown field `keys`"),
        ({}, "Expected `array`"),
    ],
)
def test_the_file_of_trusted_directories_is_checked_at_the_start(
    tmp_path: Path, text: Any, told: str
) -> None:
    file = tmp_path / "directories.json"
    file.write_text(json.dumps(text))
    problems: list[str] = []
    found = _software_issuers({"ENDORSE_SOFTWARE_ISSUERS": str(file)}, problems)
    assert [told in problem for problem in problems] == ([True] if told else [])
    if text and not told:
        assert [(one.issuer, one.profile) for one in found] == [(text[0]["issuer"], FAPI2)]
