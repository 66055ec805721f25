"""The fold: a pure function of the set of facts, and the traps that real providers set (metrics.md)."""

from collections.abc import Iterable
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calltally.calls.events import Channel, Fact, content_digest
from calltally.calls.identity import Node
from calltally.calls.lifecycle import fold
from calltally.calls.model import FINAL, OPEN, STATUSES, UNANSWERED, Call, encode_body
from calltally.calls.times import SECOND_US, parse_instant, utc_text
from tests import strategies
from tests.telling import SID, START_US, at_us, fact, own

FINALS = sorted(FINAL)
NODE = Node(SID, is_carrier=True)


def folded(*facts: Fact) -> Call:
    return fold("acme", NODE, facts).call


# ------------------------------------------------------------------------------------------ a pure function


@st.composite
def tellings(draw: st.DrawFn) -> Fact:
    """Facts that tie as often as they can: few digests, ids, accounts, instants and SIDs."""
    channel = draw(st.sampled_from(list(Channel)))
    return Fact(
        call_sid=draw(st.sampled_from([SID, "own"])),
        channel=int(channel),
        provider=draw(st.sampled_from(["", "twilio"])),
        account=draw(st.sampled_from(["", "AC1"])),
        event_id=draw(st.sampled_from(["", "e1", "e2"])),
        sequence=draw(st.none() | st.integers(-1, 1)),
        occurred_us=START_US + draw(st.sampled_from([0, 1, SECOND_US])),
        received_us=START_US,
        digest=content_digest([draw(st.integers(0, 1))]),
        stated=draw(strategies.said),  # type: ignore[arg-type]
    )


many = st.lists(
    st.one_of(strategies.facts(), tellings()),
    min_size=1,
    max_size=12,
    unique_by=lambda told: (told.call_sid, told.key),
)


@settings(max_examples=100, deadline=None)
@given(many, st.randoms(use_true_random=False))
def test_neither_order_nor_repeats_change_a_byte(told: list[Fact], random: Random) -> None:
    once = fold("acme", NODE, told)
    again = told * 3
    random.shuffle(again)
    assert encode_body(fold("acme", NODE, again).call) == encode_body(once.call)
    assert fold("acme", NODE, again).created_us == once.created_us


@settings(max_examples=100, deadline=None)
@given(many)
def test_facts_that_differ_never_stand_level(told: list[Fact]) -> None:
    assert len({each.order for each in told}) == len(told)


@settings(max_examples=100, deadline=None)
@given(many)
def test_what_a_record_says_hangs_together(told: list[Fact]) -> None:
    call, created_us, _pdd_ms = fold("acme", NODE, told)
    assert call.created_at == utc_text(created_us)
    assert call.status in STATUSES
    assert created_us <= min(each.occurred_us for each in told)
    assert (call.ended_at is None) == (call.status in OPEN)
    if call.status in OPEN:
        assert call.duration_seconds is None
    if call.status in UNANSWERED:
        assert (call.duration_seconds, call.answered_at) == (0, None)
    assert call.duration_seconds is None or call.duration_seconds >= 0
    assert call.ring_seconds is None or call.ring_seconds >= 0
    assert 0 <= call.conflicts <= len(told)
    assert call.tags == sorted(set(call.tags))


@settings(max_examples=100, deadline=None)
@given(many, tellings())
def test_one_more_fact_takes_nothing_sticky_back(told: list[Fact], more: Fact) -> None:
    before, after = fold("acme", NODE, told), fold("acme", NODE, [*told, more])
    assert after.created_us <= before.created_us
    assert after.call.escalated >= before.call.escalated
    assert set(after.call.tags) >= set(before.call.tags)
    if before.call.status in FINAL:
        assert after.call.status in FINAL


@settings(max_examples=100, deadline=None)
@given(many)
def test_conflicts_are_what_counting_them_naively_gives(told: list[Fact]) -> None:
    call = fold("acme", NODE, told).call
    assert call.conflicts == _naive_conflicts(told, call)


