"""Measures of one call, as metrics.md defines them."""

from typing import Any

import pytest

from calltally.calls.events import Channel, Fact
from calltally.calls.fold import fold
from calltally.calls.histogram import bin_of
from calltally.calls.identity import Node
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
from tests.sample_facts import SID, at_us, fact

CONTAINED = {"contained": 1, "containable": 1}


def measures_of(*facts: Fact) -> CallMeasures:
    return decode_measures(encode_measures(fold("acme", Node(SID, is_carrier=True), facts)))


def column_counts(*facts: Fact) -> dict[str, int]:
    """Return the non-zero columns of the call's measures."""
    row = column_values(measures_of(*facts))
    return {name: n for name, n in zip(COLUMNS, row, strict=True) if n}


def talk_counts(seconds: int, **stated: Any) -> dict[str, int]:  # noqa: ANN401 (values of every kind)
    """Return the columns of a call that a platform reported."""
    return column_counts(fact(60, status="completed", talk_seconds=seconds, is_carrier=False, **stated))


@pytest.mark.parametrize("status", ["queued", "initiated", "ringing", "in-progress"])
def test_open_call_is_only_an_attempt(status: str) -> None:
    open_fact = fact(9, status=status, answered_us=at_us(5), ringing_us=at_us(1), started_us=at_us(0))
    assert column_counts(open_fact) == {"attempts": 1}


@pytest.mark.parametrize("status", ["busy", "no-answer", "canceled"])
def test_unanswered_final_call_counts_its_state(status: str) -> None:
    assert column_counts(fact(9, status=status)) == {"attempts": 1, status.replace("-", "_"): 1}


def test_completed_call_without_proof_of_answer_is_not_answered() -> None:
    assert column_counts(fact(9, status="completed")) == {"attempts": 1, "completed": 1}


def test_answered_call_of_ten_seconds_is_long() -> None:
    answered = {"attempts": 1, "completed": 1, "answered": 1, "transfer_known": 1}
    assert talk_counts(9) == {**answered, "short_calls": 1, "talk_seconds": 9}
    assert talk_counts(10) == {**answered, "long_calls": 1, "talk_seconds": 10, **CONTAINED}


def test_transferred_or_escalated_call_is_not_contained() -> None:
    assert "contained" not in talk_counts(60, escalated=True)
    bridged = talk_counts(60, transfer={"target": "+1", "outcome": "bridged"})
    assert bridged["transferred"] == 1
    assert "contained" not in bridged
    for outcome in ("requested", "failed"):
        counts = talk_counts(60, transfer={"target": "+1", "outcome": outcome})
        assert (counts[f"transfers_{outcome}"], counts["contained"]) == (1, 1)
        assert "transferred" not in counts


@pytest.mark.parametrize(
    ("answered_by", "machines", "known"),
    [
        *(("human", 0, 1), ("machine_end_beep", 1, 1), ("Fax", 1, 1), ("unknown", 0, 0)),
        *(("voicemail", 1, 1), ("not_sure", 0, 0)),
    ],
)
def test_machine_answer_is_as_the_provider_reports(answered_by: str, machines: int, known: int) -> None:
    counts = talk_counts(60, answered_by=answered_by)
    assert (counts.get("machine_answered", 0), counts.get("answerer_known", 0)) == (machines, known)
    # A mailbox is no person whom the agent served.
    assert counts.get("containable", 0) == 1 - machines


def test_mailbox_by_its_end_reason_is_a_machine_answer() -> None:
    counts = talk_counts(20, end_reason="voicemail")
    assert (counts["machine_answered"], counts["answerer_known"]) == (1, 1)


def test_outcomes_are_known_only_from_a_source_that_reports_them() -> None:
    bridged: dict[str, Any] = {"transfer": {"target": "+1", "outcome": "bridged"}}
    carrier = column_counts(fact(60, status="completed", talk_seconds=60, **bridged))
    assert carrier["transferred"] == 1
    assert carrier.keys().isdisjoint({"transfer_known", "known_transfers", "escalation_known", "containable"})
    platform = talk_counts(60, **bridged)
    assert (platform["transfer_known"], platform["known_transfers"], platform["handed_over"]) == (1, 1, 1)
    assert "escalation_known" not in platform
    livekit = column_counts(
        fact(60, status="completed", talk_seconds=60, is_carrier=False, provider="livekit")
    )
    assert "transfer_known" not in livekit
    own = fact(61, channel=Channel.OWN_EVENT, provider="", summary="Booked.")
    known = column_counts(fact(60, status="completed", talk_seconds=60), own)
    assert (known["transfer_known"], known["escalation_known"], known["contained"]) == (1, 1, 1)


def test_provider_failures_and_rejections() -> None:
    failed = {"attempts": 1, "failed": 1}
    assert column_counts(fact(9, status="failed", sip_code=503)) == {**failed, "provider_failed": 1}
    assert column_counts(fact(9, status="failed", sip_code=603)) == {**failed, "rejected": 1}
    assert column_counts(fact(9, status="failed", sip_code=404)) == failed
    assert column_counts(fact(9, status="failed", sip_code=408)) == {**failed, "provider_failed": 1}
    rang = {**failed, "rang": 1, "ring_seconds": 8}
    assert column_counts(fact(9, status="failed", sip_code=408, ringing_us=at_us(1))) == rang


def test_ring_time_and_post_dial_delay_need_stated_times() -> None:
    measures = measures_of(
        fact(0, status="initiated"),
        fact(1.25, status="ringing"),
        fact(7, status="in-progress"),
        fact(70, status="completed"),
    )
    assert (measures.talk_seconds, measures.ring_seconds, measures.pdd_ms) == (63, 5, 1_250)
    assert [split_histogram(combined_bins(measures), name) for name in SUMS][:2] == [{bin_of(63): 1}, {5: 1}]
    # Without a known start there is no delay: an immediate ringing must not be assumed.
    assert measures_of(fact(1, status="ringing"), fact(9, status="busy")).pdd_ms is None
    stated = measures_of(fact(9, status="busy", started_us=at_us(0), ringing_us=at_us(3)))
    assert (stated.pdd_ms, stated.ring_seconds) == (3_000, 6)


def test_the_post_dial_delay_starts_with_the_carriers_dial() -> None:
    """A platform states when it creates a call, which waits before the carrier dials it."""
    platform = fact(30, "p-1", is_carrier=False, status="completed", started_us=at_us(-60))
    dialed = [fact(0, status="initiated"), fact(1.25, status="ringing"), fact(9, status="completed")]
    assert measures_of(platform, *dialed).pdd_ms == 1_250
    assert measures_of(platform, *dialed[1:]).pdd_ms == 61_250


def test_country_is_of_the_other_party() -> None:
    numbers: dict[str, Any] = {"from_number": "+14155550100", "to_number": "+4915112345678"}
    assert measures_of(fact(0, status="busy", direction="outbound", **numbers)).country == "DE"
    assert measures_of(fact(0, status="busy", direction="inbound", **numbers)).country == "US"
