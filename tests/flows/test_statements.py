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
from endorse.server.known import Known
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


async def test_each_step_of_a_connection_costs_three_statements_at_most(
    served: Served, noted: looking.Statements
) -> None:
    phone = await play.somebody(served)
    tab = play.Tab(served)
    costs: dict[str, int] = {}
    cost(noted)
    await tab.open()
    costs["page"] = cost(noted)
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
    assert costs == {
        "page": 0,
        "start": 1,
        # What is weighed; the facts, in the turn; the move.
        "claim": 3,
        "match": 2,
        "review": 2,
        # The facts, the move, and that it counts among the person's approvals.
        "approve": 3,
        "resume": 3,
    }


async def test_what_a_claim_ends_and_what_a_server_does_not_know_cost_one_statement_each(
    served: Served, noted: looking.Statements
) -> None:
    phone = await play.somebody(served)
    one, two = await play.begun(served), await play.begun(served)
    await play.claimed(one, phone)
    frame = await two.frame()
    served.desk.phones = Known()
    cost(noted)
    await phone.claim(frame)
    assert cost(noted) == 3 + 2, "the phone, and the move of what its person held before"


async def test_a_page_begins_to_wait_by_one_statement(
    served: Served, noted: looking.Statements
) -> None:
    tab = await play.begun(served)
    cost(noted)
    async with tab.listening() as page:
        await page.state("waiting")
    assert cost(noted) == 1, "the journey, which nothing moved meanwhile"
