from __future__ import annotations

import asyncio

import httpx2
import pytest

from endorse.phone import (
    AccountNotKnown,
    CodeNotAccepted,
    ConsentNotTrusted,
    JourneyEnded,
    NotReachable,
    Phone,
    PhoneError,
    TookTooLong,
    UnsafeIssuer,
    approve_url,
    approve_url_async,
)
from tests.phone.scripted import BREAK, CALLBACK, FRAME, ISSUER, WAITING, ScriptedBank, frame

URL = f"{ISSUER}/auth?client_id=c1"
DECIDED: list[bytes | str] = ["claimed", "matched", "approved", b"event: done\ndata: {}\n\n"]
anyio = pytest.mark.anyio


@pytest.fixture
def bank(monkeypatch: pytest.MonkeyPatch) -> ScriptedBank:
    """A scripted bank at the real time, reached by every client that is opened."""
    made = ScriptedBank(streams=[[WAITING, frame(), *DECIDED]])
    monkeypatch.setattr("endorse.phone.approve.open_client", lambda issuer: made.client())
    monkeypatch.setattr(Phone.__init__, "__kwdefaults__", _at(made))
    return made


def _at(bank: ScriptedBank) -> dict[str, object]:
    usual = Phone.__init__.__kwdefaults__
    assert usual is not None
    return {**usual, "clock": lambda: bank.time}


def chosen(bank: ScriptedBank) -> list[str]:
    return [name for name in ("r1", "r2") if f'"resourceId":"{name}"' in bank.document]


def test_an_approval_gives_the_way_back_with_a_code(bank: ScriptedBank) -> None:
    assert approve_url(URL) == f"{CALLBACK}&code=abc"
    assert chosen(bank) == ["r1", "r2"]
    assert ("GET", "/callback") not in bank.calls


def test_a_refusal_gives_the_way_back_with_an_error(bank: ScriptedBank) -> None:
    bank.streams = [[WAITING, frame(), "rejected", b"event: done\ndata: {}\n\n"]]
    assert approve_url(URL, "anna", refuse=True) == f"{CALLBACK}&error=access_denied"
    assert ("POST", "/phone/match") not in bank.calls


def test_accounts_are_named_by_iban_with_or_without_spaces(bank: ScriptedBank) -> None:
    approve_url(URL, accounts=["nl00 test 0000 0000 02"])
    assert chosen(bank) == ["r2"]


def test_an_account_of_nobody_is_named_with_those_there_are(bank: ScriptedBank) -> None:
    with pytest.raises(AccountNotKnown, match=r"NL99.*NL00TEST0000000001, NL00TEST0000000002"):
        approve_url(URL, accounts=["NL99", "NL00TEST0000000001"])
    assert ("POST", "/phone/review") not in bank.calls


def test_the_phone_is_ready_before_the_code_begins_to_move(bank: ScriptedBank) -> None:
    approve_url(URL)
    assert bank.calls.index(("POST", "/phone/enrol")) < bank.calls.index(("POST", "/auth/start"))


@pytest.mark.parametrize("then", [[], [BREAK]], ids=["again", "after a break"])
def test_a_number_that_is_told_again_is_not_said_again(
    bank: ScriptedBank, then: list[bytes | str]
) -> None:
    before, after = [WAITING, frame(), "claimed", *then], ["claimed", *DECIDED]
    bank.streams = [before, after] if then else [[*before, *after]]
    assert approve_url(URL) == f"{CALLBACK}&code=abc"
    assert bank.calls.count(("POST", "/phone/match")) == 1
    assert bank.calls.count(("POST", "/phone/approve")) == 1


def test_a_frame_that_came_too_late_is_followed_by_another_scan(bank: ScriptedBank) -> None:
    old = frame(FRAME.replace(".3.", ".1."))
    bank.streams = [[WAITING, old, old, frame(), *DECIDED]]
    assert approve_url(URL) == f"{CALLBACK}&code=abc"


def test_three_frames_too_late_are_enough(bank: ScriptedBank) -> None:
    old = frame(FRAME.replace(".3.", ".1."))
    bank.streams = [[WAITING, old, old, old, frame(), *DECIDED]]
    with pytest.raises(CodeNotAccepted):
        approve_url(URL)


def test_frames_after_the_scan_are_not_scanned_again(bank: ScriptedBank) -> None:
    bank.streams = [[WAITING, frame(), frame(), frame(), *DECIDED]]
    approve_url(URL)
    assert bank.calls.count(("POST", "/phone/claim")) == 1


