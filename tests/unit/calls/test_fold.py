"""The fold: a pure function of the set of facts, and peculiarities of real providers (metrics.md)."""

from collections.abc import Iterable
from itertools import permutations
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.calls.events import Channel, Fact, content_digest
from calltally.calls.fold import fold
from calltally.calls.identity import Node
from calltally.calls.model import FINAL, OPEN, STATUSES, UNANSWERED, Call, encode_body
from calltally.calls.times import SECOND_US, parse_instant, utc_text
from tests import strategies
from tests.sample_facts import SID, START_US, at_us, fact, own

FINALS = sorted(FINAL)
NODE = Node(SID, is_carrier=True)


def folded(*facts: Fact) -> Call:
    return fold("acme", NODE, facts).call


# ------------------------------------------------------------------------------------------ a pure function


@st.composite
def colliding_facts(draw: st.DrawFn) -> Fact:
    """Facts that collide often: few digests, ids, accounts, instants and SIDs."""
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
        stated=draw(strategies.stated),  # type: ignore[arg-type]
    )


many = st.lists(
    st.one_of(strategies.facts(), colliding_facts()),
    min_size=1,
    max_size=12,
    unique_by=lambda each: (each.call_sid, each.key),
)


@given(many, st.randoms(use_true_random=False))
def test_order_and_repeats_do_not_change_the_record(facts: list[Fact], random: Random) -> None:
    once = fold("acme", NODE, facts)
    again = facts * 3
    random.shuffle(again)
    assert encode_body(fold("acme", NODE, again).call) == encode_body(once.call)
    assert fold("acme", NODE, again).created_us == once.created_us


@given(many)
def test_different_facts_have_different_order(facts: list[Fact]) -> None:
    assert len({each.order for each in facts}) == len(facts)


@given(many)
def test_fields_of_a_record_are_consistent(facts: list[Fact]) -> None:
    folded = fold("acme", NODE, facts)
    call, created_us = folded.call, folded.created_us
    assert call.created_at == utc_text(created_us)
    assert call.status in STATUSES
    assert created_us <= min(each.occurred_us for each in facts)
    assert (call.ended_at is None) == (call.status in OPEN)
    if call.status in OPEN:
        assert call.duration_seconds is None
    if call.status in UNANSWERED:
        assert (call.duration_seconds, call.answered_at) == (0, None)
    assert call.duration_seconds is None or call.duration_seconds >= 0
    assert call.ring_seconds is None or call.ring_seconds >= 0
    assert 0 <= call.conflicts <= len(facts)
    assert call.tags == sorted(set(call.tags))


@given(many, colliding_facts())
def test_another_fact_does_not_revert_sticky_fields(facts: list[Fact], more: Fact) -> None:
    before, after = fold("acme", NODE, facts), fold("acme", NODE, [*facts, more])
    assert after.created_us <= before.created_us
    assert after.call.escalated >= before.call.escalated
    assert set(after.call.tags) >= set(before.call.tags)
    if before.call.status in FINAL:
        assert after.call.status in FINAL


@given(many)
def test_conflicts_equal_naive_count(facts: list[Fact]) -> None:
    call = fold("acme", NODE, facts).call
    assert call.conflicts == _naive_conflicts(facts, call)


def _naive_conflicts(facts: Iterable[Fact], call: Call) -> int:
    """Count facts with another final state than the call's, other parties or times, or a reused id."""
    conflicts = 0
    ordered = sorted(facts, key=lambda each: each.order)
    times: dict[str, Any] = {}
    for each in ordered:
        times.update({n: v for n, v in each.stated.items() if n in ("started_us", "ended_us")})
    for position, each in enumerate(ordered):
        stated: dict[str, Any] = dict(each.stated)
        state = stated.get("status") in FINAL - {"completed", call.status}
        parties = any(
            stated[name] != getattr(call, name)
            for name in ("direction", "from_number", "to_number")
            if name in stated
        )
        sender_id = (each.channel, each.provider, each.account, each.event_id)
        earlier = [(e.channel, e.provider, e.account, e.event_id) for e in ordered[:position]]
        other_time = (
            each.is_carrier
            and {"started_us", "ended_us"} <= stated.keys()
            and (
                stated["ended_us"] + 60_000_000 < times["started_us"]
                or stated["started_us"] > times["ended_us"] + 60_000_000
            )
        )
        conflicts += state or parties or other_time or (each.event_id != "" and sender_id in earlier)
    return conflicts


