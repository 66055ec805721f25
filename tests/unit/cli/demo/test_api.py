from collections import Counter

from calltally.cli.demo.api import received_events


def test_received_events_lack_repeat_and_contradict_some_calls() -> None:
    calls = [
        {"call_sid": f"CA{number}", "status": "completed", "ended_at": "2026-10-01T09:00:00Z"}
        for number in range(200)
    ]
    events = list(received_events(calls))
    copies = Counter(event["data"]["call_sid"] for event in events)
    assert 0 < sum(call["call_sid"] not in copies for call in calls) < 10
    assert 0 < sum(number > 1 for number in copies.values()) < 10
    assert 0 < sum(event["data"]["status"] == "failed" for event in events) < 10
