"""Tokens that only the holder of a key can use, at the token endpoint and at the bank."""

from __future__ import annotations

from typing import Any

import httpx2
import msgspec
import pytest

from endorse.core.change import ChangeClient
from endorse.core.metadata import FAPI2, PLAIN
from endorse.store import reads
from tests.dpop import DpopKey
from tests.flows import play
from tests.flows.test_client_keys import assertion, registered
from tests.serving import Served

pytestmark = pytest.mark.anyio

VERIFIER = "v" * 43
CHALLENGE = "7w_YNF9DSfIdPf_pRjSq646_kPr-2-o9NAl16JGghdM"


class Client:
    """A client that proves a key with each call; it keeps the nonce that it is given."""

    def __init__(self, served: Served, public: bool = False) -> None:
        self.served = served
        self.key = DpopKey()
        self.app = served.public_app if public else served.app
        self.public = public
        self.nonce: str | None = None

    def proof(self, method: str, path: str, token: str | None = None, **changed: Any) -> str:
        claims = {"nonce": self.nonce, **changed}
        url = self.served.url(path)
        return self.key.proof(method, url, self.served.clock(), token, **claims)

    async def token(self, proof: str | None = None, **form: str) -> httpx2.Response:
        sent = {"DPoP": self.proof("POST", "/token") if proof is None else proof}
        headers = {name: value for name, value in sent.items() if value}
        url, http = self.served.url("/token"), self.served.http
        if self.public:
            named = {**form, "client_id": self.app.client_id}
            return await http.post(url, data=named, headers=headers)
        return await http.post(url, data=form, headers=headers, auth=self.app.basic)

    async def redeem(self, code: str, proof: str | None = None) -> httpx2.Response:
        form = {"code": code, "redirect_uri": self.app.redirect_uri}
        if self.public:
            form["code_verifier"] = VERIFIER
        return await self.token(proof, grant_type="authorization_code", **form)

    async def connected(self, **asked: str | None) -> dict[str, Any]:
        code = await self.code(**asked)
        answer = await self.redeem(code)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def code(self, **asked: str | None) -> str:
        if self.public:
            pkce = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
            asked = {**pkce, "client_id": self.app.client_id, **asked}
        return await play.code_for(self.served, await play.phone_of(self.served), (), **asked)

    async def refresh(self, refresh_token: str, proof: str | None = None) -> httpx2.Response:
        return await self.token(proof, grant_type="refresh_token", refresh_token=refresh_token)

    async def bank(
        self, token: str, proof: str | None = None, scheme: str = "DPoP", path: str = "/v1/accounts"
    ) -> httpx2.Response:
        shown = self.proof("GET", path, token) if proof is None else proof
        headers = {"Authorization": f"{scheme} {token}", **({"DPoP": shown} if shown else {})}
        return await self.served.http.get(self.served.url(path), headers=headers)


