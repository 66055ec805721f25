"""Effects outside the database: claims, leases, what is run again and what never is, by each driver."""

from collections.abc import Callable

import pytest

from calltally.calls.errors import Conflict, InvalidInput
from calltally.client import once
from calltally.client.once import NotDone, Outcome, Overtaken, Progress, Promise, Turn
from tests.integration.client.once.conftest import Receiver
from tests.integration.client.once.telling import MINUTE_US, Clock, Crash, Told, insert, invoice, invoices

TOLD = Told()
WAYS = {Promise.AT_LEAST_ONCE: once.at_least_once, Promise.AT_MOST_ONCE: once.at_most_once}
BOTH = pytest.mark.parametrize("promise", list(WAYS))


class Process:
    """One process of the consumer, whose effects are listed; its claims may be left hanging."""

    def __init__(self, receiver: Receiver, promise: Promise, clock: Clock) -> None:
        self.here = receiver.connect()
        self._way = WAYS[promise]
        self._clock = clock
        self.done: list[str] = []

    def run(self, told: Told = TOLD, fault: Exception | None = None) -> Turn:
        """From claim to done, or until `fault` comes after the effect."""
        with self._way(self.here, told.event(), effect="mail", clock=self._clock) as turn:
            if turn:
                self.done.append(told.status)
                if fault:
                    raise fault
        return turn

    def begin(self, told: Told = TOLD) -> tuple[Turn, Callable[[], object]]:
        """The claim alone, and how to go on to the end."""
        block = self._way(self.here, told.event(), effect="mail", clock=self._clock)
        return block.__enter__(), lambda: block.__exit__(None, None, None)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def entry(receiver: Receiver) -> once.Entry:
    (found,) = once.entries(receiver.here)
    return found


def unfinished(receiver: Receiver, clock: Clock) -> list[tuple[str, Progress]]:
    return [(each.status, each.progress) for each in once.unfinished(receiver.here, clock=clock)]


@BOTH
def test_a_repeat_is_not_run_again(receiver: Receiver, clock: Clock, promise: Promise) -> None:
    process = Process(receiver, promise, clock)
    assert [process.run().outcome for _ in range(3)] == [Outcome.RUN, Outcome.REPEAT, Outcome.REPEAT]
    assert process.done == ["completed"]
    found = entry(receiver)
    assert (found.promise, found.progress, found.attempts) == (promise, Progress.DONE, 1)
    assert (found.claimed_us, found.lease_until_us, found.done_us) == (clock.now_us, None, clock.now_us)
    assert unfinished(receiver, clock) == []


@BOTH
def test_a_fault_beside_an_effect_that_is_done_says_nothing_of_it(
    receiver: Receiver, clock: Clock, promise: Promise
) -> None:
    Process(receiver, promise, clock).run()
    with pytest.raises(Crash), WAYS[promise](receiver.here, TOLD.event(), effect="mail", clock=clock):
        raise Crash
    assert (entry(receiver).progress, entry(receiver).reason) == (Progress.DONE, None)


@BOTH
def test_while_one_is_at_it_others_are_told_to_come_back(
    receiver: Receiver, clock: Clock, promise: Promise
) -> None:
    one, other = Process(receiver, promise, clock), Process(receiver, promise, clock)
    turn, end = one.begin()
    assert turn
    assert other.run().outcome is Outcome.BUSY
    assert other.run(Told("failed", 9)).outcome is Outcome.BUSY
    assert unfinished(receiver, clock) == []
    end()
    assert other.run().outcome is Outcome.REPEAT


def test_at_least_once_what_ended_in_an_exception_is_run_again(receiver: Receiver, clock: Clock) -> None:
    process = Process(receiver, Promise.AT_LEAST_ONCE, clock)
    with pytest.raises(Crash):
        process.run(fault=Crash("no route\0to host"))
    found = entry(receiver)
    assert (found.progress, found.reason, found.attempts) == (Progress.FAILED, "Crash: no routeto host", 1)
    assert unfinished(receiver, clock) == [("completed", Progress.FAILED)]
    again = process.run()
    assert (again.outcome, again.attempt) == (Outcome.RUN, 2)
    found = entry(receiver)
    assert (found.progress, found.attempts) == (Progress.DONE, 2)


