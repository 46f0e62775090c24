"""A client's proof holds for one call, one key and a few seconds (RFC 9449)."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from endorse.core import dpop
from endorse.core.jose import Unreadable
from tests.core.scene import LAW, NOW
from tests.dpop import DpopKey, b64

KEY = DpopKey()
URL = "https://bank.example/token"
CALL = dpop.Call("POST", (URL,), None, "")
SECRET = b"k" * 32


def read(proof: str, now: int = NOW, **call: Any) -> dpop.Proof:
    asked = msgspec.structs.replace(CALL, proof=proof, **call)
    return dpop.read(asked, now, LAW.dpop_age)


@pytest.mark.spec("RFC 9449 4.2", "the example proof of the specification is taken")
def test_the_proof_of_the_specification_is_taken() -> None:
    # RFC 9449 figure 2, with the key whose thumbprint section 6.1 prints.
    text = (
        "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0V"
        "jNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10Nn"
        "Y5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE"
        "9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-Gx"
        "A6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
    )
    proof = read(text, 1562262616, urls=("https://server.example.com/token",))
    assert proof.jkt == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
    assert proof.jti == "-BwC3ESc6acc2lTc"


@pytest.mark.spec("RFC 9449 7.1", "the example proof beside an access token is taken")
def test_the_proof_beside_a_token_of_the_specification_is_taken() -> None:
    # RFC 9449 figure 12 and 13: `ath` is the hash of the token.
    token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
    text = (
        "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0V"
        "jNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10Nn"
        "Y5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0"
        "VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU"
        "2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP3"
        "5yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
    )
    where = "https://resource.example.org/protectedresource"
    call: dict[str, Any] = {"method": "GET", "urls": (where,)}
    assert read(text, 1562262618, **call, token=token).jti == "e1j3V_bKic8-LAEB"
    with pytest.raises(Unreadable, match="ath"):
        read(text, 1562262618, **call, token=token + "x")


@pytest.mark.parametrize("off", [-10, 0, 10])
@pytest.mark.spec("RFC 9449 11.1", "a proof counts for a short time around its iat")
def test_a_proof_may_be_ten_seconds_off_either_way(off: int) -> None:
    assert read(KEY.proof("POST", URL, NOW + off)).jkt == KEY.thumbprint


@pytest.mark.parametrize(
    "changed",
    [
        {"iat": NOW - 11},
        {"iat": NOW + 11},
        {"iat": str(NOW)},
        {"iat": None},
        {"iat": True},
        {"iat": 2**80},
        {"htm": "GET"},
        {"htm": "post"},
        {"htm": None},
        {"htm": ["POST"]},
        {"htu": "https://bank.example/revoke"},
        {"htu": "https://evil.example/token"},
        {"htu": "http://bank.example/token"},
        {"htu": "https://bank.example:8443/token"},
        {"htu": "https://bank.example/token/"},
        {"htu": "https://[bank/token"},
        {"htu": "/token"},
        {"htu": None},
        {"jti": None},
        {"jti": ""},
        {"jti": 5},
        {"jti": "x" * 256},
        {"nonce": 5},
        {"nonce": ""},
    ],
    ids=str,
)
@pytest.mark.spec("RFC 9449 4.3", "each claim of a proof is there and right")
def test_a_proof_with_a_wrong_claim_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        read(KEY.proof("POST", URL, NOW, **changed))


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "jwt"},
        {"typ": None},
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "RS256"},
        {"alg": "ES384"},
        {"jwk": None},
        {"jwk": "key"},
        {"jwk": DpopKey().public},
        {"jwk": {**KEY.public, "d": "AAAA"}},
        {"jwk": {**KEY.public, "kty": ["EC"]}},
        {"jwk": {**KEY.public, "crv": "P-521"}},
        {"jwk": {**KEY.public, "crv": "none"}},
        {"jwk": {"kty": "oct", "k": "AAAA"}},
        {"jwk": {"kty": "RSA", "n": "AQAB", "e": "AQAB"}},
        {"jku": "https://evil.example/jwks"},
        {"x5u": "https://evil.example/cert"},
        {"crit": ["exp"]},
    ],
)
@pytest.mark.spec("RFC 9449 4.3", "typ, alg and jwk are as asked, and the key is public")
def test_a_proof_with_another_header_is_refused(header: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        read(KEY.proof("POST", URL, NOW, header=header))


def test_a_proof_without_a_signature_is_refused() -> None:
    whole = KEY.proof("POST", URL, NOW)
    for text in (whole.rpartition(".")[0] + ".", whole[:-2], whole + ".", ""):
        with pytest.raises(Unreadable):
            read(text)


def test_a_doubled_claim_is_refused() -> None:
    head, _, _ = KEY.proof("POST", URL, NOW).split(".")
    claims = json.dumps({"jti": "x" * 8, "htm": "POST", "htu": URL, "iat": NOW})
    doubled = b64((claims[:-1] + ', "htm": "GET"}').encode())
    with pytest.raises(Unreadable, match="twice"):
        read(f"{head}.{doubled}.{b64(b's' * 64)}")


@pytest.mark.parametrize(
    "same",
    [
        "HTTPS://BANK.example/token",
        "https://bank.example:443/token",
        "https://bank.example/token?a=1",
        "https://bank.example/token#part",
        "https://bank.example/%74oken",
    ],
)
@pytest.mark.spec("RFC 9449 4.3", "htu is compared without query and fragment, normalised")
def test_an_address_may_be_written_in_several_ways(same: str) -> None:
    assert read(KEY.proof("POST", same, NOW)).jkt == KEY.thumbprint


def test_what_an_escape_may_mean_stays_apart() -> None:
    assert dpop.normalised("https://a/b%2fc") == "https://a/b%2Fc"
    assert dpop.normalised("https://a") == dpop.normalised("https://a/") == "https://a/"


@pytest.mark.spec("RFC 9449 8", "a nonce is of this server, and counts for a limited time")
def test_a_nonce_counts_for_one_to_two_minutes() -> None:
    start = NOW - NOW % LAW.nonce
    made = dpop.nonce(SECRET, start, LAW)
    assert dpop.nonce_holds(made, SECRET, start, LAW)
    assert dpop.nonce_holds(made, SECRET, start + 2 * LAW.nonce - 1, LAW)
    assert not dpop.nonce_holds(made, SECRET, start + 2 * LAW.nonce, LAW)
    assert not dpop.nonce_holds(made, SECRET, start - 1, LAW)
    assert not dpop.nonce_holds(made, b"x" * 32, start, LAW)
    assert not dpop.nonce_holds("", SECRET, start, LAW)


def test_a_proof_is_remembered_for_longer_than_it_counts() -> None:
    proof = read(KEY.proof("POST", URL, NOW + 10))
    use = dpop.use(proof, LAW)
    assert use.expires_at > NOW + 20
    other = read(DpopKey().proof("POST", URL, NOW, jti=proof.jti))
    assert use.what == dpop.once(proof) != dpop.once(other)