def _naive_conflicts(told: Iterable[Fact], call: Call) -> int:
    """Facts with another final state than the call's, with other parties, or with an id used before."""
    conflicts = 0
    ordered = sorted(told, key=lambda each: each.order)
    for place, each in enumerate(ordered):
        said: dict[str, Any] = dict(each.stated)
        state = said.get("status") in FINAL - {"completed", call.status}
        parties = any(
            said[name] != getattr(call, name)
            for name in ("direction", "from_number", "to_number")
            if name in said
        )
        sent = (each.channel, each.provider, each.account, each.event_id)
        earlier = [(e.channel, e.provider, e.account, e.event_id) for e in ordered[:place]]
        conflicts += state or parties or (each.event_id != "" and sent in earlier)
    return conflicts


# --------------------------------------------------------------------------------------------------- states


def test_a_call_of_which_no_state_was_said_is_queued() -> None:
    assert folded(own(1, summary="Asked for a table.")).status == "queued"


@pytest.mark.parametrize("final", FINALS)
def test_final_beats_open_whatever_came_last(final: str) -> None:
    late = fact(99, status="ringing", sequence=9)
    assert folded(fact(1, status=final, sequence=1), late).status == final


@pytest.mark.parametrize("final", sorted(UNANSWERED))
def test_vonage_says_completed_after_every_unanswered_state_and_it_stays(final: str) -> None:
    call = folded(fact(1, status=final), fact(2, status="completed"))
    assert (call.status, call.duration_seconds, call.conflicts) == (final, 0, 0)


@pytest.mark.parametrize("final", FINALS)
@pytest.mark.parametrize(
    "proof",
    [{"status": "in-progress"}, {"answered_us": at_us(3)}, {"talk_seconds": 1}],
    ids=["state", "time", "talk"],
)
def test_answered_evidence_makes_any_final_state_completed(final: str, proof: dict[str, Any]) -> None:
    call = folded(fact(9, status=final), fact(3, **proof))
    assert call.status == "completed"
    # The state that the answer overrules contradicts it, however the two were told.
    assert call.conflicts == (final != "completed")


def test_a_talk_of_nothing_proves_no_answer() -> None:
    call = folded(fact(9, status="no-answer", talk_seconds=0))
    assert (call.status, call.duration_seconds, call.answered_at) == ("no-answer", 0, None)


def test_of_two_unanswered_states_the_later_by_order_stays() -> None:
    call = folded(fact(5, status="busy", sequence=1), fact(2, status="failed", sequence=2))
    assert (call.status, call.conflicts) == ("failed", 1)


def test_sequence_numbers_order_what_the_clock_does_not() -> None:
    late = fact(1, status="in-progress", sequence=3, summary="new")
    early = fact(2, status="ringing", sequence=1, summary="old")
    assert (folded(late, early).status, folded(early, late).summary) == ("in-progress", "new")


def test_a_fact_with_a_sequence_stands_after_those_without() -> None:
    assert (
        folded(fact(9, summary="unnumbered"), fact(1, sequence=0, summary="numbered")).summary == "numbered"
    )


@pytest.mark.parametrize("channel", [Channel.PROVIDER_LIST, Channel.IMPORT])
def test_an_old_list_does_not_reopen_a_call(channel: Channel) -> None:
    listed = fact(99, channel=channel, status="in-progress", sequence=9, error_code="listed")
    call = folded(fact(1, status="busy", error_code="told"), own(1, summary="x"), listed)
    assert call.error_code == "told"
    # It was in progress, so it was answered: that much even an old list proves.
    assert call.status == "completed"


@pytest.mark.parametrize("channel", [Channel.PROVIDER_LIST, Channel.IMPORT])
def test_an_open_list_gives_way_to_every_other_source(channel: Channel) -> None:
    listed = fact(99, channel=channel, status="queued", sequence=9, from_number="+15550100")
    assert folded(listed, fact(1, status="ringing", from_number="+15550101")).status == "ringing"
    assert folded(listed, own(1, from_number="+15550101")).from_number == "+15550101"


