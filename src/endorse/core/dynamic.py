"""Clients that register and look after themselves (RFC 7591, RFC 7592)."""

from typing import Any, Final, TypeVar

import msgspec

from endorse.core import client as clients
from endorse.core import registration
from endorse.core.change import (
    AddClient,
    AddSecret,
    Change,
    ChangeClient,
    Decision,
    RemoveClient,
    UseInvitation,
)
from endorse.core.coding import Fresh, Secret, b64url, fingerprint, same
from endorse.core.invitation import Invitation
from endorse.core.metadata import BANKS_OWN, CODE, FAPI2, REFRESH, SECRET_METHODS, Metadata
from endorse.core.model import Client
from endorse.core.policy import Policy
from endorse.core.refusal import Refusal
from endorse.core.registration import bad_metadata, bad_redirect_uri
from endorse.core.statement import Statement

_PREFIX: Final = "era_"
_USUAL_SCOPE: Final = "accounts balances transactions"
_OURS: Final = (
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
)
_VOUCHED_FOR: Final = ("redirect_uris", "jwks", "client_name")
"""What a statement must say itself where nothing but it vouches for the client."""

INVITATION_NOT_GOOD: Final = Refusal(
    "initial_access_token_not_good",
    "invalid_token",
    401,
    "Registration needs an initial access token of the bank as Bearer, one that is not used up or "
    "over, or a software statement.",
    "RFC 7591 3",
)
TOKEN_NOT_GOOD: Final = Refusal(
    "registration_token_not_good",
    "invalid_token",
    401,
    "The registration access token is not this client's, was replaced, or the client is gone.",
    "RFC 7592 3",
)


class Asked(msgspec.Struct, frozen=True):
    """What a client says of itself (RFC 7591 2); what is not here is ignored, as RFC 7591 2 has it.

    A member that is null counts as left out.
    """

    redirect_uris: list[str] | None = None
    token_endpoint_auth_method: str | None = None
    grant_types: list[str] | None = None
    response_types: list[str] | None = None
    client_name: str | None = None
    org_name: str | None = None
    scope: str | None = None
    jwks: dict[str, Any] | None = None
    jwks_uri: str | None = None
    client_id: str | None = None
    client_secret: str | None = None


class Registered(msgspec.Struct, frozen=True):
    """A registration that was stored, with what is shown once."""

    client: Client
    token: Secret
    secret: Secret | None = None


def register(
    said: dict[str, Any],
    invitation: Invitation | None,
    statement: Statement | None,
    now: int,
    fresh: Fresh,
    law: Policy,
) -> Decision[Registered]:
    """Register a client that somebody vouches for (RFC 7591 3.1, 3.2.1).

    What a statement says goes before what the client says (RFC 7591 2.3). Alone it must itself say
    where codes go and which keys the client has: it is no secret, and anybody may send it.
    """
    if invitation is not None and not (invitation.uses_left > 0 and now < invitation.expires_at):
        return Decision(INVITATION_NOT_GOOD.because("used up or over"))
    if invitation is None and statement is None:
        return Decision(INVITATION_NOT_GOOD.because("neither token nor statement"))
    by = ""
    if invitation is None and statement is not None:
        missing = [name for name in _VOUCHED_FOR if not statement.claims.get(name)]
        if missing:
            return Decision(bad_metadata(f"The software statement must itself say {missing[0]}."))
        by = statement.by.issuer
    token, token_hash = _new_token(fresh)
    bare = Client(
        client_id=b64url(fresh(12)),
        name="",
        legal_name=invitation.legal_name if invitation else "",
        redirect_uris=(),
        scope=(),
        public=False,
        verified=False,
        duration=law.grant_by_default,
        created_at=now,
        profile=invitation.profile if invitation else statement.by.profile if statement else "",
        metadata=Metadata(vouched_by=by),
        registration=(token_hash,),
    )
    client = _described(said, statement, bare)
    if isinstance(client, Refusal):
        return Decision(client)
    client = msgspec.structs.replace(
        client, public=client.metadata.token_endpoint_auth_method == "none"
    )
    no = registration.problem(client)
    if no is not None:
        return Decision(no)
    secret = None
    if client.metadata.token_endpoint_auth_method in SECRET_METHODS:
        secret, stored = clients.new_secret(fresh, now)
        client = msgspec.structs.replace(client, secrets=(stored,))
    used = (UseInvitation(invitation.token_hash, now),) if invitation else ()
    return Decision(Registered(client, token, secret), (*used, AddClient(client)))


def known(client: Client | None, bearer: str) -> Client | Refusal:
    """Find whether this is a registration access token of the client (RFC 7592 2)."""
    if client is None:
        return TOKEN_NOT_GOOD.because("unknown client")
    received = fingerprint(bearer)
    if not any(same(kept, received) for kept in client.registration):
        return TOKEN_NOT_GOOD.because("of another client, or replaced")
    return client


def look(client: Client | None, bearer: str) -> Decision[Registered]:
    """Show a client its registration (RFC 7592 2.1). With that its token before is over."""
    me = known(client, bearer)
    if isinstance(me, Refusal):
        return Decision(me)
    used = fingerprint(bearer)
    if len(me.registration) > 1 and used == me.registration[0]:
        only = msgspec.structs.replace(me, registration=(used,))
        return Decision(Registered(only, Secret(bearer)), (ChangeClient(only),))
    return Decision(Registered(me, Secret(bearer)))


