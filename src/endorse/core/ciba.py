"""Asking a person on their phone, without a browser of ours (OpenID Connect CIBA Core 1.0).

Whoever may make a stranger's phone ring could ring until the stranger gives in. So a client can ask
only somebody who connected it before, by a token that it got then or by the bank's name for them;
seldom; with words that its own screen shows too; and not for a day after the person said "I did not
start this".
"""

import re
from typing import Final

import msgspec

from endorse.core import asked, profile, refusal, refusal_polling, refusal_requests
from endorse.core.authorize import digest
from endorse.core.change import Begin, BeginPoll, Change, Decision, NoteTry, UseOnce
from endorse.core.coding import Fresh, Secret, b64url, fingerprint, from_b64url, mac, new_flow, same
from endorse.core.journey import State
from endorse.core.metadata import CIBA
from endorse.core.model import Client, Grant, Journey, Poll, Request, Trusted
from endorse.core.params import Params
from endorse.core.policy import Policy, Terms
from endorse.core.refusal import Refusal
from endorse.core.request_object import Inside

ASKED: Final = "asked"
"""The way of a request that reaches the person's phones by itself."""
HINTS: Final = ("login_hint_token", "id_token_hint", "login_hint")
_SPEC: Final = "CIBA Core 7.1"
_HINT_PREFIX: Final = "el_"
_REQUEST_PREFIX: Final = "eq_"
# What every phone draws alike, and nothing that could pass for words of ours on a second line.
_MESSAGE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .,:#/+-]{0,39}\Z")
_SECONDS: Final = re.compile(r"[1-9][0-9]{0,5}\Z")
# RFC 6750 2.1, and no more than a JWT has.
_BEARER: Final = re.compile(r"[A-Za-z0-9._~+/-]{16,1024}=*\Z")
_GRANT_BYTES: Final = 16


class Prompted(msgspec.Struct, frozen=True):
    """How often a person was asked of late, and by this client."""

    in_all: int = 0
    waiting: bool = False
    """Whether a request of this client still waits for the person."""
    unwanted: bool = False
    """Whether the person said of late that they did not start what this client asked."""


class Asked(msgspec.Struct, frozen=True):
    """What the client is told (CIBA Core 7.3)."""

    auth_req_id: Secret
    expires_in: int
    interval: int


def hint_token(server_key: bytes, client_id: str, grant_id: str) -> Secret:
    """Derive the login_hint_token of a grant, for its own client: the same at every call."""
    raw = from_b64url(grant_id) or b""
    proven = mac(server_key, b"login-hint", client_id.encode(), raw)
    return Secret(_HINT_PREFIX + b64url(raw + proven))


def grant_of_hint(text: str, server_key: bytes, client_id: str) -> str:
    """Read whose grant a login_hint_token is about; "" if this client did not get it from here."""
    raw = from_b64url(text.removeprefix(_HINT_PREFIX)) if text.startswith(_HINT_PREFIX) else None
    if raw is None or len(raw) != _GRANT_BYTES + 32:
        return ""
    grant_id = b64url(raw[:_GRANT_BYTES])
    return grant_id if same(text, hint_token(server_key, client_id, grant_id).reveal()) else ""


def auth_req_id(server_key: bytes, journey_id: str) -> Secret:
    """Derive the handle with which the client polls: a ping says it once more."""
    return Secret(_REQUEST_PREFIX + b64url(mac(server_key, b"auth-req-id", journey_id.encode())))