@pytest.mark.parametrize("channel", [Channel.PROVIDER_LIST, Channel.IMPORT])
def test_a_list_with_a_final_state_outranks_callbacks_and_own_events(channel: Channel) -> None:
    listed = fact(1, channel=channel, status="failed", error_code="listed")
    call = folded(listed, fact(5, status="busy", sequence=7, error_code="told"), own(9, error_code="own"))
    assert (call.status, call.error_code, call.conflicts) == ("failed", "listed", 1)


def test_callbacks_outrank_own_events() -> None:
    assert folded(fact(1, error_code="carrier"), own(9, sequence=9, error_code="own")).error_code == "carrier"


# ---------------------------------------------------------------------------------------------------- times


def test_a_stated_talk_time_beats_a_computed_one_and_is_floored() -> None:
    ended = fact(30, status="completed")
    answered = fact(10, status="in-progress")
    assert folded(answered, ended).duration_seconds == 20
    assert folded(answered, ended, own(31, talk_seconds=12.9)).duration_seconds == 12


def test_a_computed_talk_time_is_floored() -> None:
    assert folded(fact(0.2, status="in-progress"), fact(9.1, status="completed")).duration_seconds == 8


def test_a_talk_that_ended_before_it_began_is_none() -> None:
    assert folded(own(1, answered_us=at_us(9), ended_us=at_us(5), status="completed")).duration_seconds == 0


def test_ring_time_is_never_inside_talk() -> None:
    call = folded(fact(1, status="ringing"), fact(21, status="in-progress"), fact(51, status="completed"))
    assert (call.ring_seconds, call.duration_seconds) == (20, 30)


def test_an_unanswered_call_rings_until_its_end() -> None:
    call = folded(fact(1, status="ringing"), fact(31, status="no-answer"))
    assert (call.ring_seconds, call.duration_seconds, call.answered_at) == (30, 0, None)


@pytest.mark.parametrize("state", sorted(OPEN))
def test_an_open_call_has_neither_duration_nor_end(state: str) -> None:
    call = folded(own(1, status=state, talk_seconds=30, ended_us=at_us(40)))
    assert (call.status, call.duration_seconds, call.ended_at) == (state, None, None)


def test_the_first_time_of_a_state_counts_and_a_stated_time_before_it() -> None:
    twice = (fact(5, status="ringing"), fact(3, status="ringing"), fact(9, status="no-answer"))
    assert folded(*twice).ring_seconds == 6
    assert folded(*twice, own(9, ringing_us=at_us(8))).ring_seconds == 1


def test_completed_alone_with_its_talk_tells_when_it_was_answered() -> None:
    """Twilio's default is one callback at the end, with CallDuration."""
    call = folded(fact(100, status="completed", talk_seconds=42))
    assert (call.status, call.duration_seconds) == ("completed", 42)
    assert call.answered_at == utc_text(at_us(58))
    # The earliest evidence of the call is then the beginning of its talk.
    assert call.created_at == call.answered_at


def test_created_is_the_earliest_evidence_of_any_fact() -> None:
    told = [fact(50, status="completed"), own(60, started_us=at_us(2)), own(70, ringing_us=at_us(4))]
    assert folded(*told).created_at == utc_text(at_us(2))
    assert folded(*told, own(1)).created_at == utc_text(at_us(1))


def test_a_talk_without_its_end_dates_nothing() -> None:
    assert folded(own(60, talk_seconds=42)).created_at == utc_text(at_us(60))


@pytest.mark.parametrize("channel", [Channel.IMPORT, Channel.OWN_EVENT, Channel.CALLBACK])
@pytest.mark.parametrize("is_carrier", [True, False])
def test_a_row_with_a_start_and_a_talk_ends_when_the_talk_does(channel: Channel, is_carrier: bool) -> None:  # noqa: FBT001
    row = fact(
        10, channel=channel, is_carrier=is_carrier, status="completed", started_us=at_us(10), talk_seconds=60
    )
    call = folded(row)
    assert (call.created_at, call.answered_at) == (utc_text(at_us(10)), utc_text(at_us(10)))
    assert (call.ended_at, call.duration_seconds) == (utc_text(at_us(70)), 60)


