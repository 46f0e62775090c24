"""No secret is ever in a log, nor in the database as itself."""

from __future__ import annotations

import contextlib
import logging
import re
from pathlib import Path
from urllib.parse import quote

import httpx2
import msgspec
import pytest

from endorse.phone import Browser, Phone, PhoneError, approve_url_async, sandbox_code
from tests.flows import broken, play
from tests.flows.play import quiet_client
from tests.flows.rows import contents
from tests.serving import Served, sandbox_process

pytestmark = pytest.mark.anyio

CLIENTS_OWN_LOGS = ("httpx2", "httpcore", "asyncio", "hypothesis")


async def _secrets_of_a_flow(served: Served) -> dict[str, str]:
    """Everything that somebody could use, of a flow in which much goes wrong too."""
    phone = Phone(served.issuer, served.http, clock=served.clock)
    enrolment = await sandbox_code(served.issuer, served.http, "anna")
    await phone.enrol(enrolment)
    first_session = phone._session or ""
    await phone.sign_in()
    tab = await play.begun(served, state="a-state-of-the-app")
    frame = await tab.frame()
    await phone.claim(frame)
    review = await play.reviewed(await play.begun(served), phone)
    assert phone.passkey is not None
    credential = phone.passkey.sign(review.options, served.issuer)
    await phone.approve(review, credential)
    got = await play.tokens(served, phone)
    code = await play.code_for(served, phone)
    await play.token(served, grant_type="authorization_code", code=code, redirect_uri="https://x/")
    await play.redeem(served, code)
    await play.redeem(served, code)
    next_tokens = (await play.refresh(served, got["refresh_token"])).json()
    await play.bank(served, "/v1/accounts", got["access_token"])
    await play.bank(served, "/v1/accounts?access_token=" + got["access_token"], "x")
    await _much_that_goes_wrong(served, phone, tab, enrolment, code)
    return {
        "B": tab.cookie.split("=")[1],
        "sealed request": tab.sealed,
        "code": code,
        "access token": got["access_token"],
        "next access token": next_tokens["access_token"],
        "refresh token": got["refresh_token"],
        "next refresh token": next_tokens["refresh_token"],
        "client secret": served.app.secret,
        "session": phone._session or "",
        "first session": first_session,
        "enrolment code": enrolment,
        "frame": frame.split("#")[1],
        "signature": credential["response"]["signature"],
    }


async def _much_that_goes_wrong(
    served: Served, phone: Phone, tab: play.Tab, enrolment: str, code: str
) -> None:
    """Send each secret where it does not belong, or once too often."""
    wrong: list[str] = [enrolment, code, served.app.secret, phone._session or ""]
    for text in wrong:
        for path in ("/phone/match", "/phone/claim"):
            body = msgspec.json.encode({"journey": text, "code": text})
            await broken.signed(phone, served, path, body)
        await play.redeem(served, text)
        await play.refresh(served, text)
        await tab.get("/connect/{}", cookie=f"tx_{tab.short}={text}")
        await served.http.post(
            served.url("/token"),
            data={"grant_type": "refresh_token", "refresh_token": text},
            auth=httpx2.BasicAuth("nobody", text),
        )
    with contextlib.suppress(PhoneError):
        await Phone(served.issuer, served.http, clock=served.clock).enrol(enrolment)
    await tab.get("/resume/{}", cookie="")
    await served.http.get(served.url("/auth?client_id=nobody&redirect_uri=https://x/"))


def found(secrets: dict[str, str], text: str) -> list[str]:
    """The names of the secrets that a text holds, as they are or escaped."""
    return [
        name for name, secret in secrets.items() if secret in text or quote(secret, safe="") in text
    ]


async def test_no_log_record_of_any_level_holds_a_secret(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("endorse", "uvicorn", "uvicorn.error", "asyncpg", "webauthn", ""):
        caplog.set_level(logging.DEBUG, name)
    secrets = await _secrets_of_a_flow(served)
    assert all(len(secret) >= 20 for secret in secrets.values()), secrets
    records = [it for it in caplog.records if not it.name.startswith(CLIENTS_OWN_LOGS)]
    text = "\n".join(logging.Formatter().format(record) for record in records)
    assert len(records) > 30
    assert found(secrets, text) == []


async def test_the_database_holds_no_secret_as_itself(served: Served) -> None:
    secrets = await _secrets_of_a_flow(served)
    # The signature is the evidence of the approval; a state goes back to the app as it came.
    del secrets["signature"]
    stored = "\n".join(repr(rows) for rows in (await contents(served)).values())
    assert found(secrets, stored) == []
    assert str(served.app.client_id) in stored


async def test_the_log_of_a_verbose_sandbox_holds_no_secret(tmp_path: Path) -> None:
    with sandbox_process(tmp_path, "--verbose") as sandbox:
        facts = sandbox.facts
        async with quiet_client() as http, httpx2.AsyncClient(follow_redirects=False) as budgetly:
            code = await sandbox_code(facts.issuer, http, "anna")
            phone = Phone(facts.issuer, http)
            await phone.enrol(code)
            leaving = await budgetly.post(facts.app + "/connect", headers={"Origin": facts.app})
            location = await approve_url_async(leaving.headers["location"], phone=phone, http=http)
            back = await budgetly.get(location)
            assert back.status_code in (302, 303), back.text
            page = await budgetly.get(facts.app + "/accounts")
            assert "Everyday" in page.text or "EUR" in page.text or "€" in page.text
            browser = Browser(http)
            await browser.open(leaving.headers["location"])
            await browser.start()
            [cookie] = [it for it in browser._cookies.jar if it.name.startswith("tx_")]
            secrets = {
                "client secret": facts.client_secret,
                "enrolment code": code,
                "session": phone._session or "",
                "code": httpx2.URL(location).params["code"],
                "state of the app": httpx2.URL(location).params["state"],
                "B": cookie.value or "",
                "cookie of the app": budgetly.cookies["budgetly"],
            }
    text = sandbox.errors.read_text()
    assert len(re.findall("journey", text)) >= 5
    assert all(secrets.values())
    assert found(secrets, text) == []
    assert not re.search(r"\b(?:ea|er|ec|ecs)_[\w-]{20}", text)
    assert "Traceback" not in text
    assert "ResourceWarning" not in text
