"""The nouns of the protocol, as frozen structs.

Times are whole seconds since 1970 (UTC). A field that ends in `_hash` holds base64url of a
SHA-256, never the value itself.
"""

from enum import StrEnum

import msgspec

from endorse.core.details import Details
from endorse.core.journey import LIVE, State
from endorse.core.metadata import PLAIN, Metadata


class ClientSecret(msgspec.Struct, frozen=True):
    """A secret of a client, as stored. `expires_at` is set when a newer one replaced it."""

    secret_hash: str
    created_at: int
    expires_at: int | None = None


class Client(msgspec.Struct, frozen=True):
    """A third-party app, as the bank registered it (RFC 6749 2)."""

    client_id: str
    name: str
    legal_name: str
    redirect_uris: tuple[str, ...]
    scope: tuple[str, ...]
    public: bool
    verified: bool
    duration: int
    """How long a grant of this client lasts, in seconds."""
    created_at: int
    secrets: tuple[ClientSecret, ...] = ()
    ways: tuple[str, ...] = ()
    """The only ways in which its requests may reach a phone; () for all that the server offers."""
    profile: str = PLAIN
    """How strict the server is with it: one of `metadata.PROFILES`."""
    metadata: Metadata = Metadata()
    registration: tuple[str, ...] = ()
    """Hashes of its registration access tokens: the newest, and the one before until then."""


class Trusted(msgspec.Struct, frozen=True):
    """A redirect_uri that was found registered for this client. Only `authorize` makes one."""

    client_id: str
    redirect_uri: str


class Request(msgspec.Struct, frozen=True):
    """What a client asked for at the authorization endpoint, frozen (RFC 6749 4.1.1)."""

    returns_to: Trusted
    scope: tuple[str, ...]
    state: bytes | None
    code_challenge: str | None
    ui_locales: tuple[str, ...] = ()
    """The languages that the client asks the pages to be in, the best first (BCP 47)."""
    response_mode: str = "query"
    """How the answer travels back: one of `answer.MODES`."""
    nonce: str | None = None
    prompt: tuple[str, ...] = ()
    max_age: int | None = None
    authorization_details: Details = ()
    dpop_jkt: str | None = None
    """The key (RFC 7638 thumbprint) that must be shown when the code is redeemed (RFC 9449 10)."""
    pushed_id: str = ""
    """From which its request_uri is derived, if it was pushed (RFC 9126)."""
    request_object: str = ""
    """The signed request that it came as by value, for the way to try again (RFC 9101)."""
    grant_action: str = ""
    """What the client wants of a grant: one of `alter.ACTIONS`, "" where it does not say."""
    grant_id: str = ""
    """The grant that it names, to be changed; "" for a new one."""
    once: str = ""
    """What the first code that answers it uses up, so that no other one can; "" for nothing."""
    binding_message: str = ""
    """What the client shows the person where it asks, and their phone shows too (CIBA 7.1)."""
    flow: str = ""
    """By what the log knows this authorization, from its first request to its tokens."""


class PushedRequest(msgspec.Struct, frozen=True):
    """A request that waits for its browser (RFC 9126). Its request_uri is stored as a hash."""

    request_hash: str
    client_id: str
    request: Request
    pushed_at: int
    expires_at: int


class Poll(msgspec.Struct, frozen=True):
    """What a client asks with again and again, where no browser brings it a code (RFC 8628 3.2)."""

    poll_hash: str
    """Of the device_code, or the auth_req_id."""
    kind: str
    """How it began: "device" or "ciba"."""
    client_id: str
    request: Request
    user_code_hash: str | None
    created_at: int
    expires_at: int
    every: int
    """The seconds that the client must let pass between two calls; grows when it does not."""
    polled_at: int = 0
    notify: str | None = None
    """The sealed client_notification_token, where the client wants a ping (CIBA Core 10.2)."""


