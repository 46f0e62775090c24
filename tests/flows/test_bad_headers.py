"""Broken headers of signed calls and of the bank's API, and broken paths and queries there."""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import Any

import httpx2
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, RSAKey

from endorse.phone import DeviceKey, Phone
from endorse.phone.encoding import b64url
from tests.flows import broken, play
from tests.flows.rows import contents
from tests.serving import Served

pytestmark = pytest.mark.anyio

PATH = "/phone/connections"
EMPTY_HASH = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"


async def ask(
    served: Served, headers: list[tuple[bytes, bytes]], path: str = PATH
) -> httpx2.Response:
    return await broken.exchange(served, "GET", path.encode(), headers)


def proof_of(served: Served, phone: Phone, **changed: Any) -> str:
    """A proof by the phone's key; a claim set to `...` is left out."""
    session = phone._session or ""
    claims = {
        "jti": secrets.token_hex(8),
        "htm": "GET",
        "htu": served.url(PATH),
        "iat": served.clock(),
        "bsh": EMPTY_HASH,
        "ath": b64url(_sha256(session.encode())),
        **changed,
    }
    sent = {name: value for name, value in claims.items() if value is not ...}
    return _signed(phone.device, msgspec.json.encode(sent))


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _signed(device: DeviceKey, payload: bytes, **header: Any) -> str:
    head = {name: it for name, it in {**device._header, **header}.items() if it is not ...}
    return jws.serialize_compact(head, payload, device._jwk, algorithms=["ES256"])


async def test_the_proof_of_this_file_is_good(served: Served) -> None:
    phone = await play.phone_of(served)
    session = f"DPoP {phone._session}".encode()
    headers = [(b"Authorization", session), (b"DPoP", proof_of(served, phone).encode())]
    assert (await ask(served, headers)).status_code == 200


WRONG_VALUES: list[Any] = [..., None, "", [], {}, True, -1, 10**30, 1.5, "x", broken.LONG]
CLAIMS: list[dict[str, Any]] = [
    {name: value}
    for name in ("jti", "htm", "htu", "iat", "bsh", "ath")
    for value in WRONG_VALUES
    if (name, value) != ("jti", "x")
]
CLAIMS += [
    {"htm": "get"},
    {"htm": "POST"},
    {"htu": "http://evil.example/phone/connections"},
    {"htu": "{issuer}/phone/connections/"},
    {"iat": "1"},
    {"jti": "x" * 256},
]


async def test_each_claim_of_a_proof_broken_in_each_way_is_refused(served: Served) -> None:
    phone = await play.phone_of(served)
    session = f"DPoP {phone._session}".encode()
    before = await contents(served)
    for claim in CLAIMS:
        changed: dict[str, Any] = {
            name: value.format(issuer=served.issuer) if isinstance(value, str) else value
            for name, value in claim.items()
        }
        proof = proof_of(served, phone, **changed).encode()
        answer = await ask(served, [(b"Authorization", session), (b"DPoP", proof)])
        assert (answer.status_code, broken.is_json_error(answer)) == (401, True), claim
        assert answer.json()["error"] == "invalid_proof", claim
        assert answer.json()["time"] == served.clock()
    assert await contents(served) == before


