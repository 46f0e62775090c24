"""Tricks with signed tokens over HTTP: each at the assertion, the request object and the proof."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey

from tests import strict
from tests.flows import play
from tests.serving import Served

pytestmark = pytest.mark.anyio

Header = dict[str, Any]
Claims = dict[str, Any]


class Forger:
    """Somebody who knows everything that is public of a client, and has a key of his own."""

    def __init__(self, client: strict.Keyed, key: Any, header: Header, claims: Claims) -> None:
        self.client = client
        self.public = key.as_dict(private=False)
        self.pem = key.as_pem(private=False)
        self.header = header
        self.claims = claims
        self.own = ECKey.generate_key("P-256", {"kid": "mine"})

    def by_own(self, **header: Any) -> str:
        """Signed by the forger's own key."""
        return strict.signed(self.own, {**self.header, **header}, self.claims)

    def by_mac(self, secret: bytes, alg: str = "HS256") -> str:
        """With a MAC under something public, which a careless verifier takes for its key."""
        text = strict.unsigned({**self.header, "alg": alg}, self.claims)[:-1]
        return f"{text}.{strict.b64(hmac.digest(secret, text.encode(), hashlib.sha256))}"

    def raw(self, header: str) -> str:
        """With a header whose JSON is written by hand, signed by nobody."""
        body = strict.unsigned({}, self.claims).split(".")[1]
        return f"{strict.b64(header.encode())}.{body}.{strict.b64(bytes(64))}"


