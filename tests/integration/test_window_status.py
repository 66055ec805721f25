"""Completeness of a window: open and disputed calls, gaps, and dead letters; on both databases."""

from typing import Any

import msgspec
import pytest

from calltally.calls.errors import NotFound
from calltally.calls.events import Fact
from calltally.calls.times import SECOND_US, parse_instant
from calltally.calls.windows import TimeWindow
from calltally.reconcile.window_report import WindowStatus
from calltally.reconcile.window_status import window_status
from calltally.store.db.interface import Submission
from calltally.store.tenants.dead_letters import DeadLetter, put_dead_letter
from tests.conftest import TENANT, Bench
from tests.sample_facts import at_us, fact

DAY = 86_400
# The second of the tests' days; facts arrive within a minute.
WINDOW = TimeWindow(at_us(DAY), at_us(2 * DAY))
NOW_US = at_us(10 * DAY)
SID = "CA" + "0" * 31


def record(bench: Bench, *facts: Fact) -> None:
    async def submit() -> None:
        await bench.store.submit([Submission(TENANT, each) for each in facts])

    for each in facts:
        bench.now_us = each.occurred_us + SECOND_US
        bench.run(bench.store.submit([Submission(TENANT, each)]))


def of(at: float, call_sid: str, **fields: Any) -> Fact:  # noqa: ANN401 (values of every kind)
    stated = fact(at, call_sid, **fields)
    return msgspec.structs.replace(stated, stated={**stated.stated, "provider": "twilio"})


def status(bench: Bench, window: TimeWindow = WINDOW, now_us: int = NOW_US) -> WindowStatus:
    return bench.run(window_status(bench.store, TENANT, window, now_us))


def ended(at: float, call_sid: str, status: str = "completed") -> list[Fact]:
    return [of(at, call_sid, status="ringing"), of(at + 30, call_sid, status=status)]


def test_settled_window_is_complete(bench: Bench) -> None:
    record(bench, *ended(DAY, f"{SID}1"), *ended(DAY + 60, f"{SID}2", "busy"), *ended(3 * DAY, f"{SID}3"))
    found = status(bench)
    assert (found.complete, found.reasons, found.remarks) == (True, (), ())
    assert (found.tenant, found.calls, found.revision) == (TENANT, 2, 6)
    assert (found.begins, found.ends) == ("2026-09-22T14:14:00.000000Z", "2026-09-23T14:14:00.000000Z")
    assert found.watermark is not None
    assert NOW_US - 3_600 * SECOND_US < parse_instant(found.watermark) < NOW_US


def test_ledger_without_facts_is_incomplete(bench: Bench) -> None:
    found = status(bench)
    assert not found.complete
    assert found.reasons == ("the ledger has no facts, so its completeness is unknown",)
    assert found.remarks == ("it has no calls",)
    with pytest.raises(NotFound):
        bench.run(window_status(bench.store, "nobody", WINDOW, NOW_US))


def test_current_or_just_ended_window_is_incomplete(bench: Bench) -> None:
    record(bench, *ended(DAY, f"{SID}1"))
    assert status(bench, now_us=at_us(2 * DAY) - 1).reasons == ("it has not ended yet",)
    (reason,) = status(bench, now_us=at_us(2 * DAY)).reasons
    assert reason.startswith("by the providers' lags, only calls from before 2026-09-23 14:1")


def test_open_calls_are_reported_with_route_and_age(bench: Bench) -> None:
    record(bench, *ended(DAY - 100, f"{SID}0"), of(DAY, f"{SID}1", status="ringing", route="sales"))
    record(
        bench,
        of(DAY + 1, f"{SID}2", status="queued", route="sales"),
        of(DAY + 2, f"{SID}3", status="ringing"),
    )
    record(bench, of(2 * DAY, f"{SID}4", status="ringing"))
    record(bench, fact(DAY + 9, "own-1", provider="", status="ringing"))
    found = status(bench)
    assert found.reasons == ("4 calls are still open; for longer than usual: 4",)
    assert (found.open.calls, found.open.older) == (4, 4)
    assert [(each.route, each.provider, each.calls, each.older) for each in found.open.by_route] == [
        *((None, None, 1, 1), (None, "twilio", 1, 1)),
        ("sales", "twilio", 2, 2),
    ]
    assert [each.call_sid for each in found.open.listed] == [f"{SID}1", f"{SID}2", f"{SID}3", "own-1"]


