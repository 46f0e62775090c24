from __future__ import annotations

import json
import secrets

import httpx2
import msgspec
import pytest

from endorse.phone import (
    AccountsNotAccepted,
    AlreadyScanned,
    CodeNotAccepted,
    ConsentNotTrusted,
    InvalidProof,
    InvalidRequest,
    NotEnrolled,
    NotFound,
    NotReachable,
    NotUnderstood,
    Passkey,
    PasskeyNotAccepted,
    PasskeyNotUsable,
    PersonNotKnown,
    Phone,
    PhoneNotKnown,
    Refused,
    SignInRequired,
    SlowDown,
    UnsafeIssuer,
    WrongState,
    sandbox_code,
    sandbox_people,
)
from tests.phone.checks import creation_options
from tests.phone.scripted import FRAME, ISSUER, NUMBER, QID, ScriptedBank

pytestmark = pytest.mark.anyio


def new_phone(bank: ScriptedBank, clock_error: float = 0.0) -> Phone:
    return Phone(ISSUER, bank.client(), clock=lambda: bank.time + clock_error)


async def enrolled(bank: ScriptedBank, clock_error: float = 0.0) -> Phone:
    phone = new_phone(bank, clock_error)
    await phone.enrol("c0de")
    return phone


async def test_a_phone_enrols_scans_approves_and_is_told_each_thing() -> None:
    bank = ScriptedBank()
    phone = await enrolled(bank)
    assert phone.person is not None
    assert phone.person.name == "Anna de Vries"
    claimed = await phone.claim(FRAME)
    assert (claimed.client.name, claimed.started.browser) == ("Budget", "Chrome on Linux")
    matched = await phone.match(claimed.journey, NUMBER)
    assert [account.resource_id for account in matched.accounts] == ["r1", "r2"]
    assert matched.accounts[0].balance is not None
    assert matched.accounts[0].balance.amount == "1234.56"
    review = await phone.review(claimed.journey, ["r2"])
    assert [account.name for account in review.consent.accounts] == ["Savings"]
    assert (await phone.edit(claimed.journey)).state == "matched"
    review = await phone.review(claimed.journey, ["r1"])
    assert (await phone.approve(review)).state == "approved"


async def test_a_phone_refuses_and_watches() -> None:
    bank = ScriptedBank()
    phone = await enrolled(bank)
    journey = (await phone.claim(FRAME)).journey
    bank.script["POST", "/phone/watch"] = lambda request: httpx2.Response(
        200, json={"journey": json.loads(request.content)["journey"], "state": "cancelled"}
    )
    assert (await phone.watch(journey, "claimed")).state == "cancelled"
    assert json.loads(bank.requests[-1].content) == {"journey": QID, "state": "claimed"}
    assert (await phone.refuse(journey)).state == "rejected"


async def test_connections_are_listed_and_ended() -> None:
    bank = ScriptedBank()
    phone = await enrolled(bank)
    (connection,) = await phone.connections()
    assert (connection.grant_id, connection.last_used_at) == ("g1", None)
    assert connection.valid_until.year == 2027
    ended = await phone.end("../g 1")
    assert ended.ended_at.isoformat() == "2026-08-25T15:04:05+00:00"
    assert bank.requests[-1].url.raw_path == b"/phone/connections/..%2Fg%201"


async def test_a_saved_phone_signs_in_again() -> None:
    bank = ScriptedBank()
    phone = await enrolled(bank)
    saved = json.loads(json.dumps(phone.to_dict()))
    bank.time += 2000
    again = Phone.from_dict(saved, bank.client(), clock=lambda: bank.time)
    assert not again.is_signed_in()
    assert (await again.sign_in()).id == "anna"
    assert again.is_signed_in()
    assert again.device.thumbprint == phone.device.thumbprint
    assert await again.connections()


async def test_a_session_counts_as_over_a_minute_early() -> None:
    bank = ScriptedBank()
    phone = await enrolled(bank)
    bank.time += 839
    assert phone.is_signed_in()
    bank.time += 2
    assert not phone.is_signed_in()


@pytest.mark.parametrize("saved", [{}, {"issuer": ISSUER, "name": 7}, {"issuer": ISSUER}])
async def test_something_else_than_a_saved_phone_is_named(saved: dict[str, object]) -> None:
    with pytest.raises(NotUnderstood, match="no saved phone"):
        Phone.from_dict(saved, ScriptedBank().client())


async def test_the_link_of_an_enrolment_is_taken_apart() -> None:
    bank = ScriptedBank()
    await new_phone(bank).enrol(f" {ISSUER}/phone#enrol.c0de\n")
    phone = new_phone(bank)
    before = len(bank.calls)
    with pytest.raises(CodeNotAccepted, match="none of"):
        await phone.enrol("https://evil.test/phone#enrol.c0de")
    assert len(bank.calls) == before


