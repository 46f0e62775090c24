"""What a browser does on the pages of its journeys, and what Mallory sees there."""

from collections.abc import Callable
from typing import TypeVar
from urllib.parse import parse_qs, urlsplit

import msgspec

from endorse.core import authorize, connect, frame, ways
from endorse.core.change import Decision
from endorse.core.coding import b64url, fingerprint, sha256
from endorse.core.journey import State
from endorse.core.model import Journey, Request
from endorse.core.policy import WAYS
from endorse.core.refusal import Refusal
from tests.core.scene import (
    CALLBACK,
    ISSUER,
    KEY,
    REQUEST,
)
from tests.model import laws, memory
from tests.model.ground import LAW, MALLORY, Browser, Ground, verifier_text
from tests.model.judging import Act, require

A = TypeVar("A")
F = TypeVar("F")


class Pages(Ground):
    """The verbs of browsers."""

    def begin(self, browser: Browser, offered: tuple[str, ...] = WAYS) -> str:
        """A browser begins a journey. Give its id."""
        self.say(f"{browser.name} begins")
        verifier = verifier_text(f"verifier of {browser.name}")
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
