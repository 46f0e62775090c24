"""schemathesis invents calls from both OpenAPI documents: none is answered by a fault."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from endorse.phone import Phone, sandbox_code
from tests import parts
from tests.clients import plain
from tests.serving import App, Sandbox, sandbox_process

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.xdist_group("schemathesis"),
]

invented = settings(
    max_examples=300 if parts.SOAK else 15,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A running `endorse sandbox`."""
    with sandbox_process(tmp_path_factory.mktemp("schemathesis")) as running:
        yield running.facts


@pytest.fixture(scope="module")
def app(sandbox: Sandbox) -> App:
    """The sandbox's own app."""
    return App(sandbox.client_id, sandbox.client_secret, sandbox.redirect_uri)


@pytest.fixture(scope="module")
def http() -> Iterator[requests.Session]:
    """No proxy stands before this machine's own server."""
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture(scope="module")
def token(sandbox: Sandbox, app: App) -> str:
    """An access token for all that Anna has."""
    with httpx2.Client(trust_env=False) as client:
        text: str = plain.connect(client, sandbox.issuer, app, person="anna")["access_token"]
    return text


@pytest.fixture(scope="module")
def phone(sandbox: Sandbox) -> Phone:
    """A phone that is signed in."""

    async def enrolled() -> Phone:
        async with httpx2.AsyncClient(trust_env=False) as client:
            one = Phone(sandbox.issuer, client)
            await one.enrol(await sandbox_code(sandbox.issuer, client, "anna"))
            return one

    return asyncio.run(enrolled())


@pytest.fixture(scope="module")
def clients_schema(sandbox: Sandbox, http: requests.Session) -> Any:
    """What third parties call."""
    return schemathesis.openapi.from_dict(http.get(f"{sandbox.issuer}/openapi.json").json())


@pytest.fixture(scope="module")
def phone_schema(sandbox: Sandbox, http: requests.Session) -> Any:
    """What the phone calls."""
    return schemathesis.openapi.from_dict(http.get(f"{sandbox.issuer}/phone/openapi.json").json())


def each_case(schema: Any, tried: Callable[[Any], None]) -> None:
    """Invent calls of each operation and try them; its own pytest plugin cannot do it here."""
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 10
    for operation in operations:
        invented(given(case=operation.as_strategy())(tried))()


def request_of(case: Any, issuer: str) -> requests.PreparedRequest:
    """The invented call, as it is sent."""
    sent = case.as_transport_kwargs(base_url=issuer)
    sent.pop("timeout", None)
    names = ("method", "url", "headers", "params", "cookies", "data", "json", "files")
    asked = requests.Request(**{name: sent[name] for name in names if name in sent})
    return asked.prepare()


def no_fault(answer: requests.Response) -> None:
    """Whatever was sent, it is answered, and by no fault."""
    assert answer.status_code < 500, (answer.request.method, answer.request.url, answer.text)


def test_no_call_of_a_third_party_is_answered_by_a_fault(
    clients_schema: Any, sandbox: Sandbox, http: requests.Session, app: App, token: str
) -> None:
    def tried(case: Any) -> None:
        asked = request_of(case, sandbox.issuer)
        no_fault(http.send(asked, allow_redirects=False))
        if "/v1/accounts" in case.path:
            asked.headers["Authorization"] = f"Bearer {token}"
        else:
            asked.prepare_auth((app.client_id, app.secret))
        no_fault(http.send(asked, allow_redirects=False))

    each_case(clients_schema, tried)


def test_no_call_of_a_phone_is_answered_by_a_fault(
    phone_schema: Any, sandbox: Sandbox, http: requests.Session, phone: Phone
) -> None:
    def tried(case: Any) -> None:
        asked = request_of(case, sandbox.issuer)
        no_fault(http.send(asked, allow_redirects=False))
        body = asked.body or b""
        raw = body.encode() if isinstance(body, str) else bytes(body)
        path = "/" + str(asked.url).split("/", 3)[3].split("?")[0]
        session = None if path.startswith(("/phone/enrol", "/phone/sign-in")) else phone._session
        asked.headers["DPoP"] = phone.device.proof(
            str(asked.method),
            sandbox.issuer + path,
            raw,
            at=int(time.time()),
            jti=secrets.token_urlsafe(16),
            session=session,
        )
        if session is not None:
            asked.headers["Authorization"] = f"DPoP {session}"
        no_fault(http.send(asked, allow_redirects=False))

    each_case(phone_schema, tried)
