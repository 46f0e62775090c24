"""A phone without a screen: approves authorizations in tests and CI, over HTTP alone.

It is written from the documented interface and shares no code with the server, so that a
misreading of the one cannot hide in the other. To read QR codes, import `endorse.phone.scan`.
"""

from endorse.phone.answers import (
    Account,
    Amount,
    Claimed,
    Client,
    Connection,
    Ended,
    Matched,
    Notice,
    Person,
    Progress,
    SandboxPerson,
    Started,
)
from endorse.phone.approve import approve_url, approve_url_async
from endorse.phone.browser import Browser, Connect, Left, Page
from endorse.phone.consent import Consent
from endorse.phone.device import DeviceKey
from endorse.phone.errors import (
    AccountNotKnown,
    AccountsNotAccepted,
    AlreadyScanned,
    CodeNotAccepted,
    ConnectionChanged,
    ConnectionEnded,
    ConsentNotTrusted,
    InvalidProof,
    InvalidRequest,
    JourneyEnded,
    NotEnrolled,
    NotFound,
    NotReachable,
    NotReadable,
    NotRenewable,
    NotUnderstood,
    OtherPhone,
    PasskeyNotAccepted,
    PasskeyNotUsable,
    PersonNotKnown,
    PhoneError,
    PhoneNotKnown,
    Refused,
    SignInRequired,
    SlowDown,
    TookTooLong,
    UnsafeIssuer,
    WrongState,
)
from endorse.phone.issuer import Issuer
from endorse.phone.passkey import Passkey
from endorse.phone.phone import Phone, Review
from endorse.phone.renewal import Renewal
from endorse.phone.sandbox_route import sandbox_code, sandbox_people
from endorse.phone.stream import Done, Frame, State
from endorse.phone.wire import open_client

__all__ = [
    "Account",
    "AccountNotKnown",
    "AccountsNotAccepted",
    "AlreadyScanned",
    "Amount",
    "Browser",
    "Claimed",
    "Client",
    "CodeNotAccepted",
    "Connect",
    "Connection",
    "ConnectionChanged",
    "ConnectionEnded",
    "Consent",
    "ConsentNotTrusted",
    "DeviceKey",
    "Done",
    "Ended",
    "Frame",
    "InvalidProof",
    "InvalidRequest",
    "Issuer",
    "JourneyEnded",
    "Left",
    "Matched",
    "NotEnrolled",
    "NotFound",
    "NotReachable",
    "NotReadable",
    "NotRenewable",
    "NotUnderstood",
    "Notice",
    "OtherPhone",
    "Page",
    "Passkey",
    "PasskeyNotAccepted",
    "PasskeyNotUsable",
    "Person",
    "PersonNotKnown",
    "Phone",
    "PhoneError",
    "PhoneNotKnown",
    "Progress",
    "Refused",
    "Renewal",
    "Review",
    "SandboxPerson",
    "SignInRequired",
    "SlowDown",
    "Started",
    "State",
    "TookTooLong",
    "UnsafeIssuer",
    "WrongState",
    "approve_url",
    "approve_url_async",
    "open_client",
    "sandbox_code",
    "sandbox_people",
]