class Journey(msgspec.Struct, frozen=True):
    """One authorization, from the browser's start to the redeemed code.

    `version` counts the changes: with the state it is the guard of every change.
    """

    journey_id: str
    short: str
    qid: str
    browser_hash: str
    request: Request
    digest: str
    """D: what the frames and the consent document are bound to."""
    browser: str
    """As the phone shows it: "Chrome on Windows"."""
    browser_id: str
    """Hash of the browser's lasting cookie; "" if it came without."""
    address: str
    """Where the browser was when it began, for the risk verdict."""
    ways: tuple[str, ...]
    """How this request may reach a phone; see `ways`."""
    state: State
    version: int
    started_at: int
    code_from: int
    """When the code on the screen began; frames count their seconds from here."""
    codes: int
    expires_at: int
    forget_at: int
    lid_hash: str | None = None
    """Set while the request is offered to an app on the same device, in place of the code."""
    spelling: str | None = None
    """Fresh bytes from which the short code is derived, while there is one."""
    spelling_hash: str | None = None
    spelled_at: int | None = None
    way: str | None = None
    """How it reached the phone that claimed it."""
    number: int | None = None
    """What the page shows and the phone must say; None where nearness is known otherwise."""
    hint: str | None = None
    """The risk verdict of the claim, as JSON of `Hint`."""
    person_id: str | None = None
    phone_id: str | None = None
    claimed_at: int | None = None
    document: str | None = None
    challenge: str | None = None
    assertion: str | None = None
    approved_at: int | None = None
    reason: str | None = None
    return_hash: str | None = None
    """Hash of the return nonce: the app on the same device gets the nonce at the approval."""
    returned_at: int | None = None
    code_hash: str | None = None
    grant_id: str | None = None
    poll_hash: str | None = None
    """Set where the client polls for the answer, so that no browser is sent back to it."""
    polls_until: int | None = None

    def at(self, now: int) -> State:
        """Give the state at this time: past its `expires_at` a journey that could move is over.

        So is one whose client no longer polls for it.
        """
        waits = self.state in LIVE or self.state in (State.APPROVED, State.REDIRECTED)
        over = now >= self.expires_at or (self.polls_until is not None and now >= self.polls_until)
        return State.EXPIRED if waits and over else self.state

    @property
    def may_resume(self) -> bool:
        """Whether the browser may fetch the answer: what went by link only after the return."""
        return self.way != "link" or self.returned_at is not None


class Hint(msgspec.Struct, frozen=True):
    """What the person is told of the risk: a level, stable names of reasons, and the place."""

    level: str = "green"
    reasons: tuple[str, ...] = ()
    place: str | None = None
    distance_km: int | None = None
    not_before: int = 0
    """When an approval counts at the earliest; 0 at once."""


class Standing(msgspec.Struct, frozen=True):
    """What is remembered of a person who claims or approves."""

    live: tuple[Journey, ...] = ()
    """Journeys that a phone of this person holds and has not decided."""
    wrong_numbers: int = 0
    wrong_spellings: int = 0
    approvals: int = 0
    stopped: bool = False
    """Whether too many wrong numbers stopped this person's claims for a while."""


class PhoneState(StrEnum):
    """How far a phone has come since it was enrolled."""

    PENDING = "pending"
    """Nobody has confirmed its six digits yet."""
    WAITING = "waiting"
    """The bank confirmed it beside another phone of the person, who has time to object."""
    USABLE = "usable"
    LAPSED = "lapsed"
    """Nobody confirmed it in time."""
    REVOKED = "revoked"


class Phone(msgspec.Struct, frozen=True):
    """An enrolled phone: its device key (by RFC 7638 thumbprint) and its passkey."""

    phone_id: str
    person_id: str
    name: str
    device: str
    credential_id: str
    public_key: str
    """The passkey's COSE public key, base64url."""
    sign_count: int
    enrolled_at: int
    enrolled_with: str = ""
    """The hash of its enrolment code. The six digits are derived from it and the device key."""
    lapses_at: int = 0
    """When it lapses unless somebody confirms it before."""
    usable_from: int | None = None
    """From when it may act; None until it is confirmed."""
    wrong_digits: int = 0
    signed_in_at: int | None = None
    revoked_at: int | None = None

    def at(self, now: int) -> PhoneState:
        """Give the state at this time."""
        if self.revoked_at is not None:
            return PhoneState.REVOKED
        if self.usable_from is None:
            return PhoneState.PENDING if now < self.lapses_at else PhoneState.LAPSED
        return PhoneState.USABLE if now >= self.usable_from else PhoneState.WAITING


class Enrolment(msgspec.Struct, frozen=True):
    """A code of the bank with which a person may enrol one phone."""

    code_hash: str
    person_id: str
    created_at: int
    expires_at: int
    used_at: int | None = None


