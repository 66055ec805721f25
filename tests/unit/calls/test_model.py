"""Public record: its fields, its vocabulary, and the ledger's revision and time."""

import json
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from calltally.calls.fold import fold
from calltally.calls.identity import Node
from calltally.calls.model import (
    CALL_FIELDS,
    DIRECTION_NUMBER,
    FINAL,
    OPEN,
    STATUS_NUMBER,
    STATUSES,
    UNANSWERED,
    encode_body,
    finish_record,
    record_body,
)
from tests.examples import examples
from tests.sample_facts import SID, own

# Contract section 1, in its order.
FIELDS = [
    "id",
    "call_sid",
    "direction",
    "status",
    "duration_seconds",
    "escalated",
    "summary",
    "created_at",
    "answered_at",
    "ended_at",
    "ring_seconds",
    "from_number",
    "to_number",
    "route",
    "agent",
    "provider",
    "provider_account",
    "end_reason",
    "hangup_cause",
    "sip_code",
    "error_code",
    "answered_by",
    "escalation",
    "transfer",
    "session_id",
    "recording_url",
    "cost",
    "parent_call_sid",
    "tags",
    "metadata",
    "conflicts",
    "revision",
    "updated_at",
]
TAIL = ',"revision":7,"updated_at":"2026-10-01T00:00:00.000000Z"}'

json_text = st.sampled_from([TAIL, TAIL[:-1], ',"revision":', '"}', "\\", '\\"', "\u2028"]) | st.text(
    max_size=8
)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | json_text,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(json_text, inner, max_size=2),
    max_leaves=4,
)


def body_of(**stated: Any) -> bytes:  # noqa: ANN401 (values of every kind)
    return encode_body(fold("acme", Node(SID, is_carrier=True), [own(1, **stated)]).call)


def test_record_has_fields_of_contract_in_order() -> None:
    assert list(CALL_FIELDS) == FIELDS
    assert list(json.loads(finish_record(body_of(), 1, 0))) == FIELDS


def test_stored_numbers_of_words_never_change() -> None:
    assert STATUS_NUMBER == {
        "queued": 0,
        "initiated": 1,
        "ringing": 2,
        "in-progress": 3,
        "completed": 4,
        "busy": 5,
        "failed": 6,
        "no-answer": 7,
        "canceled": 8,
    }
    assert DIRECTION_NUMBER == {None: 0, "inbound": 1, "outbound": 2}


def test_every_state_is_open_or_final_and_only_completed_is_answered() -> None:
    assert set(STATUSES) == OPEN | FINAL
    assert not OPEN & FINAL
    assert {"completed"} == FINAL - UNANSWERED


def test_finished_record_has_revision_and_time() -> None:
    record = json.loads(finish_record(body_of(), 42, 1_790_000_040_000_001))
    assert (record["revision"], record["updated_at"]) == (42, "2026-09-21T14:14:00.000001Z")


@settings(max_examples=examples(30))
@given(
    st.dictionaries(json_text, json_values, max_size=3),
    json_text,
    st.integers(1, 2**53),
    st.integers(0, 4_000_000_000_000_000),
)
def test_body_of_finished_record_is_the_original_body(
    metadata: dict[str, Any], summary: str, revision: int, updated_us: int
) -> None:
    """A tenant's own text may contain the same characters as the end of a record."""
    body = body_of(metadata=metadata, summary=summary, tags=[summary])
    record = finish_record(body, revision, updated_us)
    assert record_body(record) == body
    call = json.loads(record)
    assert (call["metadata"], call["summary"], call["revision"]) == (metadata, summary, revision)
    assert msgspec.json.decode(record) == call
