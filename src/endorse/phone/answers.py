"""What the phone API answers, as frozen structs. Times are UTC, lifetimes whole seconds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

JsonObject = dict[str, Any]


class Person(msgspec.Struct, frozen=True):
    """The account holder whom the phone belongs to."""

    id: str
    name: str


class Bank(msgspec.Struct, frozen=True):
    """The bank that issued the enrolment code."""

    name: str


class Client(msgspec.Struct, frozen=True):
    """The third-party app that asks."""

    client_id: str
    name: str
    legal_name: str
    verified: bool


class Hint(msgspec.Struct, frozen=True):
    """How safe the server thinks this is: "green" or "amber", and why. `wait` is in seconds."""

    level: str
    reasons: tuple[str, ...] = ()
    place: str | None = None
    distance_km: int | None = None
    wait: int = 0


class Started(msgspec.Struct, frozen=True):
    """When and where the journey began."""

    seconds_ago: int
    browser: str | None = None


class Amount(msgspec.Struct, frozen=True):
    """Money; `amount` is a decimal number as text."""

    amount: str
    currency: str


class Account(msgspec.Struct, frozen=True, rename="camel"):
    """One account that the person may choose."""

    resource_id: str
    iban: str
    name: str
    currency: str
    product: str | None = None
    owner_name: str | None = None
    balance: Amount | None = None


class EnrolOptions(msgspec.Struct, frozen=True):
    """Answer of `POST /phone/enrol/options`."""

    person: Person
    bank: Bank
    options: JsonObject
    time: float


class SignInOptions(msgspec.Struct, frozen=True):
    """Answer of `POST /phone/sign-in/options`."""

    options: JsonObject
    time: float


class Pending(msgspec.Struct, frozen=True):
    """Why a phone may not act yet: nobody confirmed it, or it is usable from a later time."""

    digits: str
    lapses_at: datetime | None = None
    usable_from: datetime | None = None


class SignedIn(msgspec.Struct, frozen=True):
    """Answer of `POST /phone/enrol` and `POST /phone/sign-in`."""

    phone_id: str
    person: Person
    session: str
    expires_in: int
    time: float
    pending: Pending | None = None


class ListedPhone(msgspec.Struct, frozen=True):
    """One phone of the person; `state` is `pending`, `waiting` or `usable`."""

    phone_id: str
    name: str
    state: str
    this: bool
    enrolled_at: datetime
    signed_in_at: datetime | None = None
    lapses_at: datetime | None = None
    usable_from: datetime | None = None


class Phones(msgspec.Struct, frozen=True):
    """Answer of `GET /phone/phones`."""

    phones: tuple[ListedPhone, ...]


class Confirmed(msgspec.Struct, frozen=True):
    """Answer of `POST /phone/phones/{phone_id}/confirm`."""

    phone_id: str
    state: str


class Revoked(msgspec.Struct, frozen=True):
    """Answer of `DELETE /phone/phones/{phone_id}`."""

    phone_id: str
    revoked_at: datetime


class Claimed(msgspec.Struct, frozen=True):
    """Who asks, and where it began: the first screen after a scan.

    `way` is "qr", "link", "short_code" or "near"; with `asks_number` the page shows a number that
    `match` must say.
    """

    journey: str
    state: str
    client: Client
    started: Started
    expires_in: int
    way: str = "qr"
    asks_number: bool = True
    asks_payment: bool = False
    for_device: bool = False
    """Whether a device waits for the answer: warn a person who has none in front of them."""
    hint: Hint = Hint("green")
    binding_message: str | None = None
    """What the client shows the person too, where it asked by itself (`way` is "asked")."""


class Asked(msgspec.Struct, frozen=True):
    """What a client asks the person by itself: `Phone.take` takes it."""

    journey: str
    client: Client
    binding_message: str
    seconds_ago: int
    expires_in: int


class Changed(msgspec.Struct, frozen=True):
    """The connection that a request would change, as it is now.

    `how` is "merge" (it keeps what it has and gets more) or "replace" (it will have nothing else
    than what is asked now).
    """

    grant_id: str
    how: str
    revision: int
    scope: tuple[str, ...]
    accounts: tuple[Account, ...]
    created_at: datetime
    valid_until: datetime

    @property
    def kept(self) -> frozenset[str]:
        """The accounts that stay without being chosen, by resource id."""
        merges = self.how == "merge"
        return frozenset(it.resource_id for it in self.accounts) if merges else frozenset()


class Matched(msgspec.Struct, frozen=True):
    """What will be given, and the accounts to choose from.

    With `changes` it is a connection of the person that will give it.
    """

    journey: str
    state: str
    scope: tuple[str, ...]
    recurring: bool
    valid_until: datetime
    accounts: tuple[Account, ...]
    expires_in: int
    changes: Changed | None = None
    authorization_details: tuple[JsonObject, ...] = ()
    """What exactly is asked (RFC 9396): a payment, or which days and how many accounts."""


class ReviewAnswer(msgspec.Struct, frozen=True):
    """Answer of `POST /phone/review`, not checked yet."""

    journey: str
    state: str
    document: str
    options: JsonObject
    expires_in: int


class Progress(msgspec.Struct, frozen=True):
    """Where a journey stands, and where it was stopped, why.

    `return_url` leads back to the browser on the same device.
    """

    journey: str
    state: str
    reason: str | None = None
    return_url: str | None = None


class Journeys(msgspec.Struct, frozen=True):
    """Answer of `GET /phone/journeys`."""

    journeys: tuple[Claimed, ...]
    asked: tuple[Asked, ...] = ()


class Connection(msgspec.Struct, frozen=True):
    """One connection that the person gave to a client."""

    grant_id: str
    client: Client
    scope: tuple[str, ...]
    accounts: tuple[Account, ...]
    created_at: datetime
    valid_until: datetime
    last_used_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None
    removed: tuple[Account, ...] = ()
    renewable_until: datetime | None = None
    can_narrow: bool = False
    authorization_details: tuple[JsonObject, ...] = ()


class RenewalAnswer(msgspec.Struct, frozen=True):
    """Answer of `POST /phone/connections/{grant_id}/renew`, not checked yet."""

    grant_id: str
    document: str
    options: JsonObject
    renewal: str
    expires_in: int


class Connections(msgspec.Struct, frozen=True):
    """Answer of `GET /phone/connections`."""

    connections: tuple[Connection, ...]


class Ended(msgspec.Struct, frozen=True):
    """Answer of `DELETE /phone/connections/{grant_id}`."""

    grant_id: str
    ended_at: datetime


class Notice(msgspec.Struct, frozen=True):
    """Something that happened to a connection or a phone of this person, or stopped their claims.

    See `kind`.
    """

    id: str
    at: datetime
    kind: str
    by: str
    unread: bool
    phone_id: str | None = None
    phone_name: str | None = None
    grant_id: str | None = None
    client_name: str | None = None


class Notices(msgspec.Struct, frozen=True):
    """Answer of `GET /phone/notices`."""

    notices: tuple[Notice, ...]


class NoticesRead(msgspec.Struct, frozen=True):
    """Answer of `POST /phone/notices/read`."""

    notices: tuple[str, ...]


class SandboxPerson(msgspec.Struct, frozen=True):
    """One invented person of the sandbox bank."""

    id: str
    name: str
    accounts: int


class SandboxPeople(msgspec.Struct, frozen=True):
    """Answer of `GET /phone/sandbox/people`."""

    people: tuple[SandboxPerson, ...]


class Enrolment(msgspec.Struct, frozen=True):
    """Answer of `POST /phone/sandbox/enrolments`: a one-use code, and the link that holds it."""

    code: str
    link: str


class ErrorAnswer(msgspec.Struct, frozen=True):
    """Every error of the phone API."""

    error: str
    error_description: str = ""
    state: str | None = None
    time: float | None = None
    tries_left: int | None = None
    wait: int | None = None