def test_at_least_once_the_claim_of_a_process_that_died_is_taken_over(
    receiver: Receiver, clock: Clock
) -> None:
    dead, other = (Process(receiver, Promise.AT_LEAST_ONCE, clock) for _ in range(2))
    first, end = dead.begin()
    clock.now_us += MINUTE_US - 1
    assert other.run().outcome is Outcome.BUSY
    clock.now_us += 1
    assert unfinished(receiver, clock) == [("completed", Progress.CLAIMED)]
    second = other.run()
    assert (second.outcome, second.attempt, second.idempotency_key) == (Outcome.RUN, 2, first.idempotency_key)
    # It was not dead, only held up: it learns that the effect may have been run twice.
    with pytest.raises(Overtaken, match="attempt 1 at 'mail' of call call-1"):
        end()
    assert entry(receiver).attempts == 2


def test_who_was_held_up_but_not_overtaken_is_done(receiver: Receiver, clock: Clock) -> None:
    process = Process(receiver, Promise.AT_LEAST_ONCE, clock)
    _, end = process.begin()
    clock.now_us += 2 * MINUTE_US
    end()
    assert entry(receiver).progress is Progress.DONE


def test_a_lease_can_be_extended_until_another_has_it(receiver: Receiver, clock: Clock) -> None:
    slow, other = (Process(receiver, Promise.AT_LEAST_ONCE, clock) for _ in range(2))
    turn, end = slow.begin()
    clock.now_us += MINUTE_US
    once.extend(slow.here, turn, clock=clock)
    assert other.run().outcome is Outcome.BUSY
    clock.now_us += MINUTE_US
    assert other.run()
    with pytest.raises(Overtaken):
        once.extend(slow.here, turn, clock=clock)
    with pytest.raises(Overtaken):
        end()


def test_a_fault_of_who_was_overtaken_says_nothing(receiver: Receiver, clock: Clock) -> None:
    slow, other = (Process(receiver, Promise.AT_LEAST_ONCE, clock) for _ in range(2))
    block = once.at_least_once(slow.here, TOLD.event(), effect="mail", clock=clock)
    block.__enter__()
    clock.now_us += MINUTE_US
    _, end = other.begin()
    fault = Crash("too late")
    assert not block.__exit__(Crash, fault, None)
    assert (entry(receiver).progress, entry(receiver).reason) == (Progress.CLAIMED, None)
    end()
    assert entry(receiver).progress is Progress.DONE


def test_at_most_once_what_ended_in_an_exception_waits_for_a_person(receiver: Receiver, clock: Clock) -> None:
    process = Process(receiver, Promise.AT_MOST_ONCE, clock)
    with pytest.raises(Crash):
        process.run(fault=Crash("timed out"))
    clock.now_us += 10 * MINUTE_US
    assert process.run().outcome is Outcome.UNCERTAIN
    assert process.done == ["completed"]
    assert unfinished(receiver, clock) == [("completed", Progress.UNCERTAIN)]
    assert entry(receiver).reason == "Crash: timed out"


def test_at_most_once_what_certainly_was_not_done_is_run_again(receiver: Receiver, clock: Clock) -> None:
    process = Process(receiver, Promise.AT_MOST_ONCE, clock)
    with pytest.raises(NotDone):
        process.run(fault=NotDone("connection refused"))
    assert unfinished(receiver, clock) == [("completed", Progress.FAILED)]
    assert process.run().attempt == 2


def test_at_most_once_the_claim_of_a_process_that_died_is_nobodys(receiver: Receiver, clock: Clock) -> None:
    dead, other = (Process(receiver, Promise.AT_MOST_ONCE, clock) for _ in range(2))
    _, end = dead.begin()
    clock.now_us += MINUTE_US
    # Seen by who lists, before anybody has asked for it again.
    assert unfinished(receiver, clock) == [("completed", Progress.UNCERTAIN)]
    assert [other.run().outcome for _ in range(2)] == [Outcome.UNCERTAIN] * 2
    assert unfinished(receiver, clock) == [("completed", Progress.UNCERTAIN)]
    # It was not dead, only held up: nobody else has run it, so that it is simply done.
    end()
    assert entry(receiver).progress is Progress.DONE
    assert other.run().outcome is Outcome.REPEAT


