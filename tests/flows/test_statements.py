"""How many statements a request costs, the same on both databases. Takes about three seconds.

What begins and ends a transaction, and what a batch writes at its end for all its requests together
(the audit trail, tokens, notices), is shared: it is counted apart, as a request alone has it.
"""

from __future__ import annotations

import pytest

from endorse.core.change import AddClient
from endorse.core.client import new_secret
from endorse.core.metadata import CLIENT_CREDENTIALS, Metadata
from endorse.core.model import Client
from tests.flows import play
from tests.serving import Served
from tests.store import looking

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("one_server")]


@pytest.fixture
async def noted(served: Served, monkeypatch: pytest.MonkeyPatch) -> looking.Statements:
    """What is run from now on; both clients were asked for before, so that they are known."""
    await served.desk.store.client(served.app.client_id)
    return looking.statements(served.desk.store, monkeypatch)


def cost(noted: looking.Statements) -> int:
    """How many statements were a request's own since the last time."""
    count = len(noted.read) + len(noted.written)
    noted.read.clear()
    noted.written.clear()
    noted.shared.clear()
    return count


async def test_what_clients_ask_all_day_costs_three_statements_at_most(
    served: Served, noted: looking.Statements
) -> None:
    code = await play.code_for(served, await play.somebody(served))
    cost(noted)
    got = (await play.redeem(served, code)).json()
    assert cost(noted) == 3, "code redemption: its journey, which moves, and its grant"
    got = (await play.refresh(served, got["refresh_token"])).json()
    assert cost(noted) == 2, "refresh: the grant, which is rotated"
    access_token = got["access_token"]
    assert await play.opens(served, access_token)
    assert cost(noted) == 1, "API check: the token with its grant and client"
    form = {"token": access_token}
    answer = await served.http.post(served.url("/introspect"), data=form, auth=served.app.basic)
    assert answer.json()["active"]
    assert cost(noted) == 1, "introspection: the same"


async def test_a_token_for_a_client_itself_is_a_row_of_its_batch(
    served: Served, noted: looking.Statements
) -> None:
    secret, stored = new_secret(served.desk.fresh, served.clock())
    robot = Client(
        "robot",
        "Robot",
        "Robot",
        (),
        ("directory",),
        public=False,
        verified=True,
        duration=3600,
        created_at=served.clock(),
        secrets=(stored,),
        metadata=Metadata(grant_types=(CLIENT_CREDENTIALS,)),
    )
    await served.desk.store.change([AddClient(robot)], served.clock())
    await served.desk.store.client("robot")
    cost(noted)
    form = {"grant_type": CLIENT_CREDENTIALS, "scope": "directory"}
    answer = await served.http.post(
        served.url("/token"), data=form, auth=("robot", secret.reveal())
    )
    assert answer.status_code == 200
    assert (noted.written, len(noted.shared)) == ([], 1)
    # The client and its secrets, which PostgreSQL's own news of it may have made forgotten.
    assert cost(noted) in (0, 2)


async def test_a_page_that_nobody_begins_writes_nothing(
    served: Served, noted: looking.Statements
) -> None:
    assert (await play.Tab(served).open()).status_code == 200
    assert noted.written == noted.shared == []
    assert cost(noted) == 0


async def test_the_steps_of_a_connection_cost_seven_statements_at_most(
    served: Served, noted: looking.Statements
) -> None:
    phone = await play.somebody(served)
    tab = play.Tab(served)
    await tab.open()
    costs: dict[str, int] = {}
    cost(noted)
    await tab.start()
    costs["start"] = cost(noted)
    frame = await tab.frame()
    cost(noted)
    journey = (await phone.claim(frame)).journey
    costs["claim"] = cost(noted)
    number = await tab.number()
    cost(noted)
    matched = await phone.match(journey, number)
    costs["match"] = cost(noted)
    accounts = [it.resource_id for it in matched.accounts]
    review = await phone.review(journey, accounts, changes=matched.changes)
    costs["review"] = cost(noted)
    await phone.approve(review)
    costs["approve"] = cost(noted)
    await tab.resume()
    costs["resume"] = cost(noted)
    # Of a claim: the phone, the journey, the browser; then, in one transaction, the journey again,
    # the person's other journeys and tries, and the move.
    most = {"start": 1, "claim": 7, "match": 4, "review": 3, "approve": 6, "resume": 3}
    assert {step: count for step, count in costs.items() if count > most[step]} == {}


async def test_a_page_begins_to_wait_by_one_statement(
    served: Served, noted: looking.Statements
) -> None:
    tab = await play.begun(served)
    cost(noted)
    async with tab.listening() as page:
        await page.state("waiting")
    assert cost(noted) == 1, "the journey, which nothing moved meanwhile"