async def test_a_code_of_another_issuer_never_leaves_the_phone() -> None:
    bank = ScriptedBank()
    phone = await enrolled(bank)
    before = len(bank.calls)
    for text in (FRAME.replace(":8000", ":8001"), f"{ISSUER}.evil.test/q#1", "hello", ""):
        with pytest.raises(CodeNotAccepted):
            await phone.claim(text)
    assert len(bank.calls) == before


async def test_a_wrong_clock_is_set_by_the_server() -> None:
    bank = ScriptedBank()
    phone = await enrolled(bank, clock_error=-86_400)
    assert bank.calls.count(("POST", "/phone/enrol/options")) == 2
    await phone.claim(FRAME)
    assert bank.calls.count(("POST", "/phone/claim")) == 1


async def test_a_proof_refused_at_the_right_time_is_not_sent_again() -> None:
    bank = ScriptedBank()
    bank.script["POST", "/phone/enrol/options"] = lambda _: bank.error(
        401, "invalid_proof", time=bank.time
    )
    with pytest.raises(InvalidProof, match="No"):
        await enrolled(bank)
    assert len(bank.calls) == 1


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "invalid_request", InvalidRequest),
        (401, "invalid_proof", InvalidProof),
        (401, "sign_in_required", SignInRequired),
        (404, "code_not_accepted", CodeNotAccepted),
        (404, "not_found", NotFound),
        (400, "accounts_not_accepted", AccountsNotAccepted),
        (403, "passkey_not_accepted", PasskeyNotAccepted),
        (409, "already_scanned", AlreadyScanned),
        (409, "wrong_state", WrongState),
        (413, "too_large", Refused),
        (429, "slow_down", SlowDown),
    ],
)
async def test_each_error_of_the_server_is_typed(
    status: int, code: str, kind: type[Refused]
) -> None:
    bank = ScriptedBank()
    phone = await enrolled(bank)
    bank.script["POST", "/phone/claim"] = lambda _: bank.error(status, code, state="expired")
    with pytest.raises(Refused) as raised:
        await phone.claim(FRAME)
    assert type(raised.value) is kind
    assert (raised.value.code, raised.value.status) == (code, status)
    assert raised.value.state == "expired"
    assert str(raised.value) == "No."
    assert raised.value.__notes__ == [f"What to do ({code}): {raised.value.what_to_do}"]


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.Response(500, html="<h1>Oops</h1>"),
        httpx2.Response(200, html="<h1>Hello</h1>"),
        httpx2.Response(200, content=b"\xff\xfe"),
        httpx2.Response(404, content=b"\xff\xfe"),
        httpx2.Response(200, json={"journey": QID, "state": 7}),
        httpx2.Response(302, headers={"Location": "http://evil.test/"}),
    ],
    ids=["fault", "page", "noise", "noisy error", "other type", "redirect"],
)
async def test_an_answer_of_another_shape_is_named(answer: httpx2.Response) -> None:
    bank = ScriptedBank()
    phone = await enrolled(bank)
    bank.script["POST", "/phone/refuse"] = lambda _: answer
    with pytest.raises(NotUnderstood, match="POST /phone/refuse"):
        await phone.refuse(QID)


