"""CIBA: a client asks a person on their phone, without a browser of ours."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from endorse.core.metadata import CIBA
from endorse.phone import ConsentNotTrusted, NotFound, Phone, decide_asked
from tests.flows import play
from tests.flows.asking import ASKER, MESSAGE, Answer, ask, collect, known, register
from tests.flows.play import quiet_client
from tests.serving import App, Served, serving
from tests.signing import STRANGER, signed

pytestmark = pytest.mark.anyio


async def approve(phone: Phone, journey: str) -> None:
    claimed = await phone.take(journey)
    matched = await phone.match(journey, None)
    accounts = [account.resource_id for account in matched.accounts]
    await phone.approve(await phone.review(journey, accounts, message=claimed.binding_message))


@pytest.fixture
async def fresh(tmp_path: Path) -> AsyncIterator[Served]:
    """A server of this test alone, with the real limits on questions."""
    strict = msgspec.structs.replace(play.QUICK, prompts=3)
    database = f"sqlite:///{tmp_path / 'fresh.sqlite3'}"
    async with serving(database, strict) as served, quiet_client() as http:
        served.http = http
        yield served


@pytest.mark.spec("CIBA Core 7.3", "auth_req_id, expires_in and interval are answered")
async def test_a_person_who_was_there_before_is_asked_on_the_phone_and_approves(
    served: Served,
) -> None:
    app, phone = await register(served), await play.somebody(served)
    hint = await known(served, phone, app)
    answer = await ask(served, app, hint)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["expires_in"], told["interval"]) == (300, 5)
    pending = await collect(served, app, told["auth_req_id"])
    assert (pending.status_code, pending.json()["error"]) == (400, "authorization_pending")
    (asked,) = await phone.asked()
    assert (asked.binding_message, asked.client.client_id) == (MESSAGE, ASKER)
    claimed = await phone.take(asked.journey)
    assert (claimed.way, claimed.asks_number, claimed.binding_message) == ("asked", False, MESSAGE)
    assert claimed.for_device is False
    assert await phone.asked() == ()
    await approve(phone, asked.journey)
    got = await collect(served, app, told["auth_req_id"])
    assert got.status_code == 200, got.text
    assert got.json()["scope"] == "accounts balances"
    assert await play.opens(served, got.json()["access_token"])
    again = await collect(served, app, told["auth_req_id"])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


async def test_what_is_signed_holds_the_words_that_the_client_shows(served: Served) -> None:
    app, phone = await register(served), await play.somebody(served)
    await ask(served, app, await known(served, phone, app))
    (asked,) = await phone.asked()
    await phone.take(asked.journey)
    matched = await phone.match(asked.journey, None)
    chosen = [matched.accounts[0].resource_id]
    review = await phone.review(asked.journey, chosen, message=MESSAGE)
    assert review.consent.message == MESSAGE
    await phone.edit(asked.journey)
    with pytest.raises(ConsentNotTrusted):
        await phone.review(asked.journey, chosen, message="Desk 5, order 1207")


async def test_another_persons_phone_sees_nothing_and_takes_nothing(served: Served) -> None:
    app, phone = await register(served), await play.somebody(served)
    await ask(served, app, await known(served, phone, app))
    (asked,) = await phone.asked()
    other = await play.somebody(served)
    assert await other.asked() == ()
    with pytest.raises(NotFound):
        await other.take(asked.journey)
    with pytest.raises(NotFound):
        await other.match(asked.journey, None)
    assert (await phone.take(asked.journey)).state == "claimed"


async def test_no_and_not_mine_are_told_and_not_mine_silences_this_client_for_a_day(
    served: Served,
) -> None:
    app, other = await register(served), await register(served, "other-asker")
    phone = await play.somebody(served)
    hint, others = await known(served, phone, app), await known(served, phone, other)
    for word in ("refuse", "disown"):
        told = (await ask(served, app, hint)).json()
        (asked,) = await phone.asked()
        await phone.take(asked.journey)
        await getattr(phone, word)(asked.journey)
        denied = await collect(served, app, told["auth_req_id"])
        assert (denied.status_code, denied.json()["error"]) == (400, "access_denied")
    silenced = await ask(served, app, hint)
    assert (silenced.status_code, silenced.json()["error"]) == (403, "access_denied")
    assert await phone.asked() == ()
    assert (await ask(served, other, others)).status_code == 200
    served.clock.move(24 * 3600)
    assert (await ask(served, app, hint)).status_code == 200


async def test_only_the_token_of_an_earlier_connection_of_this_client_finds_a_person(
    served: Served,
) -> None:
    app, other = await register(served), await register(served, "other-asker")
    phone = await play.somebody(served)
    hint = await known(served, phone, app)
    unknown = {
        "stranger's": await ask(served, other, hint),
        "changed": await ask(served, app, hint[:-2] + ("AA" if hint[-2:] != "AA" else "BB")),
        "invented": await ask(served, app, "el_" + "A" * 64),
        "nobody": await ask(served, app, hint, login_hint_token=None, login_hint="nobody at all"),
        "unconnected": await ask(served, app, hint, login_hint_token=None, login_hint="bram"),
        "id token": await ask(served, app, hint, login_hint_token=None, id_token_hint="a.b.c"),
    }
    for name, answer in unknown.items():
        assert (answer.status_code, answer.json()["error"]) == (400, "unknown_user_id"), name
    both = await ask(served, app, hint, login_hint="anna")
    assert both.json()["error"] == "invalid_request"
    none = await ask(served, app, hint, login_hint_token=None)
    assert none.json()["error"] == "invalid_request"
    assert await phone.asked() == ()


async def test_who_ended_the_connection_is_not_asked_and_whose_ran_out_is(served: Served) -> None:
    app, phone = await register(served), await play.somebody(served)
    hint = await known(served, phone, app)
    served.clock.move(served.desk.law.grant_at_most)
    await phone.sign_in()
    assert (await ask(served, app, hint)).status_code == 200
    (asked,) = await phone.asked()
    await phone.take(asked.journey)
    await phone.refuse(asked.journey)
    second = await known(served, phone, app)
    (connection, *_) = await phone.connections()
    await phone.end(connection.grant_id)
    answer = await ask(served, app, second)
    assert answer.json()["error"] == "unknown_user_id"


async def test_questions_are_few_and_one_at_a_time(fresh: Served) -> None:
    app, phone = await register(fresh), await play.somebody(fresh)
    hint = await known(fresh, phone, app)
    for _ in range(3):
        first, second = await play.together(*(ask(fresh, app, hint) for _ in range(2)))
        assert sorted([first.status_code, second.status_code]) == [200, 429]
        (asked,) = await phone.asked()
        await phone.take(asked.journey)
        await phone.refuse(asked.journey)
    flood = await play.together(*(ask(fresh, app, hint) for _ in range(20)))
    assert {answer.status_code for answer in flood} == {429}
    assert await phone.asked() == ()
    fresh.clock.move(fresh.desk.law.prompts_in)
    assert (await ask(fresh, app, hint)).status_code == 200


@pytest.mark.spec("CIBA Core 13", "invalid_binding_message for one that cannot be shown")
@pytest.mark.parametrize(
    "message",
    ["a\nb", "a\u202eb", "\u0000", "é", " x", "x" * 41, "a\tb", "<b>x</b>", "a; b", "\ud83d\ude00"],
    ids=["line", "direction", "null", "letter", "space", "long", "tab", "markup", "mark", "emoji"],
)
async def test_words_that_a_phone_cannot_show_safely_are_refused(
    served: Served, message: str
) -> None:
    app, phone = await register(served), await play.phone_of(served)
    raw = message.encode("utf-16", "surrogatepass").decode("utf-16")
    answer = await ask(served, app, "el_x", binding_message=raw)
    assert answer.status_code == 400
    assert answer.json()["error"] in ("invalid_binding_message", "invalid_request")
    assert await phone.asked() == ()


async def test_words_are_required(served: Served) -> None:
    app = await register(served)
    answer = await ask(served, app, "el_x", binding_message=None)
    assert answer.json()["error"] == "invalid_request"
    assert "binding_message" in answer.json()["error_description"]


async def test_another_clients_handle_is_refused_and_a_device_code_is_none(
    served: Served,
) -> None:
    app, other = await register(served), await register(served, "other-asker")
    phone = await play.somebody(served)
    told = (await ask(served, app, await known(served, phone, app))).json()
    (asked,) = await phone.asked()
    await approve(phone, asked.journey)
    stolen = await collect(served, other, told["auth_req_id"])
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
    device = await served.http.post(
        served.url("/device_authorization"), data={"scope": "accounts"}, auth=served.app.basic
    )
    swapped = await collect(served, app, device.json()["device_code"])
    assert swapped.json()["error"] == "invalid_grant"
    assert (await collect(served, app, told["auth_req_id"])).status_code == 200


async def test_a_wish_for_less_time_is_granted_and_for_more_is_not(served: Served) -> None:
    app, phone = await register(served), await play.somebody(served)
    hint = await known(served, phone, app)
    told = (await ask(served, app, hint, requested_expiry="60")).json()
    assert told["expires_in"] == 60
    served.clock.move(60)
    assert await phone.asked() == ()
    assert (await collect(served, app, told["auth_req_id"])).json()["error"] == "expired_token"
    assert (await ask(served, app, hint, requested_expiry="100000")).json()["expires_in"] == 300
    for wrong in ("0", "-1", "1.5", "soon"):
        answer = await ask(served, app, hint, requested_expiry=wrong)
        assert answer.json()["error"] == "invalid_request", wrong


async def test_a_client_that_is_not_registered_for_it_or_public_asks_nobody(
    served: Served,
) -> None:
    answer = await ask(served, served.app, "el_x")
    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")
    form = {"client_id": served.public_app.client_id, "scope": "accounts"}
    public = await served.http.post(served.url("/bc-authorize"), data=form)
    assert public.json()["error"] == "unauthorized_client"


def request_of(served: Served, hint: str, **changed: Any) -> dict[str, Any]:
    now = served.clock()
    return {
        "iss": ASKER,
        "aud": served.issuer,
        "iat": now,
        "nbf": now,
        "exp": now + 60,
        "jti": secrets.token_urlsafe(16),
        "scope": "accounts",
        "login_hint_token": hint,
        "binding_message": MESSAGE,
        **changed,
    }


async def send(served: Served, app: App, text: str) -> Answer:
    return await served.http.post(
        served.url("/bc-authorize"), data={"request": text}, auth=app.basic
    )


@pytest.mark.spec("CIBA Core 7.1.1", "a signed request is verified, and counts once")
async def test_a_signed_request_counts_once_and_is_demanded_of_who_registered_it(
    served: Served,
) -> None:
    app, phone = await register(served), await play.somebody(served)
    hint = await known(served, phone, app)
    app = await register(served, backchannel_authentication_request_signing_alg="ES256")
    try:
        unsigned = await ask(served, app, hint)
        assert unsigned.json()["error"] == "invalid_request"
        text = signed(request_of(served, hint), typ=None)
        assert (await send(served, app, text)).status_code == 200
        (asked,) = await phone.asked()
        await phone.take(asked.journey)
        await phone.refuse(asked.journey)
        replayed = await send(served, app, text)
        assert replayed.status_code == 400
        assert await phone.asked() == ()
    finally:
        await register(served)


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "another"},
        {"aud": "https://another.example"},
        {"exp": 1},
        {"exp": None},
        {"nbf": None},
        {"jti": ""},
        {"iat": None},
        {"client_id": "another"},
    ],
    ids=str,
)
async def test_a_signed_request_that_cannot_be_believed_asks_nobody(
    served: Served, changed: dict[str, Any]
) -> None:
    app = await register(served)
    said = request_of(served, "el_x", **changed)
    claims = {name: value for name, value in said.items() if value is not None}
    answer = await send(served, app, signed(claims))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request_object")


async def test_a_strangers_signature_asks_nobody(served: Served) -> None:
    app = await register(served)
    answer = await send(served, app, signed(request_of(served, "el_x"), key=STRANGER))
    assert answer.json()["error"] == "invalid_request_object"


class Listener:
    """A client's notification endpoint: what came, and what it answers."""

    def __init__(self, status: str) -> None:
        self.status = status
        self.heard: list[tuple[str, str]] = []
        self.came = asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
        body = (await reader.readexactly(int(lines["content-length"]))).decode()
        self.heard.append((head, body))
        writer.write(f"HTTP/1.1 {self.status}\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()
        self.came.set()


@asynccontextmanager
async def listening(status: str) -> AsyncIterator[tuple[Listener, str]]:
    listener = Listener(status)
    server = await asyncio.start_server(listener, "127.0.0.1", 0)
    try:
        yield listener, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/notify"
    finally:
        server.close()


TOKEN = "a-token-of-the-client-for-pings"


async def pinged(served: Served, url: str) -> tuple[App, str]:
    """Ask with ping, and approve; the client and its handle."""
    app, phone = await register(served), await play.somebody(served)
    hint = await known(served, phone, app)
    app = await register(
        served,
        backchannel_token_delivery_mode="ping",
        backchannel_client_notification_endpoint=url,
    )
    none = await ask(served, app, hint)
    assert "client_notification_token" in none.json()["error_description"]
    told = (await ask(served, app, hint, client_notification_token=TOKEN)).json()
    (asked,) = await phone.asked()
    await approve(phone, asked.journey)
    await served.desk.finish()
    return app, told["auth_req_id"]


@pytest.mark.spec("CIBA Core 10.2", "a ping carries the client's token and the auth_req_id")
@pytest.mark.usefixtures("one_server")
async def test_a_ping_tells_the_client_that_it_may_fetch_the_answer(served: Served) -> None:
    async with listening("204 No Content") as (listener, url):
        app, auth_req_id = await pinged(served, url)
        ((head, body),) = listener.heard
        assert head.startswith("POST /notify HTTP/1.1")
        assert f"Authorization: Bearer {TOKEN}" in head
        assert msgspec.json.decode(body) == {"auth_req_id": auth_req_id}
        assert (await collect(served, app, auth_req_id)).status_code == 200
    await register(served)


@pytest.mark.usefixtures("one_server")
async def test_a_ping_follows_no_redirect_and_is_tried_twice_only(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        listening("204 No Content") as (elsewhere, there),
        listening(f"307 Temporary Redirect\r\nLocation: {there}") as (listener, url),
    ):
        app, auth_req_id = await pinged(served, url)
        assert len(listener.heard) == 2
        assert elsewhere.heard == []
        assert any("was not told" in record.getMessage() for record in caplog.records)
        assert (await collect(served, app, auth_req_id)).status_code == 200
    await register(served)


async def test_a_ping_goes_to_https_or_in_a_sandbox_to_this_machine(served: Served) -> None:
    sandbox, bank = served.desk.pings, type(served.desk.pings)(sandbox=False)
    assert sandbox._allowed("http://127.0.0.1:1/x")
    assert not bank._allowed("http://127.0.0.1:1/x")
    for pings in (sandbox, bank):
        assert pings._allowed("https://app.example/notify")
        for url in ("http://app.example/", "file:///etc/passwd", "https:///x", "ftp://x/", ""):
            assert not pings._allowed(url)


async def test_metadata_names_the_endpoint_and_its_modes(served: Served) -> None:
    answer = await served.http.get(served.url("/.well-known/oauth-authorization-server"))
    said = answer.json()
    assert said["backchannel_authentication_endpoint"] == served.url("/bc-authorize")
    assert said["backchannel_token_delivery_modes_supported"] == ["poll", "ping"]
    assert CIBA in said["grant_types_supported"]


async def test_the_stand_in_decides_what_is_asked_too(served: Served) -> None:
    app, phone = await register(served), await play.somebody(served)
    hint = await known(served, phone, app)
    for refuse in (False, True):
        told = (await ask(served, app, hint)).json()
        (asked,) = await phone.asked()
        await decide_asked(phone, asked.journey, refuse=refuse)
        answer = await collect(served, app, told["auth_req_id"])
        assert answer.status_code == (400 if refuse else 200)