# --------------------------------------------------------------------------------------------------- states


def test_call_without_stated_state_is_queued() -> None:
    assert folded(own(1, summary="Asked for a table.")).status == "queued"


@pytest.mark.parametrize("final", FINALS)
def test_final_state_beats_later_open_state(final: str) -> None:
    late = fact(99, status="ringing", sequence=9)
    assert folded(fact(1, status=final, sequence=1), late).status == final


@pytest.mark.parametrize("final", sorted(UNANSWERED))
def test_unanswered_state_stays_after_vonages_completed(final: str) -> None:
    call = folded(fact(1, status=final), fact(2, status="completed"))
    assert (call.status, call.duration_seconds, call.conflicts) == (final, 0, 0)


@pytest.mark.parametrize("final", FINALS)
@pytest.mark.parametrize(
    "proof",
    [{"status": "in-progress"}, {"answered_us": at_us(3)}, {"talk_seconds": 1}],
    ids=["state", "time", "talk"],
)
def test_proof_of_answer_makes_any_final_state_completed(final: str, proof: dict[str, Any]) -> None:
    call = folded(fact(9, status=final), fact(3, **proof))
    assert call.status == "completed"
    # The answer overrules the stated state, which then counts as a contradiction.
    assert call.conflicts == (final != "completed")


def test_zero_talk_time_proves_no_answer() -> None:
    call = folded(fact(9, status="no-answer", talk_seconds=0))
    assert (call.status, call.duration_seconds, call.answered_at) == ("no-answer", 0, None)


def test_later_of_two_unanswered_states_wins() -> None:
    call = folded(fact(5, status="busy", sequence=1), fact(2, status="failed", sequence=2))
    assert (call.status, call.conflicts) == ("failed", 1)


def test_sequence_outranks_time() -> None:
    late = fact(1, status="in-progress", sequence=3, summary="new")
    early = fact(2, status="ringing", sequence=1, summary="old")
    assert (folded(late, early).status, folded(early, late).summary) == ("in-progress", "new")


def test_fact_with_sequence_outranks_fact_without() -> None:
    assert (
        folded(fact(9, summary="unnumbered"), fact(1, sequence=0, summary="numbered")).summary == "numbered"
    )


@pytest.mark.parametrize("channel", [Channel.PROVIDER_LIST, Channel.IMPORT])
def test_old_list_does_not_reopen_a_call(channel: Channel) -> None:
    listed = fact(99, channel=channel, status="in-progress", sequence=9, error_code="listed")
    call = folded(fact(1, status="busy", error_code="told"), own(1, summary="x"), listed)
    assert call.error_code == "told"
    # Even an old list proves that a call in progress was answered.
    assert call.status == "completed"


@pytest.mark.parametrize("channel", [Channel.PROVIDER_LIST, Channel.IMPORT])
def test_open_list_is_outranked_by_every_other_source(channel: Channel) -> None:
    listed = fact(99, channel=channel, status="queued", sequence=9, from_number="+15550100")
    assert folded(listed, fact(1, status="ringing", from_number="+15550101")).status == "ringing"
    assert folded(listed, own(1, from_number="+15550101")).from_number == "+15550101"


@pytest.mark.parametrize("channel", [Channel.PROVIDER_LIST, Channel.IMPORT])
def test_list_with_final_state_outranks_callbacks_and_own_events(channel: Channel) -> None:
    listed = fact(1, channel=channel, status="failed", error_code="listed")
    call = folded(listed, fact(5, status="busy", sequence=7, error_code="told"), own(9, error_code="own"))
    assert (call.status, call.error_code, call.conflicts) == ("failed", "listed", 1)


def test_callbacks_outrank_own_events() -> None:
    assert folded(fact(1, error_code="carrier"), own(9, sequence=9, error_code="own")).error_code == "carrier"


# ---------------------------------------------------------------------------------------------------- times


