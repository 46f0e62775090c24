"""The token with which somebody calls the bank's API or asks who a person is."""

from typing import Final

import msgspec
from starlette.requests import Request as HttpRequest

from endorse.core import binding, profile, refusal, refusal_proofs
from endorse.core.jose import SIGNATURES
from endorse.core.model import Access
from endorse.core.refusal import Refusal
from endorse.server import certificate, wire
from endorse.server.desk import Desk
from endorse.server.oauth import sender
from endorse.server.oauth.token_hash import hash_of
from endorse.store import reads

_SCHEMES: Final = ("bearer", "dpop")


async def opened(desk: Desk, request: HttpRequest) -> Access | Refusal:
    """Find what the token of a call opens, and that its holder holds the key that it is bound to.

    RFC 6750 2.1, RFC 9449 7.1, RFC 8705 3. Whether it is over, and covers what is asked, is for
    `access.check` to say.

    See also RFC 6750 2, 2.3; FAPI 2.0 5.3.4.
    """
    scheme, _, text = (wire.authorization(request) or "").partition(" ")
    scheme, text = scheme.lower(), text.strip()
    if scheme not in _SCHEMES or not text:
        return refusal.TOKEN_MISSING
    token_hash = await hash_of(desk, text)
    found = await desk.store.read(lambda db: reads.access(db, token_hash, desk.clock()))
    if found is None:
        return refusal.TOKEN_NOT_GOOD.because("unknown")
    wire.known_as(request, found.client_id)
    if scheme == "dpop" or found.bound_to:
        return await _not_held(desk, request, found, scheme, text) or found
    return found


async def _not_held(
    desk: Desk, request: HttpRequest, found: Access, scheme: str, text: str
) -> Refusal | None:
    """Refuse who does not show the key of a bound token, under the scheme that goes with it."""
    if scheme == "dpop":
        return await _not_proved(desk, request, found, text)
    shown = certificate.shown(desk, request)
    if isinstance(shown, Refusal):
        return shown
    wrong = binding.shown(found.bound_to, scheme, "", shown.thumbprint if shown else "")
    return refusal.TOKEN_NOT_GOOD.because(wrong) if wrong else None


async def _not_proved(desk: Desk, request: HttpRequest, found: Access, text: str) -> Refusal | None:
    proof = sender.proof_of(desk, request, profile.TABLE[found.profile].nonces, text)
    if proof is None:
        return _no_proof("no DPoP header")
    if isinstance(proof, Refusal):
        return msgspec.structs.replace(proof, status=401)
    wrong = binding.shown(found.bound_to, "dpop", proof.jkt, "")
    if wrong:
        return refusal.TOKEN_NOT_GOOD.because(wrong)
    # Last, so that only a proof of the token's holder is remembered.
    came_before = await sender.came_before(desk, proof)
    return _no_proof("its jti came before") if came_before else None


def _no_proof(why: str) -> Refusal:
    return msgspec.structs.replace(refusal_proofs.DPOP_NOT_GOOD.because(why), status=401)


def challenge(desk: Desk, request: HttpRequest, no: Refusal) -> dict[str, str]:
    """Write the headers of an answer that says no (RFC 6750 3, RFC 9449 7.1, 9).

    See also RFC 9449 9.
    """
    if no.status not in (401, 403):
        return {}
    # RFC 6750 3.1: a call without any token is told the schemes and no error.
    told = f', error="{no.error}", error_description="{no.told}"' if no.error else ""
    bearer = f'Bearer realm="endorse"{told}'
    dpop_too = f'DPoP realm="endorse", algs="{" ".join(SIGNATURES)}"{told}'
    scheme = (wire.authorization(request) or "").partition(" ")[0].lower()
    challenges = {"dpop": dpop_too}.get(scheme, bearer if no.error else f"{bearer}, {dpop_too}")
    return {"WWW-Authenticate": challenges, **sender.nonce_for(desk, request)}
