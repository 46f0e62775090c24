"""Weaknesses to plant in a server in this process: each takes one guard away."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from webauthn import verify_authentication_response

from endorse.core import (
    access,
    approve,
    authorize,
    enrol,
    frame,
    grants,
    proof,
    redeem,
    refusal,
    ways,
)
from endorse.core.change import Decision
from endorse.core.coding import from_b64url
from endorse.core.model import Journey
from endorse.core.proof import Assertion, Passkey
from endorse.risk import Circumstances, Verdict
from endorse.server import connect, near, pages, resume, stream
from endorse.store import reads
from tests.serving import Served

Plant = Callable[[Served, pytest.MonkeyPatch], None]
WEAKNESSES: list[Any] = []


def weakness(*attacks: str) -> Callable[[Plant], Plant]:
    """List a weakness with the attacks that must get through because of it."""

    def listed(plant: Plant) -> Plant:
        WEAKNESSES.extend(
            pytest.param(plant, number, id=f"{plant.__name__}-{number}") for number in attacks
        )
        return plant

    return listed


@weakness("1")
def the_age_of_a_frame_is_ignored(served: Served, patch: pytest.MonkeyPatch) -> None:
    law = msgspec.structs.replace(served.desk.law, frame_lives=10**6)
    served.desk.terms = msgspec.structs.replace(served.desk.terms, law=law)


@weakness("2", "6")
def the_mac_of_a_frame_is_not_checked(served: Served, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(frame, "same", lambda *_: True)


@weakness("3")
def the_mac_leaves_out_the_second(served: Served, patch: pytest.MonkeyPatch) -> None:
    real = frame._mac
    patch.setattr(
        frame, "_mac", lambda key, issuer, journey, _, still: real(key, issuer, journey, 0, still)
    )


@weakness("4")
def a_second_scan_changes_nothing(served: Served, patch: pytest.MonkeyPatch) -> None:
    real = approve.claim

    def claim(*facts: Any) -> Any:
        decision = real(*facts)
        spoilt = decision.answer is refusal.ALREADY_SCANNED
        return Decision(decision.answer) if spoilt else decision

    patch.setattr(approve, "claim", claim)


@weakness("5")
def each_way_back_makes_a_new_code(served: Served, patch: pytest.MonkeyPatch) -> None:
    real = authorize.reply

    def reply(*facts: Any) -> Any:
        decision = real(*facts)
        pairs = getattr(decision.answer, "pairs", ())
        if not pairs:
            return decision
        fresh = secrets.token_hex(4).encode()
        other = [(name, fresh + it if name == "code" else it) for name, it in pairs]
        again = msgspec.structs.replace(decision.answer, pairs=tuple(other))
        return Decision(again, decision.changes)

    patch.setattr(authorize, "reply", reply)


@weakness("5", "12")
def a_code_used_twice_ends_nothing(served: Served, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(redeem, "_ended_by_misuse", lambda *_: ())


@weakness("7", "14")
def any_number_is_taken(served: Served, patch: pytest.MonkeyPatch) -> None:
    real = approve.match

    def match(journey: Journey | None, who: Any, _: int | None, *rest: Any) -> Any:
        return real(journey, who, journey.number if journey else None, *rest)

    patch.setattr(approve, "match", match)


@weakness("7", "14", "6")
def a_wrong_number_may_be_tried_again(served: Served, patch: pytest.MonkeyPatch) -> None:
    real = approve.match

    def match(*facts: Any) -> Any:
        decision = real(*facts)
        wrong = decision.answer is refusal.NUMBER_WRONG
        return Decision(decision.answer) if wrong else decision

    patch.setattr(approve, "match", match)


@weakness("8", "17")
def the_origin_of_a_passkeys_answer_is_ignored(served: Served, patch: pytest.MonkeyPatch) -> None:
    real = proof.asserted

    def asserted(credential: bytes, passkey: Passkey, challenge: str, _: str, rp: str) -> Any:
        response = msgspec.json.decode(credential)["response"]
        said = msgspec.json.decode(from_b64url(response["clientDataJSON"]) or b"")
        return real(credential, passkey, challenge, said["origin"], rp)

    patch.setattr(proof, "asserted", asserted)


@weakness("8b")
def the_risk_check_sees_nothing(served: Served, patch: pytest.MonkeyPatch) -> None:
    class Blind:
        async def weigh(self, it: Circumstances) -> Verdict:
            return Verdict(level="green")

    patch.setattr(served.desk, "risk", Blind())


@weakness("9")
def a_link_needs_no_return(served: Served, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Journey, "may_resume", property(lambda _: True))


@weakness("9")
def a_return_needs_no_cookie(served: Served, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(resume, "_holds_secret", lambda *_: True)


@weakness("10")
def a_link_is_read_wherever_it_stands(served: Served, patch: pytest.MonkeyPatch) -> None:
    real = ways.read
    patch.setattr(
        ways,
        "read",
        lambda text, issuer: real(text, issuer) or real(text.replace("/q#", "/a#"), issuer),
    )


@weakness("10")
def the_code_lives_on_beside_the_link(served: Served, patch: pytest.MonkeyPatch) -> None:
    real = ways.counts

    def counts(handle: Any, journey: Journey, *rest: Any) -> bool:
        shown = msgspec.structs.replace(journey, lid_hash=None)
        return real(handle, shown if isinstance(handle, frame.Frame) else journey, *rest)

    patch.setattr(ways, "counts", counts)


@weakness("11")
def the_cookie_is_not_compared(served: Served, patch: pytest.MonkeyPatch) -> None:
    async def of_browser(desk: Any, request: Any) -> Any:
        short = str(request.path_params["short"])
        return await desk.store.read(lambda db: reads.journey_by_short(db, short))

    for module in (connect, near, resume, stream):
        patch.setattr(module, "of_browser", of_browser)


@weakness("12")
def the_code_verifier_is_ignored(served: Served, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(redeem, "pkce_holds", lambda *_: True)


@weakness("13")
def foreign_pages_are_taken_for_ours(served: Served, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(connect, "from_our_page", lambda *_: True)


@weakness("15")
def pages_may_be_framed(served: Served, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        pages, "_HEADERS", {k: v for k, v in pages._HEADERS.items() if k != "X-Frame-Options"}
    )
    real = pages.Pages._answer

    def answer(self: Any, *facts: Any) -> Any:
        made = real(self, *facts)
        made.headers["Content-Security-Policy"] = "default-src 'self'"
        return made

    patch.setattr(pages.Pages, "_answer", answer)


@weakness("16")
def any_document_may_be_signed(served: Served, patch: pytest.MonkeyPatch) -> None:
    real = approve.approve

    def any_challenge(journey: Any, phone: Any, standing: Any, signed: Any, *rest: Any) -> Any:
        if isinstance(signed, Assertion) and journey is not None:
            signed = msgspec.structs.replace(signed, challenge=journey.challenge)
        return real(journey, phone, standing, signed, *rest)

    patch.setattr(approve, "approve", any_challenge)


@weakness("16")
def foreign_accounts_may_be_chosen(served: Served, patch: pytest.MonkeyPatch) -> None:
    everybody: dict[str, Any] = {}
    real = served.desk.bank.accounts

    async def accounts(person_id: str) -> Any:
        own = await real(person_id)
        everybody.update({account.resource_id: account for account in own})
        return list(everybody.values())

    patch.setattr(served.desk.bank, "accounts", accounts)


@weakness("17")
def user_verification_is_not_asked(served: Served, patch: pytest.MonkeyPatch) -> None:
    def verify(**facts: Any) -> Any:
        return verify_authentication_response(**{**facts, "require_user_verification": False})

    patch.setattr(proof, "verify_authentication_response", verify)


@weakness("17")
def a_session_works_with_any_device_key(served: Served, patch: pytest.MonkeyPatch) -> None:
    real = enrol.admitted
    patch.setattr(
        enrol,
        "admitted",
        lambda found, device, now: real(found, found.device if found else device, now),
    )


@weakness("18")
def every_waiting_request_is_on_every_phone(served: Served, patch: pytest.MonkeyPatch) -> None:
    async def journeys(db: Any, person_id: str) -> Any:
        own = await db.one("SELECT phone_id FROM phones WHERE person_id = ?1", person_id)
        rows = await db.all("SELECT qid FROM journeys WHERE state = 'waiting'")
        found = [await reads.journey_by_qid(db, row[0]) for row in rows]
        return [msgspec.structs.replace(it, phone_id=own[0]) for it in found if it]

    patch.setattr(reads, "live_of_person", journeys)


@weakness("19")
def the_page_hears_who_scanned(served: Served, patch: pytest.MonkeyPatch) -> None:
    real = stream._Page._state

    def state(self: Any, name: str, now: int) -> str:
        said = msgspec.json.decode(real(self, name, now))
        return msgspec.json.encode({**said, "person": self._journey.person_id}).decode()

    patch.setattr(stream._Page, "_state", state)


@weakness("20")
def unknown_codes_have_an_error_of_their_own(served: Served, patch: pytest.MonkeyPatch) -> None:
    real = approve.claim

    def claim(handle: Any, journey: Journey | None, *rest: Any) -> Any:
        unknown: Decision[Journey] = Decision(refusal.JOURNEY_NOT_FOUND)
        return real(handle, journey, *rest) if journey else unknown

    patch.setattr(approve, "claim", claim)


@weakness("21")
def connections_are_everybodys(served: Served, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(grants, "held", lambda grant, _: grant or refusal.JOURNEY_NOT_FOUND)


@weakness("22")
def the_end_of_a_connection_is_not_looked_at(served: Served, patch: pytest.MonkeyPatch) -> None:
    real = access.check

    def check(found: Any, *rest: Any) -> Any:
        alive = msgspec.structs.replace(found, ended_at=None) if found else None
        return real(alive, *rest)

    patch.setattr(access, "check", check)
