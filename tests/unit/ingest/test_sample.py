from collections import Counter, defaultdict
from urllib.parse import urlencode

import msgspec

from calltally.calls.conversation import unpack_conversation
from calltally.calls.events import Fact
from calltally.calls.fold import fold
from calltally.calls.identity import Node
from calltally.calls.model import STATUSES, Call, Status
from calltally.calls.times import DAY_US, parse_instant, utc_text
from calltally.ingest.event_body import parse_body
from calltally.ingest.sample.calls import CALLS, OwnEventBatch, ProviderCallback, SampleMessage
from calltally.ingest.sample.traffic import last_event, sample
from calltally.providers.callback import Callback
from calltally.providers.provider import ProviderKind
from calltally.providers.registry import PROVIDERS, WEBHOOKS

NOW_US = parse_instant("2026-08-22T08:00:00Z")


def facts_in(message: SampleMessage) -> list[Fact]:
    if isinstance(message, OwnEventBatch):
        events = parse_body(msgspec.json.encode(message.events), ndjson=False, now_us=NOW_US)
        assert not [fault for each in events for fault in each.faults]
        return [each.fact for each in events if each.fact]
    headers = {"content-type": message.content_type}
    return WEBHOOKS[message.provider].facts_of(Callback("POST", "", headers, message.encoded(), NOW_US))


def facts_by_sid() -> dict[str, dict[bytes, Fact]]:
    """Return the facts of each call by the carrier's SID."""
    by_sid: dict[str, dict[bytes, Fact]] = defaultdict(dict)
    for message in sample(NOW_US):
        for fact in facts_in(message):
            carriers = [node.call_sid for node in fact.links if node.is_carrier]
            by_sid[carriers[0] if carriers else fact.call_sid].setdefault(fact.key, fact)
    return by_sid


def folded() -> list[Call]:
    return [
        fold("demo", Node(sid, is_carrier=True), facts.values()).call for sid, facts in facts_by_sid().items()
    ]


def test_sample_is_deterministic_for_now() -> None:
    assert sample(NOW_US) == sample(NOW_US)
    assert sample(NOW_US) != sample(NOW_US + DAY_US)


def test_sample_has_all_kinds_of_calls_over_two_days() -> None:
    calls = folded()
    assert len(calls) == CALLS == 60
    statuses = Counter(call.status for call in calls)
    assert set(statuses) == set(STATUSES) - {Status.QUEUED, Status.INITIATED}
    assert {call.direction for call in calls} == {"inbound", "outbound"}
    assert {call.provider for call in calls} == {"twilio", "telnyx", "vonage", "kamailio"}
    for provider in ("telnyx", "vonage", "kamailio"):
        assert len({call.status for call in calls if call.provider == provider}) > 2
    starts = sorted(call.created_at for call in calls)
    assert (
        utc_text(NOW_US - 2 * DAY_US) <= starts[0] < utc_text(NOW_US - DAY_US) < starts[-1] < utc_text(NOW_US)
    )
    assert all(call.ended_at is None or call.ended_at < utc_text(NOW_US) for call in calls)
    assert not any(call.conflicts for call in calls)


def test_sample_has_three_carriers_two_platforms_and_a_switch() -> None:
    providers = {each.provider for each in sample(NOW_US) if not isinstance(each, OwnEventBatch)}
    kinds = Counter(PROVIDERS[name].kind for name in providers)
    assert kinds == {ProviderKind.CARRIER: 3, ProviderKind.PLATFORM: 2, ProviderKind.SWITCH: 1}


def test_report_after_a_call_belongs_to_it() -> None:
    completed = [call for call in folded() if call.status == Status.COMPLETED]
    assert all(call.summary and call.tags and call.duration_seconds for call in completed)
    escalated = [call for call in completed if call.escalated]
    assert escalated
    assert all(call.escalation and call.transfer for call in escalated)


def test_platform_calls_are_reported_by_carrier_too() -> None:
    pairs = {frozenset(fact.provider for fact in facts.values()) - {""} for facts in facts_by_sid().values()}
    assert pairs >= {
        frozenset({"twilio", "vapi"}),
        frozenset({"vonage", "vapi"}),
        frozenset({"twilio", "retell"}),
    }


def test_session_has_transcript_and_tool_call() -> None:
    sessions = [
        unpack_conversation(fact.conversation)
        for facts in facts_by_sid().values()
        for fact in facts.values()
        if fact.conversation
    ]
    assert len(sessions) > 10
    for each in sessions:
        assert each.transcript
        assert [turn.role for turn in each.transcript[:2]] == ["agent", "user"]
    used = [tool for each in sessions for tool in each.function_calls or ()]
    assert len(used) > 10
    assert all(tool.arguments and tool.result for tool in used)


def test_callbacks_are_repeated_and_out_of_order() -> None:
    sent = [each for each in sample(NOW_US) if isinstance(each, ProviderCallback)]
    callbacks = [each.content for each in sent if each.is_form]
    kinds = Counter(map(urlencode, callbacks))
    assert max(kinds.values()) == 2
    numbers: dict[str, list[int]] = defaultdict(list)
    for fields in callbacks:
        numbers[fields["CallSid"]].append(int(fields["SequenceNumber"]))
    assert any(order != sorted(order) for order in numbers.values())
    assert not all(each.is_form for each in sent)


def test_last_event_ends_the_sample() -> None:
    messages = sample(NOW_US)
    last = messages[-1]
    assert isinstance(last, OwnEventBatch)
    assert last_event(messages) == (last.events[-1]["call_sid"], last.events[-1]["id"])
    assert (
        sum(last.events[-1] in message.events for message in messages if isinstance(message, OwnEventBatch))
        == 1
    )
