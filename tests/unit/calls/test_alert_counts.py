"""Counts of a call in the five-minute steps of alerts."""

import pytest

from calltally.calls.alert_counts import COLUMNS, AlertCount, alert_counts_of_call, alert_counts_of_record
from calltally.calls.errors import DamagedStore
from calltally.calls.fold import fold
from calltally.calls.identity import Node
from calltally.calls.model import encode_body, finish_record
from tests.sample_facts import SID, fact


def counts_of(*stated_fields: dict[str, object]) -> tuple[AlertCount, ...]:
    facts = [fact(at, **stated) for at, stated in enumerate(stated_fields)]  # type: ignore[arg-type]
    return alert_counts_of_call(fold("acme", Node(SID, is_carrier=True), facts).call)


def final_columns(*stated_fields: dict[str, object]) -> set[str]:
    """Return the columns that a final call counts in."""
    _started, (_key, cells) = counts_of(*stated_fields)
    return {name for name, count in zip(COLUMNS, cells, strict=True) if count}


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({"status": "no-answer"}, {"final", "no_answer"}),
        ({"status": "busy"}, {"final", "busy"}),
        ({"status": "canceled"}, {"final", "canceled"}),
        ({"status": "completed", "talk_seconds": 3}, {"final", "answered", "completed"}),
        ({"status": "completed"}, {"final", "completed"}),
        ({"status": "failed"}, {"final", "failed"}),
        ({"status": "failed", "sip_code": 503}, {"final", "failed", "provider_failed"}),
        ({"status": "failed", "sip_code": 404}, {"final", "failed"}),
        ({"status": "failed", "sip_code": 408}, {"final", "failed", "provider_failed"}),
        (
            {"status": "completed", "talk_seconds": 3, "transfer": {"outcome": "bridged"}},
            {"final", "answered", "completed", "transferred"},
        ),
        (
            {"status": "completed", "talk_seconds": 3, "transfer": {"outcome": "failed"}},
            {"final", "answered", "completed"},
        ),
    ],
)
def test_final_call_counts_in_expected_columns(stated: dict[str, object], expected: set[str]) -> None:
    assert final_columns(stated) == expected


def test_timeout_after_ringing_is_no_provider_fault() -> None:
    assert final_columns({"status": "ringing"}, {"status": "failed", "sip_code": 408}) == {"final", "failed"}


def test_open_call_counts_only_as_started() -> None:
    (started,) = counts_of({"status": "ringing", "route": "a", "agent": "vera"})
    assert (started.key.route, started.key.agent, started.key.provider_account) == ("a", "vera", "")
    assert sum(started.cells) == started.cells[0] == 1


def test_record_has_same_counts_as_its_call() -> None:
    folded = fold("acme", Node(SID, is_carrier=True), [fact(1, status="failed", sip_code=503, route="a")])
    assert alert_counts_of_record(finish_record(encode_body(folded.call), 7, 1)) == alert_counts_of_call(
        folded.call
    )


@pytest.mark.parametrize("record", [b"", b"{}", b'{"status": 5}', b"\xff"])
def test_invalid_record_raises_damaged_store(record: bytes) -> None:
    with pytest.raises(DamagedStore):
        alert_counts_of_record(record)
