"""From a code to tokens, and from a refresh token to the next (RFC 6749 4.1.3, 6)."""

from datetime import datetime
from typing import Final

import msgspec

from endorse.core import alter, ciba, dpop, profile, refusal
from endorse.core.change import (
    Amend,
    Change,
    Decision,
    EndGrant,
    KnowBrowser,
    MakeGrant,
    MakeToken,
    Move,
    Rotate,
    VoidRefresh,
)
from endorse.core.coding import Fresh, Secret, b64url, fingerprint, from_b64url, mac, same
from endorse.core.details import Details, payment_of
from endorse.core.grants import consented
from endorse.core.journey import Event, State
from endorse.core.metadata import CIBA
from endorse.core.model import AccessToken, Client, Evidence, Grant, Journey, Phone, SharedAccount
from endorse.core.notice import By, Connected, Kind, of_connection
from endorse.core.params import Params
from endorse.core.policy import ASKABLE, HOUR, Policy
from endorse.core.proof import pkce_holds

ACCESS: Final = "ea_"
"""How every opaque access token begins, so that scanners for secrets know it."""
_REFRESH: Final = "er_"
_SPEC: Final = "RFC 6749 4.1.3"


class Tokens(msgspec.Struct, frozen=True):
    """What the token endpoint answers (RFC 6749 5.1)."""

    access_token: Secret
    expires_in: int
    scope: tuple[str, ...]
    refresh_token: Secret | None = None
    token: AccessToken | None = None
    """The access token, as stored."""
    person_id: str = ""
    """Whom the tokens are about; "" for nobody."""
    login_hint_token: Secret | None = None
    """With which the client may ask this person on their phone, if it is registered for that."""
    approved_at: int = 0
    """When that person approved with the passkey."""
    nonce: str | None = None
    """The one of the request, for the ID token that answers it."""
    grant_id: str = ""
    """Told where the request asked for something of a grant (Grant Management 5.5)."""
    authorization_details: Details = ()
    """As the person granted them (RFC 9396 7)."""


class _Signed(msgspec.Struct, frozen=True):
    """What redemption takes from the consent document."""

    accounts: tuple[SharedAccount, ...]
    scope: tuple[str, ...]
    valid_until: str
    authorization_details: Details = ()


class Approval(msgspec.Struct, frozen=True):
    """What is stored of a code."""

    journey: Journey | None = None
    """The one that it belongs to."""
    phone: Phone | None = None
    """The one that approved it, whose passkey is kept with the evidence."""
    grant: Grant | None = None
    """The one that its request changes, if it does."""


def code(
    params: Params,
    client: Client,
    approval: Approval,
    server_key: bytes,
    now: int,
    fresh: Fresh,
    law: Policy,
    bound_to: str = "",
) -> Decision[Tokens]:
    """Redeem an authorization code, once (RFC 6749 4.1.3, 10.5; RFC 9700 4.5).

    A second use by the code's own client ends the grant that the first one made: whoever of
    the two was honest, the other was not. `bound_to` is the key that the call shows, as in
    `AccessToken`; a code for another key is not good (RFC 9449 10).

    See also RFC 6749 4.1.4; RFC 7636 4.5; RFC 9700 4.5.3.
    """
    journey, phone, before = approval.journey, approval.phone, approval.grant
    for name in ("code", "redirect_uri"):
        if name not in params.values:
            return Decision(refusal.missing(name, _SPEC))
    if journey is None or journey.request.returns_to.client_id != client.client_id:
        return _not_good("unknown code, or another client's")
    if journey.state is State.REDEEMED:
        person_id = journey.person_id or ""
        what = Connected(journey.grant_id or "", client.client_id, person_id)
        ended = _ended_by_misuse(what, "replay of its code", now)
        return Decision(refusal.CODE_NOT_GOOD.because("a second use ends the grant"), ended)
    wrong = _code_problem(params, journey, now, bound_to)
    if wrong:
        return _not_good(wrong)
    return given(Event.REDEEM, journey, client, phone, before, server_key, now, fresh, law)


