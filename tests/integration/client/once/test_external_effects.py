"""Effects outside the database: claims, leases and repeated runs, with each driver."""

from collections.abc import Callable

import pytest

from calltally.calls.errors import Conflict, InvalidInput
from calltally.client import once
from calltally.client.once import Claim, NotDone, Outcome, Overtaken, Progress, Promise
from tests.integration.client.once.conftest import Receiver
from tests.integration.client.once.sample_events import (
    MINUTE_US,
    Clock,
    Crash,
    SampleState,
    insert,
    invoice,
    invoices,
)

STATE = SampleState()
BLOCKS = {Promise.AT_LEAST_ONCE: once.at_least_once, Promise.AT_MOST_ONCE: once.at_most_once}
BOTH_PROMISES = pytest.mark.parametrize("promise", list(BLOCKS))


class Process:
    """Process of the consumer with a list of its effects. Its claims may stay unfinished."""

    def __init__(self, receiver: Receiver, promise: Promise, clock: Clock) -> None:
        self.here = receiver.connect()
        self._block = BLOCKS[promise]
        self._clock = clock
        self.done: list[str] = []

    def run(self, state: SampleState = STATE, fault: Exception | None = None) -> Claim:
        """Run from claim to done, or raise `fault` after the effect."""
        with self._block(self.here, state.event(), effect="mail", clock=self._clock) as claim:
            if claim:
                self.done.append(state.status)
                if fault:
                    raise fault
        return claim

    def begin(self, state: SampleState = STATE) -> tuple[Claim, Callable[[], object]]:
        """Claim only, and return the turn with a function that finishes."""
        block = self._block(self.here, state.event(), effect="mail", clock=self._clock)
        return block.__enter__(), lambda: block.__exit__(None, None, None)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def entry(receiver: Receiver) -> once.Entry:
    (found,) = once.entries(receiver.here)
    return found


def unfinished(receiver: Receiver, clock: Clock) -> list[tuple[str, Progress]]:
    return [(each.status, each.progress) for each in once.unfinished(receiver.here, clock=clock)]


@BOTH_PROMISES
def test_repeat_does_not_run_again(receiver: Receiver, clock: Clock, promise: Promise) -> None:
    process = Process(receiver, promise, clock)
    assert [process.run().outcome for _ in range(3)] == [Outcome.RUN, Outcome.REPEAT, Outcome.REPEAT]
    assert process.done == ["completed"]
    found = entry(receiver)
    assert (found.promise, found.progress, found.attempts) == (promise, Progress.DONE, 1)
    assert (found.claimed_us, found.lease_until_us, found.done_us) == (clock.now_us, None, clock.now_us)
    assert unfinished(receiver, clock) == []


@BOTH_PROMISES
def test_exception_in_a_block_of_a_finished_effect_is_not_recorded(
    receiver: Receiver, clock: Clock, promise: Promise
) -> None:
    Process(receiver, promise, clock).run()
    with pytest.raises(Crash), BLOCKS[promise](receiver.here, STATE.event(), effect="mail", clock=clock):
        raise Crash
    assert (entry(receiver).progress, entry(receiver).reason) == (Progress.DONE, None)


@BOTH_PROMISES
def test_claimed_effect_is_busy_for_others(receiver: Receiver, clock: Clock, promise: Promise) -> None:
    one, other = Process(receiver, promise, clock), Process(receiver, promise, clock)
    claim, end = one.begin()
    assert claim
    assert other.run().outcome is Outcome.BUSY
    assert other.run(SampleState("failed", 9)).outcome is Outcome.BUSY
    assert unfinished(receiver, clock) == []
    end()
    assert other.run().outcome is Outcome.REPEAT


def test_at_least_once_runs_again_after_an_exception(receiver: Receiver, clock: Clock) -> None:
    process = Process(receiver, Promise.AT_LEAST_ONCE, clock)
    with pytest.raises(Crash):
        process.run(fault=Crash("no route\0to host"))
    found = entry(receiver)
    assert (found.progress, found.reason, found.attempts) == (Progress.FAILED, "Crash: no routeto host", 1)
    assert unfinished(receiver, clock) == [("completed", Progress.FAILED)]
    second = process.run()
    assert (second.outcome, second.attempt) == (Outcome.RUN, 2)
    found = entry(receiver)
    assert (found.progress, found.attempts) == (Progress.DONE, 2)


