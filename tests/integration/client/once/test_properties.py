"""Whatever happens in whatever order, each promise is kept: claims, crashes, repeats, corrections, leases."""

import itertools
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from itertools import pairwise
from typing import Any, NamedTuple

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calltally.client import once
from calltally.client.once import FinalState, NotDone, Outcome, Overtaken, Progress, Promise, Turn
from calltally.client.once.arguments import outside
from calltally.client.once.claims import fail, finish, take
from calltally.client.once.connections import link
from calltally.client.once.sans_io import Step, drive
from tests.integration.client.once.telling import MINUTE_US, Clock, Crash

_tenants = itertools.count()
_events = itertools.count()
STATUSES = ("completed", "failed")
CALLS = ("a", "b")
_EXAMPLES = {"sqlite": 100, "postgres": 20}


class Fate(NamedTuple):
    """What becomes of a process that is to run an effect: whether it gets to run it, and how it ends."""

    runs: bool
    end: str


FATES = [
    Fate(runs=True, end="done"),
    Fate(runs=False, end="dies"),
    Fate(runs=True, end="dies"),
    Fate(runs=False, end="says not done"),
    Fate(runs=True, end="fails"),
    # The longest stories begin with these.
    *[Fate(runs=True, end="is held up")] * 4,
]


class Delivery(NamedTuple):
    """A final state of a call is told, and this becomes of who hears it."""

    call: str
    status: str
    revision: int
    promise: Promise
    fate: Fate


class Pause(NamedTuple):
    """Time goes by; then the process that was held up first goes on."""

    minutes: int
    goes_on: bool


PAUSES = st.builds(Pause, st.integers(0, 2), st.booleans())


def histories(promise: Promise) -> st.SearchStrategy[list[Delivery | Pause]]:
    """Of one promise and few calls, so that much happens to each."""
    told = st.builds(
        Delivery,
        st.sampled_from(CALLS),
        st.sampled_from(STATUSES),
        st.integers(0, 4),
        st.just(promise),
        st.sampled_from(FATES),
    )
    return st.lists(st.one_of(told, PAUSES), min_size=20, max_size=40)


HISTORIES = st.sampled_from([*Promise, Promise.AT_LEAST_ONCE]).flatmap(histories)


class World:
    """A consumer with an effect for each promise; `ran` counts by (promise, call, correction)."""

    def __init__(self, connection: Any) -> None:  # noqa: ANN401 (of either driver)
        self.connection = connection
        self.clock = Clock()
        self.tenant = f"tenant-{next(_tenants)}"
        self.ran: Counter[tuple[str, str, int]] = Counter()
        self.begun: Counter[tuple[str, str, int]] = Counter()
        self.held_up: list[Turn] = []

    def act(self, step: Step[Any]) -> Any:  # noqa: ANN401 (what the step returns)
        to = link(self.connection)
        with to.transaction():
            return drive(step, to)

    def deliver(self, told: Delivery) -> Outcome:
        state = FinalState(
            tenant=self.tenant,
            call_id=told.call,
            status=told.status,
            revision=told.revision,
            event_id=f"msg_{next(_events)}",
        )
        if told.promise is Promise.SAME_TRANSACTION:
            return self._inside(state, told.fate)
        turn: Turn = self.act(take(outside(state, told.promise, told.promise, 60, self.clock)))
        if turn:
            self._outside(turn, told.fate)
        return turn.outcome

    def _inside(self, state: FinalState, fate: Fate) -> Outcome:
        outcome = Outcome.BUSY
        with (
            suppress(Crash),
            once.same_transaction(
                self.connection, state, effect=Promise.SAME_TRANSACTION, clock=self.clock
            ) as turn,
        ):
            if turn and fate.end != "done":
                raise Crash
            outcome = turn.outcome
        if outcome is Outcome.RUN:
            self._count(self.ran, turn)
            self._count(self.begun, turn)
        return outcome

    def _outside(self, turn: Turn, fate: Fate) -> None:
        self._count(self.begun, turn)
        if fate.runs:
            self._count(self.ran, turn)
        if fate.end == "done":
            self.act(finish(turn, self.clock()))
        elif fate.end == "fails":
            self.act(fail(turn, Crash(), self.clock()))
        elif fate.end == "says not done":
            self.act(fail(turn, NotDone(), self.clock()))
        elif fate.end == "is held up":
            self.held_up.append(turn)

    def _count(self, counter: Counter[tuple[str, str, int]], turn: Turn) -> None:
        counter[turn.effect, turn.told.call_id, turn.correction] += 1

    def pause(self, pause: Pause) -> None:
        self.clock.now_us += pause.minutes * MINUTE_US
        if pause.goes_on and self.held_up:
            turn = self.held_up.pop(0)
            self._go_on(turn)

    def _go_on(self, turn: Turn) -> None:
        stored = {(each.effect, each.call_id, each.correction): each for each in self.entries()}
        is_held = stored[turn.effect, turn.told.call_id, turn.correction].attempts == turn.attempt
        with suppress(Overtaken):
            self.act(finish(turn, self.clock()))
            assert is_held, "a claim that was another's by now was finished"

    def entries(self) -> list[once.Entry]:
        return list(once.entries(self.connection, tenant=self.tenant, clock=self.clock))


def check(world: World) -> None:
    """What holds at every moment."""
    for entry in world.entries():
        key = (entry.effect, entry.call_id, entry.correction)
        ran, promise = world.ran[key], entry.promise
        if promise is Promise.SAME_TRANSACTION:
            assert ran == 1
        if promise is Promise.AT_MOST_ONCE:
            assert ran <= 1
        if entry.progress is Progress.DONE:
            assert ran >= 1
        assert ran <= world.begun[key] == entry.attempts
    assert world.begun.keys() == {(each.effect, each.call_id, each.correction) for each in world.entries()}
    for before, after in pairwise(world.entries()):
        if after.correction:
            assert (after.corrects, after.correction) == (before.status, before.correction + 1)
            assert (after.revision or 0) > (before.revision or 0)


def settle_down(world: World) -> None:
    """What was told last is told again until nothing is left to do, as any sender would."""
    world.pause(Pause(2, goes_on=False))
    last = {(each.effect, each.call_id): each for each in world.entries()}
    while world.held_up:
        world.pause(Pause(0, goes_on=True))
    for (effect, call), entry in last.items():
        told = Delivery(call, entry.status, entry.revision or 0, Promise(effect), FATES[0])
        outcomes = [world.deliver(told) for _ in range(2)]
        assert outcomes[0] in (Outcome.RUN, Outcome.REPEAT, Outcome.UNCERTAIN)
        assert outcomes[1] is (Outcome.REPEAT if outcomes[0] is Outcome.RUN else outcomes[0])
        if entry.promise is not Promise.AT_MOST_ONCE:
            assert world.ran[effect, call, entry.correction] >= 1
    left = {
        each.progress for each in once.unfinished(world.connection, tenant=world.tenant, clock=world.clock)
    }
    assert left <= {Progress.UNCERTAIN}


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


def test_every_promise_is_kept_in_every_history(connection: Any) -> None:  # noqa: ANN401 (of either driver)
    examples = _EXAMPLES["sqlite" if isinstance(connection, sqlite3.Connection) else "postgres"]

    @settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(HISTORIES)
    def run(history: list[Delivery | Pause]) -> None:
        world = World(connection)
        for event in history:
            world.deliver(event) if isinstance(event, Delivery) else world.pause(event)
            check(world)
        settle_down(world)
        check(world)

    run()
