"""One of everything that is stored, with every field set."""

from __future__ import annotations

import msgspec

from endorse.core.change import Begin, Change, MakeGrant, MakeToken
from endorse.core.details import AccountInformation, Iban, Money, PaymentInitiation
from endorse.core.journey import State
from endorse.core.metadata import Metadata
from endorse.core.model import (
    AccessToken,
    Client,
    ClientSecret,
    Enrolment,
    Evidence,
    Grant,
    Journey,
    Phone,
    Poll,
    PushedRequest,
    Request,
    SharedAccount,
    Trusted,
)
from endorse.store import Store

NOW = 1_800_000_000
ODD = 'Zoë\'s "bank"; -- \U0001f4b6 %s $1 ?1\n\ttab'
"""Text that would do harm if it were ever part of a statement."""

CLIENT = Client(
    client_id="app",
    name=ODD,
    legal_name="Budget & Co B.V.",
    redirect_uris=("https://app.example/callback?a=1&b=2", "com.example.app:/callback"),
    scope=("accounts", "offline_access"),
    public=False,
    verified=True,
    duration=7_776_000,
    created_at=NOW,
    secrets=(ClientSecret("hash-1", NOW, NOW + 10),),
    ways=("qr", "short_code"),
    profile="fapi2",
    metadata=Metadata("private_key_jwt", jwks='{"keys": []}', contacts=(ODD,)),
    registration=("new-token-hash", "token-hash-before"),
)
DETAILS = (
    PaymentInitiation(
        instructed_amount=Money("EUR", "12.50"),
        creditor_name=ODD,
        creditor_account=Iban("DE02100100109307118603"),
        remittance_information_unstructured=ODD,
        debtor_account=Iban("NL91ABNA0417164300"),
        locations=("https://bank.example/v1",),
    ),
    AccountInformation(
        actions=("list_accounts",),
        date_from="2026-01-01",
        date_to="2026-02-01",
        accounts_at_least=2,
        accounts_at_most=3,
    ),
)
REQUEST = Request(
    Trusted("app", "https://app.example/callback?a=1&b=2"),
    ("accounts", "offline_access"),
    b"\x00state\xff+&=%",
    "challenge",
    ("nl", "en"),
    response_mode="form_post",
    nonce=ODD,
    prompt=("login", "consent"),
    max_age=0,
    dpop_jkt="thumbprint",
    authorization_details=DETAILS,
    pushed_id="pushed",
    request_object="a.b.c",
    once="request-hash",
    binding_message="Desk 4",
    flow="a-flow",
    grant_action="merge",
    grant_id="grant",
)
PUSHED = PushedRequest("request-hash", "app", REQUEST, NOW, NOW + 590)
JOURNEY = Journey(
    journey_id="journey",
    short="short",
    qid="qid",
    browser_hash="browser-hash",
    request=REQUEST,
    digest="digest",
    browser=ODD,
    browser_id="browser",
    address="2001:db8::1",
    ways=("qr", "link"),
    state=State.WAITING,
    version=0,
    started_at=NOW,
    code_from=NOW + 1,
    codes=2,
    expires_at=NOW + 600,
    forget_at=NOW + 86_400,
)
WHOLE_JOURNEY = msgspec.structs.replace(
    JOURNEY,
    state=State.REDEEMED,
    version=9,
    lid_hash="lid-hash",
    spelling="spelling",
    spelling_hash="spelling-hash",
    spelled_at=NOW + 1,
    way="qr",
    number=42,
    hint='{"level":"green"}',
    return_hash="return-hash",
    returned_at=NOW + 4,
    person_id="anna",
    phone_id="phone",
    claimed_at=NOW + 2,
    document=ODD,
    challenge="challenge of the document",
    assertion='{"id":"é"}',
    approved_at=NOW + 3,
    reason="a reason",
    code_hash="code-hash",
    grant_id="grant",
    poll_hash="poll-hash",
    polls_until=NOW + 600,
)
POLL = Poll(
    "poll-hash", "device", "app", REQUEST, "user-code-hash", NOW, NOW + 600, 5, NOW + 7, "sealed"
)
PHONE = Phone(
    phone_id="phone",
    person_id="anna",
    name=ODD,
    device="thumbprint",
    credential_id="credential",
    public_key="key",
    sign_count=4_000_000_000,
    enrolled_at=NOW,
)
CODE = Enrolment("code-hash", "anna", NOW, NOW + 600)
ACCOUNTS = (
    SharedAccount("acc 1", "NL91ABNA0417164300", ODD, "EUR"),
    SharedAccount("acc-2", None, None, "USD"),
)
GRANT = Grant(
    grant_id="grant",
    client_id="app",
    person_id="anna",
    phone_id="phone",
    scope=("accounts", "offline_access"),
    accounts=ACCOUNTS,
    created_at=NOW,
    expires_at=NOW + 7_776_000,
    generation=1,
    rotated_at=NOW,
    revision=1,
    removed=(SharedAccount("acc-3", None, "Old", "EUR"),),
    bound_to="jkt:thumbprint",
    approved_at=NOW - 60,
    authorization_details=DETAILS,
)
EVIDENCE = Evidence(
    grant_id="grant",
    number=1,
    kind="consent",
    at=NOW,
    signed=ODD,
    signature='{"id":"é"}',
    credential_id="credential",
    public_key="key",
)
TOKEN = AccessToken(
    "token-hash",
    "grant",
    ("accounts",),
    NOW,
    NOW + 300,
    client_id="app",
    bound_to="jkt:thumbprint",
    revision=1,
)


def journey(number: int) -> Journey:
    """One of many journeys."""
    return msgspec.structs.replace(
        JOURNEY, journey_id=f"journey-{number}", short=f"short-{number}", qid=f"qid-{number}"
    )


def grant(number: int | str) -> Grant:
    """One of many grants."""
    return msgspec.structs.replace(GRANT, grant_id=f"grant-{number}")


def made(grant: Grant = GRANT) -> MakeGrant:
    """The making of a grant, with what was signed for it."""
    return MakeGrant(grant, msgspec.structs.replace(EVIDENCE, grant_id=grant.grant_id))


async def put(store: Store, *changes: Change) -> None:
    """Store these, which must work."""
    assert await store.change(changes, NOW)


async def put_journey(store: Store) -> None:
    """Store the journey."""
    await put(store, Begin(JOURNEY))


async def put_grant(store: Store) -> None:
    """Store the grant with its access token."""
    await put(store, made(), MakeToken(TOKEN))
