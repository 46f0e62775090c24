"""What the command line does to a client counts for a server that has the client in memory."""

from __future__ import annotations

import json

import pytest

from tests.flows.commands import endorse
from tests.serving import Served
from tests.store import looking

pytestmark = pytest.mark.anyio


async def status(served: Served, secret: str) -> int:
    """How the server answers an introspection with this secret."""
    url, body = served.url("/introspect"), {"token": "ea_unknown"}
    answer = await served.http.post(url, data=body, auth=(served.app.client_id, secret))
    return answer.status_code


async def by_hand(served: Served, *arguments: str) -> str:
    """Run a command on the server's database, and let the second pass that a server has then."""
    done = await endorse("client", "--database", served.desk.settings.database, *arguments)
    assert done.returncode == 0, done.stderr
    # The server's clock stands still, the command's does not.
    served.clock.move(60)
    looking.a_second_later(served.desk.store)
    return done.stdout


async def test_a_rotated_secret_and_a_removed_client_are_refused_within_a_second(
    served: Served,
) -> None:
    client_id = served.app.client_id
    assert await status(served, served.app.secret) == 200
    rotated = await by_hand(served, "rotate", client_id, "--overlap-days=0", "--json")
    assert await status(served, served.app.secret) == 401
    secret = json.loads(rotated)["client_secret"]
    assert await status(served, secret) == 200
    await by_hand(served, "remove", client_id)
    assert await status(served, secret) == 401
