"""OAuch's cases of how well values can be guessed, and how long they live."""

from __future__ import annotations

import pytest

from tests import strict
from tests.flows import play
from tests.serving import Served

pytestmark = pytest.mark.anyio


def bits(text: str, prefix: str) -> int:
    """How many bits stand after the prefix."""
    assert text.startswith(prefix)
    return len(strict.from_b64(text.removeprefix(prefix))) * 8


async def access_tokens(served: Served) -> list[str]:
    """Three access tokens, no two alike."""
    phone = await play.phone_of(served)
    found = [(await play.tokens(served, phone))["access_token"] for _ in range(3)]
    assert len(set(found)) == 3
    return found


@pytest.mark.spec("RFC 6749 10.3", "Access tokens cannot be made, changed or guessed by others")
@pytest.mark.spec("RFC 6749 10.10", "A code, token or secret cannot be guessed")
async def test_AccessTokenEntropyMinReqTest_128_bits(served: Served) -> None:
    tokens = await access_tokens(served)
    assert min(bits(token, "ea_") for token in tokens) >= 128
    assert not await play.opens(served, tokens[0][:-1] + ("A" if tokens[0][-1] != "A" else "B"))


async def test_AccessTokenEntropySugReqTest_160_bits(served: Served) -> None:
    assert min(bits(token, "ea_") for token in await access_tokens(served)) >= 160


async def test_AuthorizationCodeEntropyMinReqTest_128_bits(served: Served) -> None:
    assert bits(await play.code_for(served, await play.phone_of(served)), "ec_") >= 128


async def test_AuthorizationCodeEntropySugReqTest_160_bits(served: Served) -> None:
    assert bits(await play.code_for(served, await play.phone_of(served)), "ec_") >= 160


async def test_DeviceCodeEntropyTest_128_bits(served: Served) -> None:
    url = (await strict.metadata(served))["device_authorization_endpoint"]
    answer = await served.http.post(url, data={"scope": "accounts"}, auth=served.app.basic)
    code = answer.json()["device_code"]
    assert len(strict.from_b64(code.split("_", 1)[-1])) * 8 >= 128


@pytest.mark.spec("RFC 6749 10.4", "Refresh tokens cannot be made, changed or guessed by others")
async def test_RefreshTokenEntropyMinReqTest_128_bits(served: Served) -> None:
    token = (await play.tokens(served, await play.phone_of(served)))["refresh_token"]
    assert bits(token, "er_") >= 128
    raw = bytearray(strict.from_b64(token.removeprefix("er_")))
    for place in (0, 17, len(raw) - 1):
        forged = bytes(raw[:place]) + bytes([raw[place] ^ 1]) + bytes(raw[place + 1 :])
        answer = await play.refresh(served, "er_" + strict.b64(forged))
        assert answer.json()["error"] == "invalid_grant"


async def test_RefreshTokenEntropySugReqTest_160_bits(served: Served) -> None:
    token = (await play.tokens(served, await play.phone_of(served)))["refresh_token"]
    assert bits(token, "er_") >= 160


async def test_ShortTokenTimeoutTest_under_ten_minutes(served: Served) -> None:
    got = await play.tokens(served, await play.phone_of(served))
    assert got["expires_in"] <= 600


@pytest.mark.spec("RFC 6750 5.3", "A token lives an hour or less")
@pytest.mark.spec("RFC 6750 3.1", "A token that is over is answered 401 invalid_token")
async def test_TokenTimeoutTest_it_ends_when_it_said(served: Served) -> None:
    got = await play.tokens(served, await play.phone_of(served))
    served.clock.move(got["expires_in"] + 1)
    answer = await play.bank(served, "/v1/accounts", got["access_token"])
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
