"""Attack 13: a link preview, a prefetch or a foreign page begins a journey without the person.

It fails because opening the authorization URL stores nothing and shows no code: it takes a POST
from our own page, told by Fetch Metadata or, where absent, by Origin. "null" is nobody.
"""

from __future__ import annotations

import pytest

from endorse.audit import Outcome
from tests.attacks.trying import tried
from tests.flows.rows import counts
from tests.serving import Served

pytestmark = pytest.mark.anyio


async def test_neither_a_get_nor_a_foreign_page_begins_anything(served: Served) -> None:
    finding = await tried(served, "13")
    assert finding.outcome is Outcome.HELD, finding.seen


async def test_opening_the_page_stores_nothing(served: Served) -> None:
    before = await counts(served)
    for purpose in ("prefetch", "prefetch;prerender"):
        headers = {"Sec-Purpose": purpose}
        page = await served.http.get(served.authorize_url(), headers=headers)
        assert page.status_code == 200
    assert await counts(served) == before