def test_more_open_calls_than_a_page_are_counted(bench: Bench) -> None:
    async def submit() -> None:
        facts = [of(DAY + at, f"call-{at}", status="ringing") for at in range(1_003)]
        await bench.store.submit([Submission(TENANT, each) for each in facts])

    bench.run(submit())
    found = status(bench)
    assert found.open.calls == 1_003
    assert sum(each.calls for each in found.open.by_route) == 1_003
    assert len(found.open.listed) == 20


def test_disputed_calls_are_a_remark(bench: Bench) -> None:
    # A tenant's text must not look like a field of the ledger.
    metadata = {"a": '"conflicts":0,"revision":1', "conflicts": 0, "revision": 1}
    record(bench, *ended(DAY, f"{SID}1", "busy"), of(DAY + 40, f"{SID}1", status="failed", metadata=metadata))
    record(bench, *ended(DAY + 1, f"{SID}2", "busy"), of(DAY + 40, f"{SID}2", metadata=metadata))
    # One SID for two calls: a call cannot have two called parties.
    record(bench, *ended(DAY + 2, f"{SID}3"), of(DAY + 2, f"{SID}3", to_number="+14155550100"))
    record(bench, of(DAY + 3, f"{SID}3", to_number="+14155550199"))
    record(bench, *ended(3 * DAY, f"{SID}4", "busy"), of(3 * DAY + 60, f"{SID}4", status="failed"))
    found = status(bench)
    assert found.complete
    assert [(each.call_sid, each.conflicts) for each in found.disputed.listed] == [
        (f"{SID}1", 1),
        (f"{SID}3", 1),
    ]
    assert found.remarks == ("2 calls have contradicting facts: two sources of one SID do not agree",)


def test_window_of_all_time_costs_no_more_than_its_calls(bench: Bench) -> None:
    """Day by day it would take three and a half million statements."""
    window = TimeWindow(parse_instant("0001-01-01"), parse_instant("9999-12-31"))
    assert status(bench, window).calls == 0
    record(bench, *ended(DAY, f"{SID}1"), *ended(3 * DAY, f"{SID}2", "busy"))
    record(bench, of(3 * DAY + 60, f"{SID}2", status="failed"))
    found = status(bench, window)
    assert (found.calls, found.disputed.calls) == (2, 1)


def test_dead_letters_make_the_window_incomplete(bench: Bench) -> None:
    record(bench, *ended(DAY, f"{SID}1"))
    for number, at in enumerate((0, DAY + 60, 5 * DAY)):
        letter = DeadLetter(bytes([number]) * 16, "twilio", at_us(at), "a new word", b"{}")
        bench.run(bench.store.write(put_dead_letter(TENANT, letter)))
    found = status(bench)
    assert found.reasons == ("2 dead letters wait for a replay: twilio, since 2026-09-22 14:15",)
    assert found.dead_letters[0].letters == 2


def test_unusual_gap_of_a_provider_makes_the_window_incomplete(bench: Bench) -> None:
    hours = [at for at in range(72) if not 30 <= at < 40]
    record(bench, *(each for at in hours for each in ended(at * 3_600, f"call-{at}")))
    found = status(bench, now_us=at_us(73 * 3_600))
    assert found.reasons == (
        "twilio was silent from 2026-09-22 20:00 to 2026-09-23 06:00: 10 h, where up to 0 h are usual",
    )
    (silence,) = found.silences
    assert (silence.provider, silence.hours, silence.usual_hours) == ("twilio", 10, 0)
    assert silence.to == "2026-09-23T06:00:00.000000Z"