def test_stated_talk_time_beats_computed_one_and_is_floored() -> None:
    ended = fact(30, status="completed")
    answered = fact(10, status="in-progress")
    assert folded(answered, ended).duration_seconds == 20
    assert folded(answered, ended, own(31, talk_seconds=12.9)).duration_seconds == 12


def test_computed_talk_time_is_floored() -> None:
    assert folded(fact(0.2, status="in-progress"), fact(9.1, status="completed")).duration_seconds == 8


def test_end_before_answer_gives_zero_duration() -> None:
    assert folded(own(1, answered_us=at_us(9), ended_us=at_us(5), status="completed")).duration_seconds == 0


def test_ring_time_is_no_part_of_talk_time() -> None:
    call = folded(fact(1, status="ringing"), fact(21, status="in-progress"), fact(51, status="completed"))
    assert (call.ring_seconds, call.duration_seconds) == (20, 30)


def test_unanswered_call_rings_until_its_end() -> None:
    call = folded(fact(1, status="ringing"), fact(31, status="no-answer"))
    assert (call.ring_seconds, call.duration_seconds, call.answered_at) == (30, 0, None)


@pytest.mark.parametrize("state", sorted(OPEN))
def test_open_call_has_no_duration_and_no_end(state: str) -> None:
    call = folded(own(1, status=state, talk_seconds=30, ended_us=at_us(40)))
    assert (call.status, call.duration_seconds, call.ended_at) == (state, None, None)


def test_stated_time_outranks_first_time_of_state() -> None:
    twice = (fact(5, status="ringing"), fact(3, status="ringing"), fact(9, status="no-answer"))
    assert folded(*twice).ring_seconds == 6
    assert folded(*twice, own(9, ringing_us=at_us(8))).ring_seconds == 1


def test_answer_time_is_computed_from_end_and_talk_time() -> None:
    """Twilio's default is one callback at the end, with CallDuration."""
    call = folded(fact(100, status="completed", talk_seconds=42))
    assert (call.status, call.duration_seconds) == ("completed", 42)
    assert call.answered_at == utc_text(at_us(58))
    # The start of the talk is then the earliest evidence of the call.
    assert call.created_at == call.answered_at


def test_created_at_is_earliest_time_of_any_fact() -> None:
    facts = [fact(50, status="completed"), own(60, started_us=at_us(2)), own(70, ringing_us=at_us(4))]
    assert folded(*facts).created_at == utc_text(at_us(2))
    assert folded(*facts, own(1)).created_at == utc_text(at_us(1))


def test_talk_time_without_end_does_not_change_created_at() -> None:
    assert folded(own(60, talk_seconds=42)).created_at == utc_text(at_us(60))


@pytest.mark.parametrize("channel", [Channel.IMPORT, Channel.OWN_EVENT, Channel.CALLBACK])
@pytest.mark.parametrize("is_carrier", [True, False])
def test_row_with_start_and_talk_time_ends_with_its_talk(channel: Channel, is_carrier: bool) -> None:  # noqa: FBT001
    row = fact(
        10, channel=channel, is_carrier=is_carrier, status="completed", started_us=at_us(10), talk_seconds=60
    )
    call = folded(row)
    assert (call.created_at, call.answered_at) == (utc_text(at_us(10)), utc_text(at_us(10)))
    assert (call.ended_at, call.duration_seconds) == (utc_text(at_us(70)), 60)


@pytest.mark.parametrize("is_carrier", [True, False])
def test_row_with_answer_and_talk_time_ends_with_its_talk(is_carrier: bool) -> None:  # noqa: FBT001
    row = fact(
        18, is_carrier=is_carrier, status="completed", talk_seconds=60,
        started_us=at_us(10), answered_us=at_us(18),
    )  # fmt: skip
    call = folded(row)
    assert (call.created_at, call.answered_at) == (utc_text(at_us(10)), utc_text(at_us(18)))
    assert call.ended_at == utc_text(at_us(78))


def test_end_after_talk_time_is_time_of_final_state() -> None:
    """The call rang for 20 s, and its final state was reported at its end."""
    call = folded(own(90, status="completed", started_us=at_us(10), talk_seconds=60))
    assert (call.answered_at, call.ended_at) == (utc_text(at_us(30)), utc_text(at_us(90)))