def test_at_least_once_takes_over_an_expired_claim(receiver: Receiver, clock: Clock) -> None:
    dead, other = (Process(receiver, Promise.AT_LEAST_ONCE, clock) for _ in range(2))
    first, end = dead.begin()
    clock.now_us += MINUTE_US - 1
    assert other.run().outcome is Outcome.BUSY
    clock.now_us += 1
    assert unfinished(receiver, clock) == [("completed", Progress.CLAIMED)]
    second = other.run()
    assert (second.outcome, second.attempt, second.idempotency_key) == (Outcome.RUN, 2, first.idempotency_key)
    # The process was only delayed: it gets the error that the effect may have run twice.
    with pytest.raises(Overtaken, match="attempt 1 at 'mail' of call call-1"):
        end()
    assert entry(receiver).attempts == 2


def test_expired_but_not_overtaken_claim_can_finish(receiver: Receiver, clock: Clock) -> None:
    process = Process(receiver, Promise.AT_LEAST_ONCE, clock)
    _, end = process.begin()
    clock.now_us += 2 * MINUTE_US
    end()
    assert entry(receiver).progress is Progress.DONE


def test_lease_can_be_extended_until_another_process_has_it(receiver: Receiver, clock: Clock) -> None:
    slow, other = (Process(receiver, Promise.AT_LEAST_ONCE, clock) for _ in range(2))
    claim, end = slow.begin()
    clock.now_us += MINUTE_US
    once.extend(slow.here, claim, clock=clock)
    assert other.run().outcome is Outcome.BUSY
    clock.now_us += MINUTE_US
    assert other.run()
    with pytest.raises(Overtaken):
        once.extend(slow.here, claim, clock=clock)
    with pytest.raises(Overtaken):
        end()


def test_exception_of_an_overtaken_process_is_not_recorded(receiver: Receiver, clock: Clock) -> None:
    slow, other = (Process(receiver, Promise.AT_LEAST_ONCE, clock) for _ in range(2))
    block = once.at_least_once(slow.here, STATE.event(), effect="mail", clock=clock)
    block.__enter__()
    clock.now_us += MINUTE_US
    _, end = other.begin()
    fault = Crash("too late")
    assert not block.__exit__(Crash, fault, None)
    assert (entry(receiver).progress, entry(receiver).reason) == (Progress.CLAIMED, None)
    end()
    assert entry(receiver).progress is Progress.DONE


def test_at_most_once_is_uncertain_after_an_exception(receiver: Receiver, clock: Clock) -> None:
    process = Process(receiver, Promise.AT_MOST_ONCE, clock)
    with pytest.raises(Crash):
        process.run(fault=Crash("timed out"))
    clock.now_us += 10 * MINUTE_US
    assert process.run().outcome is Outcome.UNCERTAIN
    assert process.done == ["completed"]
    assert unfinished(receiver, clock) == [("completed", Progress.UNCERTAIN)]
    assert entry(receiver).reason == "Crash: timed out"


def test_at_most_once_runs_again_after_not_done(receiver: Receiver, clock: Clock) -> None:
    process = Process(receiver, Promise.AT_MOST_ONCE, clock)
    with pytest.raises(NotDone):
        process.run(fault=NotDone("connection refused"))
    assert unfinished(receiver, clock) == [("completed", Progress.FAILED)]
    assert process.run().attempt == 2


def test_at_most_once_does_not_take_over_an_expired_claim(receiver: Receiver, clock: Clock) -> None:
    dead, other = (Process(receiver, Promise.AT_MOST_ONCE, clock) for _ in range(2))
    _, end = dead.begin()
    clock.now_us += MINUTE_US
    # The listing shows it before another claim is tried.
    assert unfinished(receiver, clock) == [("completed", Progress.UNCERTAIN)]
    assert [other.run().outcome for _ in range(2)] == [Outcome.UNCERTAIN] * 2
    assert unfinished(receiver, clock) == [("completed", Progress.UNCERTAIN)]
    # The process was only delayed: no other has run the effect, so it is done.
    end()
    assert entry(receiver).progress is Progress.DONE
    assert other.run().outcome is Outcome.REPEAT


