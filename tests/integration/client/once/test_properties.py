"""Promises are kept in random histories of claims, crashes, repeats, corrections and leases."""

import itertools
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, suppress
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calltally.client import once
from calltally.client.blocking import enter_now, run_now
from calltally.client.once import Claim, FinalState, NotDone, Outcome, Overtaken, Progress, Promise
from calltally.client.once.blocks import claim_request
from calltally.client.once.claims import claim_effect, fail_effect, finish_effect
from calltally.client.once.connections import blocking_connection
from tests.examples import examples
from tests.integration.client.once.sample_events import MINUTE_US, Clock, Crash

T = TypeVar("T")
_tenants = itertools.count()
_events = itertools.count()
STATUSES = ("completed", "failed")
CALLS = ("a", "b")
_EXAMPLES = {"sqlite": 40, "postgres": 10}


class Fate(NamedTuple):
    """Fate of a process with a claim: `runs` if the effect runs, and how the process ends."""

    runs: bool
    end: str


FATES = [
    Fate(runs=True, end="done"),
    Fate(runs=False, end="dies"),
    Fate(runs=True, end="dies"),
    Fate(runs=False, end="raises not done"),
    Fate(runs=True, end="fails"),
    # Delayed processes give the longest histories.
    *[Fate(runs=True, end="is delayed")] * 4,
]


class Delivery(NamedTuple):
    """Delivery of a final state, with the fate of its receiver."""

    call: str
    status: str
    revision: int
    promise: Promise
    fate: Fate


class TimePassing(NamedTuple):
    """Passing of time; then the first delayed process may resume."""

    minutes: int
    resumes: bool


PAUSES = st.builds(TimePassing, st.integers(0, 2), st.booleans())


def histories(promise: Promise) -> st.SearchStrategy[list[Delivery | TimePassing]]:
    """Return histories with one promise and few calls, so that each call has many events."""
    delivery = st.builds(
        Delivery,
        st.sampled_from(CALLS),
        st.sampled_from(STATUSES),
        st.integers(0, 4),
        st.just(promise),
        st.sampled_from(FATES),
    )
    return st.lists(st.one_of(delivery, PAUSES), min_size=20, max_size=40)


HISTORIES = st.sampled_from([*Promise, Promise.AT_LEAST_ONCE]).flatmap(histories)


class World:
    """Consumer with an effect for each promise. `runs_by_effect` counts by (promise, call, correction)."""

    def __init__(self, connection: Any) -> None:  # noqa: ANN401 (of either driver)
        self.connection = connection
        self.clock = Clock()
        self.tenant = f"tenant-{next(_tenants)}"
        self.runs_by_effect: Counter[tuple[str, str, int]] = Counter()
        self.started: Counter[tuple[str, str, int]] = Counter()
        self.delayed: list[Claim] = []

    def act(self, operation: Callable[..., Awaitable[T]], *arguments: object) -> T:
        connection = blocking_connection(self.connection)
        with enter_now(connection.transaction()):
            return run_now(operation(connection, *arguments))

    def deliver(self, delivery: Delivery) -> Outcome:
        state = FinalState(
            tenant=self.tenant,
            call_id=delivery.call,
            status=delivery.status,
            revision=delivery.revision,
            event_id=f"msg_{next(_events)}",
        )
        if delivery.promise is Promise.SAME_TRANSACTION:
            return self._run_in_transaction(state, delivery.fate)
        request = claim_request(state, delivery.promise, delivery.promise, 60, self.clock)
        claim = self.act(claim_effect, request)
        if claim:
            self._run_externally(claim, delivery.fate)
        return claim.outcome

    def _run_in_transaction(self, state: FinalState, fate: Fate) -> Outcome:
        outcome = Outcome.BUSY
        with (
            suppress(Crash),
            once.same_transaction(
                self.connection, state, effect=Promise.SAME_TRANSACTION, clock=self.clock
            ) as claim,
        ):
            if claim and fate.end != "done":
                raise Crash
            outcome = claim.outcome
        if outcome is Outcome.RUN:
            self._count(self.runs_by_effect, claim)
            self._count(self.started, claim)
        return outcome

    def _run_externally(self, claim: Claim, fate: Fate) -> None:
        self._count(self.started, claim)
        if fate.runs:
            self._count(self.runs_by_effect, claim)
        if fate.end == "done":
            self.act(finish_effect, claim, self.clock())
        elif fate.end == "fails":
            self.act(fail_effect, claim, Crash(), self.clock())
        elif fate.end == "raises not done":
            self.act(fail_effect, claim, NotDone(), self.clock())
        elif fate.end == "is delayed":
            self.delayed.append(claim)

    def _count(self, counter: Counter[tuple[str, str, int]], claim: Claim) -> None:
        counter[claim.effect, claim.final_state.call_id, claim.correction] += 1

    def pause(self, pause: TimePassing) -> None:
        self.clock.now_us += pause.minutes * MINUTE_US
        if pause.resumes and self.delayed:
            claim = self.delayed.pop(0)
            self._resume(claim)

    def _resume(self, claim: Claim) -> None:
        stored = {(each.effect, each.call_id, each.correction): each for each in self.entries()}
        is_held = stored[claim.effect, claim.final_state.call_id, claim.correction].attempts == claim.attempt
        with suppress(Overtaken):
            self.act(finish_effect, claim, self.clock())
            assert is_held, "a claim of another process was finished"

    def entries(self) -> list[once.Entry]:
        return list(once.entries(self.connection, tenant=self.tenant, clock=self.clock))


