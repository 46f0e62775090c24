"""Attack 12: the attacker gets hold of an authorization code, or slips one in from another server.

It fails because a code is bound to its client, its redirect URI and its PKCE challenge, lives for a
minute and works once: its second use takes back what the first one gave. The answer names its
issuer (RFC 9207), so a client notices a mix-up.
"""

from __future__ import annotations

import pytest

from endorse.audit import Outcome
from tests.attacks.trying import tried
from tests.flows import play
from tests.serving import Served

pytestmark = pytest.mark.anyio


async def test_a_code_is_worth_nothing_to_anybody_but_its_client(served: Served) -> None:
    finding = await tried(served, "12")
    assert finding.outcome is Outcome.HELD, finding.seen


async def test_another_registered_client_cannot_redeem_it(served: Served) -> None:
    code = await play.code_for(served, await play.phone_of(served))
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": served.app.redirect_uri,
        "client_id": served.public_app.client_id,
        "code_verifier": "v" * 43,
    }
    answer = await served.http.post(served.url("/token"), data=form)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert (await play.redeem(served, code)).status_code == 200
