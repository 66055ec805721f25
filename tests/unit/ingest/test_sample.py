from collections import Counter
from itertools import takewhile

from calltally.calls.conversation import unpack_conversation
from calltally.calls.fold import fold
from calltally.calls.identity import Node
from calltally.calls.model import Call, Direction, Status
from calltally.calls.times import DAY_US, SECOND_US, parse_instant, utc_text
from calltally.cli.demo.history import facts_of
from calltally.ingest.sample.calls import ROUTES, SampleCall, SampleMessage
from calltally.ingest.sample.traffic import (
    calls_between,
    live_calls,
    messages_in_order,
    messages_of,
    plan_of,
    special_calls,
)
from calltally.providers.provider import ProviderKind
from calltally.providers.registry import PROVIDERS

# A Wednesday.
NOW_US = parse_instant("2026-08-26T08:00:00Z")
PLAN = plan_of(1, NOW_US, NOW_US)
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US


def history(days: int) -> list[SampleCall]:
    return list(calls_between(PLAN, NOW_US - days * DAY_US, NOW_US))


def record(call: SampleCall, messages: list[SampleMessage]) -> Call:
    facts = [fact for message in messages for fact in facts_of(message, message.at_us + SECOND_US)]
    return fold("demo", Node(call.sid, is_carrier=True), facts).call


def few_messages(call: SampleCall) -> list[SampleMessage]:
    return [each.message for each in messages_in_order([call], call.started_us + 1)]


def test_same_plan_makes_same_calls_in_any_part() -> None:
    assert history(2) == history(2)
    middle_us = NOW_US - DAY_US - 12_345_678
    parts = [
        *calls_between(PLAN, NOW_US - 2 * DAY_US, middle_us),
        *calls_between(PLAN, middle_us, NOW_US),
    ]
    assert parts == history(2)
    other = plan_of(2, NOW_US, NOW_US)
    assert list(calls_between(other, NOW_US - 2 * DAY_US, NOW_US)) != history(2)


def test_month_has_shape_of_days_and_weeks() -> None:
    calls = history(30)
    assert 19_000 < len(calls) < 21_000
    assert [call.started_us for call in calls] == sorted(call.started_us for call in calls)
    assert len({call.sid for call in calls}) == len(calls)
    # 08:00 UTC is the tenant's afternoon.
    hours = Counter((call.started_us // HOUR_US) % 24 for call in calls)
    assert hours[8] > 5 * hours[20]
    days = Counter(utc_text(call.started_us)[:10] for call in calls)
    assert days["2026-08-22"] < 0.8 * days["2026-08-20"]
    assert {call.route.name for call in calls} == {route.name for route in ROUTES}
    assert {call.status for call in calls} >= {
        Status.COMPLETED,
        Status.NO_ANSWER,
        Status.BUSY,
        Status.FAILED,
        Status.CANCELED,
    }


def test_routes_have_three_carriers_and_two_platforms() -> None:
    sources = {route.carrier for route in ROUTES} | {route.platform for route in ROUTES if route.platform}
    kinds = Counter(PROVIDERS[name].kind for name in sources)
    assert kinds == {ProviderKind.CARRIER: 3, ProviderKind.PLATFORM: 2}
    assert {route.direction for route in ROUTES} == set(Direction)


def share(calls: list[SampleCall], status: Status) -> float:
    return sum(call.status is status for call in calls) / len(calls)


def test_plan_has_outage_launch_and_current_incident() -> None:
    calls = history(30)
    launched = [call for call in calls if PLAN.launch.holds(call.route.name, call.started_us)]
    before = [call for call in calls if call.route.name == PLAN.launch.route and call not in set(launched)]
    assert share(launched, Status.COMPLETED) > share(before, Status.COMPLETED) + 0.1
    out = [call for call in calls if PLAN.outage.holds(call.route.name, call.started_us)]
    assert share(out, Status.FAILED) > 0.4
    current = [call for call in calls if PLAN.current.holds(call.route.name, call.started_us)]
    assert share(current, Status.NO_ANSWER) > 0.3


def test_few_messages_make_the_same_record_as_all() -> None:
    for call in history(1)[:150]:
        full, short = record(call, messages_of(call)), record(call, few_messages(call))
        assert full.status == short.status == call.status
        assert (full.from_number, full.to_number) == (short.from_number, short.to_number) == call.parties
        assert full.summary == short.summary
        assert full.escalated == short.escalated == call.is_escalated
        assert full.duration_seconds == short.duration_seconds
        assert (full.conflicts, short.conflicts) == (0, 0)
        assert len(few_messages(call)) <= len(messages_of(call))


def test_special_calls_are_escalated_merged_and_disputed() -> None:
    escalated, merged, disputed = special_calls(PLAN)
    assert {escalated, merged, disputed} <= set(history(1))
    assert record(escalated, messages_of(escalated)).transfer
    conversations = [
        unpack_conversation(fact.conversation)
        for message in messages_of(escalated)
        for fact in facts_of(message, message.at_us)
        if fact.conversation
    ]
    assert any(each.transcript and each.function_calls for each in conversations)
    assert {message.provider for message in messages_of(merged)} == {"vonage", "vapi", ""}
    assert record(merged, messages_of(merged)).conflicts == 0
    assert record(disputed, messages_of(disputed)).conflicts > 0


def test_messages_come_in_order_of_receipt_shortly_after_their_events() -> None:
    received = list(messages_in_order(history(1)[:200], 0))
    assert [each.received_us for each in received] == sorted(each.received_us for each in received)
    assert all(0 < each.received_us - each.message.at_us < 3 * SECOND_US for each in received)


def test_live_calls_start_at_once_and_are_as_many_as_in_the_history() -> None:
    live = list(takewhile(lambda call: call.started_us < NOW_US + DAY_US, live_calls(PLAN, NOW_US)))
    planned = list(calls_between(PLAN, NOW_US, NOW_US + DAY_US))
    assert live[0].started_us == NOW_US
    first = live[: len(ROUTES)]
    assert {call.route for call in first} == set(ROUTES)
    assert all(call.ended_us <= NOW_US + MINUTE_US for call in first)
    assert len(live) == len(planned) + len(first)
    assert not {call.sid for call in live} & {call.sid for call in planned}


def test_call_that_is_cut_short_has_ended() -> None:
    for call in history(1)[:100]:
        for seconds in (0, 3, 30):
            now_us = call.started_us + seconds * SECOND_US
            if now_us < call.ended_us:
                ended = call.cut_short(now_us)
                assert ended.sid == call.sid
                assert record(ended, messages_of(ended)).status in {Status.COMPLETED, Status.CANCELED}
