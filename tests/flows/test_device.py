"""The device grant: letters on a device, typed in a browser that then shows the moving code."""

from __future__ import annotations

import re
from typing import Any

import httpx2
import msgspec
import pytest

from endorse.core.device import GRANT_TYPE
from endorse.phone import Browser, Connect, Phone, decide
from tests.flows import play
from tests.flows.play import JSON, SAME_ORIGIN, quiet_client
from tests.serving import Served, serving

pytestmark = pytest.mark.anyio


async def offered(served: Served, scope: str = "accounts") -> dict[str, Any]:
    """What a device is told."""
    answer = await served.http.post(
        served.url("/device_authorization"), data={"scope": scope}, auth=served.app.basic
    )
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def poll(served: Served, device_code: str, **form: str) -> httpx2.Response:
    """Ask for the tokens, after the interval."""
    served.clock.move(5)
    return await play.token(served, grant_type=GRANT_TYPE, device_code=device_code, **form)


async def type_letters(served: Served, letters: str) -> httpx2.Response:
    """Type letters on our page."""
    return await served.http.post(
        served.url("/device"), data={"user_code": letters}, headers=SAME_ORIGIN
    )


async def opened(served: Served, letters: str) -> play.Tab:
    """A tab in which somebody typed the letters and said that it is their device."""
    page = await type_letters(served, letters)
    assert page.status_code == 200, page.text
    tab = play.Tab(served)
    tab.sealed = re.findall(r'name="request" value="([^"]+)"', page.text)[0]
    assert (await tab.start()).status_code == 200
    return tab


async def approve(tab: play.Tab, phone: Phone) -> None:
    await phone.approve(await play.reviewed(tab, phone))


@pytest.mark.spec("RFC 8628 3.1", "a device is answered its codes and where to type them")
async def test_a_device_is_connected_by_letters_a_scan_a_number_and_a_passkey(
    served: Served,
) -> None:
    told = await offered(served, scope="accounts balances offline_access")
    assert re.fullmatch(r"[B-DF-HJ-NP-TV-XZ]{4}-[B-DF-HJ-NP-TV-XZ]{4}", told["user_code"])
    assert told["verification_uri"] == served.url("/device")
    assert told["verification_uri_complete"].endswith(f"/device?user_code={told['user_code']}")
    pending = await poll(served, told["device_code"])
    assert (pending.status_code, pending.json()["error"]) == (400, "authorization_pending")
    tab = await opened(served, told["user_code"].lower().replace("-", " "))
    assert (await poll(served, told["device_code"])).json()["error"] == "authorization_pending"
    await approve(tab, await play.phone_of(served))
    page = (await tab.get("/connect/{}")).text
    assert "Go back to your device" in page
    assert "/resume/" not in page
    got = await poll(served, told["device_code"])
    assert got.status_code == 200, got.text
    assert got.json()["scope"] == "accounts balances offline_access"
    assert await play.opens(served, got.json()["access_token"])
    assert (await play.refresh(served, got.json()["refresh_token"])).status_code == 200
    again = await poll(served, told["device_code"])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert await play.opens(served, got.json()["access_token"])


@pytest.mark.spec("RFC 8628 5.4", "the person is shown on the phone too that a device asks")
async def test_the_phone_is_told_that_a_device_asks_and_of_no_device_otherwise(
    served: Served,
) -> None:
    phone = await play.phone_of(served)
    tab = await opened(served, (await offered(served))["user_code"])
    claimed = await phone.claim(await tab.frame())
    assert (claimed.way, claimed.for_device) == ("qr", True)
    await phone.refuse(claimed.journey)
    other = await play.begun(served)
    claimed = await phone.claim(await other.frame())
    assert claimed.for_device is False
    await phone.refuse(claimed.journey)


async def test_the_browser_is_never_sent_anywhere(served: Served) -> None:
    told = await offered(served)
    tab = await opened(served, told["user_code"])
    await approve(tab, await play.phone_of(served))
    answer = await tab.resume()
    assert answer.headers["location"] == f"/connect/{tab.short}"
    assert (await tab.state()) == "approved"


@pytest.mark.spec(
    "RFC 8628 3.3.1", "with the letters in the address the person still confirms them"
)
async def test_the_complete_address_only_fills_the_letters_in(served: Served) -> None:
    told = await offered(served)
    page = await served.http.get(told["verification_uri_complete"])
    assert f'value="{told["user_code"]}"' in page.text
    assert 'name="request"' not in page.text
    assert (await poll(served, told["device_code"])).json()["error"] == "authorization_pending"


@pytest.mark.spec("RFC 8628 5.4", "the person is shown who asks and that a device did")
async def test_before_anything_begins_the_page_says_who_asks_and_that_a_device_did(
    served: Served,
) -> None:
    told = await offered(served)
    page = (await type_letters(served, told["user_code"])).text
    assert "A device asks for Budget &amp; Co." in page
    assert told["user_code"].replace("-", " ") in page
    assert "Did someone send you this code" in page


async def test_a_refusal_on_the_phone_and_a_cancel_are_told_to_the_device(served: Served) -> None:
    phone = await play.phone_of(served)
    for way in ("refuse", "disown", "cancel"):
        told = await offered(served)
        tab = await opened(served, told["user_code"])
        if way == "cancel":
            await tab.post("/connect/{}/cancel")
        else:
            claimed = await play.claimed(tab, phone)
            await getattr(phone, way)(claimed.journey)
        answer = await poll(served, told["device_code"])
        assert (answer.status_code, answer.json()["error"]) == (400, "access_denied"), way


