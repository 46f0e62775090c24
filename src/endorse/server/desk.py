"""The one loop of every request: read the facts, decide, apply, wake who waits, answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from endorse.bank import Bank, Person
from endorse.core.change import Begin, Decision, Move
from endorse.core.coding import Fresh
from endorse.core.journey import State
from endorse.core.model import Journey
from endorse.core.policy import Terms
from endorse.core.refusal import Refusal
from endorse.risk import Risk
from endorse.server import logbook
from endorse.server.clock import Clock, SteadyClock
from endorse.server.keyring import Keyring
from endorse.server.keys import Keys
from endorse.server.known import Known
from endorse.server.limit import Allowance, Limit
from endorse.server.measures import Measures
from endorse.server.ping import Pings
from endorse.server.proxies import Proxies
from endorse.server.ready import Readiness
from endorse.server.risk import IN_SANDBOX, Rules
from endorse.server.seen import Seen
from endorse.server.settings import Settings
from endorse.server.skew import Skew
from endorse.server.stand_in import StandIn
from endorse.server.sweeper import Sweeper
from endorse.server.wait import Waiting
from endorse.store import Store
from endorse.store.connection import Query

if TYPE_CHECKING:
    from endorse.server.traces import Traces

log: Final = logging.getLogger("endorse")

F = TypeVar("F")
A = TypeVar("A")


class InventedPeople(Protocol):
    """What a sandbox's bank offers beyond `Bank`: people to be, so that nobody must sign up."""

    def people(self) -> Sequence[Person]:
        """Give the invented people."""
        ...

    def new_person(self) -> Person:
        """Give somebody nobody has been yet."""
        ...


class Desk:
    """What every request needs, made once at start and handed to each route."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        keys: Keys,
        bank: Bank,
        clock: Clock,
        fresh: Fresh,
        invented: InventedPeople | None = None,
        risk: Risk | None = None,
        stand_in: StandIn | None = None,
    ) -> None:
        """Take the parts; nothing here reaches for anything global.

        Without a `risk`, claims are weighed by Endorse's own rules and no place table. Raises
        ValueError for a `stand_in` outside the sandbox: nobody may approve for real people.
        """
        if stand_in is not None and not settings.sandbox:
            raise ValueError("Requests are decided without people in a sandbox only.")
        self.stand_in = stand_in
        self.traces: Traces | None = None  # set before the application is made, where wanted
        self.settings = settings
        self.issuer = settings.issuer
        """The address that every URL begins with."""
        self.law = settings.policy
        """The numbers of the protocol."""
        self.terms = Terms(settings.issuer, keys.handles, settings.policy)
        """What holds for every decision."""
        self.trusted_proxies = Proxies(settings.trusted_proxies)
        self.store = store
        self.keys = keys
        self.bank = bank
        self.clock = clock
        self.fresh = fresh
        self.invented = invented if settings.sandbox else None
        self.risk = risk or Rules(IN_SANDBOX if settings.sandbox else None)
        self.readiness = Readiness()
        self.measures = Measures()
        self.stopping = False
        """Set when the server was told to stop: it still answers, but wants no new requests."""
        self.phones = Known()
        self.waiting = Waiting(settings.policy.frame_every)
        self.pings = Pings(settings.sandbox)
        self.calls = Allowance(settings.policy.calls_a_minute, seconds=60)
        self.starts = Limit(settings.policy.starts_a_minute, seconds=60)
        self.pushes = Limit(settings.policy.starts_a_minute, seconds=60)
        # A proof counts from `dpop_age` before its time to as long after it.
        self.proofs_seen = Seen(2 * settings.policy.dpop_age + 1)
        self.user_codes = Limit(settings.policy.wrong_user_codes_a_minute, seconds=60)
        self.wrong_credentials = Limit(settings.policy.wrong_credentials_a_minute, seconds=60)
        self.registrations = Limit(settings.policy.registrations_a_minute, seconds=60)
        self.software_issuers = {one.issuer: one for one in settings.software_issuers}
        self.bad_claims = Limit(settings.policy.bad_claims_a_minute, seconds=60)
        self.keyring = Keyring(store, keys.holder, clock, settings.policy)
        self.skew: Skew | None = None
        """How far the clock is from those of other servers, where there may be some."""
        if store.ear is not None and isinstance(clock, SteadyClock):
            self.skew = Skew(store, clock, fresh)
        self.sweeper = Sweeper(store, clock)
        self._background: set[asyncio.Task[Any]] = set()

    def limits_hit(self) -> dict[str, int]:
        """Give how many tries were above each limit."""
        return {
            "calls": self.calls.hits,
            "starts": self.starts.hits,
            "pushes": self.pushes.hits,
            "user_codes": self.user_codes.hits,
            "wrong_credentials": self.wrong_credentials.hits,
            "registrations": self.registrations.hits,
            "bad_claims": self.bad_claims.hits,
        }

    async def settle(self, read: Query[F], decide: Callable[[F], Decision[A]]) -> A | Refusal:
        """Read, decide and apply in one transaction; then wake who waits for what moved.

        Raises StoreAway if the database is away: nothing of it was stored.
        """
        facts: object = None

        def decided(read: F) -> Decision[A]:
            nonlocal facts
            facts = read
            return decide(read)

        settling = self.store.settle(read, decided, self.clock())
        decision = await (self.traces.turn(settling) if self.traces else settling)
        if isinstance(decision.answer, Refusal):
            logbook.follow(logbook.flow_in(facts))
        for change in decision.changes:
            logbook.tell(change)
            if isinstance(change, Move):
                self.waiting.changed(change.after)
            if isinstance(change, Begin | Move):
                journey = change.journey if isinstance(change, Begin) else change.after
                self.measures.moved(journey)
                if journey.way == "asked":
                    self._decided_elsewhere(journey)
        return decision.answer

    def _decided_elsewhere(self, journey: Journey) -> None:
        """Tell the client that asked by itself, and in a sandbox whoever decides for people."""
        if journey.state in (State.APPROVED, State.REJECTED, State.KILLED):
            self.later(self.pings.decided(self, journey))
        elif journey.state is State.WAITING and self.stand_in is not None:
            client_id = journey.request.returns_to.client_id
            self.later(self.stand_in.asked(client_id, journey.qid, journey.person_id or ""))

    def later(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do something that no answer waits for; a failure is logged and nothing else."""
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._noted)

    def _noted(self, task: asyncio.Task[Any]) -> None:
        self._background.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.warning("work in the background failed", exc_info=task.exception())

    async def finish(self) -> None:
        """Wait for what is done in the background."""
        await asyncio.gather(*self._background, return_exceptions=True)
