"""Attack 26: the attacker reads over somebody's shoulder, or asks for, the code to enrol a phone.

It fails because a new phone is pending until somebody who knows the person compared six digits that
come from its key; until then it can do nothing. The first phone is told, and can end it.
"""

from __future__ import annotations

import msgspec
import pytest

from endorse.audit import Outcome
from tests.attacks.trying import bank_phone, tried
from tests.flows.play import QUICK
from tests.serving import Served, serving

pytestmark = pytest.mark.anyio

AS_A_BANK = msgspec.structs.replace(QUICK, confirm_phones=True)


async def test_without_its_digits_a_phone_does_nothing_and_the_first_one_is_told(
    database: str,
) -> None:
    async with serving(database, AS_A_BANK) as served:
        owner = await bank_phone(served)
        finding = await tried(served, "26", saved=(owner.to_dict(),))
        assert finding.outcome is Outcome.HELD, finding.seen


async def test_a_sandbox_is_not_blamed_for_asking_no_digits(served: Served) -> None:
    finding = await tried(served, "26")
    assert finding.outcome is Outcome.NOT_APPLICABLE
    assert "worked once" in finding.seen
