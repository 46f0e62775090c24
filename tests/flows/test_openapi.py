"""The phone API's document is valid, whole, and true of each answer of a real flow."""

from __future__ import annotations

import contextlib
from typing import Any

import httpx2
import msgspec
import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from endorse.phone import Phone, PhoneError
from tests.flows import asking, play
from tests.serving import Served

pytestmark = pytest.mark.anyio

UNDOCUMENTED = {"/phone", "/phone/sw.js", "/phone/manifest.webmanifest", "/phone/openapi.json"}


async def document_of(served: Served) -> dict[str, Any]:
    answer = await served.http.get(served.url("/phone/openapi.json"))
    document: dict[str, Any] = answer.json()
    return document


class Recorded(httpx2.AsyncBaseTransport):
    """Sends requests on, and keeps them with their answers."""

    def __init__(self) -> None:
        self.calls: list[tuple[httpx2.Request, httpx2.Response]] = []
        self._inner = httpx2.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = await self._inner.handle_async_request(request)
        self.calls.append((request, answer))
        return answer

    async def aclose(self) -> None:
        await self._inner.aclose()


def problems(document: dict[str, Any], content: Any, value: Any) -> list[str]:
    """What is wrong with a value by the schema of a request or response."""
    schema = {
        **content["application/json"]["schema"],
        "components": document["components"],
    }
    return [str(problem.message) for problem in OAS31Validator(schema).iter_errors(value)]


def operation(document: dict[str, Any], request: httpx2.Request) -> tuple[str, dict[str, Any]]:
    """The name and the description of the called operation."""
    path = request.url.path
    if path.startswith("/phone/connections/"):
        _, _, _, _, *rest = path.split("/")
        path = "/".join(["/phone/connections/{grant_id}", *rest])
    if path.startswith("/phone/phones/"):
        path = "/phone/phones/{phone_id}" + ("/confirm" if path.endswith("/confirm") else "")
    found: dict[str, Any] = document["paths"][path][request.method.lower()]
    return f"{request.method} {path}", found


async def test_the_document_is_valid(served: Served) -> None:
    document = await document_of(served)
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": served.issuer}]
    OpenAPIV31SpecValidator(msgspec.convert(document, dict[str, Any])).validate()


async def test_every_phone_route_of_the_app_is_in_the_document(served: Served) -> None:
    phones = {
        (path, method)
        for path, method in play.routes_of()
        if path.startswith("/phone") and path not in UNDOCUMENTED and method != "HEAD"
    }
    described = {
        (path, method.upper())
        for path, operations in (await document_of(served))["paths"].items()
        for method in operations
    }
    assert phones == described


async def _everything(served: Served) -> None:
    """Call each operation, and get each kind of refusal."""
    await served.http.get(served.url("/phone/sandbox/people"))
    phone, other = await play.somebody(served), await play.somebody(served)
    await phone.sign_in()
    tab = await play.begun(served)
    journey = (await play.claimed(tab, phone)).journey
    await phone.match(journey, await play.number(served, journey))
    review = await play.reviewed(await play.begun(served), phone)
    await phone.edit(review.journey)
    await phone.journeys()
    await phone.disown(review.journey)
    again = await play.claimed(await play.begun(served), phone)
    await phone.refuse(again.journey)
    await play.tokens(served, phone)
    [connection] = await phone.connections()
    grant_id = connection.grant_id
    await phone.evidence(grant_id)
    served.clock.move(1)
    await phone.approve_renewal(await phone.renew(connection))
    await phone.narrow(grant_id, [connection.accounts[0].resource_id])
    with contextlib.suppress(PhoneError):
        await phone.narrow(grant_id, [connection.accounts[0].resource_id])
    await phone.end(grant_id)
    with contextlib.suppress(PhoneError):
        await phone.renew(connection)
    await phone.read_notices(await phone.notices())
    await phone.watch(journey, "claimed")
    assert phone.digits is not None
    assert phone.phone_id is not None
    await phone.confirm(phone.phone_id, phone.digits)
    gone = await play.somebody(served)
    assert [one.this for one in await gone.phones()] == [True]
    assert gone.phone_id is not None
    await gone.revoke_phone(gone.phone_id)
    nobody = Phone(served.issuer, served.http, clock=served.clock)
    asked: list[Any] = [
        nobody.enrol("unknown"),
        other.match(journey, 10),
        other.claim(await (await play.begun(served)).frame() + "x"),
        phone.match(journey, await play.number(served, journey)),
        phone.review(journey, ["not an account"]),
        phone.call("POST", "/phone/match", {}),
        phone.call("POST", "/phone/match", {"journey": journey}, signed_in=False),
        phone.call("POST", "/phone/sign-in/options", {"phone_id": "nobody's"}, signed_in=False),
        phone.call("POST", "/phone/match", {"journey": "x" * 70_000}),
        served.http.post(served.url("/phone/match"), content=b"{}"),
        served.http.post(served.url("/phone/sandbox/enrolments"), json={"person": "nobody"}),
        served.http.post(served.url("/phone/sandbox/enrolments"), content=b"{}"),
    ]
    for work in asked:
        with contextlib.suppress(PhoneError):
            await work
    somebody = await play.somebody(served)
    asker = await asking.register(served)
    await asking.ask(served, asker, await asking.known(served, somebody, asker))
    await somebody.take((await somebody.asked())[0].journey)
    phone._clock_error = 1000
    await phone.call("GET", "/phone/connections")


async def test_each_call_and_answer_of_a_flow_is_as_the_document_says(served: Served) -> None:
    document = await document_of(served)
    recorded, real = Recorded(), served.http
    async with play.quiet_client(recorded) as served.http:
        await _everything(served)
    served.http = real
    seen = set()
    for request, answer in recorded.calls:
        if not request.url.path.startswith("/phone"):
            continue
        name, described = operation(document, request)
        assert str(answer.status_code) in described["responses"], (name, answer.text)
        told = described["responses"][str(answer.status_code)]
        assert problems(document, told["content"], answer.json()) == [], name
        seen.add((name, answer.is_success))
        if answer.is_success and request.content:
            sent = msgspec.json.decode(request.content)
            assert problems(document, described["requestBody"]["content"], sent) == [], name
        assert ("proof" in str(described["security"])) == ("dpop" in request.headers) or (
            not answer.is_success
        ), name
    every = {
        f"{method.upper()} {path}"
        for path, operations in document["paths"].items()
        for method in operations
    }
    assert {name for name, success in seen if success} == every