def test_computed_times_are_not_before_stated_start() -> None:
    """Switches round talk times up, and a carrier may receive a call late."""
    call = folded(own(10, started_us=at_us(10)), fact(69, status="completed", talk_seconds=60))
    assert (call.created_at, call.answered_at) == (utc_text(at_us(10)), utc_text(at_us(10)))
    assert (call.ended_at, call.duration_seconds) == (utc_text(at_us(69)), 60)


@given(st.integers(0, 3600), st.integers(1, 3600))
def test_answer_is_never_before_creation(end: int, talk: int) -> None:
    call = folded(fact(end, status="completed", talk_seconds=talk))
    assert call.answered_at
    assert parse_instant(call.created_at) <= parse_instant(call.answered_at)


# --------------------------------------------------------------------------------------------------- fields


def test_escalated_is_false_until_stated_and_then_stays() -> None:
    assert folded(own(1)).escalated is False
    assert folded(own(1, escalated=True), own(2, escalated=False)).escalated is True
    assert folded(own(1, escalation={"target": "desk"})).escalated is True


def test_tags_accumulate_sorted() -> None:
    assert folded(own(1, tags=["vip", "late"]), own(2, tags=["new"]), own(3, tags=[])).tags == [
        "late",
        "new",
        "vip",
    ]


def test_metadata_is_replaced_as_a_whole() -> None:
    call = folded(own(1, metadata={"a": 1, "b": 2}), own(2, metadata={"c": 3}))
    assert call.metadata == {"c": 3}


def test_stated_route_and_agent_outrank_mapped_ones() -> None:
    mapped = fact(9, sequence=9, mapped_route="support", mapped_agent="otto")
    assert (folded(mapped).route, folded(mapped).agent) == ("support", "otto")
    named = own(1, route="sales", agent="vera")
    assert (folded(mapped, named).route, folded(mapped, named).agent) == ("sales", "vera")


# ------------------------------------------------------------------------------------------------ conflicts


def test_reused_event_id_with_other_content_is_one_conflict() -> None:
    call = folded(own(1, event_id="e", summary="a"), own(2, event_id="e", route="sales"))
    assert (call.summary, call.route, call.conflicts) == ("a", "sales", 1)


def test_same_event_id_by_two_channels_is_no_conflict() -> None:
    assert folded(own(1, event_id="e", summary="a"), fact(2, event_id="e", summary="b")).conflicts == 0


def test_fact_with_several_contradictions_counts_once() -> None:
    outranked = own(1, event_id="e", status="busy", direction="inbound", from_number="+15550100")
    again = own(2, event_id="e", status="busy", direction="inbound", from_number="+15550102")
    facts = [fact(3, status="failed", direction="outbound", from_number="+15550101"), outranked, again]
    assert folded(*facts).conflicts == 2


def test_other_parties_conflict_and_missing_ones_do_not() -> None:
    facts = [fact(1, direction="inbound"), fact(2, direction="outbound"), fact(3)]
    assert folded(*facts).conflicts == 1


def test_calls_of_different_times_with_one_id_are_a_conflict() -> None:
    """Plivo's list can have one `call_uuid` for two calls."""
    done: dict[str, Any] = {"status": "completed", "channel": Channel.PROVIDER_LIST}
    first = fact(60, started_us=at_us(0), ended_us=at_us(60), **done)
    hour = fact(3_700, started_us=at_us(3_600), ended_us=at_us(3_700), **done)
    for order in permutations([first, hour, hour]):
        assert folded(*order).conflicts == 1
    # Two machines that both know the call have different clocks.
    other_clock = fact(61, started_us=at_us(61), ended_us=at_us(62), **done)
    assert folded(first, other_clock).conflicts == 0
    legs = (fact(1, leg="a", started_us=at_us(0), ended_us=at_us(9), **done), fact(2, leg="b", **hour.stated))
    assert folded(*legs).conflicts == 0


def test_changed_summary_is_no_conflict() -> None:
    assert folded(own(1, summary="a"), own(2, summary="b")).conflicts == 0
