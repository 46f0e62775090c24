"""Renewing a connection: the document to sign gives what the connection gives, only for longer."""

from __future__ import annotations

from dataclasses import dataclass

from endorse.phone.answers import Connection, JsonObject, RenewalAnswer
from endorse.phone.consent import Consent, read_consent
from endorse.phone.details import check_shown
from endorse.phone.errors import ConsentNotTrusted


@dataclass(frozen=True, slots=True)
class Renewal:
    """What the passkey is to sign, already checked: show `consent`, then `approve_renewal`."""

    grant_id: str
    document: str
    consent: Consent
    options: JsonObject
    sealed: str
    """What the server wants back unread."""
    expires_in: int


def read_renewal(
    answer: RenewalAnswer,
    connection: Connection,
    *,
    issuer: str,
    device: str,
    person: str,
    rp_id: str,
) -> Renewal:
    """Check the server's answer against the connection as it is. Raises `ConsentNotTrusted`."""
    if answer.grant_id != connection.grant_id or answer.options.get("rpId") != rp_id:
        raise ConsentNotTrusted("The answer is for another connection or relying party.")
    consent = read_consent(
        answer.document,
        answer.options.get("challenge"),
        issuer=issuer,
        device=device,
        person=person,
        accounts=[account.resource_id for account in connection.accounts],
        renews=connection.grant_id,
    )
    check_shown(consent.authorization_details, connection.authorization_details)
    if consent.scope != connection.scope or not consent.recurring:
        raise ConsentNotTrusted(f"The document's scope is {consent.scope}.")
    if consent.client.client_id != connection.client.client_id:
        raise ConsentNotTrusted(f"The document's client is {consent.client.client_id!r}.")
    if consent.valid_until <= connection.valid_until:
        raise ConsentNotTrusted("The document does not make the connection last longer.")
    return Renewal(
        connection.grant_id,
        answer.document,
        consent,
        answer.options,
        answer.renewal,
        answer.expires_in,
    )
