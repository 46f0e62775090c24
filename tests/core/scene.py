"""The cast of the core's tests, and one authorization taken step by step to any state."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable
from typing import TypeVar

import msgspec

from endorse.core import approve, authorize, connect, frame, redeem, ways
from endorse.core.change import Decision
from endorse.core.coding import Fresh, b64url, fingerprint, sha256
from endorse.core.journey import State
from endorse.core.model import (
    Client,
    ClientSecret,
    Grant,
    Hint,
    Journey,
    Phone,
    Request,
    SharedAccount,
    Standing,
    Trusted,
)
from endorse.core.params import Params, parse
from endorse.core.policy import DAY, SCOPES, Policy, Terms
from endorse.core.proof import Assertion
from endorse.core.refusal import Refusal

T = TypeVar("T")

ISSUER = "https://bank.example"
CALLBACK = "https://app.example/callback"
NOW = 1_800_000_000
LAW = Policy()
KEY = b"k" * 32
TERMS = Terms(ISSUER, KEY, LAW)
BROWSER = connect.Browser("Chrome on Windows", "browser-1", "192.0.2.1")
NOTHING = Standing()
GREEN = Hint()
SECRET = "ecs_the-secret-of-the-client"
STATE = b"a state"

CLIENT = Client(
    client_id="app",
    name="Budget & Co",
    legal_name="Budget & Co B.V.",
    redirect_uris=(CALLBACK, "https://app.example/other?from=bank"),
    scope=SCOPES,
    public=False,
    verified=True,
    duration=90 * DAY,
    created_at=NOW - DAY,
    secrets=(ClientSecret(fingerprint(SECRET), NOW - DAY),),
)
OTHER_CLIENT = msgspec.structs.replace(CLIENT, client_id="other-app")
PUBLIC = msgspec.structs.replace(CLIENT, client_id="public-app", public=True, secrets=())

ANNA = Phone(
    phone_id="phone-anna",
    person_id="anna",
    name="Anna's phone",
    device="thumbprint-anna",
    credential_id="credential-anna",
    public_key="key-anna",
    sign_count=0,
    enrolled_at=NOW - DAY,
    enrolled_with="code-hash-anna",
    usable_from=NOW - DAY,
)
ANNAS_OTHER_PHONE = msgspec.structs.replace(
    ANNA, phone_id="phone-anna-2", device="thumbprint-anna-2", credential_id="credential-anna-2"
)
BEN = msgspec.structs.replace(
    ANNA,
    phone_id="phone-ben",
    person_id="ben",
    device="thumbprint-ben",
    credential_id="credential-ben",
)

CURRENT = SharedAccount("acc-1", "NL91ABNA0417164300", "Current", "EUR")
SAVINGS = SharedAccount("acc-2", None, "Savings", "EUR")
DOLLARS = SharedAccount("acc-3", None, None, "USD")
OWNED = (CURRENT, SAVINGS, DOLLARS)

REQUEST = Request(Trusted("app", CALLBACK), SCOPES, STATE, None)
ONCE = msgspec.structs.replace(REQUEST, scope=("accounts", "balances"))
"""A request without offline_access."""

VERIFIER = "a-code-verifier-that-is-long-enough-to-be-allowed"
WITH_PKCE = msgspec.structs.replace(REQUEST, code_challenge=b64url(sha256(VERIFIER.encode())))


def fresh_from(seed: str) -> Fresh:
    """Bytes that look random, and are the same in every run."""
    count = itertools.count()
    return lambda size: hashlib.shake_256(f"{seed} {next(count)}".encode()).digest(size)


def done(decision: Decision[T]) -> T:
    """The answer of a decision that must not be a refusal."""
    assert not isinstance(decision.answer, Refusal), decision.answer
    return decision.answer


def refused(decision: Decision[T]) -> Refusal:
    """The refusal of a decision that must be one."""
    assert isinstance(decision.answer, Refusal), decision.answer
    return decision.answer


def params(**values: str) -> Params:
    """Parameters, each sent once."""
    return Params({name: value.encode() for name, value in values.items()})


def query(raw: str | bytes) -> Params:
    """Parameters as they came in a query or a form."""
    read = parse(raw.encode() if isinstance(raw, str) else raw)
    assert read is not None
    return read


def frame_of(journey: Journey, age: int = 0, now: int = NOW) -> str:
    """The frame of this journey's code that was shown `age` seconds ago."""
    key = frame.frame_key(KEY, journey.qid)
    return frame.write(key, ISSUER, journey, now - journey.code_from - age)


def waiting(request: Request = REQUEST, seed: str = "journey") -> Journey:
    """A journey that just began."""
    begun = connect.begin(request, ISSUER, BROWSER, LAW.ways, NOW, fresh_from(seed), LAW)
    return done(begun).journey


