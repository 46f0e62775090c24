"""Planted bugs: in each, one guard of the core is missing, and a law that must notice is named.

Here are those from the approval to the end of a connection; what comes before it has its own file.
"""

from __future__ import annotations

from typing import Final

from endorse.core import approve, authorize, connect, consent, grants, redeem, ways
from endorse.core.journey import Event, State
from endorse.core.model import Journey
from tests.model import memory
from tests.model.mutants_claim import TO_THE_NUMBER
from tests.model.planting import Edit, Mutant, Row, mutant


def _endless(state: str, law: str = "lifetimes") -> Mutant:
    old = "waits = self.state in LIVE"
    new = f"waits = self.state is not State.{state} and self.state in LIVE"
    if state in ("APPROVED", "REDIRECTED"):
        old, new = f"State.{state}", "State.WAITING"
        if state == "APPROVED":
            old, new = "(State.APPROVED, State.REDIRECTED)", "(State.REDIRECTED,)"
        else:
            old, new = "(State.APPROVED, State.REDIRECTED)", "(State.APPROVED,)"
    return mutant(f"{state.lower()} never expires", law, Journey.at, old, new)


_APPROVALS: Final = (
    mutant(
        "the challenge is not compared",
        "L2",
        approve.approve,
        "assertion.challenge == held.challenge",
        "True",
    ),
    mutant(
        "another credential passes",
        "L2",
        approve.approve,
        "or assertion.credential_id != phone.credential_id",
        "",
    ),
    mutant(
        "a document has no fresh nonce",
        "L2",
        consent.document,
        '"nonce": b64url(fresh(16))',
        '"nonce": ""',
    ),
    mutant(
        "the document of an edited choice lives on",
        "L2",
        approve.edit,
        "document=None, challenge=None, ",
        "",
        Row(Event.APPROVE, State.MATCHED),
    ),
    mutant(
        "a new choice keeps the old document",
        "L2",
        approve.edit,
        "document=None, challenge=None, ",
        "",
        Edit(approve.review, "signed = consent", "signed = held.document or consent"),
    ),
    mutant(
        "a document before the number",
        "L2",
        approve.review,
        "Event.REVIEW, now",
        "Event.REVIEW, now",
        Row(Event.REVIEW, State.CLAIMED),
    ),
    mutant(
        "accounts of others are passed over",
        "L2",
        approve.review,
        "set(chosen) <= offered",
        "True",
    ),
    mutant(
        "a document of no request",
        "L2",
        consent.document,
        '"request": journey.digest',
        '"request": ""',
    ),
    mutant("an amber verdict need not be read", "risk", approve.approve, "wait > 0", "False"),
    mutant(
        "approvals without number",
        "risk",
        approve.approve,
        "standing.approvals >= terms.law.approvals",
        "False",
    ),
    mutant(
        "disowning spares the browser's other journeys",
        "over",
        approve.disown,
        "*called_off, ",
        "",
    ),
)
_TIMES: Final = (
    *(_endless(it) for it in ("WAITING", "CLAIMED", "MATCHED", "REVIEW", "APPROVED", "REDIRECTED")),
    mutant(
        "a decision may take for ever",
        "lifetimes",
        approve._touched,
        "min((journey.claimed_at or now) + law.decision, now + law.idle)",
        "now + law.idle",
    ),
)
_CODES: Final = (
    mutant(
        "a browser resumes without B",
        "L1",
        memory.opens,
        "same(journey.browser_hash, fingerprint(secret))",
        "True",
    ),
    mutant(
        "by link, a browser resumes without the return",
        "L4",
        authorize.reply,
        "and not journey.may_resume",
        "and False",
    ),
    mutant(
        "any return nonce passes",
        "L4",
        connect.come_back,
        'not same(journey.return_hash or "", fingerprint(nonce))',
        "False",
    ),
    mutant(
        "one return nonce for all journeys",
        "L4",
        ways.return_nonce,
        "journey.journey_id.encode()",
        'b""',
    ),
    mutant(
        "a repeated resume gives another code",
        "code",
        authorize.reply,
        "if state is State.REDIRECTED:\n        code = code_of(server_key, journey.journey_id)",
        "if state is State.REDIRECTED:\n        code = code_of(server_key, journey.short)",
    ),
    mutant(
        "a redeemed code is given once more",
        "code",
        authorize.reply,
        "if state is State.REDIRECTED:",
        "if state in (State.REDIRECTED, State.REDEEMED):",
    ),
    mutant(
        "one code for all journeys",
        "code",
        authorize.code_of,
        "journey_id.encode()",
        'b""',
    ),
    mutant(
        "a replayed code spares the grant",
        "code",
        redeem.code,
        "journey.state is State.REDEEMED",
        "False",
    ),
    mutant(
        "a code is redeemed twice",
        "over|code",
        redeem.code,
        "journey.state is State.REDEEMED",
        "False",
        Edit(
            redeem._code_problem,
            "journey.at(now) is not State.REDIRECTED",
            "journey.at(now) not in (State.REDIRECTED, State.REDEEMED)",
        ),
        Row(Event.REDEEM, State.REDEEMED),
    ),
    mutant(
        "another client redeems",
        "code: another client's",
        redeem.code,
        "journey.request.returns_to.client_id != client.client_id",
        "False",
    ),
    mutant(
        "another verifier redeems",
        "code: another verifier",
        redeem._code_problem,
        'not pkce_holds(params.text("code_verifier"), journey.request.code_challenge)',
        "False",
    ),
    mutant(
        "the grant is wider than the document",
        "L2",
        redeem._grant,
        "scope=signed.scope",
        'scope=(*signed.scope, "payments")',
    ),
)
OF_CONNECTIONS: Final = (
    mutant(
        "another person acts on a connection",
        "grant: by another person",
        grants.held,
        "grant is None or grant.person_id != person_id",
        "grant is None",
    ),
    mutant(
        "another phone of the person takes accounts away",
        "grant: narrowed by another phone",
        grants.narrow,
        "own.phone_id != phone.phone_id",
        "False",
    ),
    mutant(
        "no account need go",
        "grant: not fewer",
        grants.narrow,
        "not stay < {it",
        "not stay <= {it",
    ),
    mutant(
        "every account may go",
        "grant: not fewer",
        grants.narrow,
        "if not stay or len",
        "if len",
    ),
    mutant(
        "what is over can be renewed",
        "grant: changed after its end",
        grants._live,
        "own if own.live(now) else refusal.CONNECTION_ENDED",
        "own",
        Edit(memory.Memory._amend, " or not _lives(stored, change.evidence.at)", ""),
    ),
    mutant(
        "an older renewal counts",
        "grant: a dead document",
        grants.renew,
        "own.revision != revision",
        "False",
        Edit(grants.renew, "revision=revision + 1", "revision=own.revision + 1"),
    ),
    mutant(
        "a renewal lasts longer than was signed",
        "grant: another end",
        grants.renew,
        "fromisoformat(said.valid_until).timestamp())",
        "fromisoformat(said.valid_until).timestamp()) + 1",
    ),
    mutant(
        "of two narrowings at once the later gives back",
        "grant: not fewer",
        memory.Memory._amend,
        "stored.revision != after.revision - 1 or ",
        "",
        Edit(memory.Memory._amend, "_new(self.evidence, key, change.evidence)", "True"),
    ),
)
_GUARDS: Final = (
    mutant(
        "a change applies to another state",
        "L2|number|phone|one claim|over|L3",
        memory.Memory._move,
        "(stored.state, stored.version) != (before.state, before.version)",
        "False",
    ),
    mutant(
        "a change applies to another version of the same state",
        "L2|number|phone|one claim|over|L3",
        memory.Memory._move,
        "(stored.state, stored.version) != (before.state, before.version)",
        "stored.state != before.state",
    ),
)

MUTANTS: Final = (*TO_THE_NUMBER, *_APPROVALS, *_TIMES, *_CODES, *_GUARDS)
