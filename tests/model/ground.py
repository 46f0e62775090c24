"""What everything in the world of the model stands on: its people, its clock, and who knows what.

Every verb goes through `settle`: the core decides, the memory applies, the laws judge.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

import msgspec

from endorse.core.change import Decision
from endorse.core.coding import b64url, sha256
from endorse.core.policy import Policy, Terms
from endorse.core.proof import Assertion
from endorse.core.refusal import Refusal
from tests.core.scene import (
    ANNA,
    ISSUER,
    KEY,
    NOW,
    fresh_from,
)
from tests.model import laws, memory
from tests.model.judging import Act
from tests.model.laws import Laws, Record

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
class Ground:
    """Everything there is. The verbs by which people change it stand in the classes above it."""

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


def verifier_text(text: str) -> str:
    return b64url(sha256(text.encode()))
