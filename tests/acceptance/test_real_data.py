"""All real data through HTTP: in order, shuffled, three times, the list is the same to the byte."""

import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby
from random import Random
from typing import Any, NamedTuple

import pytest

from calltally.calls.times import SECOND_US
from calltally.ingest.event_body import MAX_EVENTS
from calltally.store.tenants.dead_letters import list_dead_letters
from calltally.store.verify.run import Verification
from tests.acceptance.real_data import (
    Message,
    OwnEvent,
    example_callbacks,
    example_calls,
    own_event,
    send,
    switch_lines,
    vector_callbacks,
)
from tests.conftest import TENANT, Bench
from tests.integration.ingest.service import Service

# After the last of the data, so that nothing in it is from the future.
NOW_US = 1_795_600_000 * SECOND_US
LIST = "/api/v1/call-logs?limit=1000"
# A vector without a call, one whose JSON is about none, the examples of recordings and of request logs.
NOT_OF_CALLS = Counter({"the body: contains no Call resource": 6})
# A signed callback without a call and a status is stored and is no dead letter.
UNREAD = 1
WRITTEN = re.compile(rb',"revision":\d+,"updated_at":"[^"]*"|,"snapshot":"[^"]*"')


class Sent(NamedTuple):
    """How the answers counted what was sent, and the list afterwards but for when it was written."""

    outcomes: Counter[str]
    listed: bytes


def all_messages() -> list[Message]:
    return [*vector_callbacks(), *example_callbacks(), *map(own_event, switch_lines())]


def shuffled(messages: Sequence[Message], seed: int) -> list[Message]:
    return random.Random(seed).sample(messages, len(messages))


def send_all(bench: Bench, messages: Iterable[Message]) -> Sent:
    """Send them in this order, neighbouring own events as a batch."""
    bench.now_us = NOW_US
    service = Service(bench)
    outcomes: Counter[str] = Counter()
    for answer in map(partial(send, service), _requests(messages)):
        assert answer.status_code in {200, 202}, answer.text
        outcomes.update(map(_outcome, answer.json()["outcomes"]))
    listed = service.request("GET", LIST, headers=service.bearer("calls:read"))
    return Sent(outcomes, WRITTEN.sub(b"", listed.content))


def _outcome(each: dict[str, Any]) -> str:
    """Tell ignored facts of a call from messages of unknown kinds."""
    is_unread = each["outcome"] == "ignored" and each["call_id"] is None
    return "unread" if is_unread else str(each["outcome"])


def _requests(messages: Iterable[Message]) -> Iterator[Any]:
    for is_own, neighbours in groupby(messages, lambda message: isinstance(message, OwnEvent)):
        run = list(neighbours)
        yield from batches(run) if is_own else run


def batches(events: Sequence[Message]) -> Iterator[Sequence[Message]]:
    for start in range(0, len(events), MAX_EVENTS):
        yield events[start : start + MAX_EVENTS]


@pytest.fixture(scope="module")
def messages() -> list[Message]:
    return all_messages()


def test_all_of_it_goes_in(bench: Bench, messages: list[Message]) -> None:
    sent = send_all(bench, messages)
    assert set(sent.outcomes) == {"applied", "ignored", "duplicate", "dead_letter", "unread"}
    calls = json.loads(sent.listed)["data"]
    assert Counter(call["provider"] for call in calls) == {"kamailio": 201, "twilio": 3}
    of_twilio = {call["call_sid"] for call in calls if call["provider"] == "twilio"}
    assert of_twilio == {"CA1234567890ABCDE", *(resource["sid"] for resource in example_calls())}
    verdict = bench.run(Verification(bench.store, lambda _kind, _count: None, Random(1)).run([TENANT]))
    assert verdict.findings == []


def test_what_is_of_no_call_waits_as_dead_letters(bench: Bench, messages: list[Message]) -> None:
    sent = send_all(bench, messages)
    letters = bench.run(bench.store.read(list_dead_letters(TENANT)))
    assert Counter(letter.reason for letter in letters) == NOT_OF_CALLS
    assert sent.outcomes["dead_letter"] == NOT_OF_CALLS.total()
    assert sent.outcomes["unread"] == UNREAD


def test_the_switch_reports_401_facts_and_4_repeats_of_201_calls(bench: Bench) -> None:
    sent = send_all(bench, [own_event(line) for line in switch_lines()])
    assert (new_facts(sent), sent.outcomes) == (401, {"applied": 401, "duplicate": 4})
    calls = json.loads(sent.listed)["data"]
    assert Counter(call["status"] for call in calls) == {"completed": 200, "failed": 1}
    assert {call["call_sid"]: call["duration_seconds"] for call in calls} == talked_seconds()


def talked_seconds() -> dict[str, int]:
    """Talk time by the switch's own stamps: from `answered` to `ended`, 0 where nobody answered."""
    lines = switch_lines()
    answered = {line["call_id"]: int(line["ts"]) for line in lines if line["event"] == "answered"}
    ended = {line["call_id"]: int(line["ended_at"]) for line in lines if line["event"] == "ended"}
    failed = dict.fromkeys((line["call_id"] for line in lines if line["event"] == "failed"), 0)
    return {call_id: ended[call_id] - answered[call_id] for call_id in answered} | failed


def test_order_makes_no_difference(new_bench: Callable[[], Bench], messages: list[Message]) -> None:
    expected = send_all(new_bench(), messages).listed
    for seed in (1, 2, 3):
        assert send_all(new_bench(), shuffled(messages, seed)).listed == expected
    assert send_all(new_bench(), messages[::-1]).listed == expected


def test_thrice_is_as_once(new_bench: Callable[[], Bench], messages: list[Message]) -> None:
    once = send_all(new_bench(), messages)
    for thrice in (messages * 3, shuffled(messages * 3, seed=4), [m for m in messages for _ in range(3)]):
        sent = send_all(new_bench(), thrice)
        assert sent.listed == once.listed
        assert sent.outcomes["dead_letter"] == 3 * once.outcomes["dead_letter"]
        assert sent.outcomes.total() == 3 * once.outcomes.total()
        assert new_facts(sent) == new_facts(once)


def new_facts(sent: Sent) -> int:
    return sent.outcomes["applied"] + sent.outcomes["ignored"]
