"""Which key a call shows: the proof in its header, or the certificate of its connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request as HttpRequest

from endorse.core import binding, dpop, profile, refusal_proofs
from endorse.core.change import Decision
from endorse.core.jose import Unreadable
from endorse.core.redeem import Tokens
from endorse.core.refusal import Refusal
from endorse.server import wire
from endorse.server.desk import Desk
from endorse.server.oauth.caller import Caller
from endorse.store import requests
from endorse.store.connection import Query

F = TypeVar("F")


class Sender(msgspec.Struct, frozen=True):
    """A caller, with the key that its tokens are bound to."""

    caller: Caller
    bound_to: str
    """As in `AccessToken`."""
    proof: dpop.Proof | None


def of(desk: Desk, request: HttpRequest, caller: Caller) -> Sender | Refusal:
    """Find the key that a call to the token endpoint shows (RFC 9449 5, RFC 8705 3)."""
    proof = proof_of(desk, request, profile.of(caller.client).nonces)
    if isinstance(proof, Refusal):
        return proof
    jkt = proof.jkt if proof else ""
    bound_to = binding.key_for(caller.client, jkt, caller.certificate_thumbprint)
    return bound_to if isinstance(bound_to, Refusal) else Sender(caller, bound_to, proof)


def proof_of(
    desk: Desk, request: HttpRequest, needs_nonce: bool, token: str | None = None
) -> dpop.Proof | Refusal | None:
    """Check the DPoP header of a call; None if it has none (RFC 9449 4.3).

    That the proof is new is still to be found out: see `settle` and `came_before`.
    """
    headers = wire.headers(request, b"dpop")
    if not headers:
        return None
    no = refusal_proofs.DPOP_NOT_GOOD
    if len(headers) > 1:
        return no.because(f"{len(headers)} DPoP headers")
    now, law, path = desk.clock(), desk.law, request.scope["raw_path"].decode("latin-1")
    urls = tuple(base + path for base in desk.settings.urls)
    call = dpop.Call(request.method, urls, token, headers[0])
    try:
        proof = dpop.read(call, now, law.dpop_age)
    except Unreadable as why:
        return no.because(str(why))
    if proof.nonce:
        good = dpop.nonce_holds(proof.nonce, desk.keys.handles, now, law)
        return proof if good else refusal_proofs.DPOP_NONCE.because("old or foreign nonce")
    return refusal_proofs.DPOP_NONCE.because("no nonce") if needs_nonce else proof


async def came_before(desk: Desk, proof: dpop.Proof) -> bool:
    """Say whether a proof came before, here or at another server; remember it (RFC 9449 11.1).

    For calls that store nothing to use it up beside. Raises StoreAway.
    """
    if desk.proofs_seen.before(dpop.once(proof), desk.clock()):
        return True
    return not await desk.store.first_use(dpop.use(proof, desk.law))


def nonce_for(desk: Desk, request: HttpRequest, no: Refusal | None = None) -> dict[str, str]:
    """Give the nonce for the next proof, to whoever proves or should have (RFC 9449 8, 8.2)."""
    if not wire.headers(request, b"dpop") and no != refusal_proofs.KEY_MISSING:
        return {}
    return {"DPoP-Nonce": dpop.nonce(desk.keys.handles, desk.clock(), desk.law)}


async def settle(
    desk: Desk, sender: Sender, read: Query[F], decide: Callable[[F], Decision[Tokens]]
) -> Tokens | Refusal:
    """Settle what gives tokens: bound to the sender's key, its proof used up beside them.

    In the same transaction and read before: of two calls with one proof the second finds it used,
    also on another server (RFC 9449 11.1). A call that gets nothing leaves its proof unused.
    """
    use = dpop.use(sender.proof, desk.law) if sender.proof else None

    async def facts(db: Any) -> tuple[bool, F]:
        return use is not None and await requests.was_used(db, use.what), await read(db)

    def once(both: tuple[bool, F]) -> Decision[Tokens]:
        used, found = both
        if used:
            return Decision(refusal_proofs.DPOP_NOT_GOOD.because("its jti came before"))
        decision = binding.bind(decide(found), sender.caller.client, sender.bound_to, desk.law)
        if use is None or isinstance(decision.answer, Refusal):
            return decision
        return Decision(decision.answer, (use, *decision.changes))

    return await desk.settle(facts, once)
