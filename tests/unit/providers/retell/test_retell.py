"""Peculiarities of Retell: end words, costs in cents, and transfers."""

import csv
import json
from pathlib import Path

import pytest

from calltally.calls.conversation import unpack_conversation
from calltally.calls.events import Fact
from calltally.calls.fold import fold
from calltally.calls.identity import Node
from calltally.calls.model import UNANSWERED
from calltally.providers.callback import Callback
from calltally.providers.platform_reports import match_end_reason
from calltally.providers.retell import normalise, words
from tests.unit.providers.retell.samples import ANALYSED, CARRIER, DONE, TALK, TALKED, call, event
from tests.unit.providers.sampling import NOW_US

with (Path(__file__).parent / "ended_reasons.csv").open(newline="") as file:
    # Each reason in Retell's SDK, and the reading of a call that started.
    READINGS = [tuple(row) for row in list(csv.reader(file))[1:]]


def parsed(body: bytes) -> list[Fact]:
    return normalise.facts_of(Callback("POST", "https://calls.example/", {}, body, NOW_US))


@pytest.mark.parametrize("expected", READINGS, ids=lambda row: str(row[0]))
def test_each_reason_of_the_sdk_is_read_as_in_the_table(expected: tuple[str, ...]) -> None:
    reason, status, end_reason, side, transfer = expected
    ended = {**DONE, "disconnection_reason": reason}
    [fact] = parsed(event("call_ended", call(TALK, **ended)).body)
    why = match_end_reason(reason, words.END_REASON_PATTERNS)
    assert why is not None
    assert (fact.stated["status"], why.reason, why.side or "") == (status, end_reason, side)
    assert fact.stated.get("transfer", {}).get("outcome", "") == transfer
    unconnected = {**ended, "call_status": "not_connected"}
    [fact] = parsed(event("call_ended", call(TALK, **unconnected)).body)
    assert fact.stated["status"] in UNANSWERED


def test_analysed_calls_are_read_completely() -> None:
    [fact] = parsed(event("call_analyzed", call(TALK, **ANALYSED)).body)
    assert fact.links == (Node(CARRIER, is_carrier=True),)
    record = fold("acme", Node(TALK, is_carrier=False), [fact]).call
    assert {name: getattr(record, name) for name in TALKED} == TALKED
    conversation = unpack_conversation(fact.conversation)
    assert [(turn.role, turn.end_seconds) for turn in conversation.transcript or ()] == [
        ("agent", 1.4),
        ("user", None),
    ]
    [tool] = conversation.function_calls or []
    assert (tool.name, tool.arguments, tool.result) == ("book", {"at": "20:00"}, {"booked": True})


def test_transfer_events_give_their_outcomes() -> None:
    for name, outcome in words.TRANSFER_OUTCOMES.items():
        body = {"event": name, "call": {"call_id": TALK}, "transfer_destination": {"number": "+14155550199"}}
        [fact] = parsed(json.dumps(body).encode())
        assert fact.stated["transfer"] == {"target": "+14155550199", "outcome": outcome}


def test_ignored_events_give_no_facts() -> None:
    assert parsed(event("transcript_updated", call(TALK)).body) == []
