"""The world of the model: people, their browsers and phones, an attacker, a clock; who knows what.

The core decides for real, over real frames, links, letters and nonces. What the world leaves out is
what stands around the core: HTTP, signatures (a verified assertion is a value here, made only by
a passkey of the world), and the disk.

The attacker, Mallory, owns browsers and phones of her own. She learns what they show and are told,
and what she can see over a shoulder. Everything that she knows she may put before anybody. Honest
people are deceived as far as the design allows: they scan what is put before them, say the number
that they are told, and approve. They hold a phone to no other screen than their own, and what
their phone opens opens in a browser of their own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from endorse.core import grants, redeem
from endorse.core.change import Decision
from endorse.core.model import Grant, Phone
from endorse.core.proof import Assertion
from endorse.core.refusal import Refusal
from tests.core.scene import (
    CALLBACK,
    CLIENT,
    ISSUER,
    KEY,
    OTHER_CLIENT,
    params,
)
from tests.model.apps import Apps
from tests.model.ground import LAW, verifier_text
from tests.model.judging import Act, challenge_of, require

A = TypeVar("A")
F = TypeVar("F")


@dataclass(frozen=True)
class Offer:
    """A document with which a phone may renew a grant, as the server's seal keeps it."""

    grant_id: str
    phone: Phone
    document: str
    revision: int


class World(Apps):
    """All verbs together: with those of the client, and of what it was given."""

    def redeem(self, journey_id: str, client: str = "app", browser: str = "") -> None:
        """A client redeems the code, with the verifier that it keeps for a browser."""
        self.say(f"{client} redeems the code")
        verifier = f"verifier of {browser or self.record(journey_id).holder}"
        code = self.record(journey_id).code
        again = self.record(journey_id).over == "redeem" and client == "app"
        sent = params(code=code, redirect_uri=CALLBACK, code_verifier=verifier_text(verifier))
        registered = CLIENT if client == "app" else OTHER_CLIENT
        self.settle(
            Act(self.now, client=client, verifier=verifier),
            lambda: self.memory.journeys[journey_id],
            lambda it: redeem.code(
                sent,
                registered,
                redeem.Approval(it, self.memory.phones.get(it.phone_id or "")),
                KEY,
                self.now,
                self.fresh,
                LAW,
            ),
        )
        if again:
            grant = self.memory.grants[self.memory.journeys[journey_id].grant_id or ""]
            require(grant.ended_at is not None, "code", "replayed, and its grant lives")

    # --- what was given ----------------------------------------------------------------------

    def change(
        self,
        phone: Phone,
        grant_id: str,
        step: Callable[[Grant], Decision[Grant]],
        what: str,
        meanwhile: Callable[[], None] | None = None,
        signed: str = "",
    ) -> None:
        """A phone does something to a connection. `signed` is what its passkey signed for it."""
        self.say(f"{phone.phone_id} {what}")
        act = Act(self.now, phone=phone.phone_id, person=phone.person_id, text=signed)
        act.credential = phone.credential_id if signed else ""
        self.settle(act, lambda: self.memory.grants[grant_id], step, meanwhile)

    def narrow(
        self,
        phone: Phone,
        grant_id: str,
        keep: Sequence[str],
        meanwhile: Callable[[], None] | None = None,
    ) -> None:
        """A phone takes accounts away: all but these."""
        body, proof = json.dumps({"accounts": keep}), f"signed by {phone.device}"
        self.change(
            phone,
            grant_id,
            lambda it: grants.narrow(it, phone, keep, body, proof, self.now),
            f"leaves it {len(keep)} accounts",
            meanwhile,
        )

    def offer(self, phone: Phone, grant_id: str) -> Offer | None:
        """A phone asks for the document that renews a connection."""
        self.say(f"{phone.phone_id} asks to renew")
        grant, whose = self.memory.grants[grant_id], phone.person_id
        numbers = range(grant.revision, 0, -1)
        signed = (self.memory.evidence[(grant_id, number)] for number in numbers)
        last = next(it.signed for it in signed if it.kind == "consent")
        owned, fresh = [f"{whose}-1", f"{whose}-2"], self.fresh
        document = grants.offer(grant, phone, CLIENT, last, owned, ISSUER, self.now, fresh, LAW)
        if isinstance(document, Refusal):
            self.trace[-1] += f": {document.name}"
            return None
        self.laws.grants.offered(document, grant_id)
        return Offer(grant_id, phone, document, grant.revision)

    def renew(self, offer: Offer) -> None:
        """A phone signs what it was offered, at once or later, once or again."""
        phone, document = offer.phone, offer.document
        challenge = challenge_of(document)
        made = Assertion(challenge, phone.credential_id, 0, document)
        self.change(
            phone,
            offer.grant_id,
            lambda it: grants.renew(it, phone, offer.revision, document, made, self.now),
            "renews",
            signed=document,
        )

    def end(self, phone: Phone, grant_id: str) -> None:
        """A phone ends a connection."""
        self.change(phone, grant_id, lambda it: grants.end(it, phone, self.now), "ends it")
