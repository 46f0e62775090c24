"""OAuch's cases of PKCE."""

from __future__ import annotations

import httpx2
import pytest

from tests import strict
from tests.flows import play
from tests.serving import CALLBACK, Served

pytestmark = pytest.mark.anyio

S256 = {"code_challenge": strict.CHALLENGE, "code_challenge_method": "S256"}


def refused(answer: httpx2.Response) -> bool:
    """Whether a request went back as invalid_request."""
    return (
        answer.status_code == 303
        and strict.returned(answer.headers["location"])["error"] == "invalid_request"
    )


async def redeem(served: Served, code: str, **form: str) -> httpx2.Response:
    """Redeem a code with this verifier, or none."""
    good = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    return await play.token(served, **good, **form)


@pytest.mark.spec("RFC 7636 4.2", "S256 is the hash of the verifier in base64url without padding")
async def test_HashedPkceDisabledTest_s256_is_there(served: Served) -> None:
    code = await play.code_for(served, await play.phone_of(served), **S256)
    assert (await redeem(served, code, code_verifier=strict.VERIFIER)).status_code == 200


@pytest.mark.spec("RFC 7636 4.4", "The challenge is bound to the code")
@pytest.mark.spec("RFC 9700 2.1.1", "A verifier without a challenge before is refused")
@pytest.mark.spec("RFC 9700 4.8.2", "PKCE cannot be taken away on the way")
async def test_IsPkceDowngradeDetectedTest_a_verifier_without_a_challenge(
    served: Served,
) -> None:
    code = await play.code_for(served, await play.phone_of(served))
    answer = await redeem(served, code, code_verifier=strict.VERIFIER)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


@pytest.mark.spec(
    "RFC 7636 4.6", "A verifier that does not answer its challenge is refused with invalid_grant"
)
async def test_IsPkceImplementedTest_another_verifier_is_refused(served: Served) -> None:
    code = await play.code_for(served, await play.phone_of(served), **S256)
    answer = await redeem(served, code, code_verifier="b" * 43)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


@pytest.mark.spec("RFC 7636 7.2", "A challenge cannot be changed to plain on the way")
async def test_IsPkcePlainDowngradeDetectedTest_the_challenge_is_no_verifier(
    served: Served,
) -> None:
    code = await play.code_for(served, await play.phone_of(served), **S256)
    answer = await redeem(served, code, code_verifier=strict.CHALLENGE)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


@pytest.mark.spec("RFC 9700 2.1.1", "A public client uses PKCE")
@pytest.mark.spec(
    "RFC 7636 4.4.1",
    "A client that must use PKCE and sends no challenge is refused with invalid_request",
)
async def test_IsPkceRequiredTest_of_public_and_of_strict_clients(served: Served) -> None:
    assert refused(await play.Tab(served).open(client_id=served.public_app.client_id))
    client = await strict.keyed(served, profile="fapi2")
    answer = await client.push(code_challenge=None, code_challenge_method=None)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.spec("RFC 7636 4.5", "A code with a challenge is redeemed only with a verifier")
async def test_IsPkceTokenDowngradeDetectedTest_a_challenge_without_a_verifier(
    served: Served,
) -> None:
    code = await play.code_for(served, await play.phone_of(served), **S256)
    answer = await redeem(served, code)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


@pytest.mark.spec("RFC 7636 4.3", "A method that the server does not know is refused")
@pytest.mark.spec("FAPI 2.0 Security Profile 5.3.2.2", "PKCE with S256 is required")
async def test_PlainPkceDisabledTest_it_is(served: Served) -> None:
    for method in ("plain", None, "s256", "S512"):
        answer = await play.Tab(served).open(
            code_challenge=strict.VERIFIER[:43], code_challenge_method=method
        )
        assert refused(answer), method
    client = await strict.keyed(served, profile="fapi2")
    answer = await client.push(code_challenge_method="plain")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.spec("RFC 7636 4.1", "A verifier is 43 to 128 unreserved characters")
@pytest.mark.parametrize("verifier", ["a" * 42, "a" * 129, "a" * 42 + "+", "a", "é" * 43])
async def test_ShortVerifierTest_one_out_of_form_is_refused(served: Served, verifier: str) -> None:
    challenge = {"code_challenge": strict.s256(verifier), "code_challenge_method": "S256"}
    code = await play.code_for(served, await play.phone_of(served), **challenge)
    answer = await redeem(served, code, code_verifier=verifier)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
