"""What the bank's desk does in another process reaches the pages that wait at this one."""

from __future__ import annotations

import asyncio

import pytest

from endorse.server import phones as desk_side
from endorse.server.run import open_desk, opened
from tests.flows import play
from tests.serving import Served

pytestmark = pytest.mark.anyio

MOMENTS = 5
"""Seconds. A look is taken every second; a busy machine may be late for it."""


@pytest.mark.usefixtures("one_server")
async def test_page_and_phone_learn_within_moments_that_the_phone_was_revoked_elsewhere(
    served: Served,
) -> None:
    phone = await play.somebody(served)
    assert phone.person is not None
    tab, journey = await play.standing(served, phone, "review")
    settings, bank = served.desk.settings, served.desk.bank
    async with opened(await open_desk(settings, bank, clock=served.clock)) as elsewhere:
        watching = asyncio.create_task(phone.watch(journey, "review"))
        async with tab.listening() as page:
            assert (await page.state("review"))["state"] == "review"
            # A phone that asks only after its end is told to sign in.
            await play.until(lambda: served.desk.waiting.count() == 2)
            await desk_side.revoke_at_desk(elsewhere, phone.person.id)
            async with asyncio.timeout(MOMENTS):
                assert (await page.state("killed"))["reason"] == "phone_revoked"
                assert (await watching).state == "killed"