def proofs(served: Served, phone: Phone) -> dict[str, str]:
    """Proofs that are none, for many reasons."""
    good = proof_of(served, phone)
    head, payload, signature = good.split(".")
    claims = base64.urlsafe_b64decode(payload + "==")
    other = DeviceKey.create(secrets.token_bytes)
    jwk = phone.device._header["jwk"]
    assert isinstance(jwk, dict)
    private = phone.device._jwk.as_dict(private=True)
    none = b64url(msgspec.json.encode({"typ": "dpop+jwt", "alg": "none", "jwk": jwk}))
    p384 = ECKey.import_key(ec.generate_private_key(ec.SECP384R1()))
    rs256 = RSAKey.import_key(rsa.generate_private_key(65537, 2048))
    hs256 = OctKey.import_key("secret" * 8)

    def by(key: Any, algorithm: str, public: Any) -> str:
        header = {"typ": "dpop+jwt", "alg": algorithm, "jwk": public}
        return jws.serialize_compact(header, claims, key, algorithms=[algorithm])

    return {
        "nothing": "x",
        "two parts": f"{head}.{payload}",
        "four parts": f"{good}.x",
        "empty parts": "..",
        "no signature": f"{head}.{payload}.",
        "another signature": f"{head}.{payload}.{signature[:-4]}AAAA",
        "another payload": f"{head}.{b64url(claims + b' ')}.{signature}",
        "padded": f"{head}=.{payload}.{signature}",
        "8 KiB": f"{head}.{b64url(b'x' * 8192)}.{signature}",
        "alg none": f"{none}.{payload}.",
        "header is a list": f"{b64url(b'[]')}.{payload}.{signature}",
        "header is deep": f"{b64url(b'[' * 900)}.{payload}.{signature}",
        "payload is deep": f"{head}.{b64url(b'[' * 900)}.{signature}",
        "header is not UTF-8": f"{b64url(bytes([255]) * 9)}.{payload}.{signature}",
        "the key of another phone": _signed(other, claims),
        "another's signature": _signed(other, claims, jwk=jwk),
        "another typ": _signed(phone.device, claims, typ="JWT"),
        "no typ": _signed(phone.device, claims, typ=...),
        "a key elsewhere": _signed(phone.device, claims, jku="https://evil.example"),
        "the private key": _signed(phone.device, claims, jwk=private),
        "no key": _signed(phone.device, claims, jwk=...),
        "a key that is no point": _signed(phone.device, claims, jwk={**jwk, "x": jwk["y"]}),
        "a key that is no base64": _signed(phone.device, claims, jwk={**jwk, "x": "é!"}),
        "a key of zeros": _signed(
            phone.device, claims, jwk={**jwk, "x": b64url(bytes(32)), "y": b64url(bytes(32))}
        ),
        "P-384": by(p384, "ES384", p384.as_dict(private=False)),
        "RS256": by(rs256, "RS256", rs256.as_dict(private=False)),
        "HS256": by(hs256, "HS256", jwk),
    }


async def test_a_proof_that_is_none_is_refused(served: Served) -> None:
    phone = await play.phone_of(served)
    session = f"DPoP {phone._session}".encode()
    before = await contents(served)
    for how, text in proofs(served, phone).items():
        answer = await ask(served, [(b"Authorization", session), (b"DPoP", text.encode())])
        assert (answer.status_code, broken.is_json_error(answer)) == (401, True), how
        wanted = "sign_in_required" if how == "the key of another phone" else "invalid_proof"
        assert answer.json()["error"] == wanted, how
    good = proof_of(served, phone).encode()
    headers: list[list[bytes]] = [[], [b""], [good, good], [good, b""], [b"\xe9"], [good + b", x"]]
    for values in headers:
        sent = [(b"Authorization", session), *((b"DPoP", value) for value in values)]
        answer = await ask(served, sent)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_proof"), values
    assert await contents(served) == before


async def test_a_session_that_is_none_is_refused(served: Served) -> None:
    phone, other = await play.phone_of(served), await play.somebody(served)
    session = (phone._session or "").encode()
    good = b"DPoP " + session
    headers: dict[str, list[bytes]] = {
        "missing": [],
        "empty": [b""],
        "only the scheme": [b"DPoP"],
        "no value": [b"DPoP "],
        "another scheme": [b"Bearer " + session],
        "no scheme": [session],
        "twice": [good, good],
        "twice, one empty": [good, b""],
        "cut": [good[:-1]],
        "longer": [good + b"A"],
        "8 KiB": [b"DPoP " + b"a" * 8192],
        "latin-1": [b"DPoP \xe9\xff"],
        "another phone's": [b"DPoP " + (other._session or "").encode()],
        "of another kind": [
            b"DPoP " + served.desk.keys.requests.close({}, served.clock()).encode()
        ],
    }
    before = await contents(served)
    for how, values in headers.items():
        text = ", ".join(value.decode("latin-1") for value in values).partition(" ")[2]
        proof = proof_of(served, phone, ath=b64url(_sha256(text.encode()))).encode()
        sent = [*((b"Authorization", value) for value in values), (b"DPoP", proof)]
        answer = await ask(served, sent)
        assert (answer.status_code, broken.is_json_error(answer)) == (401, True), how
        assert answer.json()["error"] == "sign_in_required", how
    assert await contents(served) == before


BROKEN_IDS = ["%00", "%FF", "a" * 8192, "..", "%2e%2e", "..%2fclaim", "é", "'--", "%0d%0ab", "%20"]

each_broken_id = pytest.mark.parametrize("broken_id", BROKEN_IDS, ids=lambda it: repr(it)[:12])


