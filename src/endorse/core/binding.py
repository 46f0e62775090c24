"""Tokens that only the holder of a key can use (RFC 9449 5 to 7, RFC 8705 3, RFC 7800 3)."""

from typing import Final

import msgspec

from endorse.core import dpop, profile, refusal_proofs
from endorse.core.change import Change, Decision, MakeGrant, MakeToken
from endorse.core.metadata import SIGNED
from endorse.core.model import AccessToken, Client
from endorse.core.policy import Policy
from endorse.core.redeem import Tokens
from endorse.core.refusal import Refusal

CERTIFICATE: Final = "x5t#S256:"
"""How `AccessToken.bound_to` begins for a token that is bound to a TLS certificate."""


def key_for(client: Client, jkt: str, certificate_thumbprint: str) -> str | Refusal:
    """Choose what a client's tokens are bound to, from what its call shows; "" for nothing.

    Whoever registered one way gets no other; whoever must be bound and showed nothing, nothing
    (RFC 8705 3.4, RFC 9449 5.2; FAPI 2.0 Security Profile 5.3.2.1).
    """
    by_certificate = (
        CERTIFICATE + certificate_thumbprint
        if certificate_thumbprint
        else refusal_proofs.KEY_MISSING
    )
    if profile.certificate_only(client):
        return by_certificate
    if jkt:
        return dpop.BOUND + jkt
    if profile.dpop_only(client):
        return refusal_proofs.KEY_MISSING
    return by_certificate if profile.bound_tokens(client) else ""


def bind(
    decision: Decision[Tokens], client: Client, bound_to: str, law: Policy
) -> Decision[Tokens]:
    """Make all that a decision makes as this client gets it, so that no exchange can forget it.

    The refresh token of a client without a secret is bound as well, by its grant: nothing else
    shows who holds it (RFC 9449 5, RFC 8705 4). A signed access token lives for a minute: an API
    that never asks this server learns of an end no sooner (RFC 9068 5).
    """
    made: AccessToken | None = None
    changes: list[Change] = []
    for change in decision.changes:
        match change:
            case MakeToken(token):
                made = msgspec.structs.replace(
                    token, bound_to=bound_to, expires_at=_ends(token, client, law)
                )
                changes.append(MakeToken(made))
            case MakeGrant(grant, evidence) if client.public:
                bound = msgspec.structs.replace(grant, bound_to=bound_to)
                changes.append(MakeGrant(bound, evidence))
            case _:
                changes.append(change)
    answer = decision.answer
    if made is not None and not isinstance(answer, Refusal):
        lives = made.expires_at - made.created_at
        answer = msgspec.structs.replace(answer, token=made, expires_in=lives)
    return Decision(answer, tuple(changes))


def _ends(token: AccessToken, client: Client, law: Policy) -> int:
    if client.metadata.access_token_format != SIGNED:
        return token.expires_at
    return min(token.expires_at, token.created_at + law.signed_access_token)


def shown(bound_to: str, scheme: str, jkt: str, certificate_thumbprint: str) -> str:
    """Say what keeps a token from counting as this call shows it, or "" (RFC 9449 7.1, 7.2).

    `scheme` is `bearer` or `dpop`. A bound token under the other scheme is a stolen one, and a
    token that is not bound proves nothing by a proof.
    """
    if bound_to.startswith(dpop.BOUND):
        if scheme != "dpop":
            return "bound by DPoP, and sent as Bearer"
        return "" if bound_to == dpop.BOUND + jkt else "bound to another key"
    if scheme == "dpop":
        return "not bound by DPoP, and sent so"
    if bound_to and bound_to != CERTIFICATE + certificate_thumbprint:
        return "bound to another certificate, or none was shown"
    return ""


def confirmation(bound_to: str) -> dict[str, str]:
    """Write what a token is bound to as the member `cnf` has it (RFC 9449 6.1, RFC 8705 3.1)."""
    if not bound_to:
        return {}
    method, _, thumbprint = bound_to.partition(":")
    return {method: thumbprint}