def said(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("error", "")


def challenged(answer: httpx2.Response) -> tuple[int, str]:
    assert answer.headers["www-authenticate"].startswith("DPoP "), answer.headers
    assert 'algs="ES256 PS256' in answer.headers["www-authenticate"]
    error = answer.headers["www-authenticate"].partition('error="')[2].partition('"')[0]
    return answer.status_code, error


@pytest.mark.spec("RFC 9449 5", "token_type is DPoP for a token that is bound to the proof's key")
async def test_a_proof_binds_the_token_and_each_call_proves_the_key(served: Served) -> None:
    client = Client(served)
    got = await client.connected()
    assert got["token_type"] == "DPoP"
    answer = await client.bank(got["access_token"])
    assert answer.status_code == 200, answer.text
    lower = await client.bank(got["access_token"], scheme="dpop")
    assert lower.status_code == 200
    account = answer.json()["accounts"][0]["resourceId"]
    path = f"/v1/accounts/{account}/balances?x=1"
    proof = client.proof("GET", path.partition("?")[0], got["access_token"])
    assert (await client.bank(got["access_token"], proof, path=path)).status_code == 200


async def test_without_a_proof_the_token_is_a_bearers(served: Served) -> None:
    client = Client(served)
    answer = await client.redeem(await client.code(), "")
    assert answer.json()["token_type"] == "Bearer"
    assert "dpop-nonce" not in answer.headers
    token = answer.json()["access_token"]
    assert await play.opens(served, token)
    assert challenged(await client.bank(token)) == (401, "invalid_token")


@pytest.mark.spec("RFC 9449 7.2", "a token that is bound by DPoP is refused as a Bearer token")
async def test_a_bound_token_is_worth_nothing_without_its_key(served: Served) -> None:
    client, thief = Client(served), Client(served)
    token = (await client.connected())["access_token"]
    assert not await play.opens(served, token)
    assert (await client.bank(token, scheme="Bearer")).status_code == 401
    assert challenged(await thief.bank(token)) == (401, "invalid_token")
    assert challenged(await client.bank(token, "")) == (401, "invalid_dpop_proof")
    assert (await client.bank(token)).status_code == 200


@pytest.mark.spec("RFC 9449 4.3", "at a resource, a proof is of this method, address and token")
async def test_a_proof_for_another_call_is_refused_at_the_bank(served: Served) -> None:
    client = Client(served)
    token = (await client.connected())["access_token"]
    path = "/v1/accounts"
    now = served.clock()
    for proof in (
        client.proof("POST", path, token),
        client.proof("GET", path + "/x", token),
        client.proof("GET", path, token + "x"),
        client.proof("GET", path),
        client.proof("GET", path, token, iat=now - 11),
        client.proof("GET", path, token, iat=now + 11),
        client.proof("GET", path, token, jti=None),
        "nonsense",
    ):
        assert challenged(await client.bank(token, proof)) == (401, "invalid_dpop_proof")


async def test_a_proof_that_comes_twice_in_one_call_is_refused(served: Served) -> None:
    client = Client(served)
    token = (await client.connected())["access_token"]
    headers = [("Authorization", f"DPoP {token}")]
    headers += [("DPoP", client.proof("GET", "/v1/accounts", token)) for _ in range(2)]
    answer = await served.http.get(served.url("/v1/accounts"), headers=headers)
    assert challenged(answer) == (401, "invalid_dpop_proof")


@pytest.mark.spec("RFC 9449 11.1", "a proof is taken once")
async def test_a_proof_is_good_for_one_call_at_the_bank(served: Served) -> None:
    client = Client(served)
    token = (await client.connected())["access_token"]
    proof = client.proof("GET", "/v1/accounts", token)
    answers = await play.together(*(client.bank(token, proof) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 9
    served.clock.move(10)
    assert challenged(await client.bank(token, proof)) == (401, "invalid_dpop_proof")


@pytest.mark.spec("RFC 9449 11.1", "a proof gives tokens once, whatever comes at the same moment")
async def test_a_proof_is_good_for_one_answer_of_the_token_endpoint(served: Served) -> None:
    client = Client(served)
    refresh_token = (await client.connected())["refresh_token"]
    proof = client.proof("POST", "/token")
    calls = (client.refresh(refresh_token, proof) for _ in range(10))
    answers = await play.together(*calls)
    assert sorted(said(answer) for answer in answers) == [
        (200, ""),
        *[(400, "invalid_dpop_proof")] * 9,
    ]


async def test_a_call_that_got_nothing_leaves_its_proof(served: Served) -> None:
    client = Client(served)
    code, proof = await client.code(), client.proof("POST", "/token")
    assert said(await client.redeem(code + "x", proof)) == (400, "invalid_grant")
    assert said(await client.redeem(code, proof)) == (200, "")


@pytest.mark.parametrize(
    "changed",
    [{"htm": "GET"}, {"htu": "https://evil.example/token"}, {"jti": None}, {"iat": 1}],
    ids=str,
)
async def test_a_bad_proof_gets_no_token_and_the_code_stays_good(
    served: Served, changed: dict[str, Any]
) -> None:
    client = Client(served)
    code = await client.code()
    bad = await client.redeem(code, client.proof("POST", "/token", **changed))
    assert said(bad) == (400, "invalid_dpop_proof")
    assert (await client.redeem(code)).status_code == 200


async def test_the_address_of_a_proof_is_the_issuers_whatever_host_is_said(served: Served) -> None:
    client = Client(served)
    code = await client.code()
    proof = client.key.proof("POST", "https://evil.example/token", served.clock())
    assert said(await client.redeem(code, proof)) == (400, "invalid_dpop_proof")


@pytest.mark.spec("RFC 9449 5", "a public client's refresh token is bound to its key")
async def test_the_refresh_token_of_a_public_client_is_bound(served: Served) -> None:
    client, thief = Client(served, public=True), Client(served, public=True)
    refresh_token = (await client.connected())["refresh_token"]
    assert said(await thief.refresh(refresh_token)) == (400, "invalid_grant")
    assert said(await client.refresh(refresh_token, "")) == (400, "invalid_grant")
    answer = await client.refresh(refresh_token)
    assert answer.json()["token_type"] == "DPoP"
    assert said(await thief.refresh(answer.json()["refresh_token"])) == (400, "invalid_grant")


async def test_a_client_with_a_secret_may_change_its_key(served: Served) -> None:
    client, next_key = Client(served), Client(served)
    refresh_token = (await client.connected())["refresh_token"]
    token = (await next_key.refresh(refresh_token)).json()["access_token"]
    assert (await next_key.bank(token)).status_code == 200
    assert (await client.bank(token)).status_code == 401


async def demanding(served: Served, **metadata: Any) -> None:
    """Register more for the app with a secret."""
    store = served.desk.store
    known = await store.read(lambda db: reads.client(db, served.app.client_id))
    assert known is not None
    changed = msgspec.structs.replace(known.metadata, **metadata)
    await store.change([ChangeClient(msgspec.structs.replace(known, metadata=changed))], 0)


@pytest.mark.spec("RFC 9449 5.2", "a client registered for bound tokens gets no others")
async def test_a_client_that_registered_for_it_gets_no_token_without_a_proof(
    served: Served,
) -> None:
    client = Client(served)
    code = await client.code()
    await demanding(served, dpop_bound_access_tokens=True)
    try:
        no = await client.redeem(code, "")
        assert said(no) == (400, "invalid_request")
        assert "DPoP header" in no.json()["error_description"]
        assert (await client.redeem(code)).status_code == 200
    finally:
        await demanding(served, dpop_bound_access_tokens=False)


@pytest.mark.spec("RFC 9449 8", "a proof without the demanded nonce is answered use_dpop_nonce")
async def test_a_strict_client_must_prove_with_the_servers_nonce(served: Served) -> None:
    registration = await registered(served, FAPI2)
    client = Client(served)

    async def ask(jti: str, proof: str) -> httpx2.Response:
        form = {"grant_type": "refresh_token", "refresh_token": "er_nothing"}
        form |= assertion(served, registration, jti)
        headers = {"DPoP": proof} if proof else {}
        return await served.http.post(served.url("/token"), data=form, headers=headers)

    bare = await ask("n0", "")
    assert said(bare) == (400, "invalid_request")
    assert bare.headers["dpop-nonce"]
    no = await ask("n1", client.proof("POST", "/token"))
    assert said(no) == (400, "use_dpop_nonce")
    assert no.headers["cache-control"] == "no-store"
    client.nonce = no.headers["dpop-nonce"]
    good = await ask("n2", client.proof("POST", "/token"))
    assert said(good) == (400, "invalid_grant")  # the proof is good, the token is nothing
    served.clock.move(2 * served.desk.law.nonce)
    old = await ask("n3", client.proof("POST", "/token"))
    assert said(old) == (400, "use_dpop_nonce")
    assert old.headers["dpop-nonce"] != client.nonce
    client.nonce = "x" * 22
    assert said(await ask("n4", client.proof("POST", "/token"))) == (400, "use_dpop_nonce")


@pytest.mark.spec("RFC 9449 9", "at a resource, a missing nonce is answered 401 use_dpop_nonce")
async def test_a_strict_clients_calls_of_the_bank_need_a_nonce(served: Served) -> None:
    client = Client(served)
    token = (await client.connected())["access_token"]
    store = served.desk.store
    known = await store.read(lambda db: reads.client(db, served.app.client_id))
    assert known is not None
    for profile in (FAPI2, PLAIN):
        changed = msgspec.structs.replace(known, profile=profile)
        await store.change([ChangeClient(changed)], 0)
        answer = await client.bank(token)
        if profile == PLAIN:
            assert answer.status_code == 200
            continue
        assert challenged(answer) == (401, "use_dpop_nonce")
        client.nonce = answer.headers["dpop-nonce"]
        assert (await client.bank(token)).status_code == 200
        client.nonce = None


async def test_any_client_may_use_a_nonce_and_then_it_must_be_good(served: Served) -> None:
    client = Client(served)
    answer = await client.redeem(await client.code())
    client.nonce = answer.headers["dpop-nonce"]
    token = answer.json()["access_token"]
    assert (await client.bank(token)).status_code == 200
    client.nonce = "stale"
    assert challenged(await client.bank(token)) == (401, "use_dpop_nonce")


async def test_a_call_without_a_token_is_told_both_schemes(served: Served) -> None:
    answer = await served.http.get(served.url("/v1/accounts"))
    schemes = answer.headers["www-authenticate"]
    assert schemes.startswith('Bearer realm="endorse", DPoP realm="endorse", algs="')
    assert "error" not in schemes


async def test_a_narrowed_or_ended_grant_is_dead_for_a_bound_token_too(served: Served) -> None:
    client = Client(served)
    got = await client.connected()
    revoked = await served.http.post(
        served.url("/revoke"), data={"token": got["refresh_token"]}, auth=served.app.basic
    )
    assert revoked.status_code == 200
    assert challenged(await client.bank(got["access_token"])) == (401, "invalid_token")


@pytest.mark.spec("RFC 9449 10", "a code for one key is not redeemed with another")
async def test_a_code_that_was_asked_for_one_key_is_good_for_that_key(served: Served) -> None:
    client, thief = Client(served), Client(served)
    code = await client.code(dpop_jkt=client.key.thumbprint)
    assert said(await thief.redeem(code)) == (400, "invalid_grant")
    assert said(await client.redeem(code, "")) == (400, "invalid_grant")
    assert said(await client.redeem(code)) == (200, "")


async def push(client: Client, proof: str, **asked: str) -> httpx2.Response:
    form = {
        "response_type": "code",
        "client_id": client.app.client_id,
        "redirect_uri": client.app.redirect_uri,
        "scope": "accounts",
        **asked,
    }
    return await client.served.http.post(
        client.served.url("/par"), data=form, headers={"DPoP": proof}, auth=client.app.basic
    )


@pytest.mark.spec("RFC 9449 10.1", "the proof of a pushed request counts as its dpop_jkt")
async def test_a_proof_beside_a_pushed_request_pins_its_code(served: Served) -> None:
    client, thief = Client(served), Client(served)
    pushed = await push(client, client.proof("POST", "/par"))
    assert pushed.status_code == 201, pushed.text
    assert pushed.headers["dpop-nonce"]
    only = dict.fromkeys(("response_type", "redirect_uri", "state", "scope"))
    code = await client.code(**only, request_uri=pushed.json()["request_uri"])
    assert said(await thief.redeem(code)) == (400, "invalid_grant")
    assert said(await client.redeem(code)) == (200, "")


@pytest.mark.spec("RFC 9449 10.1", "a pushed request with two keys is refused")
async def test_a_pushed_request_with_two_keys_or_a_used_proof_is_refused(served: Served) -> None:
    client = Client(served)
    bad = (400, "invalid_dpop_proof")
    other = DpopKey().thumbprint
    assert said(await push(client, client.proof("POST", "/par"), dpop_jkt=other)) == bad
    assert said(await push(client, client.proof("POST", "/token"))) == bad
    proof = client.proof("POST", "/par")
    mine = client.key.thumbprint
    assert (await push(client, proof, dpop_jkt=mine)).status_code == 201
    assert said(await push(client, proof)) == bad
