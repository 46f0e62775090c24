"""The phone signs a renewal only if it gives what the connection gives, for longer."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest
import rfc8785

from endorse.phone import Account, Client, Connection, ConsentNotTrusted
from endorse.phone.answers import RenewalAnswer
from endorse.phone.encoding import b64url
from endorse.phone.renewal import Renewal, read_renewal

ISSUER = "https://bank.example"
CLIENT = Client("app", "Budgetly", "Budgetly B.V.", True)
ACCOUNT = Account("acc-1", "NL91ABNA0417164300", "Current", "EUR")
CONNECTION = Connection(
    grant_id="grant",
    client=CLIENT,
    scope=("accounts", "offline_access"),
    accounts=(ACCOUNT,),
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
    valid_until=datetime(2026, 4, 1, tzinfo=UTC),
)
DOCUMENT: dict[str, Any] = {
    "accounts": [
        {
            "currency": "EUR",
            "iban": "NL91ABNA0417164300",
            "name": "Current",
            "resourceId": "acc-1",
        }
    ],
    "client": {
        "client_id": "app",
        "legal_name": "Budgetly B.V.",
        "name": "Budgetly",
        "verified": True,
    },
    "device": "thumbprint",
    "issuer": ISSUER,
    "locale": "en",
    "nonce": "nonce",
    "person": "anna",
    "recurring": True,
    "renews": "grant",
    "request": "digest",
    "scope": ["accounts", "offline_access"],
    "texts": "1",
    "type": "endorse-consent-v1",
    "valid_until": "2026-05-01T00:00:00Z",
}


def answered(grant_id: str = "grant", rp_id: str = "bank.example", **changed: Any) -> Renewal:
    """What the phone makes of an answer with this in its document; None leaves a member out."""
    said = {name: it for name, it in {**DOCUMENT, **changed}.items() if it is not None}
    document = rfc8785.dumps(said).decode()
    challenge = hashlib.sha256(b"endorse-consent-v1\0" + document.encode()).digest()
    options = {"challenge": b64url(challenge), "rpId": rp_id}
    return read_renewal(
        RenewalAnswer(grant_id, document, options, "sealed", 300),
        CONNECTION,
        issuer=ISSUER,
        device="thumbprint",
        person="anna",
        rp_id="bank.example",
    )


def test_a_good_renewal_is_given_to_sign() -> None:
    renewal = answered()
    assert renewal.consent.valid_until == datetime(2026, 5, 1, tzinfo=UTC)
    assert (renewal.grant_id, renewal.sealed) == ("grant", "sealed")


@pytest.mark.parametrize(
    "changed",
    [
        {"grant_id": "another"},
        {"rp_id": "evil.example"},
        {"renews": None},
        {"renews": "another"},
        {"issuer": "https://evil.example"},
        {"device": "another"},
        {"person": "ben"},
        {"accounts": []},
        {"accounts": [{**DOCUMENT["accounts"][0], "resourceId": "acc-2"}]},
        {"accounts": [*DOCUMENT["accounts"], {**DOCUMENT["accounts"][0], "resourceId": "acc-2"}]},
        {"scope": ["accounts", "balances", "offline_access"]},
        {"scope": ["accounts"]},
        {"recurring": False},
        {"client": {**DOCUMENT["client"], "client_id": "another"}},
        {"valid_until": "2026-04-01T00:00:00Z"},
        {"valid_until": "2026-03-01T00:00:00Z"},
        {"extra": "what nobody sees"},
    ],
    ids=str,
)
def test_anything_else_is_not_signed(changed: dict[str, Any]) -> None:
    with pytest.raises(ConsentNotTrusted):
        answered(**changed)
