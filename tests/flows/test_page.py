"""The page belongs to the browser that began: to any other there is nothing here."""

from __future__ import annotations

import re

import pytest
from starlette.requests import Request

from endorse.server import browser
from endorse.server.connect import from_our_page
from tests.flows import play
from tests.flows.play import JSON, SAME_ORIGIN, number
from tests.flows.rows import contents
from tests.serving import Served

pytestmark = pytest.mark.anyio


async def test_a_form_without_script_leads_to_the_connect_page(served: Served) -> None:
    tab = play.Tab(served)
    await tab.open()
    answer = await served.http.post(
        served.url("/auth/start"), data={"request": tab.sealed}, headers=SAME_ORIGIN
    )
    assert answer.status_code == 303
    path = answer.headers["location"]
    assert re.fullmatch(r"/connect/[\w-]{16}", path)
    page = await tab.get(path, answer.headers["set-cookie"].split(";")[0])
    assert 'data-state="waiting"' in page.text


async def test_the_cookie_is_of_this_journey_alone_and_out_of_reach_of_scripts(
    served: Served,
) -> None:
    tab = play.Tab(served)
    await tab.open()
    cookie = (await tab.start()).headers["set-cookie"]
    name, value = tab.cookie.split("=")
    assert name == f"tx_{tab.short}"
    assert len(value) == 43
    attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/"} <= attributes
    assert not any(attribute.startswith("domain") for attribute in attributes)


@pytest.mark.parametrize("sent", ['"\\012Set-Cookie: a=b"', "a" * 42, "a" * 44, "a" * 42 + "é"])
async def test_a_browsers_lasting_cookie_comes_back_only_if_it_is_one_of_ours(
    served: Served, sent: str
) -> None:
    tab = play.Tab(served)
    await tab.open()

    async def lasting_after(cookie: str) -> str:
        answer = await served.http.post(
            served.url("/auth/start"),
            data={"request": tab.sealed},
            headers=[
                *((name.encode(), it.encode()) for name, it in {**SAME_ORIGIN, **JSON}.items()),
                (b"Cookie", f"browser={cookie}".encode()),
            ],
        )
        assert answer.status_code == 200
        given = [it.split(";")[0] for it in answer.headers.get_list("set-cookie")]
        return next(it.removeprefix("browser=") for it in given if it.startswith("browser="))

    ours = await lasting_after(sent)
    assert re.fullmatch(r"[\w-]{43}", ours, re.ASCII)
    assert await lasting_after(ours) == ours


async def test_a_reload_shows_the_present_state(served: Served) -> None:
    phone, tab = await play.phone_of(served), await play.begun(served)

    async def shown() -> str:
        page = await tab.get("/connect/{}")
        assert page.status_code == 200
        found = re.search(r'data-state="(\w+)"', page.text)
        assert found is not None
        return found[1]

    assert await shown() == "waiting"
    journey = (await play.claimed(tab, phone)).journey
    assert await shown() == "claimed"
    matched = await phone.match(journey, await number(served, journey))
    assert await shown() == "matched"
    review = await phone.review(journey, [matched.accounts[0].resource_id])
    assert await shown() == "review"
    await phone.edit(journey)
    assert await shown() == "matched"
    review = await phone.review(journey, [matched.accounts[1].resource_id])
    await phone.approve(review)
    assert await shown() == "approved"
    await tab.resume()
    assert await shown() == "redirected"


async def test_a_reload_of_a_lapsed_and_of_an_old_page_says_so(served: Served) -> None:
    tab = await play.begun(served)
    served.clock.move(120)
    page = await tab.get("/connect/{}")
    assert 'data-state="lapsed"' in page.text
    button = re.search(r'<form[^>]*data-act="new-code"[^>]*>', page.text)
    assert button is not None
    assert "hidden" not in button[0]
    served.clock.move(480)
    assert 'data-state="expired"' in (await tab.get("/connect/{}")).text


BROWSER_ENDPOINTS = [
    ("GET", "/connect/{}"),
    ("GET", "/connect/{}/events"),
    ("GET", "/resume/{}"),
    ("POST", "/connect/{}/cancel"),
    ("POST", "/connect/{}/new-code"),
]


@pytest.mark.parametrize(("method", "path"), BROWSER_ENDPOINTS)
async def test_without_b_or_with_another_journeys_b_there_is_nothing_here(
    served: Served, method: str, path: str
) -> None:
    phone = await play.phone_of(served)
    tab, other = await play.approved(served, phone), await play.begun(served)
    name = tab.cookie.split("=")[0]
    stolen = [
        "",
        f"{name}=",
        other.cookie,
        f"{name}={other.cookie.split('=')[1]}",
        f"{name}={tab.cookie.split('=')[1][:-1]}",
        tab.cookie.replace("tx_", "__Host-tx_"),
    ]
    before = await contents(served)
    for cookie in stolen:
        send = tab.get if method == "GET" else tab.post
        answer = await send(path, cookie)
        assert answer.status_code == 404, cookie
        assert tab.cookie.split("=")[1] not in answer.text
    unknown = await tab.get(path.format("A" * 16))
    assert unknown.status_code in (404, 405)
    assert await contents(served) == before


FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "{issuer}"},
    {"Origin": "null"},
    {"Origin": "https://evil.example"},
    {"Origin": "{issuer}.evil.example"},
    {"Origin": "{issuer}/"},
    {"Referer": "{issuer}/auth"},
    {},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
