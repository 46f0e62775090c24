"""Whom a client may ask on the phone: hints beside the login_hint_token."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from joserfc.jwk import ECKey

from endorse.bank import BankUnavailable, Person
from endorse.core import openid
from endorse.core.policy import DAY
from endorse.phone import Phone
from tests import strict
from tests.flows import play
from tests.flows.asking import MESSAGE, Answer, ask, register
from tests.flows.play import quiet_client
from tests.serving import App, Served, serving

pytestmark = pytest.mark.anyio

SCOPE = "openid accounts balances offline_access"


@pytest.fixture
async def fresh(tmp_path: Path) -> AsyncIterator[Served]:
    """A server of this test alone, whose keys it may rotate."""
    database = f"sqlite:///{tmp_path / 'hints.sqlite3'}"
    async with serving(database, play.QUICK) as served, quiet_client() as http:
        served.http = http
        yield served


async def connected(served: Served, app: App, phone: Phone) -> dict[str, Any]:
    """What a client holds of somebody who connected it in a browser, some time ago."""
    named = {"client_id": app.client_id, "redirect_uri": app.redirect_uri, "scope": SCOPE}
    code = await play.code_for(served, phone, **named)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": app.redirect_uri}
    answer = await served.http.post(served.url("/token"), data=form, auth=app.basic)
    assert answer.status_code == 200, answer.text
    served.clock.move(served.desk.law.prompts_in)
    await phone.sign_in()
    body: dict[str, Any] = answer.json()
    return body


async def by(served: Served, app: App, **hint: str) -> Answer:
    """Ask by this hint alone."""
    return await ask(served, app, "", login_hint_token=None, **hint)


async def refused(phone: Phone) -> None:
    """The person is asked, and says no."""
    (asked,) = await phone.asked()
    assert asked.binding_message == MESSAGE
    await phone.take(asked.journey)
    await phone.refuse(asked.journey)


@pytest.mark.spec("CIBA Core 7.1", "an id_token_hint is taken also after it expired")
async def test_an_id_token_of_an_earlier_connection_finds_its_person(served: Served) -> None:
    app, phone = await register(served), await play.somebody(served)
    token = (await connected(served, app, phone))["id_token"]
    assert served.clock() > strict.claims_of(token)["exp"]
    answer = await by(served, app, id_token_hint=token)
    assert answer.status_code == 200, answer.text
    await refused(phone)


async def test_an_id_token_that_is_not_ours_for_this_client_finds_nobody(served: Served) -> None:
    app, other = await register(served), await register(served, "other-asker")
    phone = await play.somebody(served)
    got = await connected(served, app, phone)
    token = got["id_token"]
    head, body, signature = token.split(".")
    claims = strict.claims_of(token)
    moved = strict.b64(msgspec.json.encode({**claims, "aud": other.client_id}))
    invented = strict.signed(
        ECKey.generate_key("P-256"),
        {"alg": "ES256", "typ": "JWT"},
        {**claims, "aud": other.client_id},
    )
    wrong = {
        "another client's": (other, token),
        "changed": (other, f"{head}.{moved}.{signature}"),
        "a stranger's": (other, invented),
        "not signed": (app, f"{head}.{body}."),
        "no token": (app, "a.b.c"),
        "an access token": (app, got["access_token"]),
    }
    for name, (who, text) in wrong.items():
        answer = await by(served, who, id_token_hint=text)
        assert (answer.status_code, answer.json()["error"]) == (400, "unknown_user_id"), name
    assert await phone.asked() == ()
    keys, issuer = await served.desk.keyring.public_keys(), served.issuer
    assert openid.grant_of_id_token(token, keys, issuer, app.client_id) != ""
    assert openid.grant_of_id_token(token, keys, issuer, other.client_id) == ""
    assert openid.grant_of_id_token(token, keys, "https://other.example", app.client_id) == ""


async def test_what_a_key_signed_that_was_replaced_at_once_finds_nobody(fresh: Served) -> None:
    app, phone = await register(fresh), await play.somebody(fresh)
    token = (await connected(fresh, app, phone))["id_token"]
    assert (await by(fresh, app, id_token_hint=token)).status_code == 200
    await refused(phone)
    await fresh.desk.keyring.rotate(at_once=True)
    fresh.clock.move(fresh.desk.law.prompts_in)
    assert (await by(fresh, app, id_token_hint=token)).json()["error"] == "unknown_user_id"


async def test_only_who_may_ask_on_phones_is_told_the_grant(served: Served) -> None:
    phone, grants = await play.somebody(served), ("authorization_code", "refresh_token")
    plain = await register(
        served, "no-asker", grant_types=grants, backchannel_token_delivery_mode=""
    )
    for app, told in ((plain, False), (await register(served), True)):
        token = (await connected(served, app, phone))["id_token"]
        assert ("grant_id" in strict.claims_of(token)) is told


async def test_the_banks_name_finds_who_connected_this_client_and_ended_nothing(
    served: Served,
) -> None:
    app, other = await register(served), await register(served, "other-asker")
    phone = await play.somebody(served)
    assert phone.person is not None
    name = phone.person.id
    assert (await by(served, app, login_hint=name)).json()["error"] == "unknown_user_id"
    await connected(served, app, phone)
    assert (await by(served, other, login_hint=name)).json()["error"] == "unknown_user_id"
    await connected(served, other, phone)
    answer = await by(served, app, login_hint=name)
    assert answer.status_code == 200, answer.text
    await refused(phone)
    await connected(served, app, phone)
    newest, *_ = await phone.connections()
    await phone.end(newest.grant_id)
    assert (await by(served, app, login_hint=name)).status_code == 200
    await refused(phone)
    for connection in await phone.connections():
        await phone.end(connection.grant_id)
    served.clock.move(DAY)
    ended = await by(served, app, login_hint=name)
    assert (ended.status_code, ended.json()["error"]) == (400, "unknown_user_id")


class Names:
    """A bank that resolves names, and notes which it is asked for."""

    def __init__(self, away: bool = False) -> None:
        self.asked: list[str] = []
        self.away = away

    async def person_of(self, login_hint: str) -> Person | None:
        self.asked.append(login_hint)
        if self.away:
            raise BankUnavailable
        return None


@pytest.mark.parametrize("hint", ["x" * 129, "a\nb", "a\u202eb"])
async def test_the_bank_is_asked_for_no_text_that_is_no_name(
    served: Served, monkeypatch: pytest.MonkeyPatch, hint: str
) -> None:
    bank = Names()
    monkeypatch.setattr(served.desk, "bank", bank)
    answer = await by(served, await register(served), login_hint=hint)
    assert answer.status_code == 400
    assert bank.asked == []


async def test_without_a_bank_that_resolves_names_or_while_it_is_away_nobody_is_asked(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = await register(served)
    monkeypatch.setattr(served.desk, "bank", object())
    assert (await by(served, app, login_hint="anna")).json()["error"] == "unknown_user_id"
    monkeypatch.setattr(served.desk, "bank", Names(away=True))
    assert (await by(served, app, login_hint="anna")).status_code == 503
