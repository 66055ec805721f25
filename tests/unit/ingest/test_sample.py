from collections import Counter, defaultdict
from urllib.parse import urlencode

import msgspec

from calltally.calls.events import Fact
from calltally.calls.identity import Node
from calltally.calls.lifecycle import fold
from calltally.calls.model import STATUSES, Call, Status
from calltally.calls.times import DAY_US, parse_instant, utc_text
from calltally.ingest.event_body import read_body
from calltally.ingest.sample import CALLS, Message, OwnEvents, SwitchEvent, TwilioCallback, last_event, sample
from calltally.providers.callback import Callback
from calltally.providers.kamailio.events import facts_of as switch_facts
from calltally.providers.twilio.normalise import facts_of

NOW_US = parse_instant("2026-08-22T08:00:00Z")


def facts_in(message: Message) -> list[Fact]:
    if isinstance(message, TwilioCallback):
        return facts_of(Callback("POST", "", {}, urlencode(message.fields).encode(), NOW_US))
    if isinstance(message, SwitchEvent):
        return switch_facts(Callback("POST", "", {}, msgspec.json.encode(message.event), NOW_US))
    told = read_body(msgspec.json.encode(message.events), ndjson=False, now_us=NOW_US)
    assert not [fault for each in told for fault in each.faults]
    return [each.fact for each in told if each.fact]


def folded() -> list[Call]:
    by_sid: dict[str, dict[bytes, Fact]] = defaultdict(dict)
    for message in sample(NOW_US):
        for fact in facts_in(message):
            by_sid[fact.call_sid].setdefault(fact.key, fact)
    return [fold("demo", Node(sid, is_carrier=True), facts.values()).call for sid, facts in by_sid.items()]


def test_the_same_now_gives_the_same_messages() -> None:
    assert sample(NOW_US) == sample(NOW_US)
    assert sample(NOW_US) != sample(NOW_US + DAY_US)


def test_it_has_calls_of_every_kind_over_two_days() -> None:
    calls = folded()
    assert len(calls) == CALLS == 60
    statuses = Counter(call.status for call in calls)
    assert set(statuses) == set(STATUSES) - {Status.QUEUED, Status.INITIATED}
    assert {call.direction for call in calls} == {"inbound", "outbound"}
    assert {call.provider for call in calls} >= {"twilio", "kamailio"}
    assert len({call.status for call in calls if call.provider == "kamailio"}) > 2
    starts = sorted(call.created_at for call in calls)
    assert (
        utc_text(NOW_US - 2 * DAY_US) <= starts[0] < utc_text(NOW_US - DAY_US) < starts[-1] < utc_text(NOW_US)
    )
    assert all(call.ended_at is None or call.ended_at < utc_text(NOW_US) for call in calls)
    assert not any(call.conflicts for call in calls)


def test_what_the_tenant_tells_is_of_the_same_calls() -> None:
    completed = [call for call in folded() if call.status == Status.COMPLETED]
    assert all(call.summary and call.tags and call.session_id and call.duration_seconds for call in completed)
    escalated = [call for call in completed if call.escalated]
    assert escalated
    assert all(call.escalation and call.transfer for call in escalated)


def test_callbacks_come_repeated_and_out_of_order() -> None:
    callbacks = [message.fields for message in sample(NOW_US) if isinstance(message, TwilioCallback)]
    kinds = Counter(map(urlencode, callbacks))
    assert max(kinds.values()) == 2
    numbers: dict[str, list[int]] = defaultdict(list)
    for fields in callbacks:
        numbers[fields["CallSid"]].append(int(fields["SequenceNumber"]))
    assert any(told != sorted(told) for told in numbers.values())


def test_the_last_event_ends_the_sample() -> None:
    messages = sample(NOW_US)
    last = messages[-1]
    assert isinstance(last, OwnEvents)
    assert last_event(messages) == (last.events[-1]["call_sid"], last.events[-1]["id"])
    assert (
        sum(last.events[-1] in message.events for message in messages if isinstance(message, OwnEvents)) == 1
    )
