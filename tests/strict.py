"""A client that holds a key, and writes its own assertions, proofs and requests: also bad ones."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from endorse.core.change import AddClient
from endorse.core.metadata import Metadata
from endorse.core.model import Client
from endorse.core.policy import DAY, SCOPES
from endorse.phone import Phone
from tests.flows import play
from tests.serving import CALLBACK, Served

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
VERIFIER = "a-verifier-of-a-test-that-is-long-enough-for-it"
Key = ECKey | RSAKey | OKPKey


def b64(raw: bytes) -> str:
    """Write base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def from_b64(text: str) -> bytes:
    """Read base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a JWT, unverified."""
    found: dict[str, Any] = json.loads(from_b64(token.split(".")[1]))
    return found


def header_of(token: str) -> dict[str, Any]:
    """The header of a JWT, unverified."""
    found: dict[str, Any] = json.loads(from_b64(token.split(".", maxsplit=1)[0]))
    return found


def s256(text: str) -> str:
    """The hash of a text in base64url, as PKCE and `ath` have it."""
    return b64(hashlib.sha256(text.encode()).digest())


CHALLENGE = s256(VERIFIER)


def signed(key: Any, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """A JWS with this header and these claims; what is set to None is left out.

    Whatever the header says is written: the library's own checks are gone round.
    """
    used = {name: value for name, value in header.items() if value is not None}
    text = unsigned(used, claims)[:-1]
    signature = jws.JWSRegistry.algorithms[used["alg"]].sign(text.encode(), key)
    return f"{text}.{b64(signature)}"


def unsigned(header: dict[str, Any], claims: dict[str, Any], signature: str = "") -> str:
    """A JWS in form alone: nobody signed it."""
    said = {name: value for name, value in claims.items() if value is not None}
    parts = [b64(json.dumps(part).encode()) for part in (header, said)]
    return ".".join([*parts, signature])


@dataclass
class Keyed:
    """A registered client with a key, and how it speaks."""

    served: Served
    client_id: str
    key: Key = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "mine"}))
    dpop_key: Key = field(default_factory=lambda: ECKey.generate_key("P-256"))
    alg: str = "ES256"
    nonce: str = ""

    def assertion_claims(self, **changed: Any) -> dict[str, Any]:
        """What a good assertion says."""
        now = self.served.clock()
        return {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.served.issuer,
            "iat": now,
            "exp": now + 60,
            "jti": secrets.token_urlsafe(16),
            **changed,
        }

    def asserting(self, text: str) -> dict[str, str]:
        """The form's part that brings this assertion."""
        return {"client_assertion": text, "client_assertion_type": JWT_BEARER}

    def assertion(self, **changed: Any) -> dict[str, str]:
        """The form's part that shows this client (RFC 7523 2.2)."""
        claims = self.assertion_claims(**changed)
        return self.asserting(signed(self.key, {"alg": self.alg, "kid": "mine"}, claims))

    def request(self, **changed: Any) -> dict[str, Any]:
        """The parameters of a good authorization request; None leaves one out."""
        good = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": CALLBACK,
            "state": "a state",
            "scope": " ".join(SCOPES),
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **changed,
        }
        return {name: value for name, value in good.items() if value is not None}

    def request_object(self, **changed: Any) -> str:
        """A good signed request object (RFC 9101 4)."""
        now = self.served.clock()
        about = {"iss": self.client_id, "aud": self.served.issuer, "nbf": now, "exp": now + 60}
        header = {"alg": self.alg, "kid": "mine", "typ": "oauth-authz-req+jwt"}
        return signed(self.key, header, {**about, **self.request(), **changed})

    async def push(self, **changed: Any) -> httpx2.Response:
        """Push a good request (RFC 9126 2.1), changed."""
        url = (await metadata(self.served))["pushed_authorization_request_endpoint"]
        form = {**self.request(**changed), **self.assertion()}
        return await self.served.http.post(url, data=form)

    async def pushed(self, **changed: Any) -> str:
        """The request_uri of a good pushed request."""
        answer = await self.push(**changed)
        assert answer.status_code == 201, answer.text
        uri: str = answer.json()["request_uri"]
        return uri

    def proof_claims(self, method: str, url: str, token: str = "", **changed: Any) -> Any:
        """What a good DPoP proof says (RFC 9449 4.2)."""
        return {
            "jti": secrets.token_urlsafe(16),
            "htm": method,
            "htu": url,
            "iat": self.served.clock(),
            "ath": s256(token) if token else None,
            "nonce": self.nonce or None,
            **changed,
        }

    def proof_header(self, **changed: Any) -> dict[str, Any]:
        """The header of a good DPoP proof."""
        jwk = self.dpop_key.as_dict(private=False)
        jwk.pop("kid", None)
        return {"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk, **changed}

    def proof(self, method: str, url: str, token: str = "", **changed: Any) -> str:
        """A good DPoP proof, of which claims may be changed."""
        claims = self.proof_claims(method, url, token, **changed)
        return signed(self.dpop_key, self.proof_header(), claims)

    async def code(self, phone: Phone, **changed: Any) -> str:
        """An authorization code; the request is pushed where that is offered."""
        if "pushed_authorization_request_endpoint" in await metadata(self.served):
            uri = await self.pushed(**changed)
            tab = await begun_with(self.served, client_id=self.client_id, request_uri=uri)
        else:
            tab = await begun_with(self.served, **self.request(**changed))
        await phone.approve(await play.reviewed(tab, phone))
        return play.answered(await tab.resume())["code"]

    async def call_token(
        self, form: dict[str, Any], dpop: bool = True, proof: str = "", **changed: Any
    ) -> httpx2.Response:
        """Call the token endpoint as this client, once again if it asks for a nonce."""
        url = self.served.url("/token")
        answer = None
        for _ in range(2):
            sent = {"DPoP": proof or self.proof("POST", url, **changed)} if dpop else {}
            answer = await self.served.http.post(
                url, data={**form, **self.assertion()}, headers=sent
            )
            nonce = answer.headers.get("dpop-nonce", "")
            asked = answer.status_code == 400 and answer.json().get("error") == "use_dpop_nonce"
            self.nonce = nonce or self.nonce
            if not asked:
                break
        assert answer is not None
        return answer

    async def redeem(self, code: str, dpop: bool = True, **changed: Any) -> httpx2.Response:
        """Redeem a code, with a DPoP proof unless told otherwise."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
            **changed,
        }
        return await self.call_token(form, dpop)

    async def tokens(self, phone: Phone, dpop: bool = True, **changed: Any) -> dict[str, Any]:
        """The tokens of a whole flow."""
        answer = await self.redeem(await self.code(phone, **changed), dpop)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def bank(
        self, token: str, path: str = "/v1/accounts", scheme: str = "DPoP", **changed: Any
    ) -> httpx2.Response:
        """Call the bank's API with a proof (RFC 9449 7.1), once again if it asks for a nonce."""
        url = self.served.url(path)
        answer = None
        for _ in range(2):
            headers = {
                "Authorization": f"{scheme} {token}",
                "DPoP": self.proof("GET", url, token, **changed),
            }
            answer = await self.served.http.get(url, headers=headers)
            challenge = answer.headers.get("www-authenticate", "")
            self.nonce = answer.headers.get("dpop-nonce", "") or self.nonce
            if "use_dpop_nonce" not in challenge:
                break
        assert answer is not None
        return answer


async def metadata(served: Served) -> dict[str, Any]:
    """What the server says of itself."""
    answer = await served.http.get(served.url("/.well-known/oauth-authorization-server"))
    found: dict[str, Any] = answer.json()
    return found


async def begun_with(served: Served, **query: Any) -> play.Tab:
    """A tab that opened exactly this authorization request and began."""
    tab = play.Tab(served)
    base = {"response_type", "redirect_uri", "state", "scope"}
    answer = await tab.open(**{name: None for name in base if name not in query}, **query)
    assert answer.status_code == 200, (answer.status_code, answer.headers.get("location"))
    assert (await tab.start()).status_code == 200
    return tab


def returned(url: str) -> dict[str, str]:
    """The parameters of a redirect, each once."""
    found = parse_qs(urlsplit(url).query, keep_blank_values=True)
    assert all(len(values) == 1 for values in found.values())
    return {name: values[0] for name, values in found.items()}


async def keyed(
    served: Served,
    client_id: str = "keyed",
    profile: str = "plain",
    key: Key | None = None,
    redirect_uris: tuple[str, ...] = (CALLBACK,),
    scope: tuple[str, ...] = SCOPES,
    **registered: Any,
) -> Keyed:
    """Register a client that authenticates by a key; its name makes it one client a server."""
    found = Keyed(served, f"{client_id}-{secrets.token_hex(4)}")
    if key is not None:
        found.key = key
    public = {**found.key.as_dict(private=False), "kid": "mine"}
    grants = ("authorization_code", "refresh_token", "client_credentials")
    words = {"grant_types": grants, "jwks": json.dumps({"keys": [public]}), **registered}
    client = Client(
        client_id=found.client_id,
        name="Key Ring",
        legal_name="Key Ring B.V.",
        redirect_uris=redirect_uris,
        scope=scope,
        public=False,
        verified=True,
        duration=90 * DAY,
        created_at=served.desk.clock(),
        profile=profile,
        metadata=Metadata("private_key_jwt", **words),
    )
    assert await served.desk.store.change([AddClient(client)], served.desk.clock())
    return found
