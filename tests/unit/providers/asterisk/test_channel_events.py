"""Transfers in Asterisk's logs: the channel event log, the application Transfer, channel variables."""

import json
from itertools import permutations

import pytest

from calltally.calls.events import Channel, Fact
from calltally.calls.fold import fold
from calltally.calls.identity import Node
from calltally.calls.model import Call
from calltally.providers.asterisk.files import list_facts
from calltally.providers.asterisk.words import EVENT_COLUMNS
from calltally.providers.callback import RecordSource, UnreadableRecord
from tests.unit.providers.asterisk.samples import PLAIN, ROWS, row
from tests.unit.providers.sampling import NOW_US

SOURCE = RecordSource(Channel.IMPORT, NOW_US, "main")
BLIND = {"extension": "300", "context": "default", "transferee_channel_name": "PJSIP/trunk-00000001"}
ATTENDED = {"bridge1_id": "b1", "channel2_name": "PJSIP/200-3", "transfer_target_channel_name": "PJSIP/300-4"}
TO_APPLICATION = {"transfer_target_channel_name": "N/A", "transfer_target_app": "VoiceMail"}


def event(kind: str, extra: object = None, **cells: str) -> str:
    """Return a line of cel_custom."""
    values = {
        "eventtype": kind,
        "eventtime": "2026-08-22 07:40:30",
        "channame": "PJSIP/200-00000002",
        "uniqueid": "1787386800.11",
        "linkedid": PLAIN,
        "eventextra": json.dumps(extra) if extra else "",
        **cells,
    }
    return row(*(values.get(name, "") for name in EVENT_COLUMNS))


def facts(text: str) -> list[Fact]:
    items = list(list_facts(text.encode().splitlines(keepends=True), SOURCE))
    assert [item for item in items if isinstance(item, UnreadableRecord)] == []
    return [item for item in items if isinstance(item, Fact)]


def reason(text: str) -> str:
    (unreadable,) = list_facts(text.encode().splitlines(keepends=True), SOURCE)
    assert isinstance(unreadable, UnreadableRecord)
    return unreadable.reason


def folded(found: list[Fact]) -> Call:
    assert len({fact.call_sid for fact in found}) == 1
    return fold("acme", Node(found[0].call_sid, is_carrier=True), found).call


@pytest.mark.parametrize(
    ("kind", "extra", "transfer"),
    [
        ("BLINDTRANSFER", BLIND, {"target": "300", "outcome": "requested"}),
        ("ATTENDEDTRANSFER", ATTENDED, {"target": "PJSIP/300-4", "outcome": "bridged"}),
        ("ATTENDEDTRANSFER", TO_APPLICATION, {"target": "VoiceMail", "outcome": "bridged"}),
        ("BLINDTRANSFER", None, {"target": None, "outcome": "requested"}),
    ],
)
def test_the_event_log_adds_the_transfer_to_the_call_in_any_order(
    kind: str, extra: object, transfer: dict[str, str | None]
) -> None:
    found = [*facts(ROWS[0]), *facts(event("ANSWER") + event(kind, extra) + event("HANGUP"))]
    without = folded(facts(ROWS[0]))
    for order in permutations([*found, found[-1]]):
        call = folded(list(order))
        assert call.transfer == transfer
        assert (call.status, call.duration_seconds, call.created_at) == (
            without.status,
            without.duration_seconds,
            without.created_at,
        )
        assert call.conflicts == 0


def test_tables_with_a_header_and_ami_events_state_the_same_transfer() -> None:
    expected = facts(event("BLINDTRANSFER", BLIND))[0]
    extra = json.dumps(BLIND)
    table = "eventtype,eventtime,linkedid,extra\n" + row("BLINDTRANSFER", "2026-08-22 07:40:30", PLAIN, extra)
    lines = ("EventName: BLINDTRANSFER", "EventTime: 2026-08-22 07:40:30", f"LinkedID: {PLAIN}")
    ami = "\r\n".join(["Event: CEL", *lines, f"Extra: {extra}", "", "Event: Hangup", "", ""])
    for text in (table, ami):
        (fact,) = facts(text)
        assert (fact.call_sid, fact.stated, fact.occurred_us) == (
            expected.call_sid,
            expected.stated,
            expected.occurred_us,
        )


def test_times_without_a_date_format_are_seconds_since_1970() -> None:
    (fact,) = facts(event("BLINDTRANSFER", BLIND, eventtime="1787384430.250000"))
    assert fact.occurred_us == 1_787_384_430_250_000


def test_events_that_cannot_be_read_are_refused_with_a_reason() -> None:
    assert "names no call" in reason(event("BLINDTRANSFER", BLIND, linkedid="", uniqueid=""))
    assert "eventtime 'noon'" in reason(event("BLINDTRANSFER", BLIND, eventtime="noon"))
    assert "eventtime '0'" in reason(event("BLINDTRANSFER", BLIND, eventtime="0"))


def test_rows_state_a_transfer_only_by_its_application_and_its_variables() -> None:
    assert folded(facts(ROWS[0])).transfer is None
    sent = facts(ROWS[0].replace('"Dial"', '"Transfer"').replace("PJSIP/200-00000002,30", "SIP/300@other"))
    assert folded(sent).transfer == {"target": "SIP/300@other", "outcome": "requested"}
    header = (
        "calldate,src,dst,disposition,duration,billsec,uniqueid,linkedid,blindtransfer,attendedtransfer\n"
    )
    line = "2026-08-22 07:40:00,100,200,ANSWERED,42,33,1.5,1.4,"
    for cells, outcome in (("SIP/1-2,\n", "requested"), (",SIP/1-2\n", "bridged")):
        assert folded(facts(header + line + cells)).transfer == {"target": None, "outcome": outcome}
    assert folded(facts(header + line + ",\n")).transfer is None