@pytest.mark.parametrize("is_carrier", [True, False])
def test_a_row_with_an_answer_and_a_talk_ends_so_long_after_the_answer(is_carrier: bool) -> None:  # noqa: FBT001
    row = fact(
        18, is_carrier=is_carrier, status="completed", talk_seconds=60,
        started_us=at_us(10), answered_us=at_us(18),
    )  # fmt: skip
    call = folded(row)
    assert (call.created_at, call.answered_at) == (utc_text(at_us(10)), utc_text(at_us(18)))
    assert call.ended_at == utc_text(at_us(78))


def test_an_end_that_is_told_later_than_the_talk_is_the_end() -> None:
    """The call rang for 20 s: its final state was told when it was over."""
    call = folded(own(90, status="completed", started_us=at_us(10), talk_seconds=60))
    assert (call.answered_at, call.ended_at) == (utc_text(at_us(30)), utc_text(at_us(90)))


def test_no_computed_time_is_before_a_start_that_somebody_states() -> None:
    """Switches round a talk up, and a carrier's receipt may be late."""
    call = folded(own(10, started_us=at_us(10)), fact(69, status="completed", talk_seconds=60))
    assert (call.created_at, call.answered_at) == (utc_text(at_us(10)), utc_text(at_us(10)))
    assert (call.ended_at, call.duration_seconds) == (utc_text(at_us(69)), 60)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 3600), st.integers(1, 3600))
def test_a_call_is_never_answered_before_it_was_there(end: int, talk: int) -> None:
    call = folded(fact(end, status="completed", talk_seconds=talk))
    assert call.answered_at
    assert parse_instant(call.created_at) <= parse_instant(call.answered_at)


# --------------------------------------------------------------------------------------------------- fields


def test_escalated_is_false_until_said_and_then_stays() -> None:
    assert folded(own(1)).escalated is False
    assert folded(own(1, escalated=True), own(2, escalated=False)).escalated is True
    assert folded(own(1, escalation={"target": "desk"})).escalated is True


def test_tags_add_up_sorted() -> None:
    assert folded(own(1, tags=["vip", "late"]), own(2, tags=["new"]), own(3, tags=[])).tags == [
        "late",
        "new",
        "vip",
    ]


def test_metadata_is_replaced_as_a_whole() -> None:
    call = folded(own(1, metadata={"a": 1, "b": 2}), own(2, metadata={"c": 3}))
    assert call.metadata == {"c": 3}


def test_a_mapped_route_and_agent_give_way_to_named_ones() -> None:
    mapped = fact(9, sequence=9, mapped_route="support", mapped_agent="otto")
    assert (folded(mapped).route, folded(mapped).agent) == ("support", "otto")
    named = own(1, route="sales", agent="vera")
    assert (folded(mapped, named).route, folded(mapped, named).agent) == ("sales", "vera")


# ------------------------------------------------------------------------------------------------ conflicts


def test_the_same_id_with_other_content_is_folded_and_is_one_conflict() -> None:
    call = folded(own(1, event_id="e", summary="a"), own(2, event_id="e", route="sales"))
    assert (call.summary, call.route, call.conflicts) == ("a", "sales", 1)


def test_one_id_by_two_doors_is_no_conflict() -> None:
    assert folded(own(1, event_id="e", summary="a"), fact(2, event_id="e", summary="b")).conflicts == 0


def test_a_fact_that_contradicts_in_every_way_counts_once() -> None:
    outranked = own(1, event_id="e", status="busy", direction="inbound", from_number="+15550100")
    again = own(2, event_id="e", status="busy", direction="inbound", from_number="+15550102")
    told = [fact(3, status="failed", direction="outbound", from_number="+15550101"), outranked, again]
    assert folded(*told).conflicts == 2


def test_other_parties_conflict_and_silence_does_not() -> None:
    told = [fact(1, direction="inbound"), fact(2, direction="outbound"), fact(3)]
    assert folded(*told).conflicts == 1


def test_a_changed_summary_is_no_conflict() -> None:
    assert folded(own(1, summary="a"), own(2, summary="b")).conflicts == 0