async def test_only_our_own_page_may_begin_cancel_or_ask_for_a_new_code(
    served: Served, headers: dict[str, str]
) -> None:
    sent = {name: value.format(issuer=served.issuer) for name, value in headers.items()}
    tab = await play.begun(served)
    served.clock.move(120)
    fresh = play.Tab(served)
    await fresh.open()
    before = await contents(served)
    for accept in ({}, JSON):
        start = await served.http.post(
            served.url("/auth/start"), data={"request": fresh.sealed}, headers={**accept, **sent}
        )
        assert start.status_code == 403
        assert "set-cookie" not in start.headers
        for path in ("/connect/{}/cancel", "/connect/{}/new-code"):
            url = served.url(path.format(tab.short))
            answer = await served.http.post(url, headers={**accept, **sent, "Cookie": tab.cookie})
            assert answer.status_code == 403
    assert await contents(served) == before


async def test_a_browser_without_fetch_metadata_begins_by_its_origin(served: Served) -> None:
    tab = play.Tab(served)
    await tab.open()
    headers = {"Origin": served.issuer, **JSON}
    answer = await served.http.post(
        served.url("/auth/start"), data={"request": tab.sealed}, headers=headers
    )
    assert answer.status_code == 200


async def test_two_tabs_of_one_browser_do_not_mix(served: Served) -> None:
    phone = await play.phone_of(served)
    first = await play.approved(served, phone, state="first")
    second = await play.begun(served, state="second")
    both = f"{first.cookie}; {second.cookie}"
    assert 'data-state="approved"' in (await first.get("/connect/{}", both)).text
    assert 'data-state="waiting"' in (await second.get("/connect/{}", both)).text
    assert (await second.get("/resume/{}", both)).headers["location"] == f"/connect/{second.short}"
    assert play.answered(await first.get("/resume/{}", both))["state"] == "first"
    assert (await second.post("/connect/{}/cancel", both)).json() == {"state": "cancelled"}
    assert play.answered(await second.get("/resume/{}", both)) == {
        "error": "access_denied",
        "error_description": "The account holder did not approve.",
        "error_uri": served.issuer + "/errors/access_denied",
        "state": "second",
        "iss": served.issuer,
    }


async def test_opening_the_same_address_again_begins_afresh(served: Served) -> None:
    tab = play.Tab(served)
    await tab.open()
    await tab.start()
    first = tab.short
    await tab.start()
    assert tab.short != first


async def test_resume_answers_the_same_redirect_until_the_code_is_redeemed(
    served: Served,
) -> None:
    tab = await play.approved(served, await play.phone_of(served))
    answers = await play.together(*(tab.resume() for _ in range(5)))
    [location] = {answer.headers["location"] for answer in answers}
    served.clock.move(59)
    again = await tab.resume()
    assert again.headers["location"] == location
    assert (await play.redeem(served, play.answered(again)["code"])).status_code == 200
    over = await tab.resume()
    assert (over.status_code, over.headers["location"]) == (303, f"/connect/{tab.short}")
    assert 'data-state="redirected"' in (await tab.get("/connect/{}")).text


async def test_resume_answers_our_own_page_when_the_code_is_old(served: Served) -> None:
    tab = await play.approved(served, await play.phone_of(served))
    assert "code" in play.answered(await tab.resume())
    served.clock.move(60)
    over = await tab.resume()
    assert (over.status_code, over.headers["location"]) == (303, f"/connect/{tab.short}")
    assert (await tab.get("/connect/{}")).status_code == 200


@pytest.mark.parametrize("step", ["waiting", "claimed", "matched", "review"])
async def test_resume_before_the_decision_leads_to_our_own_page(served: Served, step: str) -> None:
    tab, _ = await play.standing(served, await play.phone_of(served), step)
    assert (await tab.resume()).headers["location"] == f"/connect/{tab.short}"
    assert await tab.state() == step


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        ([], ""),
        (["tx_a=one"], "one"),
        (["b=2; tx_a=one ;c=3"], "one"),
        (["xtx_a=one; tx_ab=two; TX_A=three"], ""),
        (["tx_a=one; tx_a=two"], "two"),
        (["tx_a=one", "tx_a=two"], "two"),
        (["tx_a"], ""),
        (["tx_a=o=ne"], "o=ne"),
        (['tx_a="one"'], '"one"'),
    ],
)
def test_a_cookie_is_found_by_its_whole_name_and_read_as_it_is(sent: list[str], found: str) -> None:
    headers = [(b"cookie", it.encode()) for it in sent]
    assert browser.cookie(Request({"type": "http", "headers": headers}), "tx_a") == found


SAYS = [
    (["same-origin"], "https://evil.example", True),
    (["cross-site"], "ours", False),
    (["same-site"], "ours", False),
    (["none"], "ours", False),
    ([""], "ours", False),
    (["same-origin", "cross-site"], "ours", False),
    ([], "ours", True),
    ([], "null", False),
    ([], "", False),
]


async def test_our_own_page_is_known_by_what_browsers_say_of_it(served: Served) -> None:
    for sites, origin, ours in SAYS:
        headers = [(b"sec-fetch-site", it.encode()) for it in sites]
        if origin:
            said = served.issuer if origin == "ours" else origin
            headers.append((b"origin", said.encode()))
        request = Request({"type": "http", "headers": headers})
        assert from_our_page(served.desk, request) is ours, (sites, origin)