def check(world: World) -> None:
    """Check the invariants of every moment."""
    for entry in world.entries():
        key = (entry.effect, entry.call_id, entry.correction)
        runs, promise = world.runs_by_effect[key], entry.promise
        if promise is Promise.SAME_TRANSACTION:
            assert runs == 1
        if promise is Promise.AT_MOST_ONCE:
            assert runs <= 1
        if entry.progress is Progress.DONE:
            assert runs >= 1
        assert runs <= world.started[key] == entry.attempts
    assert world.started.keys() == {(each.effect, each.call_id, each.correction) for each in world.entries()}
    for before, after in pairwise(world.entries()):
        if after.correction:
            assert (after.corrects, after.correction) == (before.status, before.correction + 1)
            assert (after.revision or 0) > (before.revision or 0)


def settle_down(world: World) -> None:
    """Deliver the last states again until no work is left, as any sender does."""
    world.pause(TimePassing(2, resumes=False))
    last = {(each.effect, each.call_id): each for each in world.entries()}
    while world.delayed:
        world.pause(TimePassing(0, resumes=True))
    for (effect, call), entry in last.items():
        delivery = Delivery(call, entry.status, entry.revision or 0, Promise(effect), FATES[0])
        outcomes = [world.deliver(delivery) for _ in range(2)]
        assert outcomes[0] in (Outcome.RUN, Outcome.REPEAT, Outcome.UNCERTAIN)
        assert outcomes[1] is (Outcome.REPEAT if outcomes[0] is Outcome.RUN else outcomes[0])
        if entry.promise is not Promise.AT_MOST_ONCE:
            assert world.runs_by_effect[effect, call, entry.correction] >= 1
    unfinished = {
        each.progress for each in once.unfinished(world.connection, tenant=world.tenant, clock=world.clock)
    }
    assert unfinished <= {Progress.UNCERTAIN}


@pytest.fixture(params=["sqlite", "postgres"])
def connection(request: pytest.FixtureRequest) -> Iterator[Any]:
    made: Any = (
        sqlite3.connect(":memory:", isolation_level=None)
        if request.param == "sqlite"
        else psycopg.connect(request.getfixturevalue("postgres_url"), autocommit=True)
    )
    with closing(made):
        once.install(made)
        yield made


def test_promises_are_kept_in_every_history(connection: Any) -> None:  # noqa: ANN401 (of either driver)
    count = _EXAMPLES["sqlite" if isinstance(connection, sqlite3.Connection) else "postgres"]

    @settings(max_examples=examples(count), deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(HISTORIES)
    def run(history: list[Delivery | TimePassing]) -> None:
        world = World(connection)
        for event in history:
            world.deliver(event) if isinstance(event, Delivery) else world.pause(event)
            check(world)
        settle_down(world)
        check(world)

    run()
