"""Every way stored state may change, and the decision that carries the changes.

A change says from which state it may happen; the store applies it only then and tells whether
it won. The audit trail is written from the same list.
"""

from typing import Generic, TypeVar

import msgspec

from endorse.core.audit_log import Head
from endorse.core.invitation import Invitation
from endorse.core.journey import Event
from endorse.core.model import (
    AccessToken,
    Client,
    ClientSecret,
    Enrolment,
    Evidence,
    Grant,
    Journey,
    Notice,
    Phone,
    Poll,
    PushedRequest,
    SigningKey,
)
from endorse.core.refusal import Refusal


class Begin(msgspec.Struct, frozen=True):
    """Store a new journey. Guard: its handles are new."""

    journey: Journey


class BeginPoll(msgspec.Struct, frozen=True):
    """Store what a client will poll with. Guard: its handles are new."""

    poll: Poll


class CountPoll(msgspec.Struct, frozen=True):
    """Note that a client polled, and how long it must wait. Guard: it did not poll meanwhile."""

    before: Poll
    after: Poll


class Move(msgspec.Struct, frozen=True):
    """Move a journey. Guard: it still has the state and the version of `before`.

    The version of `after` is the next one.
    """

    event: Event
    before: Journey
    after: Journey


class NoteTry(msgspec.Struct, frozen=True):
    """Remember for a while what a person did or met. No guard.

    `number` and `spelling` are wrong ones, `approval` is one that was given, and `stop` is the
    end of their claims for a while.
    """

    person_id: str
    kind: str
    now: int


class FlagClient(msgspec.Struct, frozen=True):
    """Remember that a person did not start what this client's request asked. No guard."""

    client_id: str
    journey_id: str
    now: int


class KnowBrowser(msgspec.Struct, frozen=True):
    """Remember that this person approved from this browser. No guard: the last time wins."""

    browser_id: str
    person_id: str
    now: int


class KeepRequest(msgspec.Struct, frozen=True):
    """Keep a pushed request until it is too old. Guard: its handle is new."""

    pushed: PushedRequest


class MakeGrant(msgspec.Struct, frozen=True):
    """Store a new grant with what was signed for it. Guard: its id is new."""

    grant: Grant
    evidence: Evidence


class Amend(msgspec.Struct, frozen=True):
    """Change what a grant gives, by something that was signed.

    Guard: it lives, and nothing else was signed for it since the revision before `after`'s.
    """

    after: Grant
    evidence: Evidence


class VoidRefresh(msgspec.Struct, frozen=True):
    """Make a grant's refresh tokens void, by counting past them. Guard: it has this generation."""

    grant_id: str
    generation: int
    now: int


class MakeToken(msgspec.Struct, frozen=True):
    """Store a new access token. Guard: its hash is new."""

    token: AccessToken


class Rotate(msgspec.Struct, frozen=True):
    """Count a grant's refresh tokens up. Guard: it lives and has this generation."""

    grant_id: str
    generation: int
    now: int


class EndGrant(msgspec.Struct, frozen=True):
    """End a grant and all its tokens. Guard: it has not ended yet."""

    grant_id: str
    by: str
    now: int


class TouchGrant(msgspec.Struct, frozen=True):
    """Note that a grant was used. No guard: the last note wins."""

    grant_id: str
    now: int


class RevokeToken(msgspec.Struct, frozen=True):
    """Forget one access token. No guard: gone is gone."""

    token_hash: str
    expires_at: int
    """Its own: it is kept by the hour in which it expires."""


class Issue(msgspec.Struct, frozen=True):
    """Store an enrolment code of the bank. Guard: it is new."""

    enrolment: Enrolment


class Enrol(msgspec.Struct, frozen=True):
    """Store a phone and use its enrolment code up.

    Guard: the code was not used, and no other phone of the person is pending.
    """

    phone: Phone
    code_hash: str
    now: int


class ConfirmPhone(msgspec.Struct, frozen=True):
    """Let a phone act from a time on.

    Guard: it is not revoked, its confirmation and wrong digits are those of `before`, and the
    phone that confirms it, if one does, is not revoked either.
    """

    before: Phone
    usable_from: int
    by: str
    by_phone: str | None


class CountWrongDigits(msgspec.Struct, frozen=True):
    """Count wrong digits for a phone that waits. Guard: as many were counted in `before`."""

    before: Phone
    by: str