def test_promise_of_the_first_claim_is_kept(receiver: Receiver, clock: Clock) -> None:
    strict, lenient = (
        Process(receiver, promise, clock) for promise in (Promise.AT_MOST_ONCE, Promise.AT_LEAST_ONCE)
    )
    with pytest.raises(Crash):
        strict.run(fault=Crash())
    claim = lenient.run()
    assert (claim.outcome, claim.promise) == (Outcome.UNCERTAIN, Promise.AT_MOST_ONCE)
    with pytest.raises(Crash):
        lenient.run(SampleState(call="call-2"), Crash())
    claim = strict.run(SampleState(call="call-2"))
    assert (claim.outcome, claim.promise) == (Outcome.RUN, Promise.AT_LEAST_ONCE)


def test_external_effect_cannot_continue_in_a_transaction(receiver: Receiver, clock: Clock) -> None:
    process = Process(receiver, Promise.AT_LEAST_ONCE, clock)
    with pytest.raises(Crash):
        process.run(fault=Crash())
    with (
        pytest.raises(once.OtherPromise, match="started as at-least-once and is not done"),
        once.same_transaction(receiver.here, STATE.event(), effect="mail"),
    ):
        pass
    process.run()
    with once.same_transaction(receiver.here, STATE.event(), effect="mail") as claim:
        assert claim.outcome is Outcome.REPEAT


# ------------------------------------------------------------------------------------------- corrections


def test_correction_has_the_progress_of_the_effect_before(receiver: Receiver, clock: Clock) -> None:
    process = Process(receiver, Promise.AT_LEAST_ONCE, clock)
    process.run(SampleState("completed", 5))
    with pytest.raises(Crash):
        process.run(SampleState("failed", 7), Crash())
    retried = process.run(SampleState("failed", 7))
    assert (retried.attempt, retried.corrects) == (2, ("completed", 5, 0, Progress.DONE))
    with pytest.raises(Crash):
        process.run(SampleState("busy", 8), Crash())
    assert process.run(SampleState("completed", 9)).corrects == ("busy", 8, 2, Progress.SUPERSEDED)
    assert process.run(SampleState("busy", 8)).outcome is Outcome.STALE
    assert unfinished(receiver, clock) == []
    progresses = [each.progress for each in once.entries(receiver.here)]
    assert progresses == [Progress.DONE, Progress.DONE, Progress.SUPERSEDED, Progress.DONE]


@BOTH_PROMISES
def test_expired_claim_does_not_block_a_correction(
    receiver: Receiver, clock: Clock, promise: Promise
) -> None:
    dead, other = (Process(receiver, promise, clock) for _ in range(2))
    _, end = dead.begin()
    clock.now_us += MINUTE_US
    corrected = other.run(SampleState("failed", 7))
    expected = Progress.SUPERSEDED if promise is Promise.AT_LEAST_ONCE else Progress.UNCERTAIN
    assert corrected.corrects == ("completed", 5, 0, expected)
    if promise is Promise.AT_LEAST_ONCE:
        with pytest.raises(Overtaken):
            end()
    else:
        end()
    last = Progress.SUPERSEDED if promise is Promise.AT_LEAST_ONCE else Progress.DONE
    assert [each.progress for each in once.entries(receiver.here)] == [last, Progress.DONE]


# --------------------------------------------------------------------------------------- settling


def settled(receiver: Receiver, clock: Clock, *, happened: bool) -> once.Entry:
    (found,) = once.unfinished(receiver.here, clock=clock)
    once.settle(receiver.here, found, happened=happened, reason="looked into the mail's log", clock=clock)
    return found


def test_settle_as_happened(receiver: Receiver, clock: Clock) -> None:
    process = Process(receiver, Promise.AT_MOST_ONCE, clock)
    with pytest.raises(Crash):
        process.run(fault=Crash())
    found = settled(receiver, clock, happened=True)
    assert process.run().outcome is Outcome.REPEAT
    assert (entry(receiver).done_us, entry(receiver).reason) == (clock.now_us, "looked into the mail's log")
    with pytest.raises(Conflict, match="has changed since it was listed"):
        once.settle(receiver.here, found, happened=False, reason="", clock=clock)


def test_settle_as_not_happened(receiver: Receiver, clock: Clock) -> None:
    process = Process(receiver, Promise.AT_MOST_ONCE, clock)
    _, end = process.begin()
    clock.now_us += MINUTE_US
    found = settled(receiver, clock, happened=False)
    assert unfinished(receiver, clock) == [("completed", Progress.FAILED)]
    with pytest.raises(Overtaken):
        end()
    with once.at_most_once(receiver.here, found.final_state, effect="mail", clock=clock) as claim:
        assert claim.attempt == 2


