"""What a token is, told to who may know it (RFC 7662, RFC 9701)."""

from typing import Any, Final

from endorse.core import binding, details, dpop, openid
from endorse.core.model import Access, Client, Grant
from endorse.core.policy import Terms
from endorse.core.redeem import RefreshToken

NOT_ACTIVE: Final[dict[str, Any]] = {"active": False}
"""What is told of every token that is dead, unknown, or none of the caller's (RFC 7662 2.2)."""


def of_access(caller: Client, access: Access | None, terms: Terms, now: int) -> dict[str, Any]:
    """Tell of an access token: a client of its own, a resource server of the bank of any.

    RFC 7662 2.2, 4. A resource server also learns who the person is at the bank (`username`);
    a client knows its own name for the person and nothing else.

    See also RFC 8705 3.2; RFC 9396 9.2; RFC 9449 6.2.
    """
    if access is None or not _may_know(caller, access.client_id):
        return NOT_ACTIVE
    ends = min(access.token_expires_at, access.grant_expires_at)
    if access.ended_at is not None or now >= ends:
        return NOT_ACTIVE
    told = _told(caller, access.client_id, access.person_id, access.scope, terms)
    told["token_type"] = "DPoP" if access.bound_to.startswith(dpop.BOUND) else "Bearer"
    told["exp"], told["iat"], told["aud"] = ends, access.created_at, terms.issuer
    if access.authorization_details:
        told["authorization_details"] = details.plain(access.authorization_details)
    cnf = binding.confirmation(access.bound_to)
    return {**told, "cnf": cnf} if cnf else told


def of_refresh(
    caller: Client, token: RefreshToken, grant: Grant | None, terms: Terms, now: int
) -> dict[str, Any]:
    """Tell of a refresh token: it lives while it is the grant's newest and the grant lives."""
    if grant is None or not _may_know(caller, grant.client_id):
        return NOT_ACTIVE
    if token.generation != grant.generation or not grant.live(now):
        return NOT_ACTIVE
    told = _told(caller, grant.client_id, grant.person_id, grant.scope, terms)
    told |= {"exp": grant.expires_at, "iat": grant.rotated_at}
    cnf = binding.confirmation(grant.bound_to)
    return {**told, "cnf": cnf} if cnf else told


def _may_know(caller: Client, client_id: str) -> bool:
    return caller.metadata.resource_server or caller.client_id == client_id


def _told(
    caller: Client, client_id: str, person_id: str, scope: tuple[str, ...], terms: Terms
) -> dict[str, Any]:
    told: dict[str, Any] = {
        "active": True,
        "iss": terms.issuer,
        "client_id": client_id,
        "scope": " ".join(scope),
        "sub": openid.subject_of(terms.server_key, client_id, person_id),
    }
    if person_id and caller.metadata.resource_server:
        told["username"] = person_id
    return told
