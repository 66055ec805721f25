"""Records of Retell's calls: start times, transfers, mailboxes and the tenant's own data."""

from itertools import permutations
from typing import Any

import pytest

from calltally.calls.fold import fold
from calltally.calls.identity import Node
from calltally.calls.model import Call
from calltally.providers.callback import Callback
from calltally.providers.retell import normalise
from tests.unit.providers.retell.samples import ANALYSED, BUSY, DONE, TALK, call, event
from tests.unit.providers.sampling import NOW_US

START_MS, END_MS = 1_787_385_600_000, 1_787_385_630_000


def record_of(call_id: str, *bodies: bytes) -> Call:
    facts = [
        fact
        for body in bodies
        for fact in normalise.facts_of(Callback("POST", "https://calls.example/", {}, body, NOW_US))
    ]
    return fold("acme", Node(call_id, is_carrier=False), facts).call


def ended(**fields: Any) -> bytes:  # noqa: ANN401 (JSON)
    return event("call_ended", call(TALK, **{**DONE, **fields})).body


@pytest.mark.parametrize(("reason", "status"), [("dial_busy", "busy"), ("dial_no_answer", "no-answer")])
def test_unanswered_calls_are_created_at_their_start(reason: str, status: str) -> None:
    of = call(
        BUSY,
        call_status="not_connected",
        disconnection_reason=reason,
        start_timestamp=START_MS,
        end_timestamp=END_MS,
    )
    bodies = [event("call_ended", of).body, event("call_analyzed", of).body]
    for order in permutations([*bodies, bodies[0]]):
        record = record_of(BUSY, *order)
        assert (record.status, record.created_at[:19]) == (status, "2026-08-22T08:00:00")
        assert (record.ended_at or "")[:19] == "2026-08-22T08:00:30"


def test_metadata_and_dynamic_variables_are_kept() -> None:
    record = record_of(
        TALK,
        ended(
            metadata={"order": 7},
            retell_llm_dynamic_variables={"name": "Ada", "mood": "calm"},
            collected_dynamic_variables={"mood": "glad"},
        ),
    )
    assert record.metadata == {"order": 7, "dynamic_variables": {"name": "Ada", "mood": "glad"}}


@pytest.mark.parametrize("metadata", [None, {}, "text", {"a": "x" * 20_000}, {"a": "\0"}])
def test_metadata_that_no_record_can_hold_is_left_out(metadata: object) -> None:
    variables = dict.fromkeys(("retell_llm_dynamic_variables", "collected_dynamic_variables"))
    assert record_of(TALK, ended(metadata=metadata, **variables)).metadata is None


def test_a_canceled_transfer_is_a_failed_one() -> None:
    record = record_of(
        TALK, ended(disconnection_reason="transfer_cancelled", transfer_destination="+14155550199")
    )
    assert record.status == "completed"
    assert record.transfer == {"target": "+14155550199", "outcome": "failed"}


@pytest.mark.parametrize(
    "fields", [{"disconnection_reason": "voicemail_reached"}, {"call_analysis": {"in_voicemail": True}}]
)
def test_a_mailbox_is_answered_by_a_machine(fields: dict[str, object]) -> None:
    body = event("call_analyzed", call(TALK, **{**ANALYSED, **fields})).body
    assert record_of(TALK, body).answered_by == "machine"


def test_without_personal_data_the_scrubbed_recording_counts() -> None:
    url = "https://storage.retell.example/scrubbed.wav"
    assert record_of(TALK, ended(recording_url=None, scrubbed_recording_url=url)).recording_url == url
