"""Bad input at the authorization endpoint and at the start: clear, and nothing stored."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest

from tests.flows import broken, play
from tests.flows.broken import NOT_TEXT, Case
from tests.flows.rows import contents
from tests.serving import CALLBACK, Served

pytestmark = pytest.mark.anyio

CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
PARAMETERS = [
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
    "response_mode",
    "unknown",
]


def good(served: Served) -> dict[str, str]:
    return {
        "response_type": "code",
        "client_id": served.app.client_id,
        "redirect_uri": CALLBACK,
        "scope": "accounts",
        "state": "s",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "response_mode": "query",
    }


def expected(name: str, how: str) -> str:
    """What must come of it: "page" (the good page), "problem", or the error at the redirect."""
    if name in ("client_id", "redirect_uri"):
        return "problem"
    if how.startswith("doubled"):
        return "invalid_request"
    if name == "unknown":
        return "page"
    if how in ("missing", "empty", "bare"):
        return "page" if name in ("scope", "state", "response_mode") else "invalid_request"
    if name == "state":
        return "invalid_request" if how == "long" else "page"
    return "invalid_request"


def outcome(answer: httpx2.Response) -> str:
    if answer.status_code == 200:
        return "page"
    if answer.status_code == 400:
        assert "location" not in answer.headers
        return "problem"
    assert answer.status_code == 303, answer.status_code
    location = answer.headers["location"]
    assert location.startswith(CALLBACK + "?")
    return dict(parse_qsl(urlsplit(location).query, encoding="latin-1"))["error"]


@pytest.mark.parametrize("name", PARAMETERS)
async def test_each_parameter_broken_in_each_way_has_its_clear_answer(
    served: Served, name: str
) -> None:
    before = await contents(served)
    got, wanted = {}, {}
    for case in broken.cases(good(served), name):
        answer = await broken.get(served, "/auth", case.raw)
        got[case.how], wanted[case.how] = outcome(answer), expected(name, case.how)
        assert answer.headers["cache-control"] == "no-store"
        if got[case.how] in ("page", "problem"):
            assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert got == wanted
    assert await contents(served) == before


async def test_a_state_that_cannot_go_back_is_left_out_and_all_others_do(served: Served) -> None:
    for case in broken.cases(good(served), "state"):
        refused = await broken.get(served, "/auth", case.raw + "&scope=x")
        states = [
            value
            for name, value in parse_qsl(
                urlsplit(refused.headers["location"]).query, encoding="latin-1"
            )
            if name == "state"
        ]
        kept = case.how in NOT_TEXT
        assert len(states) == kept, case.how


async def test_more_than_64_parameters_are_refused_on_a_page(served: Served) -> None:
    query = "&".join(f"{name}={value}" for name, value in good(served).items())
    many = query + "".join(f"&p{number}=1" for number in range(56))
    assert outcome(await broken.get(served, "/auth", many)) == "page"
    assert outcome(await broken.get(served, "/auth", many + "&p=1")) == "problem"


@pytest.mark.parametrize(
    "query", ["", "?", "&&&", "=", "=x", "%", "%zz=%zz", "%FF%FE", "client_id", ";", "a" * 60_000]
)
async def test_a_query_that_is_none_gets_the_developers_page(served: Served, query: str) -> None:
    assert outcome(await broken.get(served, "/auth", query)) == "problem"


def sealed(tab: play.Tab) -> list[Case]:
    name = "request"
    good = {name: tab.sealed}
    other = "B" if tab.sealed[30] == "A" else "A"
    found = [case for case in broken.cases(good, name) if not case.how.startswith("doubled, empty")]
    found += [
        Case("cut", f"{name}={tab.sealed[:-4]}"),
        Case("changed", f"{name}={tab.sealed[:30]}{other}{tab.sealed[31:]}"),
        Case("of another kind", f"{name}=gAAAAABk"),
        Case("percent", f"{name}=%"),
        Case("nothing", ""),
        Case("65 fields", "&".join([f"request={tab.sealed}", *("a=b" for _ in range(64))])),
    ]
    return found


async def test_the_start_takes_only_the_one_sealed_request(served: Served) -> None:
    tab = play.Tab(served)
    await tab.open()
    before = await contents(served)
    for case in sealed(tab):
        answer = await broken.post(served, "/auth/start", case.raw, **play.JSON, **play.SAME_ORIGIN)
        assert answer.status_code == 400, case.how
        assert broken.is_json_error(answer), case.how
        assert "set-cookie" not in answer.headers
        page = await broken.post(served, "/auth/start", case.raw, **play.SAME_ORIGIN)
        assert (page.status_code, "<h1" in page.text) == (400, True), case.how
    assert await contents(served) == before


@pytest.mark.parametrize(
    "content_type", ["application/json", "multipart/form-data; boundary=x", "text/plain", ""]
)
async def test_the_start_takes_only_a_form(served: Served, content_type: str) -> None:
    tab = play.Tab(served)
    await tab.open()
    before = await contents(served)
    headers = {**play.JSON, **play.SAME_ORIGIN, "Content-Type": content_type}
    answer = await served.http.post(
        served.url("/auth/start"), content=f"request={tab.sealed}".encode(), headers=headers
    )
    assert (answer.status_code, broken.is_json_error(answer)) == (400, True)
    assert await contents(served) == before


@pytest.mark.parametrize(
    "short", ["%00", "%FF", "a" * 8192, "..%2f..", "\xe9", "'OR%201=1", "%0d%0aX:%20y"]
)
@pytest.mark.parametrize("path", ["/connect/{}", "/connect/{}/events", "/resume/{}"])
async def test_a_broken_handle_of_a_page_is_not_found(
    served: Served, path: str, short: str
) -> None:
    target = path.format(short).encode("latin-1")
    for cookie in (
        b"",
        b"tx_=x",
        b"tx_a=b; " * 200,
        b"\xff=\xfe",
        b"=;=;;",
        b"tx_%b=x" % short.encode(),
    ):
        answer = await broken.exchange(served, "GET", target, [(b"Cookie", cookie)])
        # Bytes outside of ASCII in the target do not even reach the routes.
        assert answer.status_code == (404 if target.isascii() else 400)