async def test_no_answer_is_named() -> None:
    def fail(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused", request=request)

    bank = ScriptedBank()
    bank.script["POST", "/phone/enrol/options"] = fail
    with pytest.raises(NotReachable, match="refused"):
        await enrolled(bank)


async def test_a_phone_that_is_not_enrolled_asks_nothing() -> None:
    bank = ScriptedBank()
    phone = new_phone(bank)
    with pytest.raises(NotEnrolled, match="not enrolled"):
        await phone.claim(FRAME)
    with pytest.raises(NotEnrolled):
        await phone.sign_in()
    assert not bank.calls


async def test_a_phone_that_the_bank_forgot_forgets_itself() -> None:
    bank = ScriptedBank()
    phone = await enrolled(bank)
    phone.phone_id = "gone"
    with pytest.raises(PhoneNotKnown):
        await phone.sign_in()
    assert phone.person is None
    with pytest.raises(NotEnrolled):
        await phone.sign_in()


async def test_a_passkey_for_another_site_is_not_made() -> None:
    bank = ScriptedBank()
    options = creation_options(rp_id="evil.test")
    person = {"id": "anna", "name": "Anna"}
    bank.script["POST", "/phone/enrol/options"] = lambda _: httpx2.Response(
        200,
        json={"person": person, "bank": {"name": "B"}, "options": options, "time": bank.time},
    )
    with pytest.raises(PasskeyNotUsable, match=r"evil\.test"):
        await enrolled(bank)
    assert ("POST", "/phone/enrol") not in bank.calls


@pytest.mark.parametrize(
    "changed",
    [{"issuer": "https://evil.test"}, {"device": "x"}, {"person": "bob"}, {"accounts": []}],
    ids=str,
)
async def test_a_document_for_something_else_is_never_signed(changed: dict[str, object]) -> None:
    bank = ScriptedBank(edit_document=lambda document: {**document, **changed})
    phone = await enrolled(bank)
    with pytest.raises(ConsentNotTrusted):
        await phone.review((await phone.claim(FRAME)).journey, ["r1"])


@pytest.mark.parametrize("part", ["challenge", "rpId", "journey"])
async def test_options_that_do_not_fit_the_document_are_refused(part: str) -> None:
    bank = ScriptedBank()
    phone = await enrolled(bank)
    journey = (await phone.claim(FRAME)).journey
    right = json.loads((await phone.call("POST", "/phone/review", _chosen(journey))).content)
    wrong = {**right, "options": {**right["options"]}}
    (wrong if part == "journey" else wrong["options"])[part] = "eA"
    bank.script["POST", "/phone/review"] = lambda _: httpx2.Response(200, json=wrong)
    with pytest.raises(ConsentNotTrusted):
        await phone.review(journey, ["r1"])
    bank.script["POST", "/phone/review"] = lambda _: httpx2.Response(200, json=right)
    assert (await phone.review(journey, ["r1"])).document == right["document"]


def _chosen(journey: str) -> dict[str, object]:
    return {"journey": journey, "accounts": ["r1"]}


async def test_a_test_can_send_a_credential_of_its_own() -> None:
    bank = ScriptedBank()
    phone = await enrolled(bank)
    review = await phone.review((await phone.claim(FRAME)).journey, ["r1"])
    assert phone.passkey is not None
    bad = phone.passkey.sign(review.options, "https://evil.test", user_verified=False)
    sent = []

    def look(request: httpx2.Request) -> httpx2.Response:
        sent.append(json.loads(request.content)["credential"])
        return bank.error(400, "invalid_request")

    bank.script["POST", "/phone/approve"] = look
    with pytest.raises(InvalidRequest):
        await phone.approve(review, bad)
    assert sent == [bad]


async def test_a_call_in_the_wrong_state_tells_the_state() -> None:
    bank = ScriptedBank()
    phone = await enrolled(bank)
    review = await phone.review((await phone.claim(FRAME)).journey, ["r1"])
    await phone.edit(review.journey)
    with pytest.raises(WrongState) as raised:
        await phone.approve(review)
    assert raised.value.state == "matched"


async def test_a_phone_shares_no_cookies_with_a_browser_on_its_client() -> None:
    bank = ScriptedBank()
    http = bank.client()
    http.cookies.set("tx_k1", "B", domain="localhost")
    phone = Phone(ISSUER, http, clock=lambda: bank.time)
    await phone.enrol("c0de")  # the scripted server fails on a cookie


async def test_injected_randomness_gives_the_same_phone() -> None:
    def fixed(count: int) -> bytes:
        return b"\x07" * count

    http = ScriptedBank().client()
    first, second = (Phone(ISSUER, http, random=fixed) for _ in range(2))
    assert first.to_dict() == second.to_dict()


async def test_a_phone_speaks_to_no_unprotected_issuer() -> None:
    with pytest.raises(UnsafeIssuer, match="unprotected"):
        Phone("http://bank.example", ScriptedBank().client())


async def test_people_of_the_sandbox_are_found_by_id_or_name() -> None:
    bank = ScriptedBank()
    http = bank.client()
    assert [person.id for person in await sandbox_people(ISSUER, http)] == ["anna"]
    for name in ("anna", "ANNA", "anna de vries", None):
        assert await sandbox_code(ISSUER, http, name) == "c0de"
    asked = [json.loads(sent.content) for sent in bank.requests if sent.method == "POST"]
    assert asked == [{"person": "anna"}] * 3 + [{"person": None}]


async def test_a_person_whom_the_sandbox_does_not_have_is_named() -> None:
    with pytest.raises(PersonNotKnown, match=r"'bob'.*anna"):
        await sandbox_code(ISSUER, ScriptedBank().client(), "bob")


async def test_a_server_that_is_no_sandbox_says_so() -> None:
    bank = ScriptedBank()
    bank.script["POST", "/phone/sandbox/enrolments"] = lambda _: bank.error(404, "not_found")
    with pytest.raises(NotFound):
        await sandbox_code(ISSUER, bank.client())


async def test_the_body_that_is_signed_is_the_body_that_is_sent() -> None:
    bank = ScriptedBank()
    phone = await enrolled(bank)
    body = {"journey": QID, "accounts": ["é", "\u2028"]}
    await phone.call("POST", "/phone/review", body, signed_in=False)
    assert bank.requests[-1].content == msgspec.json.encode(body)
    assert "Authorization" not in bank.requests[-1].headers


def test_a_passkey_made_by_a_phone_hides_in_its_description() -> None:
    passkey, _ = Passkey.create(creation_options(), ISSUER, random=secrets.token_bytes)
    assert passkey.to_dict()["key"] not in repr(passkey)
