"""The life of a grant after its approval: give fewer accounts, renew it, end it.

A narrowing is signed by the phone's device key, a renewal by the passkey over a new consent
document. Both are kept as evidence, and each is guarded by the number of what was signed before.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec

from endorse.core import consent, refusal
from endorse.core.change import Amend, Change, CountUp, Decision, EndGrant
from endorse.core.coding import Fresh
from endorse.core.model import Client, Evidence, Grant, Phone
from endorse.core.notice import By, Connected, Kind, of_connection
from endorse.core.policy import Policy
from endorse.core.proof import Assertion
from endorse.core.refusal import Refusal


def held(grant: Grant | None, person_id: str) -> Grant | Refusal:
    """Give the grant if it is this person's; to anybody else it does not exist."""
    if grant is None or grant.person_id != person_id:
        return refusal.JOURNEY_NOT_FOUND
    return grant


def end(grant: Grant | None, phone: Phone, now: int) -> Decision[Grant]:
    """Let the person end a connection, at once and for good."""
    own = held(grant, phone.person_id)
    if isinstance(own, Refusal) or own.ended_at is not None:
        return Decision(own)
    told = of_connection(Kind.CONNECTION_ENDED, _what(own), By.PHONE, now, phone.phone_id)
    return Decision(own, (EndGrant(own.grant_id, "the account holder", now), told))


def may_narrow(grant: Grant, phone: Phone, now: int) -> bool:
    """Say whether this phone may take accounts away: the last consent document must name it."""
    return grant.live(now) and grant.phone_id == phone.phone_id and len(grant.accounts) > 1


def narrow(
    grant: Grant | None, phone: Phone, keep: Sequence[str], body: str, proof: str, now: int
) -> Decision[Grant]:
    """Take accounts away, at once for every token.

    `keep` are the accounts that stay: some, and fewer than there are. The call's own body and
    proof are the amendment. Narrowings that come at the same time apply in their order or are
    refused; none ever gives an account back.
    """
    own = _live(grant, phone, now)
    if isinstance(own, Refusal):
        return Decision(own)
    if own.phone_id != phone.phone_id:
        return Decision(refusal.OTHER_PHONE)
    stay = set(keep)
    if not stay or len(stay) != len(keep) or not stay < {it.resource_id for it in own.accounts}:
        return Decision(refusal.ACCOUNTS_NOT_FEWER)
    after = msgspec.structs.replace(
        own,
        accounts=tuple(it for it in own.accounts if it.resource_id in stay),
        removed=(*own.removed, *(it for it in own.accounts if it.resource_id not in stay)),
        revision=own.revision + 1,
    )
    signed = Evidence(own.grant_id, after.revision, "amendment", now, body, proof)
    told = _told(Kind.CONNECTION_NARROWED, after, phone, now)
    return Decision(after, (Amend(after, signed), told))


def renewable_until(grant: Grant, client: Client | None, now: int, law: Policy) -> int | None:
    """Give until when the grant would last if it were renewed now; None if it cannot be."""
    if client is None or not set(grant.scope) <= set(client.scope):
        return None
    if "offline_access" not in grant.scope or not grant.live(now):
        return None
    until = now + min(client.duration, law.grant_at_most)
    return until if until > grant.expires_at else None


def offer(
    grant: Grant | None,
    phone: Phone,
    client: Client | None,
    last: str,
    owned: Collection[str],
    issuer: str,
    now: int,
    fresh: Fresh,
    law: Policy,
) -> str | Refusal:
    """Write the document with which a grant would be renewed.

    The client, the scope and the accounts are those that it has; each account must still be the
    person's (`owned`, by id). `last` is the last document that was signed for it.
    """
    own = _live(grant, phone, now)
    if isinstance(own, Refusal):
        return own
    until = renewable_until(own, client, now, law)
    still = {account.resource_id for account in own.accounts} <= set(owned)
    if client is None or until is None or not still:
        return refusal.NOT_RENEWABLE
    return consent.renewal(own, last, phone, client, issuer, until, fresh)


class _Renewed(msgspec.Struct, frozen=True):
    valid_until: str


def renew(
    grant: Grant | None,
    phone: Phone,
    revision: int,
    document: str,
    assertion: Assertion,
    now: int,
) -> Decision[Grant]:
    """Make a grant last as the signed document says.

    `document` is one that `offer` wrote for this grant and phone when it had `revision`, and the
    assertion was verified over it: the caller has both from the server's own seal. If anything
    was signed for the grant since, the document is dead.
    """
    own = _live(grant, phone, now)
    if isinstance(own, Refusal):
        return Decision(own)
    if own.revision != revision:
        return Decision(refusal.CONNECTION_CHANGED)
    said = msgspec.json.decode(document, type=_Renewed)
    after = msgspec.structs.replace(
        own,
        phone_id=phone.phone_id,
        expires_at=int(datetime.fromisoformat(said.valid_until).timestamp()),
        revision=revision + 1,
    )
    signed = consented(own.grant_id, after.revision, document, assertion.text, phone, now)
    told = _told(Kind.CONNECTION_RENEWED, after, phone, now)
    changes: tuple[Change, ...] = (Amend(after, signed), told)
    if assertion.sign_count != phone.sign_count:
        changes = (*changes, CountUp(phone.phone_id, assertion.sign_count))
    return Decision(after, changes)


def consented(
    grant_id: str, number: int, document: str, assertion: str, phone: Phone, now: int
) -> Evidence:
    """Write down a consent: the document, the passkey's answer, and the key that verifies it."""
    return Evidence(
        grant_id=grant_id,
        number=number,
        kind="consent",
        at=now,
        signed=document,
        signature=assertion,
        credential_id=phone.credential_id,
        public_key=phone.public_key,
    )


def _live(grant: Grant | None, phone: Phone, now: int) -> Grant | Refusal:
    own = held(grant, phone.person_id)
    if isinstance(own, Refusal):
        return own
    return own if own.live(now) else refusal.CONNECTION_ENDED


def _what(grant: Grant) -> Connected:
    return Connected(grant.grant_id, grant.client_id, grant.person_id)


def _told(kind: Kind, after: Grant, phone: Phone, now: int) -> Change:
    return of_connection(kind, _what(after), By.PHONE, now, phone.phone_id, after.revision)
