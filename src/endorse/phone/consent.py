"""Reading the consent document, and every reason not to sign it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec
import rfc8785

from endorse.phone.answers import Changed, Client, JsonObject
from endorse.phone.details import check_details
from endorse.phone.encoding import b64url
from endorse.phone.errors import ConsentNotTrusted

_TYPE = "endorse-consent-v1"
_TEXTS = "1"


class ConsentAccount(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """One account as the document names it."""

    currency: str
    iban: str
    name: str
    resource_id: str


class ConsentClient(Client, frozen=True, forbid_unknown_fields=True):
    """The client as the document names it."""


class Consent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The document that the passkey signs.

    An unknown field is refused: the phone could not show it, and the person would sign it unseen.
    """

    accounts: tuple[ConsentAccount, ...]
    client: ConsentClient
    device: str
    issuer: str
    locale: str
    nonce: str
    person: str
    recurring: bool
    request: str
    scope: tuple[str, ...]
    texts: str
    type: str
    valid_until: datetime
    renews: str | None = None
    """The connection that it renews; none in a first consent."""
    message: str | None = None
    """What the client showed too, where it asked by itself."""
    merges: str | None = None
    """The connection that keeps what it has and gets the rest."""
    replaces: str | None = None
    """The connection that will have nothing else than this."""
    revision: int | None = None
    """Its place among all that was signed for the connection that it merges or replaces."""
    authorization_details: tuple[JsonObject, ...] = ()
    """What exactly is approved (RFC 9396)."""


def challenge_of(document: str) -> str:
    """The WebAuthn challenge of a document: base64url SHA-256("endorse-consent-v1" | 0 | text)."""
    try:
        data = document.encode()
    except UnicodeEncodeError:
        raise ConsentNotTrusted("The document is no Unicode text.") from None
    return b64url(hashlib.sha256(_TYPE.encode() + b"\0" + data).digest())


def read_consent(
    document: str,
    challenge: object,
    *,
    issuer: str,
    device: str,
    person: str,
    accounts: Collection[str],
    renews: str | None = None,
    message: str | None = None,
    changes: Changed | None = None,
) -> Consent:
    """Parse a document after checking that it is the one to sign, and for this phone.

    `challenge` is the one in the WebAuthn options, `device` this phone's key thumbprint, `person`
    its account holder's id, `accounts` the resource ids that were chosen, `changes` the connection
    that the request changes, as `match` answered it. Raises `ConsentNotTrusted`.
    """
    if challenge != challenge_of(document):
        raise ConsentNotTrusted("The challenge is not the hash of the document.")
    consent = _parse(document)
    expected = [
        ("type", consent.type, _TYPE),
        ("texts", consent.texts, _TEXTS),
        ("issuer", consent.issuer, issuer),
        ("device", consent.device, device),
        ("person", consent.person, person),
        ("renews", consent.renews, renews),
        ("message", consent.message, message),
        *_named(consent, changes),
    ]
    for name, found, right in expected:
        if found != right:
            raise ConsentNotTrusted(f"The document's {name} is {found!r}, not {right!r}.")
    check_details(consent.authorization_details, len(set(accounts)))
    named = [account.resource_id for account in consent.accounts]
    wanted = {*accounts, *(changes.kept if changes else ())}
    if len(named) != len(set(named)) or set(named) != wanted:
        raise ConsentNotTrusted(f"The document names accounts {named}, not those chosen.")
    return consent


def _named(consent: Consent, changes: Changed | None) -> list[tuple[str, object, object]]:
    """What the document says of the connection that it changes, beside what it must say."""
    verb = {"merge": "merges", "replace": "replaces"}.get(changes.how, "") if changes else ""
    if changes and not verb:
        raise ConsentNotTrusted(f"A connection would be changed by {changes.how!r}.")
    grant_id = changes.grant_id if changes else None
    return [
        ("merges", consent.merges, grant_id if verb == "merges" else None),
        ("replaces", consent.replaces, grant_id if verb == "replaces" else None),
        ("revision", consent.revision, changes.revision + 1 if changes else None),
    ]


def _parse(document: str) -> Consent:
    try:
        generic: Any = msgspec.json.decode(document)
        # Two readers of text that is not canonical, say with a name twice, could read two things.
        if rfc8785.dumps(generic) != document.encode():
            raise ConsentNotTrusted("The document is not canonical JSON (RFC 8785).")
        return msgspec.convert(generic, Consent)
    except (msgspec.DecodeError, rfc8785.CanonicalizationError) as problem:
        raise ConsentNotTrusted(f"The document is malformed: {problem}.") from problem
