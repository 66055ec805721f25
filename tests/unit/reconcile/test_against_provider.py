"""Findings of the comparison of our record with the provider's listing."""

import itertools
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.calls.model import FINAL, OPEN, STATUSES
from calltally.calls.times import DAY_US, SECOND_US
from calltally.external_sort import ExternalSorter
from calltally.reconcile.against_provider import (
    CHECKED_AT_PROVIDER,
    HEALABLE,
    ProviderTerms,
    compare_pair,
)
from calltally.reconcile.findings import FindingKind
from calltally.reconcile.provider_sides import CallPair, OurCall, Sides, TheirCall

NOON = 1_790_000_000 * SECOND_US
TERMS = ProviderTerms(
    provider="twilio", account="AC1", from_us=NOON, to_us=NOON + DAY_US, now_us=NOON + 7 * DAY_US
)
OURS = OurCall("CA1", "an-id", "completed", 60, NOON + 5, "twilio", "AC1")
THEIRS = TheirCall("CA1", "completed", 60, NOON + 5, NOON + 65 * SECOND_US, NOON)


def ours(**changes: Any) -> OurCall:  # noqa: ANN401 (fields of every kind)
    return msgspec.structs.replace(OURS, **changes)


def theirs(**changes: Any) -> TheirCall:  # noqa: ANN401 (fields of every kind)
    return msgspec.structs.replace(THEIRS, **changes)


def kind(left: OurCall | None, right: TheirCall | None, **terms: Any) -> FindingKind | None:  # noqa: ANN401 (the same)
    found = compare_pair(CallPair("CA1", left, right), msgspec.structs.replace(TERMS, **terms))
    return found.kind if found else None


def test_equal_sides_give_no_finding() -> None:
    assert kind(OURS, THEIRS) is None
    assert kind(None, None) is None


@pytest.mark.parametrize(("status", "seconds"), [("completed", 59), ("completed", 61), ("busy", 0)])
def test_one_second_difference_is_within_tolerance(status: str, seconds: int) -> None:
    duration = 0 if status == "busy" else 60
    assert (
        kind(ours(status=status, duration_seconds=duration), theirs(status=status, duration_seconds=seconds))
        is None
    )


def test_other_duration_names_both_values() -> None:
    found = compare_pair(CallPair("CA1", OURS, theirs(duration_seconds=62)), TERMS)
    assert found is not None
    assert (found.kind, found.ours, found.theirs) == (FindingKind.OTHER_DURATION, "60", "62")
    assert found.detail == "60 s here, 62 s at twilio"
    assert kind(OURS, theirs(duration_seconds=62), tolerance_s=2) is None
    unknown = compare_pair(CallPair("CA1", ours(duration_seconds=None), THEIRS), TERMS)
    assert unknown is not None
    assert (unknown.kind, unknown.ours) == (FindingKind.OTHER_DURATION, None)
    assert kind(OURS, theirs(duration_seconds=None)) is None


def test_unheard_call_began_in_the_window() -> None:
    assert kind(None, THEIRS) == FindingKind.UNHEARD_CALL
    assert kind(None, theirs(started_us=NOON - 1)) is None
    assert kind(None, theirs(started_us=NOON + DAY_US)) is None
    # Its callbacks may be in flight.
    assert kind(None, THEIRS, now_us=NOON + 120 * SECOND_US) is None


def test_unlisted_call_has_that_provider_and_account() -> None:
    assert kind(OURS, None) == FindingKind.UNLISTED_CALL
    for other in ({"provider": None}, {"provider": "telnyx"}, {"account": None}, {"account": "AC2"}):
        assert kind(ours(**other), None) is None
    assert kind(OURS, None, account=None) is None
    assert kind(ours(created_us=NOON - 1), None) is None
    assert kind(OURS, None, now_us=NOON + 60 * SECOND_US) is None


def test_no_call_is_missing_outside_the_range_of_a_file() -> None:
    assert kind(OURS, None, listed_from_us=NOON + 6) is None
    assert kind(OURS, None, listed_to_us=NOON + 4) is None
    assert kind(OURS, None, listed_from_us=NOON + 5, listed_to_us=NOON + 5) == FindingKind.UNLISTED_CALL


def test_missing_final_state_is_a_finding() -> None:
    assert kind(ours(status="ringing"), THEIRS) == FindingKind.MISSING_FINAL_STATE
    assert kind(ours(status="ringing"), THEIRS, now_us=NOON + 120 * SECOND_US) is None


def test_call_open_too_long_on_both_sides_is_a_finding() -> None:
    still = theirs(status="in-progress", duration_seconds=None, ended_us=None)
    assert kind(ours(status="ringing"), still) == FindingKind.OPEN_TOO_LONG
    assert kind(ours(status="ringing"), still, open_limit_us=8 * DAY_US) is None


def test_open_listing_does_not_contradict_a_final_state() -> None:
    assert kind(OURS, theirs(status="in-progress", duration_seconds=None)) is None


def test_finding_has_values_and_times_of_both_sides() -> None:
    found = compare_pair(CallPair("CA1", OURS, theirs(status="busy")), TERMS)
    assert found is not None
    assert (found.kind, found.call_id, found.call_sid) == (FindingKind.CONTRADICTION, "an-id", "CA1")
    assert (found.ours, found.theirs) == ("completed", "busy")
    assert sorted(found.times) == ["created_at", "provider_ended_at", "provider_started_at"]


@given(st.sampled_from(STATUSES), st.sampled_from(STATUSES))
def test_two_states_give_at_most_one_finding(left: str, right: str) -> None:
    found = kind(ours(status=left), theirs(status=right))
    expected = {
        (True, True): None if left == right else FindingKind.CONTRADICTION,
        (True, False): None,
        (False, True): FindingKind.MISSING_FINAL_STATE,
        (False, False): FindingKind.OPEN_TOO_LONG,
    }
    assert found == expected[left in FINAL, right in FINAL]
    assert (left in OPEN) != (left in FINAL)


def test_kinds_that_healing_resolves_and_that_need_a_request() -> None:
    pairs = [(None, THEIRS), (OURS, None), (ours(status="ringing"), theirs(status="ringing"))]
    found = [compare_pair(CallPair("CA1", *pair), TERMS) for pair in pairs]
    assert [(each.kind in HEALABLE, each.kind in CHECKED_AT_PROVIDER) for each in found if each] == [
        (True, False),
        (False, True),
        (False, True),
    ]


@given(st.lists(st.tuples(st.sampled_from("ot"), st.integers(0, 20), st.sampled_from(STATUSES)), max_size=60))
def test_each_sid_is_paired_once_with_its_last_listing(listings: list[tuple[str, int, str]]) -> None:
    with ExternalSorter(None, 4_096) as spill:
        sides = Sides(spill)
        for side, number, status in listings:
            if side == "o":
                sides.add_ours(ours(call_sid=f"CA{number}", status=status), f"CA{number}")
            else:
                sides.add_theirs(theirs(call_sid=f"CA{number}", status=status))
        pairs = list(sides.pairs())
    expected = {(side, f"CA{number}"): status for side, number, status in listings}
    found = {("o", pair.call_sid): pair.ours.status for pair in pairs if pair.ours}
    found |= {("t", pair.call_sid): pair.theirs.status for pair in pairs if pair.theirs}
    assert found == expected
    sids = [pair.call_sid for pair in pairs]
    assert all(left < right for left, right in itertools.pairwise(sids))
    assert sides.ours + sides.theirs == len(listings)
