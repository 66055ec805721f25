"""What is a finding between our record and the provider's word, and what is not."""

import itertools
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.calls.model import FINAL, OPEN, STATUSES
from calltally.calls.times import DAY_US, SECOND_US
from calltally.external_sort import Spill
from calltally.reconcile.against_provider import Terms, is_asked, is_word_wanted, judge
from calltally.reconcile.findings import Kind
from calltally.reconcile.provider_sides import OurCall, Pair, Sides, TheirCall

NOON = 1_790_000_000 * SECOND_US
TERMS = Terms(provider="twilio", account="AC1", from_us=NOON, to_us=NOON + DAY_US, now_us=NOON + 7 * DAY_US)
OURS = OurCall("CA1", "an-id", "completed", 60, NOON + 5, "twilio", "AC1")
THEIRS = TheirCall("CA1", "completed", 60, NOON + 5, NOON + 65 * SECOND_US, NOON)


def ours(**changes: Any) -> OurCall:  # noqa: ANN401 (fields of every kind)
    return msgspec.structs.replace(OURS, **changes)


def theirs(**changes: Any) -> TheirCall:  # noqa: ANN401 (fields of every kind)
    return msgspec.structs.replace(THEIRS, **changes)


def kind(left: OurCall | None, right: TheirCall | None, **terms: Any) -> Kind | None:  # noqa: ANN401 (the same)
    found = judge(Pair("CA1", left, right), msgspec.structs.replace(TERMS, **terms))
    return found.kind if found else None


def test_both_sides_agree() -> None:
    assert kind(OURS, THEIRS) is None
    assert kind(None, None) is None


@pytest.mark.parametrize(("status", "seconds"), [("completed", 59), ("completed", 61), ("busy", 0)])
def test_a_second_more_or_less_is_the_same_duration(status: str, seconds: int) -> None:
    duration = 0 if status == "busy" else 60
    assert (
        kind(ours(status=status, duration_seconds=duration), theirs(status=status, duration_seconds=seconds))
        is None
    )


def test_another_duration_says_both() -> None:
    found = judge(Pair("CA1", OURS, theirs(duration_seconds=62)), TERMS)
    assert found is not None
    assert (found.kind, found.ours, found.theirs) == (Kind.OTHER_DURATION, "60", "62")
    assert found.detail == "60 s here, 62 s at twilio"
    assert kind(OURS, theirs(duration_seconds=62), tolerance_s=2) is None
    unknown = judge(Pair("CA1", ours(duration_seconds=None), THEIRS), TERMS)
    assert unknown is not None
    assert (unknown.kind, unknown.ours) == (Kind.OTHER_DURATION, None)
    assert kind(OURS, theirs(duration_seconds=None)) is None


def test_an_unheard_call_is_one_that_began_in_the_window() -> None:
    assert kind(None, THEIRS) == Kind.UNHEARD_CALL
    assert kind(None, theirs(started_us=NOON - 1)) is None
    assert kind(None, theirs(started_us=NOON + DAY_US)) is None
    # Its callbacks may be under way.
    assert kind(None, THEIRS, now_us=NOON + 120 * SECOND_US) is None


def test_an_unlisted_call_is_of_that_provider_and_account() -> None:
    assert kind(OURS, None) == Kind.UNLISTED_CALL
    for other in ({"provider": None}, {"provider": "telnyx"}, {"account": None}, {"account": "AC2"}):
        assert kind(ours(**other), None) is None
    assert kind(OURS, None, account=None) is None
    assert kind(ours(created_us=NOON - 1), None) is None
    assert kind(OURS, None, now_us=NOON + 60 * SECOND_US) is None


def test_nothing_is_missing_where_a_file_does_not_reach() -> None:
    assert kind(OURS, None, listed_from_us=NOON + 6) is None
    assert kind(OURS, None, listed_to_us=NOON + 4) is None
    assert kind(OURS, None, listed_from_us=NOON + 5, listed_to_us=NOON + 5) == Kind.UNLISTED_CALL


def test_a_final_state_that_we_miss() -> None:
    assert kind(ours(status="ringing"), THEIRS) == Kind.MISSING_FINAL_STATE
    assert kind(ours(status="ringing"), THEIRS, now_us=NOON + 120 * SECOND_US) is None


def test_open_on_both_sides_for_too_long() -> None:
    still = theirs(status="in-progress", duration_seconds=None, ended_us=None)
    assert kind(ours(status="ringing"), still) == Kind.OPEN_TOO_LONG
    assert kind(ours(status="ringing"), still, open_limit_us=8 * DAY_US) is None


def test_a_list_that_has_it_open_says_nothing_against_a_final_state() -> None:
    assert kind(OURS, theirs(status="in-progress", duration_seconds=None)) is None


def test_a_finding_names_both_sides_and_their_times() -> None:
    found = judge(Pair("CA1", OURS, theirs(status="busy")), TERMS)
    assert found is not None
    assert (found.kind, found.call_id, found.call_sid) == (Kind.CONTRADICTION, "an-id", "CA1")
    assert (found.ours, found.theirs) == ("completed", "busy")
    assert sorted(found.times) == ["created_at", "provider_ended_at", "provider_started_at"]


@given(st.sampled_from(STATUSES), st.sampled_from(STATUSES))
def test_of_two_states_at_most_one_thing_is_said(left: str, right: str) -> None:
    found = kind(ours(status=left), theirs(status=right))
    expected = {
        (True, True): None if left == right else Kind.CONTRADICTION,
        (True, False): None,
        (False, True): Kind.MISSING_FINAL_STATE,
        (False, False): Kind.OPEN_TOO_LONG,
    }
    assert found == expected[left in FINAL, right in FINAL]
    assert (left in OPEN) != (left in FINAL)


def test_what_the_providers_word_mends_and_what_it_is_asked_about() -> None:
    pairs = [(None, THEIRS), (OURS, None), (ours(status="ringing"), theirs(status="ringing"))]
    found = [judge(Pair("CA1", *pair), TERMS) for pair in pairs]
    assert [(is_word_wanted(each), is_asked(each)) for each in found if each] == [
        (True, False),
        (False, True),
        (False, True),
    ]


@given(st.lists(st.tuples(st.sampled_from("ot"), st.integers(0, 20), st.sampled_from(STATUSES)), max_size=60))
def test_each_sid_is_paired_once_by_its_last_word(told: list[tuple[str, int, str]]) -> None:
    with Spill(None, 4_096) as spill:
        sides = Sides(spill)
        for side, number, status in told:
            if side == "o":
                sides.add_ours(ours(call_sid=f"CA{number}", status=status), f"CA{number}")
            else:
                sides.add_theirs(theirs(call_sid=f"CA{number}", status=status))
        pairs = list(sides.pairs())
    expected = {(side, f"CA{number}"): status for side, number, status in told}
    found = {("o", pair.call_sid): pair.ours.status for pair in pairs if pair.ours}
    found |= {("t", pair.call_sid): pair.theirs.status for pair in pairs if pair.theirs}
    assert found == expected
    sids = [pair.call_sid for pair in pairs]
    assert all(left < right for left, right in itertools.pairwise(sids))
    assert sides.ours + sides.theirs == len(told)
