"""May this token see this account; and how grants and tokens end (RFC 6750, RFC 7009)."""

from typing import Final

from endorse.core import refusal
from endorse.core.change import Change, Decision, EndGrant, RevokeToken
from endorse.core.model import Access, Client, Grant
from endorse.core.notice import By, Connected, Kind, of_connection
from endorse.core.params import Params
from endorse.core.redeem import RefreshToken
from endorse.core.refusal import Refusal

SHOWS_ACCOUNTS: Final = ("accounts", "balances", "transactions")
"""Any of these lets a client list the accounts: it cannot use the others without their ids."""


def check(access: Access | None, now: int, *any_of: str) -> Refusal | None:
    """Refuse a token that is unknown, expired, ended, or lacks every one of these scopes."""
    no = alive(access, now)
    if no is None and access is not None and set(any_of).isdisjoint(access.scope):
        return refusal.SCOPE_INSUFFICIENT
    return no


def alive(access: Access | None, now: int) -> Refusal | None:
    """Refuse a token that is unknown, expired or ended, whatever it opens."""
    if access is None:
        return refusal.TOKEN_NOT_GOOD.because("unknown")
    ends = min(access.token_expires_at, access.grant_expires_at)
    if access.ended_at is not None or now >= ends:
        return refusal.TOKEN_NOT_GOOD.because("expired or ended")
    return None


def revoke(
    params: Params,
    client: Client,
    access: Access | None,
    token_hash: str,
    refresh: RefreshToken | None,
    grant: Grant | None,
    now: int,
) -> Decision[None]:
    """End what a client hands back (RFC 7009 2.1): an access token alone, or the whole grant.

    A token that is unknown, or another client's, is answered like one that was ended: there is
    nothing for the client to do about it (RFC 7009 2.2).

    See also RFC 7009 2, 5.
    """
    if "token" not in params.values:
        return Decision(refusal.missing("token", "RFC 7009 2.1"))
    if refresh is not None and grant is not None and grant.client_id == client.client_id:
        return Decision(None, () if grant.ended_at else _ended_by_client(grant, now))
    if access is not None and access.client_id == client.client_id:
        # Without a refresh token the access token is all there is of the grant. Its own scope
        # does not tell: a refresh may have narrowed it.
        if access.generation:
            return Decision(None, (RevokeToken(token_hash, access.token_expires_at),))
        ended = () if access.ended_at else _ended_by_client(access, now)
        return Decision(None, (RevokeToken(token_hash, access.token_expires_at), *ended))
    return Decision(None)


GRANT_NOT_FOUND: Final = Refusal(
    "grant_not_found",
    "not_found",
    404,
    "This client has no such grant, or it has ended.",
    "Grant Management 6.6",
)


def managed(grant: Grant | None, client_id: str, now: int) -> Grant | Refusal:
    """Give a grant to its own client while it lives; to any other one it does not exist."""
    if grant is None or grant.client_id != client_id or not grant.live(now):
        return GRANT_NOT_FOUND
    return grant


def end_managed(grant: Grant | None, client_id: str, now: int) -> Decision[None]:
    """End a grant that its own client names, with all its tokens (Grant Management 6.5)."""
    own = managed(grant, client_id, now)
    return Decision(own) if isinstance(own, Refusal) else Decision(None, _ended_by_client(own, now))


def _ended_by_client(of: Grant | Access, now: int) -> tuple[Change, ...]:
    what = Connected(of.grant_id, of.client_id, of.person_id)
    told = of_connection(Kind.CONNECTION_ENDED, what, By.CLIENT, now)
    return (EndGrant(of.grant_id, "the client", now), told)
