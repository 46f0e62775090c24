"""Bad input at the phone's API: a JSON error, never a fault, and nothing stored."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import msgspec
import pytest

from endorse.phone import Passkey, Phone, sandbox_code
from tests.flows import broken, play
from tests.flows.rows import contents
from tests.serving import Served

pytestmark = pytest.mark.anyio

Good = dict[str, Any]


class Call(msgspec.Struct, frozen=True):
    """A call that would succeed if nothing in it were broken."""

    phone: Phone
    path: str
    body: Good
    session: bool = True


async def _phone_and_code(served: Served) -> tuple[Phone, str]:
    phone = Phone(served.issuer, served.http, clock=served.clock)
    return phone, await sandbox_code(served.issuer, served.http, "anna")


async def enrol_options(served: Served) -> Call:
    phone, code = await _phone_and_code(served)
    return Call(phone, "/phone/enrol/options", {"code": code}, session=False)


async def enrol(served: Served) -> Call:
    phone, code = await _phone_and_code(served)
    asked = await phone.call("POST", "/phone/enrol/options", {"code": code})
    _, credential = Passkey.create(asked.json()["options"], served.issuer, random=served.desk.fresh)
    body = {"code": code, "credential": credential, "name": "A phone"}
    return Call(phone, "/phone/enrol", body, session=False)


async def sign_in_options(served: Served) -> Call:
    phone = await play.phone_of(served)
    return Call(phone, "/phone/sign-in/options", {"phone_id": phone.phone_id}, session=False)


async def sign_in(served: Served) -> Call:
    phone = await play.phone_of(served)
    assert phone.passkey is not None
    who = {"phone_id": phone.phone_id}
    asked = await phone.call("POST", "/phone/sign-in/options", who, signed_in=False)
    credential = phone.passkey.sign(asked.json()["options"], served.issuer)
    return Call(phone, "/phone/sign-in", {**who, "credential": credential}, session=False)


async def claim(served: Served) -> Call:
    frame = await (await play.begun(served)).frame()
    return Call(await play.phone_of(served), "/phone/claim", {"code": frame})


async def match(served: Served) -> Call:
    phone = await play.phone_of(served)
    journey = (await play.claimed(await play.begun(served), phone)).journey
    number = await play.number(served, journey)
    return Call(phone, "/phone/match", {"journey": journey, "number": number})


async def review(served: Served) -> Call:
    matched = await match(served)
    journey = {"journey": matched.body["journey"]}
    answer = await matched.phone.match(journey["journey"], matched.body["number"])
    chosen = [account.resource_id for account in answer.accounts[:2]]
    return Call(matched.phone, "/phone/review", {**journey, "accounts": chosen})


async def _reviewed(served: Served) -> tuple[Phone, Good, Good]:
    phone = await play.phone_of(served)
    asked = await play.reviewed(await play.begun(served), phone)
    assert phone.passkey is not None
    return phone, {"journey": asked.journey}, phone.passkey.sign(asked.options, served.issuer)


async def edit(served: Served) -> Call:
    phone, journey, _ = await _reviewed(served)
    return Call(phone, "/phone/edit", journey)


async def approve(served: Served) -> Call:
    phone, journey, credential = await _reviewed(served)
    return Call(phone, "/phone/approve", {**journey, "credential": credential})


async def refuse(served: Served) -> Call:
    phone, journey, _ = await _reviewed(served)
    return Call(phone, "/phone/refuse", journey)


async def watch(served: Served) -> Call:
    phone, journey, _ = await _reviewed(served)
    return Call(phone, "/phone/watch", {**journey, "state": "waiting"})


CALLS: list[Callable[[Served], Awaitable[Call]]] = [
    enrol_options,
    enrol,
    sign_in_options,
    sign_in,
    claim,
    match,
    review,
    edit,
    approve,
    refuse,
    watch,
]

each_call = pytest.mark.parametrize("make", CALLS, ids=lambda make: make.__name__)


def refused(answer: httpx2.Response, how: str, *statuses: int) -> None:
    assert answer.status_code in statuses, (how, answer.status_code, answer.text[:300])
    assert broken.is_json_error(answer), (how, answer.text[:300])
    assert answer.headers["cache-control"] == "no-store"


async def still_good(served: Served, call: Call) -> None:
    content = msgspec.json.encode(call.body)
    answer = await broken.signed(call.phone, served, call.path, content, session=call.session)
    assert answer.is_success, answer.text


@each_call
async def test_each_member_broken_in_each_way_is_refused_and_stores_nothing(
    served: Served, make: Callable[[Served], Awaitable[Call]]
) -> None:
    call = await make(served)
    before = await contents(served)
    for name in call.body:
        for how, raw in broken.json_cases(call.body, name):
            if (name, how) == ("number", "number"):
                continue  # well-formed, and the one try: tests/flows/test_number.py
            answer = await broken.signed(call.phone, served, call.path, raw, session=call.session)
            # An object is what a credential is: there it is the passkey that is not good.
            statuses = (400, 403) if name == "credential" else (400,)
            refused(answer, f"{name} {how}", *statuses)
    assert await contents(served) == before
    await still_good(served, call)


@each_call
async def test_a_member_that_says_something_else_is_refused_and_stores_nothing(
    served: Served, make: Callable[[Served], Awaitable[Call]]
) -> None:
    call = await make(served)
    before = await contents(served)
    for name, good in call.body.items():
        if not isinstance(good, str) or name in ("name", "state"):
            continue
        for value in ("x", good + "A", good[:-1], good.swapcase(), good + "\0", "é" * 20, "' --"):
            content = msgspec.json.encode({**call.body, name: value})
            answer = await broken.signed(
                call.phone, served, call.path, content, session=call.session
            )
            refused(answer, f"{name}={value}", 400, 403, 404)
    assert await contents(served) == before
    await still_good(served, call)


@each_call
async def test_a_broken_body_or_type_is_refused_and_stores_nothing(
    served: Served, make: Callable[[Served], Awaitable[Call]]
) -> None:
    call = await make(served)
    before = await contents(served)
    for how, raw in broken.bodies(call.body):
        answer = await broken.signed(call.phone, served, call.path, raw, session=call.session)
        refused(answer, how, 400)
    good = msgspec.json.encode(call.body)
    for kind in (None, "text/plain", broken.FORM, "application/jsonx", "", "x" * 8192):
        answer = await broken.signed(
            call.phone, served, call.path, good, session=call.session, Content_Type=kind
        )
        refused(answer, f"Content-Type {kind}", 415)
    assert await contents(served) == before
    await still_good(served, call)


@pytest.mark.parametrize("name", ["a\0b", "a\nb", "\x1b[31m", "a\u202eb", "x" * 81, ""])
async def test_the_name_of_a_phone_is_plain_text(served: Served, name: str) -> None:
    call = await enrol(served)
    before = await contents(served)
    content = msgspec.json.encode({**call.body, "name": name})
    answer = await broken.signed(call.phone, served, call.path, content, session=False)
    refused(answer, repr(name), 400)
    assert await contents(served) == before


ACCOUNTS: list[Any] = [[], ["x"], ["x", "x"], [1], [None], [""], ["a" * 8192], ["x"] * 101, [["x"]]]


@pytest.mark.parametrize("accounts", ACCOUNTS, ids=lambda accounts: repr(accounts)[:12])
async def test_only_a_choice_of_ones_own_accounts_is_taken(
    served: Served, accounts: list[Any]
) -> None:
    call = await review(served)
    before = await contents(served)
    for chosen in (accounts, [*call.body["accounts"], *accounts], call.body["accounts"] * 2):
        if chosen == call.body["accounts"]:
            continue
        content = msgspec.json.encode({**call.body, "accounts": chosen})
        refused(await broken.signed(call.phone, served, call.path, content), repr(chosen)[:60], 400)
    assert await contents(served) == before


@pytest.mark.parametrize("make", [enrol, sign_in, approve], ids=lambda make: make.__name__)
async def test_each_part_of_a_passkeys_answer_broken_in_each_way_is_refused(
    served: Served, make: Callable[[Served], Awaitable[Call]]
) -> None:
    call = await make(served)
    good = call.body["credential"]
    before = await contents(served)
    parts = [(good, name) for name in good]
    parts += [(good["response"], name) for name in good["response"]]
    harmless = {"authenticatorAttachment", "clientExtensionResults", "transports", "userHandle"}
    harmless |= {"publicKey", "publicKeyAlgorithm", "authenticatorData"} if make is enrol else set()
    for around, name in parts:
        if name in harmless:
            continue
        for value in (*broken.WRONG_TYPES.values(), "AAAA", "!", "é", "A", {"a": "b"}, ...):
            changed = {**around, name: value}
            if value is ...:
                del changed[name]
            credential = changed if around is good else {**good, "response": changed}
            content = msgspec.json.encode({**call.body, "credential": credential})
            answer = await broken.signed(
                call.phone, served, call.path, content, session=call.session
            )
            refused(answer, f"{name}={value!r:.40}", 400, 403)
    assert await contents(served) == before
    await still_good(served, call)


@pytest.mark.parametrize("path", ["/phone/sandbox/enrolments"])
async def test_a_broken_wish_for_an_invented_person_is_refused(served: Served, path: str) -> None:
    before = await contents(served)

    async def ask(raw: bytes, kind: str = "application/json") -> httpx2.Response:
        return await served.http.post(served.url(path), content=raw, headers={"Content-Type": kind})

    for how, raw in broken.json_cases({"person": "anna"}, "person"):
        if how not in ("missing", "null"):
            refused(await ask(raw), how, 400)
    for how, raw in broken.bodies({"person": "anna"}):
        refused(await ask(raw), how, 400)
    for person in ("nobody", "Anna", "anna ", "new-", "new-A", "..", "é", "anna\0"):
        refused(await ask(msgspec.json.encode({"person": person})), person, 400, 404)
    refused(await ask(b"{}", "text/plain"), "type", 415)
    assert await contents(served) == before
