"""Every number of the protocol: lifetimes in seconds, sizes in characters, counts.

`Policy()` is what `endorse serve` runs with. The sandbox and the limit tests make their own with
`msgspec.structs.replace`; nothing else in the code holds a number of this kind.
"""

from typing import Final

import msgspec

SCOPES: Final = ("accounts", "balances", "transactions", "offline_access")
"""What a client may ask for, in the order in which a person reads it."""

IDENTITY: Final = ("openid", "profile")
"""OpenID Connect: a number that stands for the person at this client alone, and their name. Each
only where the client is registered for it, and only beside something that the person shares."""

ASKABLE: Final = (*IDENTITY, *SCOPES)
"""All that a person can be asked for."""

OWN_SCOPES: Final = ("directory", "grant_management_query", "grant_management_revoke")
"""What a client may ask for itself, by its own credentials: nobody is asked. The first one is what
it gets without naming any."""

WAYS: Final = ("qr", "link", "short_code", "near")
"""How a request may reach a phone: the moving code, the app on the same device, eight letters
that a person types, a passkey that the page itself asks for (which proves nearness)."""

DOCUMENTS: Final = ("request", "authorization_details", "client_assertion")
"""The parameters that may be as long as a document."""

HOUR: Final = 60 * 60
DAY: Final = 24 * HOUR


HISTORY: Final = 2 * 365 * DAY
"""For how long a connection that is over can be looked up, with its evidence: as long as people
commonly may dispute what happened to an account."""


