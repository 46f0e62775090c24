"""Certificates of clients: from the trusted proxy and at their own host, and from nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
from joserfc.jwk import ECKey

from endorse.core.change import AddClient, ChangeClient
from endorse.core.metadata import FAPI2, Metadata
from endorse.core.model import Client
from endorse.core.policy import DAY, SCOPES
from endorse.server import certificate
from endorse.store import reads
from tests import strict
from tests.certificates import CLIENT_KEY, SUBJECT, header, shown
from tests.certificates import certificate as make
from tests.flows import play
from tests.flows.play import QUICK, quiet_client
from tests.serving import CALLBACK, Served, serving

pytestmark = pytest.mark.anyio

HOST = "mtls.bank.example"
MINE = make()
BY_NAME = Metadata("tls_client_auth", tls_client_auth_subject_dn=SUBJECT)
BY_KEY = Metadata(
    "self_signed_tls_client_auth",
    jwks=msgspec.json.encode(
        {"keys": [ECKey.import_key(CLIENT_KEY.public_key()).as_dict(private=False)]}
    ).decode(),
)


async def server(folder: Path, **settings: Any) -> AsyncIterator[Served]:
    async with (
        serving(f"sqlite:///{folder / 'mtls.sqlite3'}", QUICK, **settings) as served,
        quiet_client() as http,
    ):
        served.http = http
        for name, metadata in (("by-name", BY_NAME), ("by-key", BY_KEY)):
            client = Client(
                client_id=name,
                name="Certified",
                legal_name="Certified B.V.",
                redirect_uris=(CALLBACK,),
                scope=SCOPES,
                public=False,
                verified=True,
                duration=90 * DAY,
                created_at=served.clock(),
                profile=FAPI2,
                metadata=metadata,
            )
            assert await served.desk.store.change([AddClient(client)], served.clock())
        yield served


@pytest.fixture
async def proxied(tmp_path: Path) -> AsyncIterator[Served]:
    """A server that trusts this machine as its proxy, and takes certificates at HOST."""
    async for served in server(tmp_path, trusted_proxies=("127.0.0.1", "::1"), mtls_host=HOST):
        yield served


@pytest.fixture
async def direct(tmp_path: Path) -> AsyncIterator[Served]:
    """A server whose proxy is another machine: a caller from here is anybody."""
    async for served in server(tmp_path, trusted_proxies=("192.0.2.1",), mtls_host=HOST):
        yield served


async def revoke(
    served: Served, client_id: str, headers: Any, host: str | None = HOST
) -> httpx2.Response:
    """Call an endpoint that does nothing but authenticate."""
    sent = [*(headers.items() if isinstance(headers, dict) else headers)]
    if host is not None:
        sent.append(("Host", host))
    form = {"token": "x", "client_id": client_id}
    return await served.http.post(served.url("/revoke"), data=form, headers=sent)


def code(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("error", "")


@pytest.mark.spec(
    "RFC 8705 2", "A client that authenticates by its certificate names itself by client_id"
)
async def test_a_certificate_that_the_proxy_shows_is_the_clients_authentication(
    proxied: Served,
) -> None:
    assert code(await revoke(proxied, "by-name", shown(MINE))) == (200, "")
    assert code(await revoke(proxied, "by-key", shown(MINE, "FAILED:self-signed"))) == (200, "")
    assert code(await revoke(proxied, "by-key", {"Client-Cert": header(MINE)})) == (200, "")


async def test_a_name_in_an_unchecked_certificate_shows_nobody(proxied: Served) -> None:
    for verified in ("FAILED:self-signed certificate", "NONE", "success", "SUCCESS, SUCCESS", ""):
        no = await revoke(proxied, "by-name", shown(MINE, verified))
        assert code(no) == (400, "invalid_client"), verified
    twice = [*shown(MINE, "FAILED").items(), ("Client-Cert-Verify", "SUCCESS")]
    assert code(await revoke(proxied, "by-name", twice)) == (400, "invalid_client")


async def test_no_certificate_shows_nobody(proxied: Served) -> None:
    for client_id in ("by-name", "by-key"):
        assert code(await revoke(proxied, client_id, {})) == (400, "invalid_client")
        empty = {"Client-Cert": "", "Client-Cert-Verify": "SUCCESS"}
        assert code(await revoke(proxied, client_id, empty)) == (400, "invalid_client")


@pytest.mark.spec("RFC 9440 4", "Client-Cert from anybody but the trusted proxy means nothing")
async def test_a_certificate_from_an_untrusted_address_means_nothing(direct: Served) -> None:
    for client_id in ("by-name", "by-key"):
        for forged in ({}, {"X-Forwarded-For": "192.0.2.1"}, {"Forwarded": "for=192.0.2.1"}):
            sent = shown(MINE, **forged)
            assert code(await revoke(direct, client_id, sent)) == (400, "invalid_client")


async def test_a_certificate_at_the_issuers_host_means_nothing(proxied: Served) -> None:
    # There a proxy that was set up for browsers may let the header of anybody through.
    for client_id in ("by-name", "by-key"):
        assert code(await revoke(proxied, client_id, shown(MINE), None)) == (400, "invalid_client")


@pytest.mark.parametrize(
    "bad", [":AAAA:", header(MINE) + ";x", "-----BEGIN-----", ":" + "A" * 30_000 + ":", "::"]
)
async def test_a_malformed_certificate_is_refused_and_never_a_bug(
    proxied: Served, bad: str
) -> None:
    sent = {"Client-Cert": bad, "Client-Cert-Verify": "SUCCESS"}
    assert code(await revoke(proxied, "by-name", sent)) == (400, "invalid_request")


async def test_two_certificates_are_refused(proxied: Served) -> None:
    mine, other = shown(MINE), ("Client-Cert", header(make(subject="CN=other")))
    for sent in ([*mine.items(), other], [other, *mine.items()]):
        assert code(await revoke(proxied, "by-name", sent)) == (400, "invalid_request")


async def test_no_setting_means_no_certificates(tmp_path: Path) -> None:
    async for served in server(tmp_path, trusted_proxies=("127.0.0.1", "::1")):
        host = served.issuer.removeprefix("http://")
        no = await revoke(served, "by-name", shown(MINE), host)
        assert code(no) == (400, "invalid_client")
        told = (await served.http.get(served.url("/.well-known/oauth-authorization-server"))).json()
        assert "tls_client_auth" not in told["token_endpoint_auth_methods_supported"]
        assert "mtls_endpoint_aliases" not in told


@pytest.mark.spec("RFC 8705 5", "The metadata names the addresses for mutual TLS")
async def test_the_metadata_names_the_host_for_certificates(proxied: Served) -> None:
    told = (await proxied.http.get(proxied.url("/.well-known/oauth-authorization-server"))).json()
    aliases = told["mtls_endpoint_aliases"]
    assert aliases["token_endpoint"] == f"http://{HOST}/token"
    assert aliases["revocation_endpoint"] == f"http://{HOST}/revoke"
    assert "authorization_endpoint" not in aliases
    methods = told["token_endpoint_auth_methods_supported"]
    assert {"tls_client_auth", "self_signed_tls_client_auth"} <= set(methods)


@pytest.mark.parametrize(
    "path", ["/auth", "/phone", "/connect/x", "/phone/claim", "/resume/x", "/"]
)
async def test_the_host_for_certificates_has_no_pages_and_no_phones(
    proxied: Served, path: str
) -> None:
    at = {"Host": HOST}
    seen = await proxied.http.get(proxied.url(path), headers=at)
    assert (seen.status_code, seen.headers["location"]) == (303, proxied.url(path))
    sent = await proxied.http.post(proxied.url(path), headers=at)
    assert code(sent) == (421, "wrong_host")


@pytest.mark.spec(
    "FAPI 2.0 Security Profile 5.3.2.1",
    "Access tokens are sender-constrained, by mutual TLS or DPoP",
)
async def test_a_strict_client_connects_by_its_certificate_alone(proxied: Served) -> None:
    at = {**shown(MINE), "Host": HOST}

    async def post(path: str, headers: dict[str, str], **form: str) -> httpx2.Response:
        sent = {"client_id": "by-name", **form}
        return await proxied.http.post(proxied.url(path), data=sent, headers=headers)

    pushed = await post(
        "/par",
        at,
        response_type="code",
        redirect_uri=CALLBACK,
        scope="accounts offline_access",
        code_challenge=strict.CHALLENGE,
        code_challenge_method="S256",
    )
    assert pushed.status_code == 201, pushed.text
    phone = await play.phone_of(proxied)
    code = await play.code_for(
        proxied,
        phone,
        client_id="by-name",
        request_uri=pushed.json()["request_uri"],
        response_type=None,
        redirect_uri=None,
        state=None,
        scope=None,
    )
    good = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": strict.VERIFIER,
    }
    got = await post("/token", at, **good)
    assert got.status_code == 200, got.text
    bearer = {"Authorization": f"Bearer {got.json()['access_token']}"}
    other = {**shown(make(subject="CN=other")), "Host": HOST}
    for headers, status in ((at, 200), ({"Host": HOST}, 401), (other, 401), (shown(MINE), 401)):
        seen = await proxied.http.get(proxied.url("/v1/accounts"), headers={**bearer, **headers})
        assert seen.status_code == status
    again = {"grant_type": "refresh_token", "refresh_token": got.json()["refresh_token"]}
    assert (await post("/token", other, **again)).status_code == 400
    fresh = await post("/token", at, **again)
    assert fresh.status_code == 200
    # FAPI 2.0 5.3.2.1: no rotation for a client that holds a key.
    assert fresh.json().get("refresh_token", again["refresh_token"]) == again["refresh_token"]


def test_a_certificate_header_is_read_in_one_place() -> None:
    source = Path(certificate.__file__).parent
    readers = [it.name for it in source.rglob("*.py") if '"client-cert"' in it.read_text()]
    assert readers == ["certificate.py"]


@pytest.mark.spec("RFC 8705 3", "a token of a client with a certificate opens with it alone")
async def test_a_token_is_bound_to_the_certificate_that_was_shown(proxied: Served) -> None:
    store, now = proxied.desk.store, proxied.clock()
    known = await store.read(lambda db: reads.client(db, proxied.app.client_id))
    assert known is not None
    bound = Metadata(tls_client_certificate_bound_access_tokens=True)
    await store.change([ChangeClient(msgspec.structs.replace(known, metadata=bound))], now)
    code_ = await play.code_for(proxied, await play.phone_of(proxied))
    form = {"grant_type": "authorization_code", "code": code_, "redirect_uri": CALLBACK}

    async def token(headers: dict[str, str]) -> httpx2.Response:
        url, auth = proxied.url("/token"), proxied.app.basic
        sent = {"Host": HOST, **headers}
        return await proxied.http.post(url, data=form, headers=sent, auth=auth)

    assert code(await token({})) == (400, "invalid_request")
    got = await token(shown(MINE))
    assert got.status_code == 200, got.text
    assert got.json()["token_type"] == "Bearer"

    async def opens(headers: dict[str, str], host: str = HOST) -> int:
        sent = {"Authorization": f"Bearer {got.json()['access_token']}", "Host": host, **headers}
        answer = await proxied.http.get(proxied.url("/v1/accounts"), headers=sent)
        return answer.status_code

    assert await opens(shown(MINE)) == 200
    assert await opens(shown(make(comment=b"another"))) == 401
    assert await opens({}) == 401
    assert await opens(shown(MINE), proxied.issuer.removeprefix("http://")) == 401
