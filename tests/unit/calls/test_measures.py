"""What one call adds to the measures, as metrics.md defines them."""

from typing import Any

import pytest

from calltally.calls.events import Fact
from calltally.calls.histogram import bin_of
from calltally.calls.identity import Node
from calltally.calls.lifecycle import fold
from calltally.calls.measures import (
    COLUMNS,
    SUMS,
    CallMeasures,
    column_values,
    combined_bins,
    decode_measures,
    encode_measures,
    split_histogram,
)
from tests.telling import SID, at_us, fact


def measured(*facts: Fact) -> CallMeasures:
    return decode_measures(encode_measures(fold("acme", Node(SID, is_carrier=True), facts)))


def counted(*facts: Fact) -> dict[str, int]:
    """What the call adds, without what is 0."""
    row = column_values(measured(*facts))
    return {name: n for name, n in zip(COLUMNS, row, strict=True) if n}


def talk(seconds: int, **said: Any) -> dict[str, int]:  # noqa: ANN401 (values of every kind)
    return counted(fact(60, status="completed", talk_seconds=seconds, **said))


@pytest.mark.parametrize("status", ["queued", "initiated", "ringing", "in-progress"])
def test_an_open_call_is_an_attempt_and_nothing_else(status: str) -> None:
    told = fact(9, status=status, answered_us=at_us(5), ringing_us=at_us(1), started_us=at_us(0))
    assert counted(told) == {"attempts": 1}


@pytest.mark.parametrize("status", ["busy", "no-answer", "canceled"])
def test_an_unanswered_final_call(status: str) -> None:
    assert counted(fact(9, status=status)) == {"attempts": 1, status.replace("-", "_"): 1}


def test_a_completed_call_that_nobody_says_was_answered_is_not() -> None:
    assert counted(fact(9, status="completed")) == {"attempts": 1, "completed": 1}


def test_an_answered_call_of_ten_seconds_is_no_short_one() -> None:
    answered = {"attempts": 1, "completed": 1, "answered": 1}
    assert talk(9) == {**answered, "short_calls": 1, "talk_seconds": 9}
    assert talk(10) == {**answered, "long_calls": 1, "contained": 1, "talk_seconds": 10}


def test_a_call_that_was_handed_over_is_not_contained() -> None:
    assert "contained" not in talk(60, escalated=True)
    bridged = talk(60, transfer={"target": "+1", "outcome": "bridged"})
    assert bridged["transferred"] == 1
    assert "contained" not in bridged
    for outcome in ("requested", "failed"):
        asked = talk(60, transfer={"target": "+1", "outcome": outcome})
        assert (asked[f"transfers_{outcome}"], asked["contained"]) == (1, 1)
        assert "transferred" not in asked


@pytest.mark.parametrize(
    ("answered_by", "machines"), [("human", 0), ("machine_end_beep", 1), ("Fax", 1), ("unknown", 0)]
)
def test_machines_are_those_that_the_provider_names(answered_by: str, machines: int) -> None:
    assert talk(60, answered_by=answered_by).get("machine_answered", 0) == machines


def test_failures_of_the_provider_and_refusals_of_the_called_party() -> None:
    failed = {"attempts": 1, "failed": 1}
    assert counted(fact(9, status="failed", sip_code=503)) == {**failed, "provider_failed": 1}
    assert counted(fact(9, status="failed", sip_code=603)) == {**failed, "rejected": 1}
    assert counted(fact(9, status="failed", sip_code=404)) == failed
    assert counted(fact(9, status="failed", sip_code=408)) == {**failed, "provider_failed": 1}
    rang = {**failed, "rang": 1, "ring_seconds": 8}
    assert counted(fact(9, status="failed", sip_code=408, ringing_us=at_us(1))) == rang


def test_ringing_and_post_dial_delay_are_of_those_who_tell_of_them() -> None:
    told = measured(
        fact(0, status="initiated"),
        fact(1.25, status="ringing"),
        fact(7, status="in-progress"),
        fact(70, status="completed"),
    )
    assert (told.talk_seconds, told.ring_seconds, told.pdd_ms) == (63, 5, 1_250)
    assert [split_histogram(combined_bins(told), name) for name in SUMS][:2] == [{bin_of(63): 1}, {5: 1}]
    # What only rings has no start: nobody may guess that it rang at once.
    assert measured(fact(1, status="ringing"), fact(9, status="busy")).pdd_ms is None
    stated = measured(fact(9, status="busy", started_us=at_us(0), ringing_us=at_us(3)))
    assert (stated.pdd_ms, stated.ring_seconds) == (3_000, 6)


def test_the_country_is_that_of_the_other_end() -> None:
    numbers: dict[str, Any] = {"from_number": "+14155550100", "to_number": "+4915112345678"}
    assert measured(fact(0, status="busy", direction="outbound", **numbers)).country == "DE"
    assert measured(fact(0, status="busy", direction="inbound", **numbers)).country == "US"
