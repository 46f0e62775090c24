"""The document of what third parties call is valid, whole, and true of a flow's answers."""

from __future__ import annotations

from typing import Any

import httpx2
import msgspec
import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from endorse.server.app import FOR_CLIENTS, PAGES
from tests import strict
from tests.flows import play
from tests.serving import Served

pytestmark = pytest.mark.anyio


async def document_of(served: Served) -> dict[str, Any]:
    answer = await served.http.get(served.url("/openapi.json"))
    document: dict[str, Any] = answer.json()
    return document


async def test_the_document_is_valid(served: Served) -> None:
    document = await document_of(served)
    assert document["servers"] == [{"url": served.issuer}]
    OpenAPIV31SpecValidator(msgspec.convert(document, dict[str, Any])).validate()


async def test_every_call_of_third_parties_is_in_the_document(served: Served) -> None:
    wanted = {(method, path) for method, path, _ in FOR_CLIENTS}
    wanted |= {(method, path) for method, path, _ in PAGES if path == "/auth"}
    described = {
        (method.upper(), path)
        for path, operations in (await document_of(served))["paths"].items()
        for method in operations
    }
    assert described == wanted


def problems(document: dict[str, Any], path: str, answer: httpx2.Response) -> list[str]:
    """What is wrong with an answer by the document."""
    operation = document["paths"][path][answer.request.method.lower()]
    told = operation["responses"].get(str(answer.status_code))
    if told is None:
        return [f"{answer.request.method} {path}: {answer.status_code} is not described"]
    kind = answer.headers.get("content-type", "").split(";")[0]
    if "content" not in told:
        return []
    if kind not in told["content"]:
        return [f"{path}: {kind} is not described"]
    if not kind.endswith("json"):
        return []
    schema = {**told["content"][kind]["schema"], "components": document["components"]}
    return [str(one.message) for one in OAS31Validator(schema).iter_errors(answer.json())]


async def test_each_answer_of_a_flow_is_as_the_document_says(served: Served) -> None:
    document = await document_of(served)
    phone = await play.phone_of(served)
    client = await strict.keyed(served)
    code = await play.code_for(served, phone)
    redeemed = await play.redeem(served, code)
    token = redeemed.json()["access_token"]
    listed = await play.bank(served, "/v1/accounts", token)
    here = f"/v1/accounts/{listed.json()['accounts'][0]['resourceId']}"
    one = "/v1/accounts/{account_id}"
    seen = [
        ("/auth", await play.Tab(served).open()),
        ("/auth", await play.Tab(served).open(scope="x")),
        ("/auth", await play.Tab(served).open(client_id="nobody")),
        ("/par", await client.push()),
        ("/par", await client.push(scope="x")),
        ("/token", redeemed),
        ("/token", await play.redeem(served, code)),
        ("/token", await served.http.post(served.url("/token"), data={}, auth=("nobody", "x"))),
        ("/revoke", await served.http.post(served.url("/revoke"), data={})),
        ("/jwks", await served.http.get(served.url("/jwks"))),
        ("/v1/accounts", listed),
        (one, await play.bank(served, here, token)),
        (one, await play.bank(served, "/v1/accounts/none", token)),
        (f"{one}/balances", await play.bank(served, f"{here}/balances", token)),
        (f"{one}/transactions", await play.bank(served, f"{here}/transactions", token)),
        (f"{one}/transactions", await play.bank(served, f"{here}/transactions?limit=x", token)),
        (f"{one}/transactions", await play.bank(served, f"{here}/transactions", "x")),
    ]
    assert [problem for path, answer in seen for problem in problems(document, path, answer)] == []