def given(
    event: Event,
    journey: Journey,
    client: Client,
    phone: Phone | None,
    before: Grant | None,
    server_key: bytes,
    now: int,
    fresh: Fresh,
    law: Policy,
) -> Decision[Tokens]:
    """Make the grant that a person approved, and its first tokens: what ends every journey well.

    The move by `event` is the guard: of two that come at once, one finds the journey moved.
    `before` is the grant that the request changes, if it does: nothing else may have been signed
    for it since the approval.

    See also RFC 6749 10.3; RFC 6750 5.2, 5.3; RFC 9700 2.3.
    """
    if journey.document is None or journey.assertion is None or phone is None:
        raise AssertionError("an approved journey has a signed document and its phone")
    late = alter.outdated(journey, before, now)
    if late is not None:
        return Decision(alter.GRANT_CHANGED.because(late.name))
    grant = _grant(journey, journey.document, client, now, fresh, law)
    if before is not None:
        grant = alter.altered(journey.request, before, grant)
    signed = consented(
        grant.grant_id, grant.revision, journey.document, journey.assertion, phone, now
    )
    tokens, token = _access_token(grant, grant.scope, now, fresh, law)
    tokens = msgspec.structs.replace(tokens, nonce=journey.request.nonce)
    if "offline_access" in grant.scope:
        tokens = _with_refresh(tokens, grant, server_key)
    tokens = _with_hint(tokens, client, grant, server_key)
    if journey.request.grant_action:
        tokens = msgspec.structs.replace(tokens, grant_id=grant.grant_id)
    after = msgspec.structs.replace(
        journey, state=State.REDEEMED, version=journey.version + 1, grant_id=grant.grant_id
    )
    kept, told = _kept(before, grant, signed, now)
    moved = Move(event, journey, after)
    changes: tuple[Change, ...] = (moved, *kept, MakeToken(token), told)
    if journey.browser_id:
        changes = (*changes, KnowBrowser(journey.browser_id, grant.person_id, now))
    return Decision(tokens, changes)


def _kept(
    before: Grant | None, grant: Grant, signed: Evidence, now: int
) -> tuple[tuple[Change, ...], Change]:
    """Store a new grant, or what became of the one before; and tell the person's phones."""
    what = Connected(grant.grant_id, grant.client_id, grant.person_id)
    if before is None:
        paid = payment_of(grant.authorization_details) is not None
        kind = Kind.PAYMENT_APPROVED if paid else Kind.CONNECTION_MADE
        told = of_connection(kind, what, By.CLIENT, now)
        return (MakeGrant(grant, signed),), told
    told = of_connection(Kind.CONNECTION_CHANGED, what, By.CLIENT, now, count=grant.revision)
    return (Amend(grant, signed), VoidRefresh(grant.grant_id, before.generation, now)), told


class RefreshToken(msgspec.Struct, frozen=True):
    """A refresh token whose mac holds: which grant, and which in the row of its tokens."""

    grant_id: str
    generation: int


def read_refresh_token(text: str, server_key: bytes) -> RefreshToken | None:
    """Read a refresh token; None if this server did not make it. Nothing is looked up.

    See also RFC 6749 10.4.
    """
    raw = from_b64url(text.removeprefix(_REFRESH)) if text.startswith(_REFRESH) else None
    if raw is None or len(raw) != 16 + 4 + 32:
        return None
    token = RefreshToken(b64url(raw[:16]), int.from_bytes(raw[16:20], "big"))
    return token if same(text, _refresh_token(token, server_key)) else None


def refresh(
    params: Params,
    client: Client,
    token: RefreshToken | None,
    grant: Grant | None,
    server_key: bytes,
    now: int,
    fresh: Fresh,
    law: Policy,
    bound_to: str = "",
) -> Decision[Tokens]:
    """Exchange a refresh token for its successor (RFC 6749 6; RFC 9700 4.14.2).

    The generation just before, within a few seconds, gets the same successor again: its answer
    was lost, or two workers refreshed at once. Anything older was stolen from one of the two
    holders, so the grant ends. A refresh token that is worth nothing without a key is its own
    successor: see `profile.rotates`.
    """
    if "refresh_token" not in params.values:
        return Decision(refusal.missing("refresh_token", "RFC 6749 6"))
    if token is None or grant is None or grant.client_id != client.client_id:
        return Decision(refusal.REFRESH_NOT_GOOD.because("unknown, or another client's"))
    if not grant.live(now):
        return Decision(refusal.REFRESH_NOT_GOOD.because("the grant has ended"))
    if grant.bound_to and bound_to != grant.bound_to:
        return Decision(refusal.REFRESH_NOT_GOOD.because("bound to another key, or none shown"))
    if token.generation <= grant.voided:
        # Another approval made it void, so it is no sign of a thief.
        return Decision(refusal.REFRESH_NOT_GOOD.because("void since the grant was changed"))
    asked = tuple(params.text("scope").split()) or grant.scope
    if not set(asked) <= set(grant.scope):
        return Decision(refusal.SCOPE_WIDER)
    before = grant.generation
    retried = token.generation == before - 1 and now - grant.rotated_at <= law.refresh_retry
    if token.generation != before and not retried:
        what = Connected(grant.grant_id, grant.client_id, grant.person_id)
        ended = _ended_by_misuse(what, "reuse of a refresh token", now)
        return Decision(refusal.REFRESH_NOT_GOOD.because("reuse ends the grant"), ended)
    scope = tuple(name for name in ASKABLE if name in asked)
    tokens, access = _access_token(grant, scope, now, fresh, law)
    changes: tuple[Change, ...] = (MakeToken(access),)
    if not retried and profile.rotates(client, bound_to):
        changes = (Rotate(grant.grant_id, before, now), *changes)
        grant = msgspec.structs.replace(grant, generation=before + 1)
    tokens = _with_hint(_with_refresh(tokens, grant, server_key), client, grant, server_key)
    return Decision(tokens, changes)