def test_the_promise_of_the_first_claim_holds(receiver: Receiver, clock: Clock) -> None:
    strict, lenient = (
        Process(receiver, promise, clock) for promise in (Promise.AT_MOST_ONCE, Promise.AT_LEAST_ONCE)
    )
    with pytest.raises(Crash):
        strict.run(fault=Crash())
    turn = lenient.run()
    assert (turn.outcome, turn.promise) == (Outcome.UNCERTAIN, Promise.AT_MOST_ONCE)
    with pytest.raises(Crash):
        lenient.run(Told(call="call-2"), Crash())
    turn = strict.run(Told(call="call-2"))
    assert (turn.outcome, turn.promise) == (Outcome.RUN, Promise.AT_LEAST_ONCE)


def test_what_was_begun_outside_is_not_taken_into_a_transaction(receiver: Receiver, clock: Clock) -> None:
    process = Process(receiver, Promise.AT_LEAST_ONCE, clock)
    with pytest.raises(Crash):
        process.run(fault=Crash())
    with (
        pytest.raises(once.OtherPromise, match="was begun at least once and is not done"),
        once.same_transaction(receiver.here, TOLD.event(), effect="mail"),
    ):
        pass
    process.run()
    with once.same_transaction(receiver.here, TOLD.event(), effect="mail") as turn:
        assert turn.outcome is Outcome.REPEAT


# ------------------------------------------------------------------------------------------- corrections


def test_a_correction_is_told_whether_the_effect_before_was_done(receiver: Receiver, clock: Clock) -> None:
    process = Process(receiver, Promise.AT_LEAST_ONCE, clock)
    process.run(Told("completed", 5))
    with pytest.raises(Crash):
        process.run(Told("failed", 7), Crash())
    retried = process.run(Told("failed", 7))
    assert (retried.attempt, retried.corrects) == (2, ("completed", 5, 0, Progress.DONE))
    with pytest.raises(Crash):
        process.run(Told("busy", 8), Crash())
    assert process.run(Told("completed", 9)).corrects == ("busy", 8, 2, Progress.SUPERSEDED)
    assert process.run(Told("busy", 8)).outcome is Outcome.STALE
    assert unfinished(receiver, clock) == []
    progresses = [each.progress for each in once.entries(receiver.here)]
    assert progresses == [Progress.DONE, Progress.DONE, Progress.SUPERSEDED, Progress.DONE]


@BOTH
def test_a_lost_claim_does_not_keep_a_correction_waiting(
    receiver: Receiver, clock: Clock, promise: Promise
) -> None:
    dead, other = (Process(receiver, promise, clock) for _ in range(2))
    _, end = dead.begin()
    clock.now_us += MINUTE_US
    corrected = other.run(Told("failed", 7))
    left = Progress.SUPERSEDED if promise is Promise.AT_LEAST_ONCE else Progress.UNCERTAIN
    assert corrected.corrects == ("completed", 5, 0, left)
    if promise is Promise.AT_LEAST_ONCE:
        with pytest.raises(Overtaken):
            end()
    else:
        end()
    last = Progress.SUPERSEDED if promise is Promise.AT_LEAST_ONCE else Progress.DONE
    assert [each.progress for each in once.entries(receiver.here)] == [last, Progress.DONE]


# --------------------------------------------------------------------------------------- by hand


def settled(receiver: Receiver, clock: Clock, *, happened: bool) -> once.Entry:
    (found,) = once.unfinished(receiver.here, clock=clock)
    once.settle(receiver.here, found, happened=happened, reason="looked into the mail's log", clock=clock)
    return found


def test_a_person_says_that_it_happened(receiver: Receiver, clock: Clock) -> None:
    process = Process(receiver, Promise.AT_MOST_ONCE, clock)
    with pytest.raises(Crash):
        process.run(fault=Crash())
    found = settled(receiver, clock, happened=True)
    assert process.run().outcome is Outcome.REPEAT
    assert (entry(receiver).done_us, entry(receiver).reason) == (clock.now_us, "looked into the mail's log")
    with pytest.raises(Conflict, match="has gone on since it was listed"):
        once.settle(receiver.here, found, happened=False, reason="", clock=clock)


def test_a_person_says_that_it_did_not(receiver: Receiver, clock: Clock) -> None:
    process = Process(receiver, Promise.AT_MOST_ONCE, clock)
    _, end = process.begin()
    clock.now_us += MINUTE_US
    found = settled(receiver, clock, happened=False)
    assert unfinished(receiver, clock) == [("completed", Progress.FAILED)]
    with pytest.raises(Overtaken):
        end()
    with once.at_most_once(receiver.here, found.told, effect="mail", clock=clock) as turn:
        assert turn.attempt == 2


