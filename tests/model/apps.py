"""What a phone does with a journey, from the claim to the approval."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from endorse.core import approve, ways
from endorse.core.change import Decision
from endorse.core.model import Hint, Journey, Phone, SharedAccount
from endorse.core.proof import Assertion
from endorse.core.refusal import Refusal
from tests.core.scene import (
    CLIENT,
    ISSUER,
    KEY,
)
from tests.model import laws
from tests.model.ground import LAW, TERMS
from tests.model.judging import Act, challenge_of, require
from tests.model.pages import Pages

A = TypeVar("A")
F = TypeVar("F")


class Apps(Pages):
    """The verbs of phones."""

    def claim(
        self,
        phone: Phone,
        text: str,
        journey_id: str | None = None,
        level: str = "green",
        meanwhile: Callable[[], None] | None = None,
    ) -> None:
        """A phone claims by a text. With `journey_id` it is held against that very journey,
        as if the look-up had gone wrong: the core must not rely on it."""
        handle = ways.read(text, ISSUER)
        kind = type(handle).__name__.lower() if handle else "nonsense"
        self.say(f"{phone.phone_id} claims by a {kind}")
        act = Act(self.now, phone=phone.phone_id, person=phone.person_id, text=text, level=level)

        def read() -> Journey | None:
            if journey_id is not None:
                return self.memory.journeys[journey_id]
            return self.memory.of_handle(handle, KEY)

        aimed = read()
        spoils = aimed is not None and self._spoils(act, aimed)
        answer = self.settle(
            act,
            read,
            lambda it: approve.claim(
                handle,
                it,
                phone,
                self.memory.standing(phone.person_id, self.now, LAW),
                Hint(level),
                TERMS,
                self.now,
                self.fresh,
            ),
            meanwhile,
        )
        if spoils and aimed is not None and meanwhile is None:
            self.laws.ended(aimed.journey_id, "second scan", "two people scanned, and it lives")
        if isinstance(answer, Refusal):
            return
        held = self.record(answer.journey_id).phone
        require(held == phone.phone_id, "phone", "told of what another phone claimed")
        if answer.number is not None:
            self.look(answer.journey_id)

    def _spoils(self, act: Act, journey: Journey) -> bool:
        record = self.record(journey.journey_id)
        undecided = record.phone and not record.matched and not record.over
        lately = [at for who, at in self.laws.wrong if who == act.person and self.now - at < 3600]
        return (
            bool(undecided)
            and record.person != act.person
            and self.now < record.ends
            and len(lately) < laws.WRONG_NUMBERS
            and "." in act.text
            and self.laws.counts(act.text, journey.journey_id, self.now)
        )

    def come_near(self, phone: Phone, journey_id: str, level: str = "green") -> None:
        """A passkey is used on the page itself. The phone is beside that browser, or it fails."""
        browser = self.holder(journey_id)
        self.say(f"{phone.phone_id} comes near to {browser.name}")
        act = Act(
            self.now,
            browser=browser.name,
            phone=phone.phone_id,
            person=phone.person_id,
            level=level,
        )
        self.settle(
            act,
            lambda: self.memory.journeys[journey_id],
            lambda it: approve.come_near(
                it,
                phone,
                self.memory.standing(phone.person_id, self.now, LAW),
                Hint(level),
                self.now,
                self.fresh,
                LAW,
            ),
        )

    def use(
        self,
        phone: Phone,
        journey_id: str,
        step: Callable[[Journey], Decision[Journey]],
        act: Act,
        what: str,
        meanwhile: Callable[[], None] | None = None,
    ) -> Journey | None:
        """A phone does something to a journey."""
        self.say(f"{phone.phone_id} {what}")
        act.phone, act.person = phone.phone_id, phone.person_id
        answer = self.settle(act, lambda: self.memory.journeys[journey_id], step, meanwhile)
        return None if isinstance(answer, Refusal) else answer

    def match(
        self, phone: Phone, journey_id: str, number: int | None, told_by_attacker: bool = False
    ) -> None:
        """A phone says a number."""
        record = self.record(journey_id)
        mine = record.phone == phone.phone_id and not record.matched and not record.over
        wrong = record.number is not None and number not in (None, record.number)
        told = ", as Mallory told" if told_by_attacker else ""
        act = Act(self.now, number=number, told_by_attacker=told_by_attacker)
        self.use(
            phone,
            journey_id,
            lambda it: approve.match(
                it,
                phone,
                number,
                self.memory.standing(phone.person_id, self.now, LAW),
                self.now,
                LAW,
            ),
            act,
            f"says {'a wrong' if wrong else 'the'} number{told}",
        )
        if mine and wrong and self.now < record.ends:
            self.laws.ended(journey_id, "number", "a wrong one, and a second try")

    def review(self, phone: Phone, journey_id: str, accounts: Sequence[str] = ()) -> None:
        """A phone chooses accounts, and shows the document."""
        whose = phone.person_id
        owned = [SharedAccount(f"{whose}-{n}", None, None, "EUR") for n in (1, 2)]
        reviewed = self.use(
            phone,
            journey_id,
            lambda it: approve.review(
                it,
                phone,
                CLIENT,
                approve.Choice(accounts or (f"{whose}-1",), owned, "en"),
                TERMS,
                self.now,
                self.fresh,
            ),
            Act(self.now),
            "chooses",
        )
        if reviewed is not None:
            self.displays[phone.phone_id] = reviewed.document or ""

    def edit(self, phone: Phone, journey_id: str) -> None:
        """A phone goes back to the choice."""
        self.use(
            phone,
            journey_id,
            lambda it: approve.edit(it, phone, self.now, LAW),
            Act(self.now),
            "goes back",
        )

    def sign(self, phone: Phone, shown_by: Phone | None = None) -> Assertion | None:
        """The person signs, with the phone's passkey, what the phone shows, or another does."""
        document = self.displays.get((shown_by or phone).phone_id)
        if document is None:
            return None
        self.laws.signs(document, phone.credential_id)
        made = Assertion(challenge_of(document), phone.credential_id, 0, document)
        self.assertions.append(made)
        return made

    def approve(
        self,
        phone: Phone,
        journey_id: str,
        assertion: Assertion,
        meanwhile: Callable[[], None] | None = None,
    ) -> None:
        """A phone sends an assertion: a fresh one of its own passkey, or any that there is."""
        approved = self.use(
            phone,
            journey_id,
            lambda it: approve.approve(
                it,
                phone,
                self.memory.standing(phone.person_id, self.now, LAW),
                assertion,
                TERMS,
                self.now,
            ),
            Act(self.now, credential=assertion.credential_id, text=assertion.text),
            "approves",
            meanwhile,
        )
        if approved is not None and approved.way == "link":
            nonce = ways.return_nonce(KEY, approved)
            self.laws.nonces_of.setdefault(nonce, journey_id)
            self.nonces[phone.person_id].append(nonce)

    def refuse(self, phone: Phone, journey_id: str) -> None:
        done = self.use(
            phone,
            journey_id,
            lambda it: approve.refuse(it, phone, self.now),
            Act(self.now),
            "refuses",
        )
        if done is not None:
            self.laws.ended(journey_id, "over", "refused and alive")

    def disown(self, phone: Phone, journey_id: str) -> None:
        """The person says "I did not start this": all that is under way in that browser ends."""
        browser = self.memory.journeys[journey_id].browser_id
        others = [it.journey_id for it in self.memory.of_browser(browser) if self._lives(it)]
        done = self.use(
            phone,
            journey_id,
            lambda it: approve.disown(it, phone, self.memory.of_browser(browser), self.now),
            Act(self.now),
            "says that its person did not start this",
        )
        for other in others if done is not None else []:
            self.laws.ended(other, "over", "disowned and alive")

    def _lives(self, journey: Journey) -> bool:
        record = self.record(journey.journey_id)
        return not record.over and self.now < record.ends
