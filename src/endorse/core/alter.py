"""A request that names a grant, to merge into it or to replace it, and what becomes of that grant.

"GM" is Grant Management for OAuth 2.0, implementer's draft 1 (document version 03).
"""

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from endorse.core import refusal
from endorse.core.model import Client, Grant, Journey, Request, SharedAccount
from endorse.core.params import Params
from endorse.core.policy import ASKABLE
from endorse.core.refusal import Refusal

CREATE: Final = "create"
MERGE: Final = "merge"
REPLACE: Final = "replace"
ACTIONS: Final = (CREATE, MERGE, REPLACE)

_OURS: Final = re.compile(r"[A-Za-z0-9_-]{22}\Z", re.ASCII)

ACTION_WRONG: Final = Refusal(
    "grant_action_wrong",
    "invalid_request",
    400,
    "grant_management_action must be create, without grant_id, or merge or replace, with one.",
    "Grant Management 5.4",
)
NOT_FOR_PUBLIC: Final = Refusal(
    "grant_management_confidential",
    "invalid_request",
    400,
    "Only a client that authenticates may send grant_management_action or grant_id.",
    "Grant Management 5.1",
)
GRANT_NOT_GOOD: Final = Refusal(
    "grant_id_not_good",
    "invalid_grant_id",
    400,
    "The grant_id names no grant of this client that lives and that it may still ask for. Ask for "
    "a new one, with grant_management_action=create.",
    "Grant Management 5.4",
)
GRANT_CHANGED: Final = Refusal(
    "grant_changed",
    "invalid_grant",
    400,
    "The grant that this code would change has ended, or was changed after the person approved. "
    "Start again at the authorization endpoint.",
    "RFC 6749 5.2",
)
DETAILS: Final = Refusal(
    "grant_change_by_details",
    "invalid_request",
    400,
    "A grant is changed by scope alone: send no authorization_details with merge or replace.",
    "Grant Management 5.4",
)
OF_ANOTHER: Final = Refusal(
    "connection_of_another",
    "connection_of_another",
    403,
    "This code asks to change a connection that the person of this phone does not have. Scan it "
    "with the phone of the person who made the connection.",
)


def problem(params: Params, client: Client) -> Refusal | None:
    """Find what is wrong with how a request names a grant (GM 5.1, 5.2, 5.4).

    `update`, the name of merge in older drafts, is not known here.
    """
    action = params.text("grant_management_action")
    names_one = bool(params.text("grant_id"))
    if not action and not names_one:
        return None
    if client.public:
        return NOT_FOR_PUBLIC
    wanted = {CREATE: False, MERGE: True, REPLACE: True}
    if wanted.get(action) is not names_one:
        return ACTION_WRONG
    return DETAILS if names_one and "authorization_details" in params.values else None


def named(params: Params) -> str:
    """Give the grant_id to look up; "" for none, and for what no grant of ours is called."""
    said = params.text("grant_id")
    return said if _OURS.match(said) else ""


def unnamed(request: Request, grant: Grant | None, client: Client, now: int) -> Refusal | None:
    """Refuse a request that names no grant of this client's own that lives (GM 5.4).

    `grant` is the one of the named id, if there is one. Unknown, ended and another client's have
    one answer: a grant_id is no secret, and tells nothing to who found one. What the client may
    not ask for any more, it cannot have signed anew by a merge either.
    """
    if not request.grant_id:
        return None
    if grant is None or grant.client_id != client.client_id:
        return GRANT_NOT_GOOD.because("unknown, or another client's")
    if not grant.live(now):
        return GRANT_NOT_GOOD.because("it has ended")
    if grant.authorization_details:
        # What was given in such detail, a payment above all, is given once and never widened.
        return GRANT_NOT_GOOD.because("it was given by authorization_details")
    if request.grant_action == MERGE and not set(grant.scope) <= set(client.scope):
        return GRANT_NOT_GOOD.because("it holds a scope that the client lost")
    return None


def barred(request: Request, grant: Grant | None, person_id: str, now: int) -> Refusal | None:
    """Refuse a phone whose person does not have the grant that a request names, or no longer.

    Whose it is, and for which client, is not told.
    """
    if not request.grant_id:
        return None
    if grant is None or grant.person_id != person_id:
        return OF_ANOTHER
    if grant.client_id != request.returns_to.client_id:
        return OF_ANOTHER.because("another client's, which no request may name")
    return None if grant.live(now) else refusal.CONNECTION_ENDED


def outdated(journey: Journey, grant: Grant | None, now: int) -> Refusal | None:
    """Refuse a reviewed document whose grant ended, or for which something was signed since.

    So of two changes under way at once one counts, and no account comes back that was taken away
    meanwhile.
    """
    no = barred(journey.request, grant, journey.person_id or "", now)
    if no is not None or grant is None or not journey.request.grant_id:
        return no
    said = msgspec.json.decode(journey.document or "{}", type=_Numbered)
    return None if said.revision == grant.revision + 1 else refusal.CONNECTION_CHANGED


class _Numbered(msgspec.Struct, frozen=True):
    revision: int = 0


def scope(request: Request, grant: Grant | None) -> tuple[str, ...]:
    """Give the scope that there will be: what is asked, and in a merge what there was."""
    if request.grant_action != MERGE or grant is None:
        return request.scope
    words = {*grant.scope, *request.scope}
    return tuple(word for word in ASKABLE if word in words)


def accounts(
    request: Request, grant: Grant | None, chosen: Sequence[SharedAccount]
) -> tuple[SharedAccount, ...]:
    """Give the accounts that there will be: the chosen ones, and in a merge those of before."""
    if request.grant_action != MERGE or grant is None:
        return tuple(chosen)
    had = {account.resource_id for account in grant.accounts}
    return (*grant.accounts, *(it for it in chosen if it.resource_id not in had))


def ends(request: Request, grant: Grant | None, until: int) -> int:
    """Give when it will end: `until`, and in a merge no sooner than before."""
    merges = request.grant_action == MERGE and grant is not None
    return max(until, grant.expires_at) if merges and grant else until


def members(request: Request, grant: Grant | None) -> dict[str, object]:
    """Give what the consent document says of the grant that it changes; {} for a new one.

    `revision` is its place among all that was signed for the grant.
    """
    if not request.grant_id or grant is None:
        return {}
    verb = "merges" if request.grant_action == MERGE else "replaces"
    return {verb: grant.grant_id, "revision": grant.revision + 1}


def altered(request: Request, before: Grant, made: Grant) -> Grant:
    """Put what was signed in the place of what a grant gave.

    `made` is the grant that the document would make by itself. Refresh tokens of before are void
    (GM 5.2); after a replacement, access tokens are as well.
    """
    ids = {account.resource_id for account in made.accounts}
    gone = {it.resource_id: it for it in (*before.removed, *before.accounts)}
    revision = before.revision + 1
    return msgspec.structs.replace(
        made,
        grant_id=before.grant_id,
        created_at=before.created_at,
        last_used_at=before.last_used_at,
        bound_to=before.bound_to,
        removed=tuple(it for it in gone.values() if it.resource_id not in ids),
        revision=revision,
        generation=before.generation + 1,
        voided=before.generation,
        tokens_from=revision if request.grant_action == REPLACE else before.tokens_from,
    )