def test_settled_effect_of_a_corrected_state_does_not_run_again(receiver: Receiver, clock: Clock) -> None:
    process = Process(receiver, Promise.AT_MOST_ONCE, clock)
    with pytest.raises(Crash):
        process.run(fault=Crash())
    process.run(SampleState("failed", 7))
    settled(receiver, clock, happened=False)
    assert [each.progress for each in once.entries(receiver.here)] == [Progress.SUPERSEDED, Progress.DONE]


def test_running_effect_cannot_be_settled(receiver: Receiver, clock: Clock) -> None:
    process = Process(receiver, Promise.AT_LEAST_ONCE, clock)
    with pytest.raises(Crash):
        process.run(fault=Crash())
    (found,) = once.unfinished(receiver.here, clock=clock)
    _, end = process.begin()
    with pytest.raises(Conflict):
        once.settle(receiver.here, found, happened=True, reason="", clock=clock)
    end()


# -------------------------------------------------------------------------------- connections


def test_writes_of_the_block_are_committed_with_done_and_rolled_back_with_an_exception(
    receiver: Receiver,
) -> None:
    def write(state: SampleState, fault: Exception | None = None) -> None:
        with once.at_least_once(receiver.here, state.event(), effect="mail"):
            insert(receiver, receiver.here, state)
            if fault:
                raise fault

    write(STATE)
    with pytest.raises(Crash):
        write(SampleState(call="call-2"), Crash())
    # With autocommit the statement was committed at once.
    committed_at_once = (
        {"call-2"} if receiver.kind in ("sqlite3-autocommit", "apsw", "psycopg-autocommit") else set()
    )
    assert {call for call, _ in invoices(receiver)} == {"call-1"} | committed_at_once
    assert [each.progress for each in once.entries(receiver.here)] == [Progress.DONE, Progress.FAILED]


def test_writes_of_a_block_without_a_run_are_committed(receiver: Receiver) -> None:
    for _ in range(3):
        with once.at_least_once(receiver.here, STATE.event(), effect="mail"):
            insert(receiver, receiver.here, STATE)
    assert len(invoices(receiver)) == 3


@pytest.mark.filterwarnings("ignore:there is already a transaction")
def test_claim_in_an_open_transaction_is_refused(receiver: Receiver, clock: Clock) -> None:
    receiver.here.execute("BEGIN")
    with pytest.raises(once.TransactionOpen), once.at_least_once(receiver.here, STATE.event()):
        pass
    receiver.here.execute("ROLLBACK")
    with once.at_least_once(receiver.here, STATE.event(), clock=clock) as claim:
        receiver.here.execute("BEGIN")
        with pytest.raises(once.TransactionOpen):
            once.extend(receiver.here, claim)
    assert entry(receiver).progress is Progress.DONE


def test_writes_of_an_overtaken_block_are_rolled_back(receiver: Receiver, clock: Clock) -> None:
    def finish_too_late() -> None:
        with once.at_least_once(receiver.here, STATE.event(), clock=clock):
            clock.now_us += MINUTE_US
            with once.at_least_once(other, STATE.event(), clock=clock):
                pass
            receiver.here.execute("BEGIN")
            insert(receiver, receiver.here, STATE)

    other = receiver.connect()
    with pytest.raises(Overtaken):
        finish_too_late()
    assert invoices(receiver) == []
    assert invoice(receiver)


@pytest.mark.parametrize("lease_s", [0, -1, float("nan"), float("inf")])
def test_invalid_lease_is_refused(receiver: Receiver, lease_s: float) -> None:
    with (
        pytest.raises(InvalidInput, match="is not a lease"),
        once.at_most_once(receiver.here, STATE.event(), lease_s=lease_s),
    ):
        pass


@pytest.mark.parametrize("effect", ["", "a\0b", "e" * 501])
def test_invalid_effect_name_is_refused(receiver: Receiver, effect: str) -> None:
    with (
        pytest.raises(InvalidInput, match="1 to 500"),
        once.at_most_once(receiver.here, STATE.event(), effect=effect),
    ):
        pass