def tricks(forger: Forger, listener: str) -> dict[str, str]:
    """Each forged text by the name of its trick."""
    own = forger.own.as_dict(private=False)
    found = {
        f"alg {alg!r}": strict.unsigned({**forger.header, "alg": alg}, forger.claims)
        for alg in ("none", "None", "NONE", "nOnE", "", "null", None, 0, [], ["ES256"], "es256")
    }
    found |= {
        f"alg {alg} with a signature": strict.unsigned(
            {**forger.header, "alg": alg}, forger.claims, strict.b64(bytes(64))
        )
        for alg in ("none", "ES256", "RS256", "EdDSA", "ES256K", "HS256", "dir", "PBES2-HS256")
    }
    secrets = {
        "pem": forger.pem,
        "pem without its end": forger.pem.strip(),
        "jwk": json.dumps(forger.public).encode(),
        "x": str(forger.public.get("x", "")).encode(),
        "raw x": strict.from_b64(str(forger.public.get("x", ""))),
        "nothing": b"",
        "the client": forger.client.client_id.encode(),
    }
    found |= {f"MAC under {name}": forger.by_mac(secret) for name, secret in secrets.items()}
    kids = ["mine", "", "../../../../dev/null", "' OR 1=1 --", "mine\0", "\n", "a" * 3000, listener]
    found |= {f"own key, kid {kid[:20]!r}": forger.by_own(kid=kid) for kid in kids}
    found |= {
        "jku": forger.by_own(jku=listener + "/jwks"),
        "x5u": forger.by_own(x5u=listener + "/x5u"),
        "x5c": forger.by_own(x5c=["MIIB"]),
        "jku without kid": forger.by_own(jku=listener + "/jwks", kid=None),
        "crit": forger.by_own(crit=["exp"]),
        "crit of nothing": forger.by_own(crit=[]),
        "b64": forger.by_own(b64=False),
        "b64, and crit says so": forger.by_own(b64=False, crit=["b64"]),
        "zip": forger.by_own(zip="DEF"),
        "cty": forger.by_own(cty="JWT"),
        "own key in another kind": strict.signed(
            RSAKey.generate_key(2048), {**forger.header, "alg": "PS256"}, forger.claims
        ),
    }
    if "jwk" not in forger.header:
        found["own key brought along"] = forger.by_own(jwk=own)
    typ = forger.header.get("typ", "JWT")
    found |= {
        "two algs": forger.raw(f'{{"alg":"none","alg":"ES256","typ":"{typ}"}}'),
        "no JSON": forger.raw("alg"),
        "a list": forger.raw('["alg"]'),
        "empty header": forger.raw("{}"),
        "five parts": forger.by_own() + ".AAAA.AAAA",
        "two parts": forger.by_own().rsplit(".", 1)[0],
        "JSON serialization": json.dumps(
            dict(
                zip(("protected", "payload", "signature"), forger.by_own().split("."), strict=True)
            )
        ),
        "empty": "..",
        "padded": forger.by_own() + "=",
        "very long": forger.by_own() + "A" * 4000,
    }
    return found


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[str, list[str]]]:
    """A server to which no key may be asked for; its address, and who came."""
    came: list[str] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append((await reader.readline()).decode())
        writer.close()

    server = await asyncio.start_server(note, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", came


Taken = Callable[[str], Awaitable[bool]]


async def all_fail(forger: Forger, taken: Taken, good: str) -> None:
    async with listening() as (listener, came):
        wrong = [how for how, text in tricks(forger, listener).items() if await taken(text)]
        assert wrong == []
        assert came == []
    assert await taken(good)


async def test_no_trick_makes_an_assertion(served: Served) -> None:
    client = await strict.keyed(served)
    header, claims = {"alg": "ES256", "kid": "mine"}, client.assertion_claims()
    forger = Forger(client, client.key, header, claims)

    async def taken(text: str) -> bool:
        form = {"token": "x", **client.asserting(text)}
        answer = await served.http.post(served.url("/revoke"), data=form)
        assert answer.status_code in (200, 400, 401), answer.text
        return answer.status_code == 200

    for more in ({"jku": "https://x.example"}, {"x5u": "https://x.example"}, {"crit": ["exp"]}):
        # Even the client's own key does not make these good: what they mean is not known here.
        text = strict.signed(client.key, {**header, **more}, client.assertion_claims())
        assert not await taken(text), more
    await all_fail(forger, taken, client.assertion()["client_assertion"])


@pytest.mark.spec(
    "RFC 9101 5.2",
    "A request_uri is served only where it was made here; foreign addresses are not fetched",
)
async def test_no_trick_makes_a_request_object_and_nothing_is_fetched(served: Served) -> None:
    client = await strict.keyed(served)
    good = client.request_object()
    forger = Forger(client, client.key, strict.header_of(good), strict.claims_of(good))
    left_out = dict.fromkeys(("response_type", "redirect_uri", "state", "scope"))

    async def taken(text: str) -> bool:
        changed = {**left_out, "client_id": client.client_id, "request": text}
        answer = await play.Tab(served).open(**changed)
        assert answer.status_code in (200, 303, 400), answer.text
        return answer.status_code == 200

    await all_fail(forger, taken, good)
    async with listening() as (listener, came):
        for uri in (listener, listener + "/request.jwt", "urn:x", "file:///etc/passwd"):
            changed = {**left_out, "client_id": client.client_id, "request_uri": uri}
            answer = await play.Tab(served).open(**changed)
            assert answer.status_code == 400, uri
        assert came == []


@pytest.mark.spec("RFC 9449 4.3", "The signature of a proof holds with the key in it")
async def test_no_trick_makes_a_proof(served: Served) -> None:
    client = await strict.keyed(served, profile="fapi2")
    token = (await client.tokens(await play.phone_of(served)))["access_token"]
    url = served.url("/v1/accounts")

    async def taken(text: str) -> bool:
        headers = {"Authorization": f"DPoP {token}", "DPoP": text.replace("\n", "")}
        answer = await served.http.get(url, headers=headers)
        assert answer.status_code in (200, 400, 401), answer.text
        return answer.status_code == 200

    forger = Forger(
        client, client.dpop_key, client.proof_header(), client.proof_claims("GET", url, token)
    )
    await all_fail(forger, taken, client.proof("GET", url, token))


@pytest.mark.spec("RFC 9101 10.8", "A request object cannot be taken for another kind of JWT")
async def test_a_token_of_one_kind_is_not_taken_for_another(served: Served) -> None:
    client = await strict.keyed(served)
    now = served.clock()
    both = {**client.assertion_claims(), **client.request(), "nbf": now}
    for typ in ("oauth-authz-req+jwt", "dpop+jwt", "at+jwt", "logout+jwt", "secevent+jwt"):
        header = {"alg": "ES256", "kid": "mine", "typ": typ}
        form = {"token": "x", **client.asserting(strict.signed(client.key, header, both))}
        answer = await served.http.post(served.url("/revoke"), data=form)
        assert answer.status_code == 400, typ
    left_out = dict.fromkeys(("response_type", "redirect_uri", "state", "scope"))
    for typ in ("client-authentication+jwt", "dpop+jwt", "at+jwt"):
        header = {"alg": "ES256", "kid": "mine", "typ": typ}
        text = strict.signed(client.key, header, both)
        changed = {**left_out, "client_id": client.client_id, "request": text}
        assert (await play.Tab(served).open(**changed)).status_code in (303, 400), typ
