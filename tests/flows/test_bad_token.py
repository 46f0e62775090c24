"""Bad input at the token and revocation endpoints: a JSON error, and the code stays good."""

from __future__ import annotations

import base64

import httpx2
import pytest

from tests.flows import broken, play
from tests.flows.broken import NOT_TEXT
from tests.flows.rows import contents
from tests.serving import CALLBACK, Served

pytestmark = pytest.mark.anyio

ERRORS = {
    400: {
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unsupported_grant_type",
        "invalid_scope",
    },
    401: {"invalid_client"},
}


def error_of(answer: httpx2.Response) -> str:
    """The error of an answer in the token endpoint's shape (RFC 6749 5.2)."""
    assert broken.is_json_error(answer), answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    assert (answer.status_code == 401) == ("www-authenticate" in answer.headers)
    error: str = answer.json()["error"]
    assert error in ERRORS[answer.status_code]
    return error


def is_broken(how: str) -> bool:
    return how.startswith("doubled") or how == "long" or how in NOT_TEXT


@pytest.mark.parametrize("path", ["/token", "/v1/token"])
async def test_each_parameter_of_a_redemption_broken_in_each_way_leaves_the_code_good(
    served: Served, path: str
) -> None:
    code = await play.code_for(served, await play.phone_of(served))
    good = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "client_id": served.app.client_id,
        "client_secret": served.app.secret,
    }
    unsent = {"client_id": "invalid_client", "client_secret": "invalid_client"}
    before = await contents(served)
    for name in (*good, "code_verifier", "refresh_token", "scope", "unknown"):
        for case in broken.cases(good, name):
            if name not in good and not is_broken(case.how):
                continue  # not sent: a good call
            error = error_of(await broken.post(served, path, case.raw))
            wanted = "invalid_request"
            if not is_broken(case.how):
                wanted = unsent.get(name, wanted)
            assert error == wanted, (name, case.how)
    assert await contents(served) == before
    assert (await play.redeem(served, code, path)).status_code == 200


async def test_each_parameter_of_a_refresh_broken_in_each_way_leaves_the_token_good(
    served: Served,
) -> None:
    got = await play.tokens(served, await play.phone_of(served))
    good = {
        "grant_type": "refresh_token",
        "refresh_token": got["refresh_token"],
        "client_id": served.app.client_id,
        "client_secret": served.app.secret,
    }
    before = await contents(served)
    for name in ("grant_type", "refresh_token", "scope"):
        for case in broken.cases(good, name):
            if name == "scope" and not is_broken(case.how):
                continue
            error = error_of(await broken.post(served, "/token", case.raw))
            assert error == "invalid_request", (name, case.how)
    for wrong in (
        "er_",
        "er_x",
        got["refresh_token"] + "A",
        got["refresh_token"][:-1],
        "é",
        "er_ ",
    ):
        form = {"grant_type": "refresh_token", "refresh_token": wrong}
        assert error_of(await play.token(served, **form)) == "invalid_grant"
    assert await contents(served) == before
    assert (await play.refresh(served, got["refresh_token"])).status_code == 200


async def test_each_parameter_of_a_revocation_broken_in_each_way_leaves_the_token_good(
    served: Served,
) -> None:
    got = await play.tokens(served, await play.phone_of(served))
    good = {
        "token": got["refresh_token"],
        "client_id": served.app.client_id,
        "client_secret": served.app.secret,
    }
    before = await contents(served)
    for name in (*good, "token_type_hint", "unknown"):
        for case in broken.cases(good, name):
            if name not in good and not is_broken(case.how):
                continue
            error_of(await broken.post(served, "/revoke", case.raw))
    assert await contents(served) == before
    assert await play.opens(served, got["access_token"])


def _basic(text: bytes) -> bytes:
    return b"Basic " + base64.b64encode(text)


