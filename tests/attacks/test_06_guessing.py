"""Attack 6: the attacker guesses: handles, macs, links, letters, the two digits on the page.

It fails because handles have 128 bits and links 256; eight letters have 34, live for five minutes
and allow five misses a person in ten; the number has one try, and three misses in an hour stop the
person's claims for the next one. Ten misses a minute slow a phone down.
"""

from __future__ import annotations

import msgspec
import pytest

from endorse.audit import Outcome
from endorse.core.policy import HOUR, Policy
from tests import parts
from tests.attacks.trying import tried
from tests.flows import play
from tests.flows.play import QUICK, quiet_client
from tests.serving import Served, serving

pytestmark = pytest.mark.anyio

STRICT = Policy()
LIMITED = msgspec.structs.replace(
    QUICK,
    bad_claims_a_minute=STRICT.bad_claims_a_minute,
    wrong_numbers=STRICT.wrong_numbers,
    wrong_spellings=STRICT.wrong_spellings,
)
GUESSES = 2_000 if parts.SOAK else 400
"""Of each of five secrets: ten thousand in all in a long run."""


async def test_of_thousands_of_guesses_none_hits_and_the_limits_set_in(database: str) -> None:
    async with serving(database, LIMITED) as served, quiet_client() as http:
        served.http = http
        finding = await tried(served, "6", guesses=GUESSES)
        assert finding.outcome is Outcome.HELD, finding.seen
        assert "limits of tries and of wrong numbers set in" in finding.seen


async def test_without_limits_it_is_no_sandbox_that_would_pass(database: str) -> None:
    async with serving(database, QUICK, sandbox=True) as served:
        phones = tuple([(await play.somebody(served)).to_dict() for _ in range(2)])
        served.desk.invented = None
        finding = await tried(served, "6", saved=phones)
        assert finding.outcome is Outcome.FAILED
        assert "letters" in finding.seen
        assert "wrong numbers" in finding.seen


async def test_after_three_wrong_numbers_a_person_claims_nothing_for_an_hour(
    database: str,
) -> None:
    async with serving(database, LIMITED) as served:
        phone = await play.somebody(served)
        for _ in range(STRICT.wrong_numbers):
            tab = await play.begun(served)
            journey = (await play.claimed(tab, phone)).journey
            number = await tab.number() or 0
            body = {"journey": journey, "number": 10 + (number - 9) % 90}
            wrong = await phone.call("POST", "/phone/match", body)
            assert wrong.status_code == 409, wrong.text
        stopped = await phone.call("POST", "/phone/claim", {"code": await tab_frame(served)})
        assert (stopped.status_code, stopped.json()["error"]) == (429, "claims_stopped")
        served.clock.move(HOUR)
        await phone.sign_in()
        good = await phone.call("POST", "/phone/claim", {"code": await tab_frame(served)})
        assert good.status_code == 200, good.text


async def tab_frame(served: Served) -> str:
    """The frame of a new page."""
    return await (await play.begun(served)).frame()