async def test_letters_begin_one_journey_and_are_then_as_good_as_wrong(served: Served) -> None:
    told = await offered(served)
    first, second = (
        await type_letters(served, told["user_code"]),
        await type_letters(served, told["user_code"]),
    )
    tabs = [play.Tab(served), play.Tab(served)]
    for tab, page in zip(tabs, (first, second), strict=True):
        tab.sealed = re.findall(r'name="request" value="([^"]+)"', page.text)[0]
    begun = await play.together(*(tab.start() for tab in tabs))
    assert sorted(answer.status_code for answer in begun) == [200, 404]
    again = await type_letters(served, told["user_code"])
    wrong = await type_letters(served, "BBBB-BBBB")
    assert (again.status_code, wrong.status_code) == (404, 404)
    assert again.text == wrong.text


async def test_letters_of_a_device_are_no_short_code_and_the_other_way_round(
    served: Served,
) -> None:
    told = await offered(served)
    phone = await play.phone_of(served)
    refused = await phone.call("POST", "/phone/claim", {"code": told["user_code"]})
    assert refused.status_code == 404
    tab = await play.begun(served)
    spelled = (await tab.post("/connect/{}/letters")).json()["letters"]
    assert (await type_letters(served, spelled)).status_code == 404


async def test_another_client_cannot_ask_with_a_devices_code(served: Served) -> None:
    told = await offered(served)
    tab = await opened(served, told["user_code"])
    await approve(tab, await play.phone_of(served))
    form = {"grant_type": GRANT_TYPE, "device_code": told["device_code"]}
    other = await served.http.post(
        served.url("/token"), data={**form, "client_id": served.public_app.client_id}
    )
    assert (other.status_code, other.json()["error"]) == (400, "invalid_grant")
    assert (await poll(served, told["device_code"])).status_code == 200


async def test_of_two_polls_at_once_one_gets_the_tokens(served: Served) -> None:
    told = await offered(served)
    tab = await opened(served, told["user_code"])
    await approve(tab, await play.phone_of(served))
    form = {"grant_type": GRANT_TYPE, "device_code": told["device_code"]}
    answers = await play.together(*(play.token(served, **form) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400, 400]


async def test_a_public_client_may_be_a_device(served: Served) -> None:
    form = {"client_id": served.public_app.client_id, "scope": "accounts"}
    answer = await served.http.post(served.url("/device_authorization"), data=form)
    assert answer.status_code == 200, answer.text


@pytest.mark.spec("RFC 8628 3.5", "slow_down when the device polls too often")
async def test_a_device_that_polls_too_often_is_slowed_down(served: Served) -> None:
    told = await offered(served)
    await poll(served, told["device_code"])
    form = {"grant_type": GRANT_TYPE, "device_code": told["device_code"]}
    assert (await play.token(served, **form)).json()["error"] == "slow_down"
    assert (await poll(served, told["device_code"])).json()["error"] == "slow_down"


async def test_after_ten_minutes_the_codes_are_over(served: Served) -> None:
    told = await offered(served)
    tab = await opened(served, told["user_code"])
    served.clock.move(told["expires_in"])
    assert (await poll(served, told["device_code"])).json()["error"] == "expired_token"
    assert (await type_letters(served, told["user_code"])).status_code == 404
    assert (await tab.state()) == "expired"


@pytest.mark.spec("RFC 8628 5.1", "guessing letters is limited")
async def test_guessing_letters_from_one_address_soon_ends(tmp_path: Any) -> None:
    few = msgspec.structs.replace(play.QUICK, wrong_user_codes_a_minute=3)
    async with (
        serving(f"sqlite:///{tmp_path / 'few.sqlite3'}", few) as served,
        quiet_client() as http,
    ):
        served.http = http
        answers = [(await type_letters(served, "BBBB-BBBB")).status_code for _ in range(5)]
        assert answers == [404, 404, 404, 429, 429]
        told = await offered(served)
        assert (await type_letters(served, told["user_code"])).status_code == 200


async def test_the_form_is_taken_from_our_own_page_alone(served: Served) -> None:
    told = await offered(served)
    foreign = {**JSON, "Sec-Fetch-Site": "cross-site"}
    answer = await served.http.post(
        served.url("/device"), data={"user_code": told["user_code"]}, headers=foreign
    )
    assert answer.status_code == 403
    assert 'name="request"' not in answer.text


async def test_the_stand_in_of_a_sandbox_can_decide_for_a_device_too(served: Served) -> None:
    told = await offered(served)
    tab = await opened(served, told["user_code"])
    browser = Browser(served.http)
    here = f"/connect/{tab.short}"
    name, _, value = tab.cookie.partition("=")
    paths = Connect(here, f"{here}/events", f"/resume/{tab.short}")
    browser.take_over(served.issuer, paths, (name, value))
    await decide(browser, await play.phone_of(served), ("qr",))
    assert (await poll(served, told["device_code"])).status_code == 200


async def test_metadata_names_the_endpoint_and_the_grant(served: Served) -> None:
    answer = await served.http.get(served.url("/.well-known/oauth-authorization-server"))
    said = answer.json()
    assert said["device_authorization_endpoint"] == served.url("/device_authorization")
    assert GRANT_TYPE in said["grant_types_supported"]