class SharedAccount(msgspec.Struct, frozen=True, rename="camel"):
    """An account as the consent document names it, in the Berlin Group's words."""

    resource_id: str
    iban: str | None
    name: str | None
    currency: str


class Grant(msgspec.Struct, frozen=True):
    """What a person gave a client: active from the moment its code was redeemed."""

    grant_id: str
    client_id: str
    person_id: str
    phone_id: str
    scope: tuple[str, ...]
    accounts: tuple[SharedAccount, ...]
    created_at: int
    expires_at: int
    generation: int = 0
    """Counts the refresh tokens that were handed out or made void; 0 means none ever."""
    rotated_at: int = 0
    last_used_at: int | None = None
    ended_at: int | None = None
    ended_by: str | None = None
    revision: int = 1
    """How many things were signed for it: with its life the guard of every change."""
    removed: tuple[SharedAccount, ...] = ()
    """Accounts that were taken away since the approval."""
    bound_to: str = ""
    """The key that must be shown with its refresh token, as in `AccessToken`; "" for none."""
    approved_at: int = 0
    """When the person first approved it: the `auth_time` of each ID token."""
    voided: int = 0
    """Refresh tokens up to this generation are void: another approval changed the grant since."""
    tokens_from: int = 0
    """The first revision whose access tokens count: that of the last replacement."""
    authorization_details: Details = ()
    """What exactly was given, in the words of RFC 9396; its scope says the same in short."""

    def live(self, now: int) -> bool:
        """Say whether the client may still use it."""
        return self.ended_at is None and now < self.expires_at


class Evidence(msgspec.Struct, frozen=True):
    """One thing that was signed for a grant, and what verifies it. Never changed once it is there.

    A consent: `signed` is the document, byte for byte, `signature` the passkey's answer (WebAuthn
    AuthenticationResponseJSON), `public_key` its COSE key, base64url. An amendment: `signed` is
    the body of the phone's call, `signature` the call's proof, which carries the device key.
    """

    grant_id: str
    number: int
    """Counts from 1, without gaps."""
    kind: str
    at: int
    signed: str
    signature: str
    credential_id: str | None = None
    public_key: str | None = None


class Notice(msgspec.Struct, frozen=True):
    """What a person's phones are told. `core.notice` makes them; kinds and makers stand there."""

    notice_id: str
    person_id: str
    at: int
    kind: str
    by: str
    by_phone_id: str | None = None
    """The phone that did it, which needs not be told."""
    phone_id: str | None = None
    """The phone that it is about, or that did it."""
    client_id: str | None = None
    grant_id: str | None = None


class AccessToken(msgspec.Struct, frozen=True):
    """An access token, as stored. Without a grant (`grant_id` is "") it concerns no person."""

    token_hash: str
    grant_id: str
    scope: tuple[str, ...]
    created_at: int
    expires_at: int
    client_id: str = ""
    bound_to: str = ""
    """The key that must be shown with it: `jkt` or `x5t#S256`, a colon and the thumbprint
    (RFC 7800 3, RFC 9449 6, RFC 8705 3); "" for a bearer token."""
    revision: int = 0
    """The revision of its grant at which it was made."""


class SigningKey(msgspec.Struct, frozen=True):
    """A signing key of the server: its public half, and how its holder finds the private one."""

    kind: str
    """One of `signing.KINDS`, which is the `kty` of its JWK."""
    number: int
    """Counts the keys of a kind from 1."""
    kid: str
    """Its thumbprint (RFC 7638)."""
    public_jwk: str
    handle: str
    created_at: int
    signs_from: int
    leaves_at: int | None = None
    """When it is no longer published; None while no other follows it."""


class Access(msgspec.Struct, frozen=True):
    """What one access token opens, as read in one go: the token beside its grant."""

    grant_id: str
    client_id: str
    person_id: str
    scope: tuple[str, ...]
    account_ids: tuple[str, ...]
    token_expires_at: int
    grant_expires_at: int
    ended_at: int | None
    last_used_at: int | None
    generation: int = 0
    """The grant's count of refresh tokens; 0 means that it has none."""
    created_at: int = 0
    bound_to: str = ""
    """As in `AccessToken`."""
    profile: str = PLAIN
    """How strict the server is with its client."""
    authorization_details: Details = ()
    """The grant's."""