def test_what_was_corrected_meanwhile_is_not_run_again(receiver: Receiver, clock: Clock) -> None:
    process = Process(receiver, Promise.AT_MOST_ONCE, clock)
    with pytest.raises(Crash):
        process.run(fault=Crash())
    process.run(Told("failed", 7))
    settled(receiver, clock, happened=False)
    assert [each.progress for each in once.entries(receiver.here)] == [Progress.SUPERSEDED, Progress.DONE]


def test_what_somebody_is_at_is_not_settled(receiver: Receiver, clock: Clock) -> None:
    process = Process(receiver, Promise.AT_LEAST_ONCE, clock)
    with pytest.raises(Crash):
        process.run(fault=Crash())
    (found,) = once.unfinished(receiver.here, clock=clock)
    _, end = process.begin()
    with pytest.raises(Conflict):
        once.settle(receiver.here, found, happened=True, reason="", clock=clock)
    end()


# -------------------------------------------------------------------------------- the connection


def test_what_the_block_writes_here_is_committed_with_done_and_undone_with_a_fault(
    receiver: Receiver,
) -> None:
    def write(told: Told, fault: Exception | None = None) -> None:
        with once.at_least_once(receiver.here, told.event(), effect="mail"):
            insert(receiver, receiver.here, told)
            if fault:
                raise fault

    write(TOLD)
    with pytest.raises(Crash):
        write(Told(call="call-2"), Crash())
    # With autocommit the statement was committed by itself, as its user asked for.
    kept_by_itself = (
        {"call-2"} if receiver.kind in ("sqlite3-autocommit", "apsw", "psycopg-autocommit") else set()
    )
    assert {call for call, _ in invoices(receiver)} == {"call-1"} | kept_by_itself
    assert [each.progress for each in once.entries(receiver.here)] == [Progress.DONE, Progress.FAILED]


def test_what_the_block_writes_beside_an_effect_that_is_not_its_turn_is_committed(receiver: Receiver) -> None:
    for _ in range(3):
        with once.at_least_once(receiver.here, TOLD.event(), effect="mail"):
            insert(receiver, receiver.here, TOLD)
    assert len(invoices(receiver)) == 3


@pytest.mark.filterwarnings("ignore:there is already a transaction")
def test_a_claim_is_refused_where_it_would_not_be_durable(receiver: Receiver, clock: Clock) -> None:
    receiver.here.execute("BEGIN")
    with pytest.raises(once.TransactionOpen), once.at_least_once(receiver.here, TOLD.event()):
        pass
    receiver.here.execute("ROLLBACK")
    with once.at_least_once(receiver.here, TOLD.event(), clock=clock) as turn:
        receiver.here.execute("BEGIN")
        with pytest.raises(once.TransactionOpen):
            once.extend(receiver.here, turn)
    assert entry(receiver).progress is Progress.DONE


def test_a_done_that_comes_too_late_undoes_what_the_block_wrote(receiver: Receiver, clock: Clock) -> None:
    def come_too_late() -> None:
        with once.at_least_once(receiver.here, TOLD.event(), clock=clock):
            clock.now_us += MINUTE_US
            with once.at_least_once(other, TOLD.event(), clock=clock):
                pass
            receiver.here.execute("BEGIN")
            insert(receiver, receiver.here, TOLD)

    other = receiver.connect()
    with pytest.raises(Overtaken):
        come_too_late()
    assert invoices(receiver) == []
    assert invoice(receiver)


@pytest.mark.parametrize("lease_s", [0, -1, float("nan"), float("inf")])
def test_a_lease_is_some_seconds(receiver: Receiver, lease_s: float) -> None:
    with (
        pytest.raises(InvalidInput, match="is no lease"),
        once.at_most_once(receiver.here, TOLD.event(), lease_s=lease_s),
    ):
        pass


@pytest.mark.parametrize("effect", ["", "a\0b", "e" * 501])
def test_an_effect_has_a_name(receiver: Receiver, effect: str) -> None:
    with (
        pytest.raises(InvalidInput, match="1 to 500"),
        once.at_most_once(receiver.here, TOLD.event(), effect=effect),
    ):
        pass
