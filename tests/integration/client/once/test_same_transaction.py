"""Effects in the database of the ledger: claim and effect are one transaction, with each driver."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from calltally.client import once
from calltally.client.once import Outcome, Progress, Promise
from tests.integration.client.once.conftest import Receiver
from tests.integration.client.once.sample_events import Clock, Crash, SampleState, insert, invoice, invoices

STATE = SampleState()


def test_repeat_with_another_id_does_not_run_again(receiver: Receiver) -> None:
    first, *others = [invoice(receiver) for _ in range(3)]
    assert (first.outcome, first.correction, first.attempt, first.corrects) == (Outcome.RUN, 0, 1, None)
    assert [other.outcome for other in others] == [Outcome.REPEAT] * 2
    assert not any(others)
    assert invoices(receiver) == [("call-1", "completed")]


def crash(receiver: Receiver) -> None:
    """Run an effect that fails halfway."""
    with once.same_transaction(receiver.here, STATE.event(), effect="invoice") as first:
        assert first
        insert(receiver, receiver.here, STATE)
        raise Crash


def test_claim_and_effect_roll_back_together(receiver: Receiver) -> None:
    with pytest.raises(Crash):
        crash(receiver)
    assert invoices(receiver) == []
    assert list(once.entries(receiver.here)) == []
    assert list(once.events(receiver.here)) == []
    assert invoice(receiver)
    assert invoices(receiver) == [("call-1", "completed")]


def test_calls_tenants_and_effects_are_separate(receiver: Receiver) -> None:
    assert all(invoice(receiver, SampleState(call=call, tenant=tenant)) for call in "ab" for tenant in "xy")
    with once.same_transaction(receiver.here, STATE.event(), effect="invoice") as first:
        assert first
    with once.same_transaction(receiver.here, STATE.event(), effect="statistics") as first:
        assert first
    with once.same_transaction(receiver.here, STATE.event()) as first:
        assert first
    assert len(list(once.entries(receiver.here))) == 7
    assert len(list(once.entries(receiver.here, tenant="x"))) == 2
    assert {entry.tenant for entry in once.events(receiver.here, tenant="x")} == {"x"}


@contextmanager
def own_transaction(receiver: Receiver) -> Iterator[None]:
    """Transaction that the consumer opens and ends."""
    receiver.here.execute("BEGIN")
    try:
        yield
    except Crash:
        receiver.here.execute("ROLLBACK")
    else:
        receiver.here.execute("COMMIT")


@pytest.mark.filterwarnings("ignore:there is already a transaction")
def test_block_joins_the_transaction_of_the_consumer(receiver: Receiver) -> None:
    with own_transaction(receiver):
        assert invoice(receiver)
        raise Crash
    assert invoices(receiver) == []
    with own_transaction(receiver):
        assert invoice(receiver)
        assert invoice(receiver).outcome is Outcome.REPEAT
        assert invoices(receiver) == []
    assert invoices(receiver) == [("call-1", "completed")]


@pytest.mark.filterwarnings("ignore:there is already a transaction")
def test_failed_effect_keeps_the_rest_of_the_transaction(receiver: Receiver) -> None:
    with own_transaction(receiver):
        assert invoice(receiver, SampleState(call="call-2"))
        with pytest.raises(Crash):
            crash(receiver)
    assert invoices(receiver) == [("call-2", "completed")]


def commit_inside(receiver: Receiver) -> None:
    with once.same_transaction(receiver.here, STATE.event(), effect="invoice"):
        if receiver.is_sqlite:
            receiver.here.execute("COMMIT")
        else:
            receiver.here.commit()


@pytest.mark.filterwarnings("ignore:there is already a transaction")
def test_ending_the_transaction_inside_the_block_is_an_error(receiver: Receiver) -> None:
    # psycopg raises its own error.
    ended = once.TransactionEnded if receiver.is_sqlite else psycopg.ProgrammingError
    with pytest.raises(ended, match=r"ended inside the block|forbidden within a Transaction"):
        commit_inside(receiver)
    receiver.here.execute("BEGIN")
    with pytest.raises(ended, match=r"ended inside the block|forbidden within a Transaction"):
        commit_inside(receiver)


# ------------------------------------------------------------------------------------------- corrections


def test_corrected_state_runs_with_the_state_before(receiver: Receiver) -> None:
    invoice(receiver, SampleState("completed", 5))
    corrected = invoice(receiver, SampleState("failed", 7))
    assert corrected
    assert corrected.corrects == ("completed", 5, 0, Progress.DONE)
    assert corrected.correction == 1
    returned = invoice(receiver, SampleState("completed", 9))
    assert returned
    assert returned.corrects == ("failed", 7, 1, Progress.DONE)
    assert invoices(receiver) == [("call-1", "completed"), ("call-1", "completed"), ("call-1", "failed")]
    assert len({returned.idempotency_key, corrected.idempotency_key}) == 2
    assert invoice(receiver, SampleState("completed", 5)).outcome is Outcome.REPEAT
    assert invoice(receiver, SampleState("failed", 7)).outcome is Outcome.STALE
    assert [entry.corrects for entry in once.entries(receiver.here)] == [None, "completed", "failed"]


def test_late_older_state_is_stale(receiver: Receiver) -> None:
    assert invoice(receiver, SampleState("failed", 7))
    stale = invoice(receiver, SampleState("completed", 5))
    assert (stale.outcome, bool(stale)) == (Outcome.STALE, False)
    assert invoices(receiver) == [("call-1", "failed")]


def test_repeated_state_with_a_later_revision_makes_revisions_between_stale(receiver: Receiver) -> None:
    invoice(receiver, SampleState("completed", 5))
    assert invoice(receiver, SampleState("completed", 9)).outcome is Outcome.REPEAT
    assert invoice(receiver, SampleState("failed", 7)).outcome is Outcome.STALE
    assert [entry.revision for entry in once.entries(receiver.here)] == [9]


def test_former_state_cannot_return_without_revisions(receiver: Receiver) -> None:
    assert invoice(receiver, SampleState("completed", None))
    assert invoice(receiver, SampleState("completed", None)).outcome is Outcome.REPEAT
    assert invoice(receiver, SampleState("failed", None))
    assert invoice(receiver, SampleState("completed", None)).outcome is Outcome.STALE
    assert invoice(receiver, SampleState("failed", 3)).outcome is Outcome.REPEAT
    assert invoice(receiver, SampleState("completed", 4))


# ---------------------------------------------------------------------------------------------- readers


def test_ledger_lists_effects_with_their_events(receiver: Receiver) -> None:
    clock, state = Clock(), SampleState("busy", 3)
    events = [state.event(), state.event(), SampleState("completed", 2).event()]
    for event in events:
        with once.same_transaction(receiver.here, event, effect="invoice", clock=clock):
            clock.now_us += 1
    begin_us = clock.now_us - 3
    (entry,) = once.entries(receiver.here)
    assert entry == once.Entry(
        tenant="acme",
        call_id="call-1",
        effect="invoice",
        correction=0,
        call_sid="CA-call-1",
        status="busy",
        revision=3,
        corrects=None,
        promise=Promise.SAME_TRANSACTION,
        progress=Progress.DONE,
        attempts=1,
        reason=None,
        claimed_us=begin_us,
        lease_until_us=None,
        done_us=begin_us,
        event_ids=(events[0]["id"], events[1]["id"]),
    )
    received = {each.event_id: each for each in once.events(receiver.here)}
    assert received.keys() == {event["id"] for event in events}
    assert received[events[2]["id"]] == (
        "acme", "call-1", events[2]["id"], "CA-call-1", "completed", 2, 1_790_847_000_000_000, begin_us + 2,
    )  # fmt: skip


def test_final_state_without_an_event_stores_no_event(receiver: Receiver) -> None:
    state = once.FinalState(tenant="acme", call_id="call-1", status="completed")
    for expected in (Outcome.RUN, Outcome.REPEAT):
        with once.same_transaction(receiver.here, state) as claim:
            assert claim.outcome is expected
    assert [entry.final_state for entry in once.entries(receiver.here)] == [state]
    assert list(once.events(receiver.here)) == []


def test_default_clock_is_the_database(receiver: Receiver) -> None:
    invoice(receiver)
    (entry,) = once.entries(receiver.here)
    now = "julianday('now') * 1" if receiver.is_sqlite else "extract(epoch FROM now()) / 86400 + 2440587.5"
    ((days,),) = receiver.rows(f"SELECT {now}")
    assert entry.done_us is not None
    assert abs((float(days) - 2440587.5) * 86_400 - entry.done_us / 1e6) < 60
