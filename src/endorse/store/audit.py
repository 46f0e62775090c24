"""The audit trail: who did what to which journey, grant, client or person. No secret is in it."""

from collections.abc import Iterator, Sequence

import msgspec

from endorse.core import change as c
from endorse.core.audit_log import Line
from endorse.core.ciba import ASKED
from endorse.core.journey import STEPS, Actor, Event
from endorse.core.model import Evidence

_Id = str | None
_Told = tuple[str, str, _Id, _Id, _Id, _Id, _Id]


def trail(changes: Sequence[c.Change], now: int) -> Iterator[Line]:
    """Write the lines for these changes. Notes of use and counters leave none."""
    for change in changes:
        line = _line(change)
        if line is not None:
            yield (now, *line)


def _line(change: c.Change) -> _Told | None:
    match change:
        case c.Begin(journey):
            client_id = journey.request.returns_to.client_id
            # What waits for a person's phones was begun by the client, and by no browser.
            actor = Actor.CLIENT if journey.way == ASKED else STEPS[Event.START].actor
            person_id = journey.person_id
            return (Event.START, actor, journey.journey_id, None, client_id, person_id, None)
        case c.BeginPoll(poll):
            what = f"begin {poll.kind}"
            return (what, Actor.CLIENT, None, None, poll.client_id, None, None)
        case c.Move(event, _, after):
            client_id = after.request.returns_to.client_id
            ids = (after.journey_id, after.grant_id, client_id, after.person_id)
            return (event.value, STEPS[event].actor.value, *ids, after.reason)
        case c.Rotate(grant_id, generation):
            return ("refresh", Actor.CLIENT, None, grant_id, None, None, str(generation + 1))
        case c.Amend(after, evidence):
            what = _how_amended(evidence)
            by, grant_id, number = "the account holder", after.grant_id, str(after.revision)
            return (what, by, None, grant_id, after.client_id, after.person_id, number)
        case c.EndGrant(grant_id, by):
            return ("end grant", by, None, grant_id, None, None, None)
        case c.RevokeToken(_):
            return ("revoke access token", Actor.CLIENT, None, None, None, None, None)
        case _:
            return _of_clients(change)


def _how_amended(evidence: Evidence) -> str:
    if evidence.kind != "consent":
        return "narrow grant"
    said = msgspec.json.decode(evidence.signed, type=_Consent)
    return "merge grant" if said.merges else "replace grant" if said.replaces else "renew grant"


class _Consent(msgspec.Struct, frozen=True):
    merges: str = ""
    replaces: str = ""


def _of_clients(change: c.Change) -> "_Told | None":
    match change:
        case c.FlagClient(client_id, journey_id):
            return ("flag client", Actor.PHONE, journey_id, None, client_id, None, None)
        case c.AddClient(client):
            return ("add client", "the bank", None, None, client.client_id, None, client.name)
        case c.ChangeClient(client):
            return ("change client", "the bank", None, None, client.client_id, None, client.name)
        case c.RemoveClient(client_id, by):
            return ("remove client", f"the {by}", None, None, client_id, None, None)
        case c.AddInvitation(invitation):
            return ("invite", "the bank", None, None, None, None, invitation.legal_name)
        case c.AddSecret(client_id):
            return ("add client secret", "the bank", None, None, client_id, None, None)
        case c.EndRestored():
            return ("restore", "the bank", None, None, None, None, None)
        case c.AddSigningKey(key):
            return ("add signing key", "the bank", None, None, None, None, key.kid)
        case _:
            return _phone_line(change)


def _phone_line(change: c.Change) -> _Told | None:
    match change:
        case c.Issue(enrolment):
            return ("issue enrolment", "the bank", None, None, None, enrolment.person_id, None)
        case c.Enrol(phone):
            person_id, phone_id = phone.person_id, phone.phone_id
            return ("enrol", Actor.ANY_PHONE, None, None, None, person_id, phone_id)
        case c.ConfirmPhone(phone, _, by):
            return ("confirm phone", by, None, None, None, phone.person_id, phone.phone_id)
        case c.CountWrongDigits(phone, by):
            return ("wrong digits", by, None, None, None, phone.person_id, phone.phone_id)
        case c.RevokePhone(phone, by):
            return ("revoke phone", by, None, None, None, phone.person_id, phone.phone_id)
        case _:
            return None
