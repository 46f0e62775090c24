"""Only the person's own passkey, verified, over exactly this document, approves."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from endorse.phone import Passkey, Phone, sandbox_code
from tests.flows import play
from tests.flows.rows import contents
from tests.serving import Served

pytestmark = pytest.mark.anyio

EVIL = "https://evil.example"


def not_accepted(answer: httpx2.Response) -> bool:
    return (answer.status_code, answer.json()["error"]) == (403, "passkey_not_accepted")


def passkey_of(phone: Phone) -> Passkey:
    assert phone.passkey is not None
    return phone.passkey


async def sent(phone: Phone, journey: str, credential: dict[str, Any]) -> httpx2.Response:
    body = {"journey": journey, "credential": credential}
    return await phone.call("POST", "/phone/approve", body)


async def test_an_approval_needs_the_verified_user_at_our_own_origin(served: Served) -> None:
    phone, tab = await play.phone_of(served), await play.begun(served)
    review = await play.reviewed(tab, phone)
    passkey = passkey_of(phone)
    before = await contents(served)
    for credential in (
        passkey.sign(review.options, served.issuer, user_verified=False),
        passkey.sign(review.options, EVIL),
        passkey.sign(review.options, served.issuer + "/"),
        passkey.sign(review.options, served.issuer.replace("localhost", "127.0.0.1")),
    ):
        assert not_accepted(await sent(phone, review.journey, credential))
    assert await contents(served) == before
    good = passkey.sign(review.options, served.issuer)
    assert (await sent(phone, review.journey, good)).status_code == 200


async def test_a_signature_over_a_document_that_was_edited_is_dead(served: Served) -> None:
    phone, tab = await play.phone_of(served), await play.begun(served)
    review = await play.reviewed(tab, phone)
    chosen = [account.resource_id for account in review.consent.accounts]
    old = passkey_of(phone).sign(review.options, served.issuer)
    await phone.edit(review.journey)
    in_between = await sent(phone, review.journey, old)
    assert (in_between.status_code, in_between.json()["state"]) == (409, "matched")
    again = await phone.review(review.journey, chosen)
    # The same choice once more: only the nonce tells the documents apart.
    assert again.options["challenge"] != review.options["challenge"]
    assert not_accepted(await sent(phone, review.journey, old))
    await phone.approve(again)


async def test_a_signature_for_one_request_is_worth_nothing_for_another(served: Served) -> None:
    phone = await play.phone_of(served)
    first = await play.reviewed(await play.begun(served), phone)
    second = await play.reviewed(await play.begun(served), phone)
    credential = passkey_of(phone).sign(first.options, served.issuer)
    assert not_accepted(await sent(phone, second.journey, credential))


async def test_a_sign_in_is_no_approval_and_an_approval_no_sign_in(served: Served) -> None:
    phone = await play.phone_of(served)
    review = await play.reviewed(await play.begun(served), phone)
    who = {"phone_id": phone.phone_id}
    asked = await phone.call("POST", "/phone/sign-in/options", who, signed_in=False)
    sign_in = passkey_of(phone).sign(asked.json()["options"], served.issuer)
    approval = passkey_of(phone).sign(review.options, served.issuer)
    assert not_accepted(await sent(phone, review.journey, sign_in))
    crossed = await phone.call(
        "POST", "/phone/sign-in", {**who, "credential": approval}, signed_in=False
    )
    assert not_accepted(crossed)


async def test_another_passkey_of_the_same_person_does_not_approve(served: Served) -> None:
    phone, second = await play.phone_of(served), await play.somebody(served, "anna")
    review = await play.reviewed(await play.begun(served), phone)
    options = {**review.options, "allowCredentials": []}
    other = passkey_of(second).sign(options, served.issuer)
    named = {**other, "id": review.options["allowCredentials"][0]["id"]}
    named["rawId"] = named["id"]
    for credential in (other, named):
        assert not_accepted(await sent(phone, review.journey, credential))


@pytest.mark.parametrize("wrong", ["user not verified", "another origin", "another challenge"])
async def test_signing_in_and_enrolling_need_the_verified_user_too(
    served: Served, wrong: str
) -> None:
    phone = await play.phone_of(served)
    new = Phone(served.issuer, served.http, clock=served.clock)
    code = await sandbox_code(served.issuer, served.http, "anna")
    who = {"phone_id": phone.phone_id}
    asked = await phone.call("POST", "/phone/sign-in/options", who, signed_in=False)
    offered = await new.call("POST", "/phone/enrol/options", {"code": code})
    sign_in, enrol = asked.json()["options"], offered.json()["options"]
    if wrong == "another challenge":
        sign_in["challenge"], enrol["challenge"] = enrol["challenge"], sign_in["challenge"]
    origin = EVIL if wrong == "another origin" else served.issuer
    verified = wrong != "user not verified"
    before = await contents(served)
    credential = passkey_of(phone).sign(sign_in, origin, user_verified=verified)
    body = {**who, "credential": credential}
    assert not_accepted(await phone.call("POST", "/phone/sign-in", body, signed_in=False))
    _, made = Passkey.create(enrol, origin, random=served.desk.fresh, user_verified=verified)
    body = {"code": code, "credential": made, "name": "A phone"}
    assert not_accepted(await new.call("POST", "/phone/enrol", body))
    assert await contents(served) == before


async def test_a_session_is_worth_nothing_without_its_device_key(served: Served) -> None:
    phone, thief = await play.phone_of(served), await play.somebody(served, "bram")
    thief._session = phone._session
    answer = await thief.call("GET", "/phone/connections")
    assert (answer.status_code, answer.json()["error"]) == (401, "sign_in_required")


async def test_an_account_of_somebody_else_cannot_be_shared(served: Served) -> None:
    phone, other = await play.somebody(served), await play.somebody(served)
    theirs = (await play.reviewed(await play.begun(served), other)).consent.accounts
    journey = (await play.claimed(await play.begun(served), phone)).journey
    own = (await phone.match(journey, await play.number(served, journey))).accounts
    body = {"journey": journey, "accounts": [own[0].resource_id, theirs[0].resource_id]}
    answer = await phone.call("POST", "/phone/review", body)
    assert (answer.status_code, answer.json()["error"]) == (400, "accounts_not_accepted")
