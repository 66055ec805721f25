"""Parts of a call's page: timeline, conversation, conflicts, bodies."""

from typing import Any

import pytest

from calltally.web.dashboard.call.conversation import conversation
from calltally.web.dashboard.call.page import ConflictingValue, field_conflicts, other_ids, pretty_body
from calltally.web.dashboard.call.timeline import AFTER, END, LEFT, RIGHT, Timeline, TimelineLane, timeline
from calltally.web.dashboard.english.messages import text

DAY = "2026-10-01T"


def at(clock: str) -> str:
    return f"{DAY}{clock}.000000Z"


def fact(occurred: str, received: str, door: str = "callback", **stated: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "call_sid": "CA1",
        "provider": "twilio" if door == "callback" else None,
        "occurred_at": at(occurred),
        "received_at": at(received),
        "door": door,
        "said": stated,
        "outcome": "applied",
    }


def call(*facts: dict[str, Any], **changed: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "call_sid": "CA1",
        "status": "completed",
        "direction": "inbound",
        "from_number": "+14155550123",
        "to_number": None,
        "created_at": at("09:30:00"),
        "answered_at": at("09:30:13"),
        "ended_at": at("09:32:35"),
        "ring_seconds": 11,
        "duration_seconds": 142,
        "events": list(facts),
        "session": None,
        "deliveries": [],
        **changed,
    }


def timeline_of(record: dict[str, Any]) -> Timeline:
    return timeline(record, conversation(record))


def lanes(record: dict[str, Any]) -> dict[str, TimelineLane]:
    return {lane.name: lane for lane in timeline_of(record).lanes}


SESSION: dict[str, Any] = {
    "created_at": at("09:30:13"),
    "transcript": [
        {"role": "agent", "text": "Good morning.", "start_seconds": 1.0, "end_seconds": 3.0},
        {"role": "user", "text": "Hello.", "start_seconds": 4.0, "end_seconds": None},
        {"role": "system", "text": "A note.", "start_seconds": None, "end_seconds": None},
    ],
    "function_calls": [
        {
            "name": "find",
            "arguments": {"day": "Thursday"},
            "result": None,
            "error": "nothing there",
            "start_seconds": 3.5,
            "duration_seconds": 0.2,
        },
        {
            "name": "note",
            "arguments": None,
            "result": "kept",
            "error": None,
            "start_seconds": None,
            "duration_seconds": None,
        },
    ],
}


def test_fact_received_out_of_order_is_marked() -> None:
    record = lanes(
        call(
            fact("09:30:00", "09:30:09", status="initiated"),
            fact("09:30:02", "09:30:03", status="ringing"),
            fact("09:32:35", "09:32:36", door="own_event", summary="x"),
        )
    )
    assert [mark.is_late for mark in record["lane_carrier"].marks] == [False, True]
    assert [mark.label for mark in record["lane_carrier"].marks] == ["initiated", "ringing"]
    assert [mark.label for mark in record["lane_own"].marks] == ["summary"]
    assert [bar.kind for bar in record["lane_call"].bars] == ["ringing", "talking"]
    first, second = record["lane_carrier"].marks
    assert (first.x, second.arrived) == (LEFT, None)
    assert first.arrived is not None
    assert first.x < second.x < first.arrived


def test_events_after_the_end_have_their_own_scale() -> None:
    delivery = {"event": "voice.call.completed", "state": "waiting", "updated_at": at("11:32:35")}
    record = timeline_of(call(fact("09:32:35", "09:32:35", status="completed"), deliveries=[delivery]))
    by_name = {lane.name: lane for lane in record.lanes}
    assert record.has_after
    assert by_name["lane_carrier"].marks[0].x == END
    [delivered] = by_name["lane_deliveries"].marks
    assert (delivered.x, delivered.is_late) == (RIGHT, True)
    assert record.ticks[-1] == (RIGHT, "+2 h 0 min")
    assert all(position < AFTER for position, _label in record.ticks[:-1])


def test_import_days_later_has_no_lag_line() -> None:
    late = {**fact("09:30:00", "09:30:00", door="import"), "received_at": "2026-11-01T00:00:00.000000Z"}
    assert lanes(call(late))["lane_list"].marks[0].arrived is None


def test_open_call_extends_to_its_last_event() -> None:
    record = lanes(
        call(fact("09:30:40", "09:30:40"), ended_at=None, duration_seconds=None, ring_seconds=None)
    )
    assert [(bar.kind, bar.label) for bar in record["lane_call"].bars] == [("talking", "")]
    assert record["lane_carrier"].marks[0].label == "applied"


