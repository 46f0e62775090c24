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

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar
from urllib.parse import parse_qs, urlsplit

import msgspec

from endorse.core import approve, authorize, connect, frame, redeem, ways
from endorse.core.change import Decision
from endorse.core.coding import b64url, fingerprint, sha256
from endorse.core.journey import State
from endorse.core.model import Hint, Journey, Phone, Request, SharedAccount
from endorse.core.policy import WAYS, Policy, Terms
from endorse.core.proof import Assertion
from endorse.core.refusal import Refusal
from tests.core.scene import (
    ANNA,
    CALLBACK,
    CLIENT,
    ISSUER,
    KEY,
    NOW,
    OTHER_CLIENT,
    REQUEST,
    fresh_from,
    params,
)
from tests.model import laws, memory
from tests.model.laws import Act, Laws, Record, require

A = TypeVar("A")
F = TypeVar("F")

LAW: Final = Policy(approvals=laws.APPROVALS, wrong_numbers=laws.WRONG_NUMBERS)
TERMS: Final = Terms(ISSUER, KEY, LAW)
MALLORY: Final = "Mallory"
BROWSERS: Final = {"Anna": 1, "Ben": 1, MALLORY: 2}
PHONES: Final = {"Anna": 2, "Ben": 1, MALLORY: 1}


@dataclass
class Browser:
    """A browser: whose it is, and the B of each journey that it began."""

    name: str
    owner: str
    secrets: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    """The link that each page of it offers to the app on the same device."""
    letters: dict[str, str] = field(default_factory=dict)
    """The short code that each page of it shows."""


