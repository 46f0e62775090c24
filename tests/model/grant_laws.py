"""The laws of a connection after its approval: it only ever gives what was signed for it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from endorse.core import change as c
from endorse.core.model import Grant
from tests.model.judging import Act, require


@dataclass
class Given:
    """What the laws remember of one grant."""

    person: str
    phone: str
    """The one whose passkey signed last."""
    accounts: set[str]
    ends: int
    signed: int = 1
    """How many things were signed for it."""
    over: bool = False


@dataclass
class GrantLaws:
    """The laws over all grants."""

    given: dict[str, Given] = field(default_factory=dict)
    documents: set[str] = field(default_factory=set)
    """Every document that a grant was made or renewed by."""
    offers: dict[str, tuple[str, int]] = field(default_factory=dict)
    """For which grant each document was offered, and how many things were signed for it then."""

    def made(self, grant: Grant, document: str) -> None:
        """A grant was made by a document, which was judged before."""
        self.documents.add(document)
        self.given[grant.grant_id] = Given(
            grant.person_id, grant.phone_id, _ids(grant), grant.expires_at
        )

    def offered(self, document: str, grant_id: str) -> None:
        """A phone was given a document that renews a grant."""
        self.offers[document] = (grant_id, self.given[grant_id].signed)

    def amended(self, act: Act, change: c.Amend) -> None:
        """Judge a narrowing or a renewal."""
        after, given = change.after, self.given[change.after.grant_id]
        require(act.person == given.person, "grant", "by another person")
        require(not given.over and act.now < given.ends, "grant", "changed after its end")
        if change.evidence.kind == "amendment":
            require(act.phone == given.phone, "grant", "narrowed by another phone")
            fewer = bool(_ids(after)) and _ids(after) < given.accounts
            require(fewer, "grant", "not fewer accounts than before, or none")
            require(after.expires_at == given.ends, "grant", "a narrowing moved its end")
        else:
            self._renewed(act, given, after, change.evidence.signed)
            given.phone = act.phone
        given.accounts, given.ends = _ids(after), after.expires_at
        given.signed += 1

    def _renewed(self, act: Act, given: Given, after: Grant, document: str) -> None:
        this = act.text == document and act.credential == f"passkey of {act.phone}"
        require(this, "grant", "the passkey signed another document")
        offer = (after.grant_id, given.signed)
        require(self.offers.get(document) == offer, "grant", "a dead document")
        require(document not in self.documents, "grant", "one signature, two renewals")
        self.documents.add(document)
        said: dict[str, Any] = json.loads(document)
        named = {account["resourceId"] for account in said["accounts"]}
        require(_ids(after) == given.accounts == named, "grant", "renewed over other accounts")
        until = datetime.fromisoformat(said["valid_until"]).timestamp()
        require(after.expires_at == until, "grant", "another end than was signed")

    def ended(self, act: Act, change: c.EndGrant) -> None:
        """A grant ended: by a phone of its person, or because its code came twice."""
        given = self.given[change.grant_id]
        require(not act.phone or act.person == given.person, "grant", "by another person")
        given.over = True


def _ids(grant: Grant) -> set[str]:
    return {account.resource_id for account in grant.accounts}