def change(
    said: dict[str, Any],
    client: Client | None,
    bearer: str,
    statement: Statement | None,
    now: int,
    fresh: Fresh,
) -> Decision[Registered]:
    """Replace a client's registration by another one, whole (RFC 7592 2.2).

    It gets a new registration access token. The one that it used stays good until the new one is
    used, so that a lost answer locks nobody out.
    """
    me = known(client, bearer)
    if isinstance(me, Refusal):
        return Decision(me)
    no = _update_problem(said, me, statement)
    if no is not None:
        return Decision(no)
    token, token_hash = _new_token(fresh)
    bare = msgspec.structs.replace(
        me,
        metadata=Metadata(**_banks_own(me)),
        registration=(token_hash, fingerprint(bearer)),
    )
    after = _described(said, statement, bare)
    if isinstance(after, Refusal):
        return Decision(after)
    # The bank checked who it is under the names that it had.
    same_names = (after.name, after.legal_name) == (me.name, me.legal_name)
    after = msgspec.structs.replace(after, verified=me.verified and same_names)
    no = registration.problem(after)
    if no is not None:
        return Decision(no)
    changes: tuple[Change, ...] = (ChangeClient(after),)
    secret = None
    if after.metadata.token_endpoint_auth_method in SECRET_METHODS and not me.secrets:
        secret, stored = clients.new_secret(fresh, now)
        changes = (*changes, AddSecret(me.client_id, stored, now))
    return Decision(Registered(after, token, secret), changes)


def remove(client: Client | None, bearer: str, now: int) -> Decision[None]:
    """End a client at its own wish, with all that people granted to it (RFC 7592 2.3)."""
    me = known(client, bearer)
    if isinstance(me, Refusal):
        return Decision(me)
    return Decision(None, (RemoveClient(me.client_id, "client", now),))


def _update_problem(
    said: dict[str, Any], me: Client, statement: Statement | None
) -> Refusal | None:
    """Check what a change must and must not send (RFC 7592 2.2)."""
    if said.get("client_id") != me.client_id:
        return bad_metadata("client_id must be sent, and be this client's.")
    sent = [name for name in _OURS if name in said]
    if sent:
        return bad_metadata(f"{sent[0]} must not be sent.")
    secret = said.get("client_secret")
    hashes = [kept.secret_hash for kept in me.secrets]
    if secret is not None and not (isinstance(secret, str) and fingerprint(secret) in hashes):
        return bad_metadata("client_secret, if it is sent, must be this client's.")
    by = me.metadata.vouched_by
    if by and (statement is None or statement.by.issuer != by):
        return bad_metadata("This client registered by a software statement: send one again.")
    if by and statement is not None:
        missing = [name for name in _VOUCHED_FOR if not statement.claims.get(name)]
        if missing:
            return bad_metadata(f"The software statement must itself say {missing[0]}.")
    return None


T = TypeVar("T")


def _described(said: dict[str, Any], statement: Statement | None, bare: Client) -> Client | Refusal:
    """Put what was said into a client that has its id, its profile and its tokens already."""
    merged = {**said, **(statement.claims if statement else {})}
    merged = {name: value for name, value in merged.items() if value is not None}
    asked = _read(merged, Asked)
    if isinstance(asked, Refusal):
        return asked
    if asked.jwks_uri is not None:
        return bad_metadata("jwks_uri is not fetched by this server: send the keys as jwks.")
    if asked.client_name is None:
        return bad_metadata("client_name is missing: it is what people see.")
    usual = "private_key_jwt" if bare.profile == FAPI2 else "client_secret_basic"
    grant_types = tuple(dict.fromkeys(asked.grant_types or (CODE,)))
    if set(asked.response_types or []) - {"code"}:
        return bad_metadata("response_types may hold: code.")
    if asked.response_types is not None and ("code" in asked.response_types) != (
        CODE in grant_types
    ):
        return bad_metadata("response_types code and grant_types authorization_code go together.")
    offline = " offline_access" if REFRESH in grant_types else ""
    scope = clients.scope_of(asked.scope or _USUAL_SCOPE + offline)
    if isinstance(scope, str):
        return bad_metadata(scope)
    names = set(Metadata.__struct_fields__) - {*BANKS_OWN, "jwks"}
    own = {name: value for name, value in merged.items() if name in names}
    own["token_endpoint_auth_method"] = asked.token_endpoint_auth_method or usual
    own["grant_types"] = grant_types
    if bare.profile == FAPI2:
        own.setdefault("id_token_signed_response_alg", "PS256")
    metadata = _read(own, Metadata)
    if isinstance(metadata, Refusal):
        return metadata
    keys = "" if asked.jwks is None else msgspec.json.encode(asked.jwks).decode()
    return msgspec.structs.replace(
        bare,
        name=asked.client_name,
        legal_name=bare.legal_name or asked.org_name or asked.client_name,
        redirect_uris=tuple(dict.fromkeys(asked.redirect_uris or ())),
        scope=scope,
        metadata=msgspec.structs.replace(metadata, jwks=keys, **_banks_own(bare)),
    )


def _banks_own(client: Client) -> dict[str, Any]:
    """Give what of a client's metadata only the bank says, and a registration leaves as it is."""
    return {name: getattr(client.metadata, name) for name in BANKS_OWN}


def _read(said: dict[str, Any], kind: type[T]) -> T | Refusal:
    try:
        return msgspec.convert(said, kind)
    except msgspec.ValidationError as wrong:
        told = f"{str(wrong)[:200]}."
        return bad_redirect_uri(told) if "$.redirect_uris" in told else bad_metadata(told)


def _new_token(fresh: Fresh) -> tuple[Secret, str]:
    text = _PREFIX + b64url(fresh(32))
    return Secret(text), fingerprint(text)