@pytest.mark.parametrize("state", ["killed", "expired", "lapsed", "redirected"])
def test_a_journey_that_ends_otherwise_is_named(bank: ScriptedBank, state: str) -> None:
    data = f'event: state\ndata: {{"state":"{state}","reason":"superseded"}}\n\n'
    bank.streams = [[WAITING, data.encode()]]
    with pytest.raises(JourneyEnded, match="superseded") as raised:
        approve_url(URL)
    assert (raised.value.code, raised.value.state) == (f"journey_{state}", state)


def test_a_stream_that_ends_without_a_decision_is_named(bank: ScriptedBank) -> None:
    bank.streams = [[WAITING]]
    with pytest.raises(JourneyEnded, match="without a decision"):
        approve_url(URL)


def test_an_approval_has_a_limit_in_time(bank: ScriptedBank) -> None:
    bank.streams = [[WAITING, "never"]]
    with pytest.raises(TookTooLong, match=r"0\.05 s"):
        approve_url(URL, timeout=0.05)


def test_an_error_that_goes_straight_back_to_the_client_is_given(bank: ScriptedBank) -> None:
    location = "http://127.0.0.1:8001/callback?error=invalid_scope"
    bank.script["GET", "/auth"] = lambda _: httpx2.Response(303, headers={"Location": location})
    assert approve_url(URL) == location
    assert len(bank.calls) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"client": {"client_id": "c2", "name": "B", "legal_name": "B", "verified": True}},
        {"scope": ["accounts", "balances", "transactions"]},
        {"recurring": False},
        {"valid_until": "2027-02-21T15:14:06Z"},
        {"valid_until": "2027-02-21T15:04:04Z"},
    ],
    ids=str,
)
def test_a_document_other_than_the_screens_before_is_not_signed(
    bank: ScriptedBank, changed: dict[str, object]
) -> None:
    bank.edit_document = lambda document: {**document, **changed}
    with pytest.raises(ConsentNotTrusted):
        approve_url(URL)
    assert ("POST", "/phone/approve") not in bank.calls


def test_a_document_may_end_later_by_the_time_spent_on_choosing(bank: ScriptedBank) -> None:
    bank.edit_document = lambda document: {**document, "valid_until": "2027-02-21T15:14:05Z"}
    assert approve_url(URL) == f"{CALLBACK}&code=abc"


@anyio
async def test_a_kept_phone_approves_and_signs_in_when_it_must(bank: ScriptedBank) -> None:
    http = bank.client()
    phone = Phone(ISSUER, http, clock=lambda: bank.time)
    await phone.enrol("c0de")
    assert await approve_url_async(URL, phone=phone, http=http) == f"{CALLBACK}&code=abc"
    assert ("POST", "/phone/sign-in") not in bank.calls
    bank.time += 1000
    bank.streams = [[WAITING, frame(), *DECIDED]]
    await approve_url_async(URL, phone=phone, http=http)
    assert bank.calls.count(("POST", "/phone/sign-in")) == 1
    assert not any("/sandbox/" in path for _, path in bank.calls)
    assert not http.is_closed


def test_a_saved_phone_approves(bank: ScriptedBank) -> None:
    async def save() -> dict[str, object]:
        phone = Phone(ISSUER, bank.client())
        await phone.enrol("c0de")
        return phone.to_dict()

    saved = asyncio.run(save())
    assert approve_url(URL, phone=saved) == f"{CALLBACK}&code=abc"
    with pytest.raises(PhoneError, match="Both"):
        approve_url(URL, "anna", phone=saved)
    other = {**saved, "issuer": "https://bank.example"}
    with pytest.raises(PhoneError, match=r"bank\.example"):
        approve_url(URL, phone=other)


@anyio
async def test_blocking_in_an_event_loop_is_named() -> None:
    with pytest.raises(PhoneError, match="event loop") as raised:
        approve_url(URL)
    assert raised.value.code == "event_loop_running"


def test_an_unprotected_issuer_is_never_asked() -> None:
    with pytest.raises(UnsafeIssuer) as raised:
        approve_url("http://bank.example/auth?client_id=c1")
    assert raised.value.__context__ is None  # nothing of our own stands in the traceback


def test_a_server_that_is_not_there_is_named() -> None:
    with pytest.raises(NotReachable, match=r"127\.0\.0\.1"):
        approve_url("http://127.0.0.1:1/auth?client_id=c1")