@each_broken_id
async def test_a_connection_with_a_broken_id_is_not_found(served: Served, broken_id: str) -> None:
    phone = await play.phone_of(served)
    answer = await broken.signed(
        phone, served, f"/phone/connections/{broken_id}", b"", method="DELETE"
    )
    assert answer.status_code in (401, 404, 405), answer.text
    assert broken.is_json_error(answer)


async def token_and_account(served: Served) -> tuple[str, str]:
    phone = await play.phone_of(served)
    token = (await play.tokens(served, phone))["access_token"]
    listed = (await play.bank(served, "/v1/accounts", token)).json()["accounts"]
    await served.desk.finish()
    return token, listed[0]["resourceId"]


def tpp_error(answer: httpx2.Response, *statuses: int) -> bool:
    """Whether an answer is an error in the Berlin Group's shape."""
    if answer.status_code not in statuses or answer.headers["content-type"] != "application/json":
        return False
    [message] = answer.json()["tppMessages"]
    return set(message) == {"category", "code", "text"} and message["category"] == "ERROR"


async def test_a_broken_bearer_token_opens_nothing(served: Served) -> None:
    token, account = await token_and_account(served)
    good = b"Bearer " + token.encode()
    wrong = [
        [b""],
        [b"Bearer"],
        [b"Bearer "],
        [token.encode()],
        [b"Basic " + token.encode()],
        [good + b"\xe9"],
        [b"Bearer \xff\xfe"],
        [b"Bearer " + b"a" * 8192],
        [good + b" x"],
        [good, good],
        [good, b"Bearer x"],
        [b"DPoP " + token.encode()],
    ]
    for path in ("/v1/accounts", *(f"/v1/accounts/{account}{end}" for end in ("", "/balances"))):
        for values in wrong:
            answer = await ask(served, [(b"Authorization", value) for value in values], path)
            assert tpp_error(answer, 401), values
            scheme = "DPoP" if values[0].startswith(b"DPoP") else "Bearer"
            assert answer.headers["www-authenticate"].startswith(f'{scheme} realm="endorse"')


@each_broken_id
async def test_a_broken_account_id_is_not_found(served: Served, broken_id: str) -> None:
    token, _ = await token_and_account(served)
    for end in ("", "/balances", "/transactions"):
        answer = await play.bank(served, f"/v1/accounts/{broken_id}{end}", token)
        assert answer.status_code == 404, end
        assert answer.headers["content-type"] == "application/json"


ARABIC = "\u0662\u0660\u0662\u0666-\u0660\u0661-\u0660\u0661"
WRONG = {
    "dateFrom": ["2026", "2026-2-1", "2026-02-30", "0000-01-01", "2026-01-01T00:00", ARABIC],
    "dateTo": ["10000-01-01", "2026-13-01", "-2026-01-01", "1", " 2026-01-01"],
    "bookingStatus": ["all", "Booked", "booked,pending", "information"],
    "limit": ["0", "-1", "101", "1.5", "1e2", "x", "9" * 30, ARABIC[0], "+1"],
    "after": ["x", "999912-999", "000001-000", "202613-000", "202601-0000", "-", "../x", "a" * 129],
}


async def test_each_parameter_of_the_transactions_broken_in_each_way_is_refused(
    served: Served,
) -> None:
    token, account = await token_and_account(served)
    path = f"/v1/accounts/{account}/transactions"
    bearer = [(b"Authorization", b"Bearer " + token.encode())]
    day = served.desk.bank._today().isoformat()  # type: ignore[attr-defined]
    good = {"dateFrom": "2020-01-01", "dateTo": day, "bookingStatus": "both", "limit": "5"}
    good["after"] = f"{day[:4]}{day[5:7]}-000"
    before = await contents(served)
    for name in good:
        for case in broken.cases(good, name):
            answer = await ask(served, bearer, f"{path}?{case.raw}")
            if case.how in ("missing", "empty", "bare"):
                assert answer.status_code == 200, (name, case.how)
            else:
                assert tpp_error(answer, 400), (name, case.how, answer.text)
        for value in WRONG[name]:
            query = str(httpx2.QueryParams({**good, name: value}))
            answer = await ask(served, bearer, f"{path}?{query}")
            assert tpp_error(answer, 400), (name, value, answer.text[:200])
    backwards = await ask(served, bearer, f"{path}?dateFrom=2026-02-01&dateTo=2026-01-01")
    assert tpp_error(backwards, 400)
    many = "&".join(f"p{number}=1" for number in range(65))
    assert tpp_error(await ask(served, bearer, f"{path}?{many}"), 400)
    assert await contents(served) == before