class Policy(msgspec.Struct, frozen=True):
    """The limits of one server, each with its reason. Times are seconds."""

    # A request sealed in the page: long enough to read the page, short enough to be useless in
    # a history or a mail.
    sealed_request: int = 600

    # A pushed request: under the 600 s that FAPI 2.0 Security Profile 5.3.2.2 allows, and as long
    # as a person may take until somebody scans, so that a reload still finds it.
    pushed_request: int = 590
    # Signed requests of a fapi2 client (FAPI 2.0 Message Signing 5.3.1).
    request_object_age: int = HOUR

    # The moving code. A new frame every 2 s; a frame counts for 6 s, so that a slow camera gets
    # one whole frame and a photograph sent by mail gets none; 1 s of the future for rounding.
    frame_every: float = 2.0
    frame_lives: int = 6
    frame_ahead: int = 1
    # A page without script shows a new frame every 4 s, so its frames count for longer.
    still_frame_lives: int = 10

    # Which ways there are. Nearness is for banks that ask for it: it needs a passkey that the
    # person's phone lends to other devices, which not every phone does.
    ways: tuple[str, ...] = ("qr", "link", "short_code")

    # The short code: eight letters of twenty are 34 bits. Five minutes to type them; five wrong
    # ones a person in ten minutes leave no hope of a guess.
    short_code: int = 300
    wrong_spellings: int = 5
    wrong_spellings_in: int = 600

    # One code is shown for two minutes; a person who was slow asks for another, at most three
    # times, without losing the request. After `waiting_in_all` nobody is there any more.
    code_shown: int = 120
    new_codes: int = 3
    waiting_in_all: int = 600

    # From the scan to the decision: five minutes, two without a touch (RTS 2018/389 article 4
    # ends an idle authenticated channel after five).
    decision: int = 300
    idle: int = 120

    # The number has one try a journey. Three wrong ones in an hour mean that somebody keeps
    # showing this person screens that are not in front of them: no claims for the next hour,
    # after which all three are forgotten.
    wrong_numbers: int = 3
    wrong_numbers_in: int = HOUR
    claims_stop: int = HOUR
    # Nobody connects more than a few apps an hour; somebody who is being talked into it does.
    approvals: int = 6
    approvals_in: int = HOUR
    # Under a warning the person gets time to read it before an approval counts.
    amber_wait: int = 10

    # After the approval the browser has a minute to come; the code then has a minute to be
    # redeemed (FAPI 2.0 Security Profile 5.3.2.1, at most 60 s).
    resume: int = 60
    code: int = 60

    # A used code is remembered for a day: its replay must still revoke (RFC 6749 4.1.2).
    remember_journey: int = DAY

    # A device that a person connects shows its letters for ten minutes: time to find a computer.
    # It may ask every five seconds; one that asks faster must let five more pass (RFC 8628 3.2,
    # 3.5). Eight letters of twenty are 34 bits: twenty wrong ones a minute from one address leave
    # no hope, and are more than a person types.
    device: int = 600
    poll_every: int = 5
    slow_down: int = 5
    wrong_user_codes_a_minute: int = 20
    # A client that asks on the phone itself waits five minutes at most: the person is at it now.
    # Three questions in ten minutes are more than anybody starts; who says "I did not start
    # this" hears nothing of that client for a day.
    ciba: int = 300
    prompts: int = 3
    prompts_in: int = 600
    unwanted: int = DAY
    # The approval waits for the next poll, however slow the client had to become.
    collect: int = 300

    access_token: int = 300
    # A signed one, which others may check without asking us, must be dead soon after its grant.
    signed_access_token: int = 60
    # An ID token is for the moment at which it comes; five minutes are for clocks that differ.
    id_token: int = 300
    # A client that lost the answer to a refresh may repeat it within this time.
    refresh_retry: int = 10
    # The law's longest time without a new approval: 180 days (RTS 2018/389 article 10a).
    grant_at_most: int = 180 * DAY
    grant_by_default: int = 90 * DAY

    # The phone: how long a sign-in lasts, how old a signed call may be, how long the person may
    # take over a passkey prompt.
    phone_session: int = 900
    proof_age: int = 60
    ceremony: int = 300
    enrolment: int = 600
    enrolments_a_day: int = 5

    # A new phone is pending until somebody confirms the six digits that it shows; a sandbox skips
    # that. A code lives ten minutes, so the person is at it now: a day reaches the next hours in
    # which the bank's desk is open, and later nobody remembers the phone.
    confirm_phones: bool = True
    pending_phone: int = DAY
    # Six digits are guessed once in a million; a third wrong try is no slip of the finger.
    digit_tries: int = 3
    # What the desk confirms beside another phone of the person waits for a day: whoever talked
    # the desk into it is seen on that phone, and stopped there.
    second_phone_wait: int = DAY

    # Signing keys. Whoever reads them may keep them for five minutes; a new one is published for an
    # hour before it signs, as some keep them longer than they are told. All that is signed lives
    # for minutes; an old key stays for a day, for clocks that are wrong and logs that are checked.
    keys_kept: int = 300
    key_published: int = HOUR
    key_outlives: int = DAY

    # A client's proof may be ten seconds old or early (FAPI 2.0 Security Profile 5.3.2.1 asks to
    # take that much): enough for clocks and networks, and little to remember of what was seen.
    dpop_age: int = 10
    # A nonce counts for one to two minutes: proofs made before that, on a machine that was held
    # for a moment, are worth nothing after.
    nonce: int = 60

    # The overlap in which a client's old secret still works after a rotation.
    secret_overlap: int = 7 * DAY

    # How far the clock of a client may differ from ours (FAPI 2.0 Security Profile 5.3.2.1: a time
    # up to 10 s ahead is accepted, one more than 60 s ahead is not).
    clocks_differ: int = 10

    # Calls of pages and phones from one address, at once and then again in the course of a minute:
    # all people behind one company's or one carrier's address are below fifty a second; at that
    # rate a flood takes a twentieth of a core.
    calls_a_minute: int = 3000
    # What is more is refused after a second: a flood on a hundred connections then is a hundred
    # calls a second, whatever it could.
    refused_after: float = 1.0
    # Connections of one address: as many pages as those calls can let wait, each for two minutes,
    # and an eighth of what a server takes.
    connections_of_address: int = 2048
    # Beginnings from one address a minute: a household is far below, a flood far above.
    starts_a_minute: int = 10
    # Frames that do not count, from one phone a minute: a shaking hand is far below.
    bad_claims_a_minute: int = 10

    # Wrong credentials of one client from one address a minute; then nothing of it is taken from
    # there. Nobody guesses 256 bits, but tries cost work and lines in the log, and after twenty
    # the developer of a server that missed a rotation reads nothing new.
    wrong_credentials_a_minute: int = 20

    # Registrations from one address a minute: a company has a handful of apps.
    registrations_a_minute: int = 10

    # A browser is known again for as long as a grant can last.
    browser_known: int = 180 * DAY

    # Sizes. A parameter of 2 KiB is longer than any real one (a state that is a JWT has 300).
    parameter: int = 2048
    # A parameter that is a signed token is longer: claims, an RSA signature, sometimes a chain.
    signed_parameter: int = 16 * 1024
    # A signed request that is longer than most addresses may be belongs to /par.
    request_by_value: int = 4096
    body: int = 64 * 1024
    accounts_chosen: int = 100
    page_of_transactions: int = 100


class Terms(msgspec.Struct, frozen=True):
    """What holds for every decision of one server: who it is, its key, its numbers."""

    issuer: str
    server_key: bytes
    law: Policy

    def __repr__(self) -> str:
        return f"Terms({self.issuer})"


WIDE: Final = Policy(
    calls_a_minute=10_000_000,
    connections_of_address=1_000_000,
    starts_a_minute=100_000,
    bad_claims_a_minute=100_000,
    registrations_a_minute=100_000,
    wrong_credentials_a_minute=100_000,
    enrolments_a_day=1_000_000,
    approvals=1_000_000,
    wrong_numbers=1_000_000,
    wrong_spellings=1_000_000,
    wrong_user_codes_a_minute=1_000_000,
    prompts=1_000_000,
    confirm_phones=False,
    amber_wait=0,
)
"""The sandbox's policy: the protocol's lifetimes, but no limit on how often something is tried.

Its phones act at once: there is no desk that could confirm them. Warnings are shown there, but
nobody waits for them: a developer's own app is never verified."""
