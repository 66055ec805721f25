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
    folded = fold("acme", Node(SID, is_carrier=True), facts)
    return alert_counts_of_call(folded.call, knows_transfers=folded.knows_transfers)


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
            {"final", "answered", "completed"},
        ),
        (
            {"status": "completed", "talk_seconds": 3, "transfer": {"outcome": "failed"}},
            {"final", "answered", "completed"},
        ),
    ],
)
def test_final_call_counts_in_expected_columns(stated: dict[str, object], expected: set[str]) -> None:
    assert final_columns(stated) == expected


@pytest.mark.parametrize(
    ("outcome", "more"),
    [("bridged", {"transferred", "transfer_known"}), ("failed", {"transfer_known"})],
)
def test_transfers_count_with_a_source_that_reports_them(outcome: str, more: set[str]) -> None:
    done = fact(1, status="completed", talk_seconds=3)
    report = fact(2, is_carrier=False, provider="vapi", status="completed", transfer={"outcome": outcome})
    folded = fold("acme", Node(SID, is_carrier=True), [done, report])
    _started, (_key, cells) = alert_counts_of_call(folded.call, knows_transfers=folded.knows_transfers)
    found = {name for name, count in zip(COLUMNS, cells, strict=True) if count}
    assert found == {"final", "answered", "completed"} | more


def test_timeout_after_ringing_is_no_provider_fault() -> None:
    assert final_columns({"status": "ringing"}, {"status": "failed", "sip_code": 408}) == {"final", "failed"}


def test_open_call_counts_only_as_started() -> None:
    (started,) = counts_of({"status": "ringing", "route": "a", "agent": "vera"})
    assert (started.key.route, started.key.agent, started.key.provider_account) == ("a", "vera", "")
    assert sum(started.cells) == started.cells[0] == 1


def test_record_has_same_counts_as_its_call() -> None:
    folded = fold("acme", Node(SID, is_carrier=True), [fact(1, status="failed", sip_code=503, route="a")])
    record = finish_record(encode_body(folded.call), 7, 1)
    for known in (False, True):
        assert alert_counts_of_record(record, knows_transfers=known) == alert_counts_of_call(
            folded.call, knows_transfers=known
        )


@pytest.mark.parametrize("record", [b"", b"{}", b'{"status": 5}', b"\xff"])
def test_invalid_record_raises_damaged_store(record: bytes) -> None:
    with pytest.raises(DamagedStore):
        alert_counts_of_record(record, knows_transfers=True)