class RevokePhone(msgspec.Struct, frozen=True):
    """End a phone for good.

    Guard: it has not ended yet, and the phone that ends it, if one does, is not revoked itself.
    """

    phone: Phone
    by: str
    by_phone: str | None
    now: int


class TouchPhone(msgspec.Struct, frozen=True):
    """Note that a phone signed in. No guard: the last note wins."""

    phone_id: str
    now: int


class CountUp(msgspec.Struct, frozen=True):
    """Note a passkey's signature counter. Guard: it only ever grows (WebAuthn 6.1.1)."""

    phone_id: str
    sign_count: int


class AddClient(msgspec.Struct, frozen=True):
    """Register a client. Guard: its id is new."""

    client: Client


class ChangeClient(msgspec.Struct, frozen=True):
    """Change what a client is registered with; its secrets stay. Guard: it is there."""

    client: Client


class RemoveClient(msgspec.Struct, frozen=True):
    """End a client for good, and at once all its grants and tokens; people are told of each grant.

    Guard: it is there and was not removed. Its row stays, for what is over names it.
    """

    client_id: str
    by: str
    now: int


class AddInvitation(msgspec.Struct, frozen=True):
    """Let somebody register clients. Guard: the token is new."""

    invitation: Invitation


class UseInvitation(msgspec.Struct, frozen=True):
    """Count one use of an invitation. Guard: it has one left and is not over."""

    token_hash: str
    now: int


class AddSecret(msgspec.Struct, frozen=True):
    """Give a client a secret; those it had end at `others_until`.

    Guard: the client is there and not public, and the secret is new.
    """

    client_id: str
    secret: ClientSecret
    others_until: int


class Notify(msgspec.Struct, frozen=True):
    """Tell a person's phones. No guard: what was told already is not told again."""

    notice: Notice


class MarkRead(msgspec.Struct, frozen=True):
    """Note that a phone showed notices of its person. No guard: read is read."""

    person_id: str
    phone_id: str
    notice_ids: tuple[str, ...]


class UseOnce(msgspec.Struct, frozen=True):
    """Use up what may be shown once: a `jti`, a request_uri. Guard: it was not used before.

    `what` is the fingerprint of who used which thing for what; it is remembered until it could
    not be shown any more.
    """

    what: str
    expires_at: int


class AddSigningKey(msgspec.Struct, frozen=True):
    """Give the server a signing key; the others of its kind leave at `others_until`.

    Guard: its number is new.
    """

    key: SigningKey
    others_until: int


class KeepSandboxKey(msgspec.Struct, frozen=True):
    """Keep a sandbox's key beside its data. Guard: there is none yet; otherwise nothing happens."""

    secret: str


class EndRestored(msgspec.Struct, frozen=True):
    """End what may have ended, or been used, since the copy that was restored. No guard.

    All grants with their tokens, of which people are told; every journey, poll and pushed request
    under way; enrolment codes and phones that nobody confirmed yet.
    """

    now: int


class CutAudit(msgspec.Struct, frozen=True):
    """Forget the audit trail's lines up to a number, as far as they belong to these batches."""

    cuts: tuple[tuple[Head, str], ...]
    """For each chain the last batch that goes, with the proof that a server let it go."""
    up_to: int


Change = (
    Begin
    | BeginPoll
    | CountPoll
    | Move
    | NoteTry
    | FlagClient
    | KnowBrowser
    | KeepRequest
    | MakeGrant
    | Amend
    | VoidRefresh
    | MakeToken
    | Rotate
    | EndGrant
    | TouchGrant
    | RevokeToken
    | Issue
    | Enrol
    | ConfirmPhone
    | CountWrongDigits
    | RevokePhone
    | TouchPhone
    | CountUp
    | AddClient
    | ChangeClient
    | RemoveClient
    | AddInvitation
    | UseInvitation
    | AddSecret
    | Notify
    | MarkRead
    | UseOnce
    | AddSigningKey
    | KeepSandboxKey
    | EndRestored
    | CutAudit
)

Answer = TypeVar("Answer", covariant=True)


class Decision(msgspec.Struct, Generic[Answer], frozen=True):
    """What changes, and what is answered. A refusal may carry changes too."""

    answer: Answer | Refusal
    changes: tuple[Change, ...] = ()
