"""What RFC 8705 asks of tokens bound to a certificate, as far as no other test shows it."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import msgspec
import pytest

from endorse.core.change import ChangeClient
from endorse.core.metadata import Metadata
from endorse.store import reads
from tests import strict
from tests.certificates import certificate, shown
from tests.flows import play
from tests.flows.test_mtls import HOST, server
from tests.serving import CALLBACK, App, Served

pytestmark = pytest.mark.anyio

MINE, ANOTHER = certificate(), certificate(subject="CN=other")


@pytest.fixture
async def proxied(tmp_path: Path) -> AsyncIterator[Served]:
    """A server that trusts this machine as its proxy, and takes certificates at HOST."""
    async for served in server(tmp_path, trusted_proxies=("127.0.0.1", "::1"), mtls_host=HOST):
        yield served


async def bound(served: Served, app: App, method: str) -> None:
    """Have a client's tokens bound to its certificate from now on."""
    known = await served.desk.store.read(lambda db: reads.client(db, app.client_id))
    assert known is not None
    said = Metadata(method, tls_client_certificate_bound_access_tokens=True)
    change = ChangeClient(msgspec.structs.replace(known, metadata=said))
    assert await served.desk.store.change([change], served.clock())


async def call(served: Served, path: str, der: bytes, **form: str) -> httpx2.Response:
    """Call an endpoint at the host for certificates, showing this one."""
    headers = {**shown(der), "Host": HOST}
    return await served.http.post(served.url(path), data=form, headers=headers)


async def tokens(served: Served, app: App) -> httpx2.Response:
    """Redeem a fresh code with the certificate."""
    challenge = {"code_challenge": strict.CHALLENGE, "code_challenge_method": "S256"}
    phone = await play.phone_of(served)
    code = await play.code_for(served, phone, client_id=app.client_id, **challenge)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    form |= {"code_verifier": strict.VERIFIER, "client_id": app.client_id}
    if app.secret:
        form["client_secret"] = app.secret
    return await call(served, "/token", MINE, **form)


@pytest.mark.spec("RFC 8705 3.2", "Introspection of a bound token tells cnf")
async def test_introspection_tells_the_certificate(proxied: Served) -> None:
    app = proxied.app
    await bound(proxied, app, "client_secret_post")
    got = await tokens(proxied, app)
    assert got.status_code == 200, got.text
    form = {"client_id": app.client_id, "client_secret": app.secret}
    told = await call(proxied, "/introspect", MINE, token=got.json()["access_token"], **form)
    thumbprint = strict.b64(hashlib.sha256(MINE).digest())
    assert told.json()["active"] is True
    assert told.json()["cnf"] == {"x5t#S256": thumbprint}


@pytest.mark.spec("RFC 8705 4", "The refresh token of a public client is bound to its certificate")
async def test_a_public_clients_refresh_token_needs_its_certificate(proxied: Served) -> None:
    app = proxied.public_app
    await bound(proxied, app, "none")
    got = await tokens(proxied, app)
    assert got.status_code == 200, got.text
    form = {"grant_type": "refresh_token", "refresh_token": got.json()["refresh_token"]}
    form["client_id"] = app.client_id
    stolen = await call(proxied, "/token", ANOTHER, **form)
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
    assert (await call(proxied, "/token", MINE, **form)).status_code == 200
