"""The JSON of the phone's API, each shape once: what is decoded, encoded and put in OpenAPI."""

from typing import Annotated, Any

import msgspec

from endorse.bank import Amount
from endorse.core.model import SharedAccount

Handle = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=2048)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]


class Shape(msgspec.Struct, frozen=True):
    """A JSON object. Members that are not known are ignored."""


class Session(Shape, frozen=True):
    """What a session, sealed, says: which phone signed in."""

    phone_id: str


# --- enrolling and signing in -------------------------------------------------------------------


class EnrolmentCode(Shape, frozen=True):
    """The one-time code of the bank."""

    code: Handle


class NewPhone(Shape, frozen=True):
    """The code, the new passkey (RegistrationResponseJSON) and a name for the phone."""

    code: Handle
    credential: msgspec.Raw
    name: Name


class PhoneId(Shape, frozen=True):
    """An enrolled phone."""

    phone_id: Handle


class SignIn(Shape, frozen=True):
    """The passkey's answer (AuthenticationResponseJSON) to the last sign-in challenge."""

    phone_id: Handle
    credential: msgspec.Raw


class Someone(Shape, frozen=True):
    """A person, to themselves."""

    id: str
    name: str


class BankName(Shape, frozen=True):
    """The bank, as its customers know it."""

    name: str


class EnrolOptions(Shape, frozen=True):
    """Whose account the phone would join; PublicKeyCredentialCreationOptionsJSON; server time."""

    person: Someone
    bank: BankName
    options: msgspec.Raw
    time: int


class SignInOptions(Shape, frozen=True):
    """PublicKeyCredentialRequestOptionsJSON, and the server's time in seconds since 1970."""

    options: msgspec.Raw
    time: int


class Pending(Shape, frozen=True):
    """Why a phone may not act yet.

    Its six digits wait to be confirmed until `lapses_at`; or they are, and count from
    `usable_from`. Times are RFC 3339 in UTC.
    """

    digits: str
    lapses_at: str | None
    usable_from: str | None


class SignedIn(Shape, frozen=True):
    """A session, to be sent as `Authorization: DPoP`, and for how many seconds it lasts.

    Where `pending` is not null, every call with the session is refused as `phone_pending`.
    """

    phone_id: str
    person: Someone
    session: str
    expires_in: int
    time: int
    pending: Pending | None = None


# --- the approval -------------------------------------------------------------------------------


class Claim(Shape, frozen=True):
    """The text of the code as scanned."""

    code: Text


class Who(Shape, frozen=True):
    """The client, as its customers know it."""

    client_id: str
    name: str
    legal_name: str
    verified: bool


class Started(Shape, frozen=True):
    """When and where the request began."""

    seconds_ago: int
    browser: str


class Claimed(Shape, frozen=True):
    """The journey is this phone's. `journey` is its handle in every later call."""

    journey: str
    state: str
    client: Who
    started: Started
    expires_in: int


class JourneyId(Shape, frozen=True):
    """A journey that this phone claimed."""

    journey: Handle


class AccountChoice(Shape, frozen=True, rename="camel"):
    """An account that may be chosen (Berlin Group names)."""

    resource_id: str
    iban: str | None
    name: str | None
    product: str | None
    currency: str
    owner_name: str | None
    balance: Amount | None


class Matched(Shape, frozen=True):
    """What is asked, until when, and the accounts to choose from."""

    journey: str
    state: str
    scope: tuple[str, ...]
    recurring: bool
    valid_until: str
    accounts: list[AccountChoice]
    expires_in: int


class Choice(Shape, frozen=True):
    """The chosen accounts, by resourceId."""

    journey: Handle
    accounts: list[Handle]


class Reviewed(Shape, frozen=True):
    """The consent document (canonical JSON as text) and the passkey options over its hash."""

    journey: str
    state: str
    document: str
    options: msgspec.Raw
    expires_in: int


class Approval(Shape, frozen=True):
    """The passkey's answer over the consent document (AuthenticationResponseJSON)."""

    journey: Handle
    credential: msgspec.Raw


class Watch(Shape, frozen=True):
    """A journey, and the state in which the phone knows it."""

    journey: Handle
    state: Handle