def begin(
    inside: Inside,
    client: Client,
    grant: Grant | None,
    prompted: Prompted,
    used: bool,
    notify: str | None,
    terms: Terms,
    now: int,
    fresh: Fresh,
) -> Decision[Asked]:
    """Ask a person, or say why not (CIBA Core 7.1, 7.2, 13). The order of the checks is policy.

    `inside` are the parameters that count, `used` says that a signed request came before, `grant`
    is what the hint leads to, `notify` what a ping must show, sealed. A hint that is not this
    client's or names nobody, and one of a connection that somebody ended, have one answer; one that
    only ran out was wanted once.
    """
    law, params = terms.law, inside.params
    no = _not_allowed(inside, client, used) or _params_problem(params, client)
    if no is not None:
        return Decision(no)
    scope = asked.scope(params, client)
    if isinstance(scope, Refusal):
        return Decision(scope)
    if grant is None or grant.client_id != client.client_id or grant.ended_at is not None:
        return Decision(refusal_polling.PERSON_NOT_KNOWN)
    no = _too_often(prompted, law)
    if no is not None:
        return Decision(no)
    lives = min(int(params.text("requested_expiry") or law.ciba), law.ciba)
    # No redirect leads back, so there is no address and no state.
    nowhere, message, flow = Trusted(client.client_id, ""), _message(params), new_flow(fresh)
    request = Request(nowhere, scope, None, None, binding_message=message, flow=flow)
    journey = _journey(request, grant.person_id, now + lives, terms, now, fresh)
    handle = auth_req_id(terms.server_key, journey.journey_id)
    poll = Poll(
        poll_hash=fingerprint(handle.reveal()),
        kind="ciba",
        client_id=client.client_id,
        request=request,
        user_code_hash=None,
        created_at=now,
        expires_at=now + lives,
        every=law.poll_every,
        notify=notify,
    )
    journey = msgspec.structs.replace(journey, poll_hash=poll.poll_hash)
    changes: tuple[Change, ...] = (
        BeginPoll(poll),
        Begin(journey),
        NoteTry(grant.person_id, prompt_kind(client.client_id), now),
    )
    if inside.once:
        changes = (*changes, UseOnce(inside.once, now + law.remember_journey))
    return Decision(Asked(handle, lives, law.poll_every), changes)


def prompt_kind(client_id: str) -> str:
    """Name what is remembered of a person whom this client asked."""
    return f"prompt {client_id}"


def unwanted_kind(client_id: str) -> str:
    """Name what is remembered of a person who did not start what this client asked."""
    return f"unwanted {client_id}"


def _not_allowed(inside: Inside, client: Client, used: bool) -> Refusal | None:
    if CIBA not in client.metadata.grant_types or client.public:
        return refusal_polling.CLIENT_NOT_FOR_THIS.because("no CIBA")
    if profile.signed_backchannel(client) and not inside.text:
        return refusal_requests.SIGNED_REQUEST_REQUIRED
    return refusal_requests.REQUEST_OBJECT_NOT_GOOD.because("its jti was used") if used else None


def _params_problem(params: Params, client: Client) -> Refusal | None:
    came = [name for name in HINTS if name in params.values]
    if len(came) != 1:
        return refusal_polling.ONE_HINT
    if "binding_message" not in params.values:
        return refusal.missing("binding_message", _SPEC)
    if not _MESSAGE.match(_message(params)):
        return refusal_polling.BINDING_MESSAGE
    expiry = params.text("requested_expiry")
    if expiry and not _SECONDS.match(expiry):
        return refusal_polling.REQUESTED_EXPIRY
    if client.metadata.backchannel_token_delivery_mode != "ping":
        return None
    token = params.text("client_notification_token")
    return None if _BEARER.match(token) else refusal_polling.NOTIFICATION_TOKEN


def _message(params: Params) -> str:
    return params.text("binding_message")


def _too_often(prompted: Prompted, law: Policy) -> Refusal | None:
    if prompted.unwanted:
        return refusal_polling.PROMPTS_UNWANTED
    if prompted.waiting or prompted.in_all >= law.prompts:
        return refusal_polling.PROMPTS_TOO_MANY
    return None


def _journey(
    request: Request, person_id: str, until: int, terms: Terms, now: int, fresh: Fresh
) -> Journey:
    """Make a journey that no browser began: nobody has its B, and no code leads to it."""
    return Journey(
        journey_id=b64url(fresh(16)),
        short=b64url(fresh(12)),
        qid=b64url(fresh(16)),
        browser_hash=fingerprint(b64url(fresh(32))),
        request=request,
        digest=digest(request, terms.issuer),
        browser="",
        browser_id="",
        address="",
        ways=(),
        state=State.WAITING,
        version=0,
        started_at=now,
        code_from=now,
        codes=0,
        expires_at=until,
        forget_at=now + terms.law.remember_journey,
        way=ASKED,
        person_id=person_id,
        polls_until=until,
    )
