"""The JSON of the phone's API, each shape once: what is decoded, encoded and put in OpenAPI."""

from typing import Annotated, Any

import msgspec

from endorse.bank import Amount
from endorse.core.details import Details
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
    """The text of the code as scanned, the link as opened, or the eight letters as typed."""

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


class Hinted(Shape, frozen=True):
    """The risk verdict: green or amber, stable names of reasons, and the place if it is known.

    `wait` is for how many seconds an approval does not count yet.
    """

    level: str
    reasons: tuple[str, ...]
    place: str | None
    distance_km: int | None
    wait: int


class Claimed(Shape, frozen=True):
    """The journey is this phone's. `journey` is its handle in every later call.

    `way` is "qr", "link", "short_code", "near" or "asked"; with `asks_number` the person must type
    the number that the page shows now. With `binding_message` the person must see the same words
    where they asked for this. With `asks_payment` it is a payment that is asked: which one is told
    after that. With `for_device` a
    device waits for the answer: who has none in front of them must be warned.
    """

    journey: str
    state: str
    way: str
    asks_number: bool
    asks_payment: bool
    for_device: bool
    client: Who
    started: Started
    hint: Hinted
    expires_in: int
    binding_message: str | None = None


class Asked(Shape, frozen=True):
    """What a client asks this person by itself, and no phone took yet.

    The person must see `binding_message` where they asked for this.
    """

    journey: str
    client: Who
    binding_message: str
    seconds_ago: int
    expires_in: int


class Journeys(Shape, frozen=True):
    """The journeys that this phone holds and has not decided, and those that it may take."""

    journeys: list[Claimed]
    asked: list[Asked]


class Match(Shape, frozen=True):
    """A journey that this phone claimed, and the number that the page shows, if one is asked."""

    journey: Handle
    number: Annotated[int, msgspec.Meta(ge=0, le=999)] | None = None


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


class Changed(Shape, frozen=True):
    """The connection that a request would change, as it is now. Times are RFC 3339 in UTC.

    `how` is "merge" (it keeps what it has and gets more) or "replace" (it will have nothing else
    than what is asked now). `revision` counts what was signed for it.
    """

    grant_id: str
    how: str
    revision: int
    scope: tuple[str, ...]
    accounts: tuple[SharedAccount, ...]
    created_at: str
    valid_until: str


class Matched(Shape, frozen=True):
    """What will be given, until when, and the accounts to choose from.

    With `changes` it is given by a connection that the person has: scope and end are those that
    it will have, and in a merge the accounts that it has are kept and need not be chosen.
    `authorization_details` say it exactly (RFC 9396): a payment, or which days and how many
    accounts. Where they are empty, `scope` says it all.
    """

    journey: str
    state: str
    scope: tuple[str, ...]
    recurring: bool
    valid_until: str
    accounts: list[AccountChoice]
    expires_in: int
    changes: Changed | None = None
    authorization_details: Details = ()


class Choice(Shape, frozen=True):
    """The chosen accounts, by resourceId, and the language in which the phone shows all this."""

    journey: Handle
    accounts: list[Handle]
    locale: Annotated[str, msgspec.Meta(max_length=35)] = "en"


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


class Nearness(Shape, frozen=True):
    """The passkey's answer to the page's own challenge (AuthenticationResponseJSON)."""

    credential: msgspec.Raw


class Watch(Shape, frozen=True):
    """A journey, and the state in which the phone knows it."""

    journey: Handle
    state: Handle


class Moved(Shape, frozen=True):
    """Where the journey stands now, and where it was stopped, why (a stable name).

    `return_url` comes with an approval of what was opened by link: the phone must open it in the
    browser it came from, and only then the person gets on.
    """

    journey: str
    state: str
    reason: str | None = None
    return_url: str | None = None


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

    `wrong_state` tells the state that there is, `invalid_proof` the server's time, `too_early`
    how many seconds to `wait`, `phone_pending` from when the phone may act if that is known,
    `wrong_digits` the tries left.
    """

    error: str
    error_description: str
    error_uri: str = ""
    state: str | None = None
    time: int | None = None
    usable_from: str | None = None
    tries_left: int | None = None
    wait: int | None = None


def schema_of(shapes: list[Any]) -> tuple[tuple[dict[str, Any], ...], dict[str, Any]]:
    """Give JSON schemas of these shapes, with their shared parts apart (for OpenAPI)."""
    return msgspec.json.schema_components(shapes, ref_template="#/components/schemas/{name}")