class Moved(Shape, frozen=True):
    """Where the journey stands now."""

    journey: str
    state: str


# --- connections --------------------------------------------------------------------------------


class Connection(Shape, frozen=True):
    """A grant, as its person sees it. Times are RFC 3339 in UTC.

    `removed` are accounts that were taken away. `ended_by` is phone, client, bank or misuse.
    `renewable_until` is until when it would last if it were renewed now, null if it cannot be.
    `can_narrow` says whether this phone may take accounts away.
    """

    grant_id: str
    client: Who
    scope: tuple[str, ...]
    accounts: tuple[SharedAccount, ...]
    removed: tuple[SharedAccount, ...]
    created_at: str
    last_used_at: str | None
    valid_until: str
    ended_at: str | None
    ended_by: str | None
    renewable_until: str | None
    can_narrow: bool


class Connections(Shape, frozen=True):
    """All connections of the person, the newest first; ended ones for two years."""

    connections: list[Connection]


class Ended(Shape, frozen=True):
    """A connection that is over, and since when."""

    grant_id: str
    ended_at: str


class AccountsThatStay(Shape, frozen=True):
    """The accounts that a connection keeps, by resourceId: some, and fewer than it has."""

    accounts: Annotated[list[Handle], msgspec.Meta(max_length=100)]


class Renewal(Shape, frozen=True):
    """A consent document that renews a connection, and the passkey options over its hash.

    Send `renewal` back unread with the passkey's answer within `expires_in` seconds.
    """

    grant_id: str
    document: str
    options: msgspec.Raw
    renewal: str
    expires_in: int


class RenewalApproval(Shape, frozen=True):
    """`renewal` and `document` as they came, and the passkey's answer over the document."""

    renewal: Text
    document: Annotated[str, msgspec.Meta(min_length=1, max_length=48 * 1024)]
    credential: msgspec.Raw


# --- notices ------------------------------------------------------------------------------------


class Notice(Shape, frozen=True):
    """Something that happened: a kind, and what it is about. The phone has the texts.

    Kinds: connection_made, connection_narrowed, connection_renewed, connection_ended,
    phone_enrolled, phone_confirmed, phone_revoked. `by` is phone, client, bank or misuse (a code
    or refresh token came twice). `phone_id` and `phone_name` are the phone that it is about, or
    that did it.
    """

    id: str
    at: str
    kind: str
    by: str
    unread: bool
    phone_id: str | None
    phone_name: str | None
    grant_id: str | None
    client_name: str | None


class Notices(Shape, frozen=True):
    """What the person's phones were told within 180 days, the newest first, at most 100."""

    notices: list[Notice]


class NoticeIds(Shape, frozen=True):
    """Notices that this phone has shown."""

    notices: Annotated[list[Handle], msgspec.Meta(max_length=100)]


# --- the sandbox --------------------------------------------------------------------------------


class Invented(Shape, frozen=True):
    """An invented person, and the number of their accounts."""

    id: str
    name: str
    accounts: int


class InventedPeople(Shape, frozen=True):
    """The sandbox's invented people."""

    people: list[Invented]


class WhoToBe(Shape, frozen=True):
    """Which invented person to be; null for somebody new."""

    person: Handle | None = None


class Issued(Shape, frozen=True):
    """An enrolment code, and the link that a phone opens with it."""

    code: str
    link: str
    person: str


class Problem(Shape, frozen=True):
    """A refusal: a stable name, and what happened and what to do.

    `wrong_state` tells the state that there is, `invalid_proof` the server's time,
    `phone_pending` from when the phone may act if that is known, `wrong_digits` the tries left.
    """

    error: str
    error_description: str
    state: str | None = None
    time: int | None = None
    usable_from: str | None = None
    tries_left: int | None = None


def schema_of(shapes: list[Any]) -> tuple[tuple[dict[str, Any], ...], dict[str, Any]]:
    """Give JSON schemas of these shapes, with their shared parts apart (for OpenAPI)."""
    return msgspec.json.schema_components(shapes, ref_template="#/components/schemas/{name}")
