"""Which host answers, what the metadata promises, and what only a sandbox has."""

from __future__ import annotations

import httpx2
import pytest

from endorse.core.policy import ASKABLE, OWN_SCOPES
from endorse.phone import Phone
from endorse.server.enrol import issue
from endorse.server.oauth.token import EXCHANGES
from tests.flows import play
from tests.flows.rows import contents
from tests.serving import CALLBACK, Served

pytestmark = pytest.mark.anyio


def other_hosts(served: Served) -> list[str]:
    port = served.issuer.rsplit(":", 1)[1]
    return [f"127.0.0.1:{port}", "localhost", "evil.example", f"localhost:{port}.evil.example", ""]


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/auth?client_id=x&state=%E9%2F", "/auth?client_id=x&state=%E9%2F"),
        ("/phone", "/phone"),
        ("/", "/"),
        ("//evil.example/auth", "/evil.example/auth"),
        ("/%2F%2Fevil.example", "/%2F%2Fevil.example"),
        ("/connect/abc?", "/connect/abc"),
    ],
)
async def test_a_get_on_another_host_is_sent_to_the_issuer(
    served: Served, path: str, target: str
) -> None:
    for host in other_hosts(served):
        answer = await served.http.get(served.issuer + path, headers={"Host": host})
        assert answer.status_code == 303, host
        assert answer.headers["location"] == served.issuer + target


async def test_any_other_method_on_another_host_is_misdirected(served: Served) -> None:
    tab = play.Tab(served)
    await tab.open()
    before = await contents(served)
    for host in other_hosts(served):
        for method, path in (("POST", "/auth/start"), ("POST", "/token"), ("DELETE", "/phone/x")):
            answer = await served.http.request(
                method,
                served.url(path),
                data={"request": tab.sealed},
                headers={"Host": host, **play.SAME_ORIGIN},
            )
            assert (answer.status_code, answer.json()["error"]) == (421, "wrong_host")
    assert await contents(served) == before


async def test_the_health_check_needs_no_host_name(served: Served) -> None:
    answer = await served.http.get(served.url("/healthz"), headers={"Host": "10.0.0.7"})
    assert answer.json() == {"status": "ok"}


async def test_the_metadata_equals_what_is_served(served: Served) -> None:
    path = "/.well-known/oauth-authorization-server"
    told = (await served.http.get(served.url(path))).json()
    assert told["issuer"] == served.issuer
    where = {
        "authorization": "/auth",
        "token": "/token",
        "revocation": "/revoke",
        "introspection": "/introspect",
        "userinfo": "/userinfo",
        "device_authorization": "/device_authorization",
    }
    ends = {name: told[f"{name}_endpoint"] for name in where}
    assert ends == {name: served.url(path) for name, path in where.items()}
    page = await served.http.get(ends["authorization"])
    assert page.headers["content-type"].startswith("text/html")
    for name in ("token", "revocation", "introspection", "device_authorization"):
        answer = await served.http.post(ends[name], data={"token": "x"})
        assert answer.json()["error"] == "invalid_client"
    assert told["scopes_supported"] == [*ASKABLE, *OWN_SCOPES]
    assert told["response_types_supported"] == ["code"]
    modes = ["query", "form_post", "jwt", "query.jwt", "form_post.jwt"]
    assert told["response_modes_supported"] == modes
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert told["authorization_response_iss_parameter_supported"] is True
    assert told["grant_types_supported"] == list(EXCHANGES)
    methods = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]
    assert told["token_endpoint_auth_methods_supported"] == methods
    assert told["revocation_endpoint_auth_methods_supported"] == methods
    for unsupported in ("password", "implicit", "urn:x"):
        answer = await play.token(served, grant_type=unsupported)
        assert answer.json()["error"] == "unsupported_grant_type"


async def test_only_a_sandbox_has_invented_people(bank_server: Served) -> None:
    for method, path in (
        ("GET", "/phone/sandbox/people"),
        ("POST", "/phone/sandbox/enrolments"),
    ):
        url = bank_server.url(path)
        answer = await bank_server.http.request(method, url, json={"person": "anna"})
        assert (answer.status_code, answer.json()["error"]) == (404, "not_found")
    listed = (await bank_server.http.get(bank_server.url("/phone/openapi.json"))).json()["paths"]
    assert [path for path in listed if "sandbox" in path] == []
    page = await play.Tab(bank_server).open()
    assert 'href="/phone"' not in page.text


async def test_a_server_that_is_no_sandbox_connects_with_the_banks_own_codes(
    bank_server: Served,
) -> None:
    code = await issue(bank_server.desk, "anna")
    assert hasattr(code, "reveal")
    phone = Phone(bank_server.issuer, bank_server.http, clock=bank_server.clock)
    assert (await phone.enrol(code.reveal())).name == "Anna de Vries"
    # Fresh apps and phones get a warning, which takes some seconds to read.
    tab = await play.begun(bank_server)
    review = await play.reviewed(tab, phone)
    bank_server.clock.move(bank_server.desk.law.amber_wait)
    await phone.approve(review)
    code_ = play.answered(await tab.resume())["code"]
    got = (await play.redeem(bank_server, code_)).json()
    assert await play.opens(bank_server, got["access_token"])


async def test_an_unknown_address_is_answered_in_the_shape_that_was_asked_for(
    served: Served,
) -> None:
    as_json = await served.http.get(served.url("/no/such"), headers=play.JSON)
    assert (as_json.status_code, as_json.json()["error"]) == (404, "not_found")
    as_page = await served.http.get(served.url("/no/such"), headers={"Accept": "text/html"})
    assert (as_page.status_code, "<h1>" in as_page.text) == (404, True)


async def test_a_wrong_method_is_answered_with_the_right_ones(served: Served) -> None:
    for method, path, allow in (
        ("DELETE", "/token", {"POST"}),
        ("DELETE", "/auth", {"GET", "HEAD"}),
        ("GET", "/par", {"POST"}),
        ("GET", "/auth/start", {"POST"}),
        ("GET", "/phone/claim", {"POST"}),
        ("POST", "/v1/accounts", {"GET", "HEAD"}),
        ("POST", "/connect/abc/events", {"GET"}),
    ):
        answer = await served.http.request(method, served.url(path))
        assert answer.status_code == 405, path
        assert allow <= set(answer.headers["allow"].split(", "))


async def test_the_redirect_is_a_303_and_never_carries_a_form_along(served: Served) -> None:
    refused: httpx2.Response = await play.Tab(served).open(scope="no")
    assert refused.status_code == 303
    assert refused.headers["location"].startswith(CALLBACK)
    assert refused.headers["cache-control"] == "no-store"


async def test_what_can_be_got_answers_head_too_without_a_body(served: Served) -> None:
    for path in ("/healthz", "/jwks", "/.well-known/oauth-authorization-server"):
        got = await served.http.get(served.url(path))
        answer = await served.http.head(served.url(path))
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["content-length"] == got.headers["content-length"]