def _ended_by_misuse(what: Connected, by: str, now: int) -> tuple[Change, ...]:
    told = of_connection(Kind.CONNECTION_ENDED, what, By.MISUSE, now)
    return (EndGrant(what.grant_id, by, now), told)


def _code_problem(params: Params, journey: Journey, now: int, bound_to: str) -> str:
    """Say why a code that its own client sends is not good, or ""."""
    if journey.at(now) is not State.REDIRECTED:
        return "too old"
    if not same(params.text("redirect_uri"), journey.request.returns_to.redirect_uri):
        return "another redirect_uri"
    if not pkce_holds(params.text("code_verifier"), journey.request.code_challenge):
        return "code_verifier does not answer code_challenge"
    if journey.request.dpop_jkt and bound_to != dpop.BOUND + journey.request.dpop_jkt:
        return "dpop_jkt is another key than the one that was shown"
    return ""


def _not_good(detail: str) -> Decision[Tokens]:
    return Decision(refusal.CODE_NOT_GOOD.because(detail))


def _grant_id(now: int, fresh: Fresh) -> str:
    """Make the name of a grant: its hour, so that what is stored together lies together, and 104
    random bits."""
    return b64url((now // HOUR).to_bytes(3, "big") + fresh(13))


def _grant(
    journey: Journey, document: str, client: Client, now: int, fresh: Fresh, law: Policy
) -> Grant:
    """Make the grant: exactly what the signed document says, nothing from anywhere else."""
    signed = msgspec.json.decode(document, type=_Signed)
    recurring = "offline_access" in signed.scope
    until = int(datetime.fromisoformat(signed.valid_until).timestamp())
    return Grant(
        grant_id=_grant_id(now, fresh),
        client_id=client.client_id,
        person_id=journey.person_id or "",
        phone_id=journey.phone_id or "",
        scope=signed.scope,
        accounts=signed.accounts,
        created_at=now,
        expires_at=until if recurring else min(until, now + law.access_token),
        generation=1 if recurring else 0,
        rotated_at=now,
        approved_at=journey.approved_at or now,
        authorization_details=signed.authorization_details,
    )


def _access_token(
    grant: Grant, scope: tuple[str, ...], now: int, fresh: Fresh, law: Policy
) -> tuple[Tokens, AccessToken]:
    secret = ACCESS + b64url(fresh(32))
    ends = min(now + law.access_token, grant.expires_at)
    token = AccessToken(
        fingerprint(secret), grant.grant_id, scope, now, ends, revision=grant.revision
    )
    tokens = Tokens(
        Secret(secret),
        ends - now,
        scope,
        token=token,
        person_id=grant.person_id,
        approved_at=grant.approved_at,
        authorization_details=grant.authorization_details,
    )
    return tokens, token


def _with_refresh(tokens: Tokens, grant: Grant, server_key: bytes) -> Tokens:
    text = _refresh_token(RefreshToken(grant.grant_id, grant.generation), server_key)
    return msgspec.structs.replace(tokens, refresh_token=Secret(text))


def _with_hint(tokens: Tokens, client: Client, grant: Grant, server_key: bytes) -> Tokens:
    if CIBA not in client.metadata.grant_types:
        return tokens
    hint = ciba.hint_token(server_key, client.client_id, grant.grant_id)
    return msgspec.structs.replace(tokens, login_hint_token=hint)


def _refresh_token(token: RefreshToken, server_key: bytes) -> str:
    body = (from_b64url(token.grant_id) or b"") + token.generation.to_bytes(4, "big")
    return _REFRESH + b64url(body + mac(server_key, b"refresh-token", body))