@dataclass
class World:
    """Everything there is, and the verbs by which people change it."""

    browsers_each: dict[str, int] = field(default_factory=lambda: BROWSERS)
    phones_each: dict[str, int] = field(default_factory=lambda: PHONES)
    strict: bool = False
    now: int = NOW
    trace: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.fresh = fresh_from("world")
        self.memory = memory.Memory()
        self.browsers = {
            name: Browser(name, owner)
            for owner, count in self.browsers_each.items()
            for name in (f"{owner}'s browser {number}" for number in range(1, count + 1))
        }
        self.phones = [
            msgspec.structs.replace(
                ANNA,
                phone_id=name,
                person_id=owner,
                device=f"device key of {name}",
                credential_id=f"passkey of {name}",
            )
            for owner, count in self.phones_each.items()
            for name in (f"{owner}'s phone {number}" for number in range(1, count + 1))
        ]
        self.memory.phones = {phone.phone_id: phone for phone in self.phones}
        self.laws = Laws(
            accounts={owner: {f"{owner}-1", f"{owner}-2"} for owner in self.phones_each},
            owner={browser.name: browser.owner for browser in self.browsers.values()},
            honest=set(self.phones_each) - {MALLORY},
            strict=self.strict,
        )
        self.known: list[str] = []
        """The texts that Mallory has: frames, links, letters; the newest last."""
        self.numbers: dict[str, int] = {}
        """The numbers that Mallory has seen, by journey."""
        self.nonces: dict[str, list[str]] = {owner: [] for owner in self.phones_each}
        """The return nonces that came to the phones of each person."""
        self.displays: dict[str, str] = {}
        """The document that each phone shows."""
        self.assertions: list[Assertion] = []
        """Everything that a passkey ever signed here; anybody may send it again."""

    # --- what everything goes through --------------------------------------------------------

    def record(self, journey_id: str) -> Record:
        return self.laws.records[journey_id]

    def say(self, line: str) -> None:
        self.trace.append(line)

    def settle(
        self,
        act: Act,
        read: Callable[[], F],
        decide: Callable[[F], Decision[A]],
        meanwhile: Callable[[], None] | None = None,
    ) -> A | Refusal:
        answer, changes = self.memory.settle(read, decide, meanwhile)
        self.laws.judge(act, changes)
        if isinstance(answer, Refusal):
            self.trace[-1] += f": {answer.name}"
        return answer

    def wait(self, seconds: int) -> None:
        self.now += seconds
        self.say(f"{seconds} s pass")

    # --- browsers ----------------------------------------------------------------------------

    def begin(self, browser: Browser, offered: tuple[str, ...] = WAYS) -> str:
        """A browser begins a journey. Give its id."""
        self.say(f"{browser.name} begins")
        verifier = _verifier(f"verifier of {browser.name}")
        request: Request = msgspec.structs.replace(
            REQUEST, code_challenge=b64url(sha256(verifier.encode()))
        )
        made = connect.Browser("Chrome on Windows", fingerprint(browser.name))
        decision = connect.begin(request, ISSUER, made, offered, self.now, self.fresh, LAW)
        begun = decision.answer
        assert not isinstance(begun, Refusal)
        assert self.memory.apply(decision.changes)
        browser.secrets[begun.journey.journey_id] = begun.browser_secret
        self.laws.began(begun.journey, browser.name, self.now)
        return begun.journey.journey_id

    def holder(self, journey_id: str) -> Browser:
        return self.browsers[self.record(journey_id).holder]

    def look(self, journey_id: str) -> str | None:
        """Its page as it is now: give the text that it offers, if any. Its owner has seen it."""
        journey, browser = self.memory.journeys[journey_id], self.holder(journey_id)
        text = None
        state = journey.at(self.now)
        waits = state is State.WAITING and connect.code_runs_out(journey, self.now, LAW)
        if waits and journey.lid_hash is not None:
            text = browser.links[journey_id]
        elif (waits or state is State.CLAIMED) and journey.lid_hash is None:
            second, key = self.now - journey.code_from, frame.frame_key(KEY, journey.qid)
            still = second % 4 == 3
            text = frame.write(key, ISSUER, journey, second, still)
            self.laws.shows(journey_id, laws.STILL if still else laws.FRAME, text, self.now)
        if browser.owner == MALLORY:
            self._mallory_sees(journey, text)
        return text

    def peek(self, journey_id: str) -> None:
        """Mallory sees a page over somebody's shoulder."""
        text = self.look(journey_id)
        self._mallory_sees(self.memory.journeys[journey_id], text)
        if self.holder(journey_id).owner != MALLORY:
            self.say(f"Mallory sees the page of {self.record(journey_id).holder}")

    def _mallory_sees(self, journey: Journey, text: str | None) -> None:
        letters = self.holder(journey.journey_id).letters.get(journey.journey_id)
        for seen in (text, letters if journey.spelled_at is not None else None):
            if seen is not None and seen not in self.known:
                self.known.append(seen)
        if journey.state is State.CLAIMED and journey.number is not None:
            self.numbers[journey.journey_id] = journey.number

    def browse(
        self, browser: Browser, journey_id: str, step: Callable[[Journey], Decision[A]], what: str
    ) -> A | None:
        """A browser does something on the page of a journey, which exists only with its B."""
        self.say(f"{browser.name} {what}")
        secrets = browser.secrets
        secret = secrets.get(journey_id) or next(iter(secrets.values()), "")
        if not memory.opens(self.memory.journeys[journey_id], secret):
            self.trace[-1] += ": not found"
            return None
        act = Act(self.now, browser=browser.name)
        answer = self.settle(act, lambda: self.memory.journeys[journey_id], step)
        return None if isinstance(answer, Refusal) else answer

    def cancel(self, browser: Browser, journey_id: str) -> None:
        done = self.browse(
            browser, journey_id, lambda it: connect.cancel(it, self.now), "calls it off"
        )
        if done is not None:
            self.laws.ended(journey_id, "over", "called off and alive")

    def new_code(self, browser: Browser, journey_id: str) -> None:
        self.browse(
            browser,
            journey_id,
            lambda it: connect.new_code(it, self.now, self.fresh, LAW),
            "asks for a new code",
        )

    def show_code(self, browser: Browser, journey_id: str) -> None:
        self.browse(
            browser,
            journey_id,
            lambda it: connect.show_code(it, self.now, self.fresh, LAW),
            "shows the code instead",
        )

    def open_app(self, browser: Browser, journey_id: str) -> str | None:
        """Give the link to the app on the same device."""
        linked = self.browse(
            browser,
            journey_id,
            lambda it: connect.open_app(it, self.now, self.fresh, LAW),
            "offers the link",
        )
        if linked is None:
            return None
        browser.links[journey_id] = text = ways.link(ISSUER, linked.lid)
        self.laws.shows(journey_id, laws.LINK, text, self.now)
        if browser.owner == MALLORY:
            self.known.append(text)
        return text

    def spell(self, browser: Browser, journey_id: str) -> str | None:
        """Give the short code."""
        spelled = self.browse(
            browser,
            journey_id,
            lambda it: connect.spell(it, KEY, self.now, self.fresh, LAW),
            "asks for a short code",
        )
        if spelled is None:
            return None
        browser.letters[journey_id] = text = ways.short_code(KEY, spelled)
        self.laws.shows(journey_id, laws.LETTERS, text, self.now)
        if browser.owner == MALLORY:
            self.known.append(text)
        return text

    def come_back(self, browser: Browser, journey_id: str, nonce: str) -> None:
        """A browser opens the return page with a nonce, for a journey of which it shows a B."""
        self.say(f"{browser.name} opens the return page")
        journey = self.memory.journeys[journey_id]
        if not memory.opens(journey, browser.secrets.get(journey_id, "")):
            self.trace[-1] += ": return to the browser where you started"
            return
        self.settle(
            Act(self.now, browser=browser.name, text=nonce),
            lambda: self.memory.journeys[journey_id],
            lambda it: connect.come_back(it, nonce, self.now),
        )

    def resume(self, browser: Browser, journey_id: str) -> str | None:
        """A browser asks for its redirect: give the code in it, if there is one."""
        reply = self.browse(
            browser,
            journey_id,
            lambda it: authorize.reply(it, self.now, KEY, ISSUER, LAW),
            "resumes",
        )
        if reply is None:
            return None
        sent = parse_qs(urlsplit(reply.location).query)
        require(reply.location.startswith(CALLBACK), "L1", "sent elsewhere than registered")
        code = sent["code"][0] if "code" in sent else None
        if code is not None:
            self.trace[-1] += ": the code"
            self.laws.answered(Act(self.now, browser=browser.name), journey_id, code)
        return code

    # --- phones ------------------------------------------------------------------------------

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
        made = Assertion(laws.challenge_of(document), phone.credential_id, 0, document)
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

    # --- the client --------------------------------------------------------------------------

    def redeem(self, journey_id: str, client: str = "app", browser: str = "") -> None:
        """A client redeems the code, with the verifier that it keeps for a browser."""
        self.say(f"{client} redeems the code")
        verifier = f"verifier of {browser or self.record(journey_id).holder}"
        code = self.record(journey_id).code
        again = self.record(journey_id).over == "redeem" and client == "app"
        sent = params(code=code, redirect_uri=CALLBACK, code_verifier=_verifier(verifier))
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


def _verifier(text: str) -> str:
    return b64url(sha256(text.encode()))