AUTHORIZATIONS = {
    "empty": b"",
    "only the scheme": b"Basic",
    "no value": b"Basic ",
    "no base64": b"Basic !!!",
    "another scheme": b"Bearer abc",
    "no scheme": base64.b64encode(b"app-confidential:x"),
    "no colon": _basic(b"app-confidential"),
    "no client": _basic(b":secret"),
    "no secret": _basic(b"app-confidential:"),
    "wrong secret": _basic(b"app-confidential:x"),
    "unknown client": _basic(b"nobody:x"),
    "8 KiB": _basic(b"a" * 8192),
    "8 KiB of secret": _basic(b"app-confidential:" + b"a" * 8192),
    "latin-1 inside": _basic(b"app-confidential:\xe9"),
    "FF inside": _basic(b"\xff:\xff"),
    "UTF-16 inside": _basic("app-confidential:x".encode("utf-16")),
    "NUL inside": _basic(b"app\0:x"),
    "NUL escaped inside": _basic(b"app%00:%00"),
    "latin-1 outside": b"Basic \xe9\xe9\xe9",
    "FF outside": b"\xff\xfe",
}


@pytest.mark.parametrize("path", ["/token", "/revoke"])
async def test_a_broken_authorization_header_is_no_client(served: Served, path: str) -> None:
    form = b"grant_type=refresh_token&refresh_token=er_x&token=er_x"
    await served.desk.finish()  # that a token was used is noted in the background
    before = await contents(served)
    for how, value in AUTHORIZATIONS.items():
        headers = [(b"Authorization", value), (b"Content-Type", broken.FORM.encode())]
        answer = await broken.exchange(served, "POST", path.encode(), headers, form)
        assert (answer.status_code, error_of(answer)) == (401, "invalid_client"), how
    assert await contents(served) == before


async def test_two_authorization_headers_are_one_too_many(served: Served) -> None:
    code = await play.code_for(served, await play.phone_of(served))
    form = f"grant_type=authorization_code&code={code}&redirect_uri={CALLBACK}".encode()
    good = _basic(f"{served.app.client_id}:{served.app.secret}".encode())
    headers = [(b"Content-Type", broken.FORM.encode()), (b"Authorization", good)]
    for second in (good, _basic(b"nobody:x"), b""):
        answer = await served.http.post(
            served.url("/token"), content=form, headers=[*headers, (b"Authorization", second)]
        )
        assert error_of(answer) == "invalid_client"
    assert (await play.redeem(served, code)).status_code == 200


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "multipart/form-data; boundary=x", "text/plain", "", "x" * 8192, "\xff"],
)
@pytest.mark.parametrize("path", ["/token", "/revoke"])
async def test_only_a_form_is_taken(served: Served, path: str, content_type: str) -> None:
    headers = [(b"Content-Type", content_type.encode("latin-1"))]
    answer = await served.http.post(
        served.url(path),
        content=b'{"grant_type":"refresh_token","token":"x"}',
        headers=headers,
        auth=served.app.basic,
    )
    assert error_of(answer) == "invalid_request"


async def test_more_than_64_parameters_are_refused(served: Served) -> None:
    form = "grant_type=refresh_token&refresh_token=er_x&" + "&".join(
        f"p{number}=1" for number in range(63)
    )
    answer = await served.http.post(
        served.url("/token"),
        content=form.encode(),
        headers={"Content-Type": broken.FORM},
        auth=served.app.basic,
    )
    assert error_of(answer) == "invalid_request"


@pytest.mark.parametrize(
    "form",
    [
        b"",
        b"&&&",
        b"=",
        b"%",
        b"%zz",
        b"\xff\xfe",
        b"\0",
        b"grant_type",
        "grant_type=x".encode("utf-16"),
    ],
    ids=repr,
)
async def test_a_form_that_is_none_is_refused(served: Served, form: bytes) -> None:
    answer = await served.http.post(
        served.url("/token"),
        content=form,
        headers={"Content-Type": broken.FORM},
        auth=served.app.basic,
    )
    assert error_of(answer) == "invalid_request"