def test_nearly_empty_call_has_a_timeline() -> None:
    record = timeline_of(call(ended_at=None, answered_at=None, ring_seconds=None))
    assert (record.lanes, record.ticks) == ([], [(LEFT, "0:00"), (RIGHT, "0:01")])


def test_conversation_without_a_start_of_its_own_begins_with_the_platform_or_the_answer() -> None:
    session = {**SESSION, "id": "s-1", "created_at": at("09:30:00")}
    report = fact("09:33:00", "09:33:00", session_id="s-1", started_at=at("09:30:15"))
    unanswered = call(answered_at=None, session=session)
    first = [
        conversation(each)[0] for each in (call(session=session), call(report, session=session), unanswered)
    ]
    assert [entry.offset_s for entry in first] == [13, 15, 0]


def test_turns_and_tool_calls_are_one_conversation() -> None:
    escalated = fact(
        *("09:30:20", "09:30:21", "own_event"),
        escalated=True,
        escalation={"target": "desk", "reason": None},
        transfer={"target": "desk", "outcome": "bridged"},
    )
    entries = conversation(call(escalated, session=SESSION))
    assert [(entry.kind, entry.clock, entry.label) for entry in entries] == [
        ("tool", "", "note"),
        ("agent", "0:14", "agent"),
        ("tool", "0:16", "find"),
        ("user", "0:17", "user"),
        ("other", "", "system"),
        ("hand-over", "0:20", "desk"),
    ]
    assert [entry.is_failed for entry in entries] == [False, False, True, False, False, False]
    assert entries[2].details == [("arguments", '{"day":"Thursday"}'), ("error", "nothing there")]
    assert entries[-1].details == [("target", "desk"), ("outcome", "bridged")]
    assert len({entry.anchor for entry in entries}) == len(entries)
    rendered_lanes = lanes(call(escalated, session=SESSION))
    assert [len(rendered_lanes[f"lane_{name}"].bars) for name in ("speech", "tools", "hand_over")] == [
        3,
        2,
        1,
    ]


def test_escalation_without_details() -> None:
    [entry] = conversation(call(fact("09:30:20", "09:30:20", escalated=True)))
    assert (entry.label, entry.details) == ("escalated", [])


def test_hidden_transcript_is_absent() -> None:
    assert conversation(call(session={**SESSION, "transcript": None, "function_calls": None})) == []


def test_contradicting_sources() -> None:
    record = call(
        fact("09:30:00", "09:30:00", status="ringing", from_number="+14155550123"),
        fact("09:32:34", "09:32:34", status="no-answer", from_number="+14155550123"),
        fact("09:32:35", "09:32:35", "own_event", status="completed"),
    )
    [dispute] = field_conflicts(record)
    assert dispute.name == "status"
    assert dispute.values == [
        ConflictingValue("no-answer", ["twilio / callback"], counts=False),
        ConflictingValue("completed", ["own event"], counts=True),
    ]
    assert dispute.reason == text("counts_answered", value="completed")


def test_reason_of_the_value_that_the_record_uses() -> None:
    busy = fact("09:30:10", "09:30:10", status="busy", from_number="+14155550123")
    ended = fact("09:30:11", "09:30:11", status="completed", from_number="+14155550199")
    record = call(busy, ended, status="busy", answered_at=None, from_number="+14155550123")
    reasons = {each.name: each.reason for each in field_conflicts(record)}
    assert reasons == {
        "status": text("counts_unproven", value="busy"),
        "from_number": text("counts_rank", value="+14155550123"),
    }
    failed = fact("09:30:12", "09:30:12", "own_event", status="failed")
    [dispute] = field_conflicts(call(busy, failed, status="busy", answered_at=None))
    assert dispute.reason == text("counts_rank", value="busy")


def test_other_ids_of_a_merged_call() -> None:
    other = {**fact("09:30:00", "09:30:00"), "call_sid": "vapi-1"}
    assert other_ids(call(fact("09:30:00", "09:30:00"), other, other)) == ["vapi-1"]


@pytest.mark.parametrize(
    ("raw", "displayed"),
    [
        ('{"a":[1]}', '{\n  "a": [\n    1\n  ]\n}'),
        ("CallSid=CA1&To=%2B1415&Empty=", "CallSid: CA1\nTo: +1415\nEmpty: "),
        ("neither of them", "neither of them"),
        ("", ""),
    ],
)
def test_bodies_are_pretty_printed(raw: str, displayed: str) -> None:
    assert pretty_body(raw) == displayed
