"""OAuch's cases of the device authorization endpoint."""

from __future__ import annotations

import httpx2
import pytest

from tests import strict
from tests.serving import Served

pytestmark = pytest.mark.anyio


async def asked(served: Served, form: str) -> httpx2.Response:
    """Begin a device grant with this very form."""
    url = (await strict.metadata(served))["device_authorization_endpoint"]
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return await served.http.post(
        url, content=form.encode(), headers=headers, auth=served.app.basic
    )


async def test_SameParameterTwiceDisallowedTest_it_is(served: Served) -> None:
    answer = await asked(served, "scope=accounts&scope=accounts")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_UnrecognizedParameterAllowedTest_it_is_ignored(served: Served) -> None:
    assert (await asked(served, "scope=accounts&something=else")).status_code == 200
