"""OAuch's cases of which specifications the server knows: by its metadata, and by trying."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests import strict
from tests.flows import play
from tests.flows.play import QUICK, quiet_client
from tests.serving import Served, serving

pytestmark = pytest.mark.anyio


async def test_FormPostSupportedTest_it_is(served: Served) -> None:
    assert "form_post" in (await strict.metadata(served))["response_modes_supported"]


async def test_OpenIdSupportedTest_there_is_a_discovery_document(served: Served) -> None:
    answer = await served.http.get(served.url("/.well-known/openid-configuration"))
    assert answer.status_code == 200
    assert "openid" in answer.json()["scopes_supported"]
    assert answer.json()["subject_types_supported"]


async def test_RFC6749SupportedTest_a_code_becomes_tokens(served: Served) -> None:
    got = await play.tokens(served, await play.phone_of(served))
    assert {"access_token", "token_type", "expires_in", "refresh_token"} <= set(got)


@pytest.mark.spec("RFC 6749 7.1", "A client learns the type of its token")
async def test_RFC6750SupportedTest_a_bearer_token_opens_the_api(served: Served) -> None:
    got = await play.tokens(served, await play.phone_of(served))
    assert got["token_type"] == "Bearer"
    assert await play.opens(served, got["access_token"])


async def test_RFC7009SupportedTest_there_is_a_revocation_endpoint(served: Served) -> None:
    url = (await strict.metadata(served))["revocation_endpoint"]
    answer = await served.http.post(url, data={"token": "x"}, auth=served.app.basic)
    assert answer.status_code == 200


async def test_RFC7523SupportedTest_a_client_may_sign_an_assertion(served: Served) -> None:
    listed = await strict.metadata(served)
    assert "private_key_jwt" in listed["token_endpoint_auth_methods_supported"]
    assert listed["token_endpoint_auth_signing_alg_values_supported"]


@pytest.mark.spec("RFC 9700 2.1.1", "The server supports PKCE")
@pytest.mark.spec("RFC 9700 2.1.1", "The metadata says which challenge methods there are")
async def test_RFC7636SupportedTest_the_metadata_says_s256(served: Served) -> None:
    assert (await strict.metadata(served))["code_challenge_methods_supported"] == ["S256"]


async def test_RFC8628SupportedTest_there_is_a_device_endpoint(served: Served) -> None:
    listed = await strict.metadata(served)
    assert listed["device_authorization_endpoint"].startswith(served.issuer)
    assert "urn:ietf:params:oauth:grant-type:device_code" in listed["grant_types_supported"]


@pytest.mark.spec("RFC 8705 3.3", "The metadata says that tokens are bound to certificates")
async def test_RFC8705SupportedTest_where_a_proxy_passes_certificates_on(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path / 'mtls.sqlite3'}"
    settings: Any = {"mtls_host": "mtls.bank.example", "trusted_proxies": ("127.0.0.1", "::1")}
    async with serving(url, QUICK, **settings) as served, quiet_client() as http:
        served.http = http
        listed = await strict.metadata(served)
    assert listed["tls_client_certificate_bound_access_tokens"] is True
    assert "tls_client_auth" in listed["token_endpoint_auth_methods_supported"]


async def test_RFC9101SupportedTest_the_metadata_says_so(served: Served) -> None:
    listed = await strict.metadata(served)
    assert listed["request_parameter_supported"] is True
    assert "none" not in listed["request_object_signing_alg_values_supported"]


@pytest.mark.spec(
    "RFC 9126 5", "The metadata names the pushed request endpoint, and whether it is required"
)
async def test_RFC9126SupportedTest_the_metadata_says_so(served: Served) -> None:
    listed = await strict.metadata(served)
    assert listed["pushed_authorization_request_endpoint"].startswith(served.issuer)
    assert not listed.get("require_pushed_authorization_requests", False)


@pytest.mark.spec("RFC 9449 5.1", "The metadata lists the algorithms of proofs")
async def test_RFC9449SupportedTest_the_metadata_says_so(served: Served) -> None:
    assert "ES256" in (await strict.metadata(served))["dpop_signing_alg_values_supported"]
