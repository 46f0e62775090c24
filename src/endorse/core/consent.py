"""The consent document: what the person signs, byte for byte, as canonical JSON (RFC 8785)."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from endorse.core import alter
from endorse.core.coding import Fresh, b64url
from endorse.core.details import Details
from endorse.core.model import Client, Grant, Journey, Phone, SharedAccount
from endorse.core.policy import Policy, Terms

TEXTS_VERSION: Final = "1"
"""The version of the words the phone shows; it is part of what is signed."""


LOCALES: Final = ("en", "nl", "de", "fr", "es")
"""The languages in which the phone can show what is signed."""


def locale_of(asked: str) -> str:
    """Give the language that a phone named, or English if there is no such."""
    language = asked.split("-", maxsplit=1)[0].lower()
    return language if language in LOCALES else "en"


def valid_until(journey: Journey, client: Client, law: Policy, grant: Grant | None = None) -> int:
    """Give the time at which what is asked will end, counted from the claim.

    So what the phone shows first is what the document says later. Without offline_access it is
    as long as one approval can take, and then one access token's life. `grant` is the one that
    the request changes, if it does.
    """
    start = journey.claimed_at or journey.started_at
    until = start + min(client.duration, law.grant_at_most)
    if "offline_access" not in alter.scope(journey.request, grant):
        until = start + law.decision + law.resume + law.code + law.access_token
    return alter.ends(journey.request, grant, until)


def timestamp(seconds: int) -> str:
    """Write a time as RFC 3339 in UTC, to the second."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().removesuffix("+00:00") + "Z"


def renewal(
    grant: Grant,
    last: str,
    phone: Phone,
    client: Client,
    issuer: str,
    until: int,
    fresh: Fresh,
) -> str:
    """Write the document that renews a grant: a new consent, which names the grant as `renews`.

    `last` is the last document that was signed for it; the request is the same still.
    """
    before = msgspec.json.decode(last, type=_Before)
    said = {
        "accounts": grant.accounts,
        "client": _named(client),
        "device": phone.device,
        "issuer": issuer,
        "locale": before.locale,
        "nonce": b64url(fresh(16)),
        "person": phone.person_id,
        "recurring": True,
        "renews": grant.grant_id,
        "request": before.request,
        "scope": list(grant.scope),
        "texts": TEXTS_VERSION,
        "type": "endorse-consent-v1",
        "valid_until": timestamp(until),
    }
    return _written(said, grant.authorization_details)


class _Before(msgspec.Struct, frozen=True):
    request: str
    locale: str


def _named(client: Client) -> dict[str, object]:
    return {
        "client_id": client.client_id,
        "legal_name": client.legal_name,
        "name": client.name,
        "verified": client.verified,
    }


def document(
    journey: Journey,
    phone: Phone,
    client: Client,
    accounts: Sequence[SharedAccount],
    locale: str,
    terms: Terms,
    fresh: Fresh,
    grant: Grant | None = None,
) -> str:
    """Write the consent document as canonical JSON (RFC 8785).

    It says everything that there will be: for a `grant` that the request changes, also what stays
    of it, and which it is and how.
    """
    scope = alter.scope(journey.request, grant)
    said = {
        **alter.members(journey.request, grant),
        "accounts": alter.accounts(journey.request, grant, accounts),
        "client": _named(client),
        "device": phone.device,
        "issuer": terms.issuer,
        "locale": locale,
        "nonce": b64url(fresh(16)),
        "person": phone.person_id,
        "recurring": "offline_access" in scope,
        "request": journey.digest,
        "scope": list(scope),
        "texts": TEXTS_VERSION,
        "type": "endorse-consent-v1",
        "valid_until": timestamp(valid_until(journey, client, terms.law, grant)),
    }
    if journey.request.binding_message:
        said["message"] = journey.request.binding_message
    return _written(said, journey.request.authorization_details)


def _written(said: dict[str, Any], asked: Details) -> str:
    if asked:
        said["authorization_details"] = asked
    # Of what stands in a document (texts, truth values, whole numbers, names in ASCII) this is what
    # RFC 8785 demands, at a fortieth of the time of a program that canonicalizes anything.
    return msgspec.json.encode(said, order="sorted").decode()
