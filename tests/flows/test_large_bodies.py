"""A body over 64 KiB is refused before it is read whole, however it comes."""

from __future__ import annotations

import pytest

from tests.flows import broken
from tests.flows.broken import FORM
from tests.flows.play import JSON, SAME_ORIGIN, routes_of
from tests.flows.rows import contents
from tests.serving import Served

pytestmark = pytest.mark.anyio

LIMIT = 64 * 1024
A_PHONE = {"Content-Type": "application/json", "Authorization": "DPoP x", "DPoP": "x"}
TAKING = {
    "/auth/start": {"Content-Type": FORM, **SAME_ORIGIN, **JSON},
    "/auth": {"Content-Type": FORM},
    "/par": {"Content-Type": FORM},
    "/token": {"Content-Type": FORM},
    "/v1/token": {"Content-Type": FORM},
    "/device_authorization": {"Content-Type": FORM},
    "/device": {"Content-Type": FORM, **SAME_ORIGIN},
    "/introspect": {"Content-Type": FORM},
    "/revoke": {"Content-Type": FORM},
    "/bc-authorize": {"Content-Type": FORM},
    "/register": {"Content-Type": "application/json"},
    "/return": {"Content-Type": FORM, **SAME_ORIGIN, **JSON},
    "/phone/sandbox/enrolments": {"Content-Type": "application/json"},
    **{
        f"/phone/{call}": A_PHONE
        for call in (
            "enrol/options",
            "enrol",
            "sign-in/options",
            "sign-in",
            "claim",
            "take",
            "match",
            "review",
            "edit",
            "approve",
            "refuse",
            "disown",
            "watch",
            "phones/{phone_id}/confirm",
            "notices/read",
            "connections/{grant_id}/narrow",
            "connections/{grant_id}/renew",
            "connections/{grant_id}/renew/approve",
        )
    },
}

# What the browser that began may post: without its B none is read at all.
ACTIONS = ("cancel", "new-code", "app", "code", "letters", "near/options", "near")

each_path = pytest.mark.parametrize("path", TAKING)


async def test_every_address_that_takes_a_body_is_in_this_file(served: Served) -> None:
    taking = {path for path, method in routes_of() if method == "POST"}
    # Who the person is, is asked with a token in the header, and no body is read.
    bodiless = {"/userinfo", *(f"/connect/{{short}}/{act}" for act in ACTIONS)}
    # Without a token that is for a payment no body is read: see test_details.
    bodiless.add("/v1/payments/sepa-credit-transfers")
    assert taking - bodiless == set(TAKING)


@each_path
async def test_a_body_one_byte_too_long_is_refused(served: Served, path: str) -> None:
    before = await contents(served)
    for size, refused in ((LIMIT, False), (LIMIT + 1, True)):
        answer = await served.http.post(served.url(path), content=b"a" * size, headers=TAKING[path])
        assert (answer.status_code == 413) is refused
        # A person's browser calls these: it gets a page.
        if path not in ("/auth", "/device"):
            assert broken.is_json_error(answer)
            assert answer.json()["error"] == "invalid_request" or not refused
    assert await contents(served) == before


@each_path
async def test_a_body_declared_too_long_is_refused_before_any_of_it_comes(
    served: Served, path: str
) -> None:
    headers = [(name.encode(), value.encode()) for name, value in TAKING[path].items()]
    status = await broken.declared(served, path, headers, 10**12)
    assert status == 413


@each_path
async def test_a_body_without_end_is_answered_early(served: Served, path: str) -> None:
    status, sent = await broken.flood(served, path, TAKING[path], at_most=16 * LIMIT)
    assert status == 413
    # What had been sent before the answer came is what lay in the sockets' buffers.
    assert sent < 4 * LIMIT


@pytest.mark.parametrize("action", ACTIONS)
async def test_without_the_browsers_secret_no_body_is_read(served: Served, action: str) -> None:
    path = f"/connect/AAAAAAAAAAAAAAAA/{action}"
    headers = {"Sec-Fetch-Site": "same-origin"}
    status, sent = await broken.flood(served, path, headers, at_most=16 * LIMIT)
    assert (status, sent < 4 * LIMIT) == (404, True)