def claim(
    text: str,
    journey: Journey | None,
    phone: Phone = ANNA,
    now: int = NOW,
    standing: Standing = NOTHING,
    hint: Hint = GREEN,
    issuer: str = ISSUER,
    seed: str = "claim",
) -> Decision[Journey]:
    """A phone's claim by what it scanned, opened or was told."""
    terms = msgspec.structs.replace(TERMS, issuer=issuer)
    handle = ways.read(text, issuer)
    fresh = fresh_from(seed + " number")
    return approve.claim(handle, journey, phone, standing, hint, terms, now, fresh)


def claimed(request: Request = REQUEST, seed: str = "journey") -> Journey:
    """A journey that Anna's phone claimed."""
    journey = waiting(request, seed)
    return done(claim(frame_of(journey), journey, seed=seed))


def number(journey: Journey | None) -> int:
    """The number on the page of a claimed journey."""
    assert journey is not None
    assert journey.number is not None
    return journey.number


def matched(request: Request = REQUEST, seed: str = "journey") -> Journey:
    """A journey whose request Anna reads."""
    journey = claimed(request, seed)
    return done(approve.match(journey, ANNA, journey.number, NOTHING, NOW, LAW))


def chosen(
    journey: Journey,
    *accounts: str,
    client: Client = CLIENT,
    now: int = NOW,
    seed: str = "review",
    phone: Phone = ANNA,
    grant: Grant | None = None,
) -> Decision[Journey]:
    """The review of these accounts by Anna."""
    choice = approve.Choice(accounts, OWNED, "en")
    return approve.review(journey, phone, client, choice, TERMS, now, fresh_from(seed), grant)


def reviewed(request: Request = REQUEST, seed: str = "journey") -> Journey:
    """A journey whose consent document waits for Anna's passkey."""
    return done(chosen(matched(request, seed), "acc-1", "acc-3", seed=seed + " review"))


def assertion_over(journey: Journey, phone: Phone = ANNA, sign_count: int = 0) -> Assertion:
    """A verified assertion of this phone's passkey over the journey's document."""
    return Assertion(journey.challenge or "", phone.credential_id, sign_count, '{"signed":true}')


def approved(request: Request = REQUEST, seed: str = "journey") -> Journey:
    """A journey that Anna approved."""
    journey = reviewed(request, seed)
    return done(approve.approve(journey, ANNA, NOTHING, assertion_over(journey), TERMS, NOW))


def redirected(request: Request = REQUEST, seed: str = "journey") -> Journey:
    """A journey whose code was handed to the browser."""
    move = authorize.reply(approved(request, seed), NOW, KEY, ISSUER, LAW).changes[0]
    after = getattr(move, "after", None)
    assert isinstance(after, Journey)
    return after


def code_of(journey: Journey) -> str:
    """The authorization code of a journey."""
    return authorize.code_of(KEY, journey.journey_id)


def redemption(
    journey: Journey,
    now: int = NOW,
    client: Client = CLIENT,
    seed: str = "redeem",
    before: Grant | None = None,
    **sent: str,
) -> Decision[redeem.Tokens]:
    """The redemption of this journey's code; a parameter sent as "" is left out."""
    good = {"code": code_of(journey), "redirect_uri": CALLBACK}
    values = {name: value for name, value in {**good, **sent}.items() if value}
    fresh, approval = fresh_from(seed), redeem.Approval(journey, ANNA, before)
    return redeem.code(params(**values), client, approval, KEY, now, fresh, LAW)


def granted(request: Request = REQUEST, seed: str = "journey") -> tuple[redeem.Tokens, Grant]:
    """The tokens of a redeemed code, and its grant."""
    decision = redemption(redirected(request, seed))
    grants = [grant for it in decision.changes if (grant := getattr(it, "grant", None))]
    return done(decision), grants[0]


def ended(journey: Journey, state: State) -> Journey:
    """The journey, forced into a state."""
    return msgspec.structs.replace(journey, state=state)


REACH: dict[State, Callable[[], Journey]] = {
    State.WAITING: waiting,
    State.CLAIMED: claimed,
    State.MATCHED: matched,
    State.REVIEW: reviewed,
    State.APPROVED: approved,
    State.REDIRECTED: redirected,
    State.REDEEMED: lambda: ended(redirected(), State.REDEEMED),
    State.REJECTED: lambda: done(approve.refuse(claimed(), ANNA, NOW)),
    State.CANCELLED: lambda: done(connect.cancel(waiting(), NOW)),
    State.KILLED: lambda: ended(claimed(), State.KILLED),
    State.EXPIRED: lambda: ended(waiting(), State.EXPIRED),
}
"""How a journey comes into each state."""
