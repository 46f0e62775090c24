"""What RFC 9396 asks of a server, as far as no other test shows it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests import strict
from tests.flows import play
from tests.serving import Served

pytestmark = pytest.mark.anyio

LOOK = {"type": "account_information", "actions": ["list_accounts", "read_balances"]}

NO_DETAILS = ["{}", "null", "[]", "[1]", '["account_information"]', "[{}]", '[{"type":7}]', "["]
NO_DETAILS += [
    json.dumps(LOOK),
    json.dumps([{**LOOK, "type": "x"}]),
    json.dumps([{**LOOK, "x": 1}]),
]
NO_DETAILS += ['[{"type":"account_information","type":"account_information","actions":[]}]', "x"]


async def pushed(served: Served, text: str, **more: Any) -> tuple[int, str]:
    """Push a request with this text as its details; the status, and the error if there is one."""
    client = await strict.keyed(served)
    answer = await client.push(authorization_details=text, scope=None, **more)
    return answer.status_code, answer.json().get("error", "")


@pytest.mark.spec("RFC 9396 2", "authorization_details is a JSON array of objects with a type")
@pytest.mark.spec("RFC 9396 5", "What is refused is answered with invalid_authorization_details")
@pytest.mark.parametrize("text", NO_DETAILS)
async def test_what_is_no_array_of_typed_objects_is_refused(served: Served, text: str) -> None:
    assert await pushed(served, text) == (400, "invalid_authorization_details")


@pytest.mark.spec("RFC 9396 3", "authorization_details is taken wherever scope is")
@pytest.mark.spec("RFC 9396 6.1", "A token is given for no more than the person approved")
@pytest.mark.spec("RFC 9396 12", "What the person saw is what is granted")
async def test_what_was_approved_is_what_the_token_opens(served: Served) -> None:
    client, phone = await strict.keyed(served), await play.phone_of(served)
    assert (await pushed(served, json.dumps([LOOK])))[0] == 201
    text = json.dumps([LOOK])
    signed = client.request_object(authorization_details=[LOOK], scope=None)
    left_out = dict.fromkeys(("response_type", "redirect_uri", "state", "scope"))
    opened = await play.Tab(served).open(**left_out, client_id=client.client_id, request=signed)
    assert opened.status_code == 200
    tab = await strict.begun_with(served, **client.request(authorization_details=text, scope=None))
    review = await play.reviewed(tab, phone)
    shown = json.loads(review.document)
    assert shown["authorization_details"] == [LOOK]
    await phone.approve(review)
    code = play.answered(await tab.resume())["code"]
    got = (await client.redeem(code, dpop=False)).json()
    assert got["authorization_details"] == [LOOK]
    listed = (await play.bank(served, "/v1/accounts", got["access_token"])).json()["accounts"]
    links = listed[0]["_links"]
    seen = await play.bank(served, links["balances"]["href"], got["access_token"])
    hidden = await play.bank(served, links["transactions"]["href"], got["access_token"])
    assert (seen.status_code, hidden.status_code) == (200, 403)


@pytest.mark.spec("RFC 9396 10", "The metadata lists the types")
async def test_the_metadata_lists_the_types(served: Served) -> None:
    listed = (await strict.metadata(served))["authorization_details_types_supported"]
    assert "account_information" in listed
