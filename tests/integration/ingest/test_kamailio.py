"""The events of real SIP calls, sent as own events: in order, shuffled, and each three times."""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from calltally.calls.times import SECOND_US, parse_instant, utc_text
from tests.conftest import Bench
from tests.integration.ingest.service import Service

EVENTS = Path(__file__).parents[4] / "shared" / "data" / "kamailio" / "dialog_events.jsonl"
NOW_US = 1_795_600_000 * SECOND_US
STATUSES = {"answered": "in-progress", "ended": "completed", "failed": "failed"}

Json = dict[str, Any]


def time_of(seconds: str) -> str:
    return utc_text(int(seconds) * SECOND_US)


def own_event(line: Json) -> Json:
    """What a tenant would send for one line of the switch."""
    event: Json = {
        "id": f"{line['call_id']} {line['event']}",
        "call_sid": line["call_id"],
        "occurred_at": time_of(line["ended_at"] if "ended_at" in line else line["ts"]),
        "provider": "kamailio",
        "direction": "inbound",
        "status": STATUSES[line["event"]],
        "from_number": line["from"],
        "to_number": line["to"],
    }
    if "invited_at" in line:
        event["started_at"] = time_of(line["invited_at"])
    return event


@pytest.fixture(scope="module")
def events() -> list[Json]:
    return [own_event(json.loads(line)) for line in EVENTS.read_text().splitlines()]


def shuffled(events: list[Json], seed: int) -> list[Json]:
    return random.Random(seed).sample(events, len(events))  # noqa: S311 - an order, not a secret


def send(bench: Bench, events: Iterable[Json]) -> tuple[Counter[str], list[Json]]:
    """What became of the events, and the list that they make (without what depends on their order)."""
    bench.now_us = NOW_US
    service = Service(bench)
    body = "\n".join(map(json.dumps, events)).encode()
    headers = {"content-type": "application/x-ndjson", **service.bearer("events:write")}
    answer = service.ask("POST", "/api/v1/events", body, headers)
    reader = service.bearer("calls:read")
    calls = service.ask("GET", "/api/v1/call-logs?limit=1000", headers=reader).json()["data"]
    for call in calls:
        del call["revision"], call["updated_at"]
    return Counter(each["outcome"] for each in answer.json()["outcomes"]), calls


def test_real_calls(bench: Bench, events: list[Json]) -> None:
    outcomes, calls = send(bench, events)
    assert (outcomes.total(), outcomes["duplicate"], outcomes["refused"]) == (405, 4, 0)
    assert Counter(call["status"] for call in calls) == {"completed": 200, "failed": 1}
    completed = [call for call in calls if call["status"] == "completed"]
    talked_us = [parse_instant(call["ended_at"]) - parse_instant(call["answered_at"]) for call in completed]
    assert [call["duration_seconds"] for call in completed] == [span // SECOND_US for span in talked_us]
    answered = {each["call_sid"]: each["occurred_at"] for each in events if each["status"] == "in-progress"}
    assert {call["call_sid"]: call["answered_at"] for call in calls if call["answered_at"]} == answered


def test_order_and_repeats_make_no_difference(new_bench: Callable[[], Bench], events: list[Json]) -> None:
    _, expected = send(new_bench(), events)
    _, mixed = send(new_bench(), shuffled(events, seed=1))
    assert mixed == expected


def test_thrice_is_as_once(bench: Bench, events: list[Json]) -> None:
    _, expected = send(bench, events)
    for seed in (2, 3):
        outcomes, again = send(bench, shuffled(events, seed))
        assert outcomes == {"duplicate": 405}
        assert again == expected
