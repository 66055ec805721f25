"""Peculiarities of Asterisk's call detail records, one test each."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.calls.events import Channel, Fact
from calltally.calls.fold import fold
from calltally.calls.identity import Node
from calltally.calls.model import Call
from calltally.providers.asterisk.files import list_facts
from calltally.providers.asterisk.words import AMI_NAMES, CUSTOM_COLUMNS, MASTER_COLUMNS
from calltally.providers.callback import RecordSource, UnreadableRecord
from tests.unit.providers.asterisk.samples import PLAIN, ROWS, call, row
from tests.unit.providers.sampling import NOW_US

SOURCE = RecordSource(Channel.IMPORT, NOW_US)


def parsed(text: str | bytes, source: RecordSource = SOURCE) -> list[Fact | UnreadableRecord]:
    body = text.encode() if isinstance(text, str) else text
    return list(list_facts(body.splitlines(keepends=True), source))


def facts(text: str, source: RecordSource = SOURCE) -> list[Fact]:
    items = parsed(text, source)
    assert [item for item in items if isinstance(item, UnreadableRecord)] == []
    return [item for item in items if isinstance(item, Fact)]


def folded(found: list[Fact]) -> Call:
    assert len({fact.call_sid for fact in found}) == 1
    return fold("acme", Node(found[0].call_sid, is_carrier=True), found).call


def reason(text: str) -> str:
    (unreadable,) = [item for item in parsed(text) if isinstance(item, UnreadableRecord)]
    return unreadable.reason


def test_rows_of_one_linkedid_are_one_call_in_any_order() -> None:
    found = facts("".join(ROWS[1:3]))
    calls = [folded(random.Random(seed).sample(found * 2, 4)) for seed in range(8)]
    assert [each == calls[0] for each in calls] == [True] * 8
    assert (calls[0].status, calls[0].duration_seconds, calls[0].conflicts) == ("completed", 40, 0)


def test_duration_includes_the_ringing_and_talk_time_does_not() -> None:
    (fact,) = facts(ROWS[0])
    assert folded([fact]).duration_seconds == 33


def test_talk_of_a_transfer_is_from_first_answer_to_last_end() -> None:
    first = call("9.1", ("07:00:00", "07:00:05", "07:01:00"), (60, 55), "ANSWERED", sequence=1)
    second = call("9.1", ("07:01:00", "07:01:10", "07:03:00"), (120, 110), "ANSWERED", sequence=2, dst="300")
    transferred = folded(facts(second + first))
    assert (transferred.duration_seconds, transferred.to_number) == (175, "+14155550100")


def test_calls_without_an_agent_are_not_answered() -> None:
    rows = [
        call("9.2", ("07:00:00", "", f"07:00:{second}"), (10, 0), disposition, sequence=number)
        for number, (second, disposition) in enumerate((("10", "NO ANSWER"), ("20", "BUSY")))
    ]
    tried = folded(facts("".join(rows)))
    assert (tried.status, tried.duration_seconds, tried.conflicts) == ("busy", 0, 0)


def test_one_id_on_two_switches_is_two_calls() -> None:
    first, second = (facts(ROWS[0], SOURCE._replace(account=name))[0] for name in ("berlin", "oslo"))
    assert (first.call_sid, second.call_sid) == (f"berlin:{PLAIN}", f"oslo:{PLAIN}")


def test_times_are_in_the_time_zone_of_the_switch() -> None:
    (fact,) = facts(ROWS[0], SOURCE._replace(time_zone="Europe/Berlin"))
    assert folded([fact]).answered_at == "2026-08-22T05:40:09.000000Z"


def test_headers_anywhere_name_the_columns() -> None:
    header = "calldate,clid,src,dst,disposition,duration,billsec,uniqueid,linkedid\n"
    line = "2026-08-22 07:40:00,,100,200,ANSWERED,42,33,1.5,1.4\n"
    for text in (header + line, header + line.replace("1.4", "1.3") + header + line):
        assert facts(text)[-1].call_sid == "1.4"
    assert folded(facts(header + line)).duration_seconds == 33


def test_the_cdr_custom_layout_is_detected_by_its_start_column() -> None:
    named = dict(zip(MASTER_COLUMNS, _cells(ROWS[0]), strict=True))
    custom = row(*(named[name] for name in CUSTOM_COLUMNS[:19]))
    assert folded(facts(custom)).duration_seconds == 33


def _cells(line: str) -> list[str]:
    (fact,) = facts(line)
    raw = json.loads(fact.raw)
    return [raw[name] for name in MASTER_COLUMNS]


def test_rows_without_ids_are_identified_by_channel_and_start() -> None:
    first, again = facts(ROWS[0].rsplit(',"', 4)[0] + "\n"), facts(ROWS[0].rsplit(',"', 4)[0] + "\n")
    assert first[0].call_sid == again[0].call_sid
    assert first[0].call_sid.startswith("row-")


def test_ami_events_give_the_same_call() -> None:
    names = {column: ami_name for ami_name, column in AMI_NAMES.items()}
    lines = [f"{names[name]}: {cell}" for name, cell in zip(MASTER_COLUMNS, _cells(ROWS[0]), strict=True)]
    event = "\r\n".join(["Asterisk Call Manager/7.0.3", "", "Event: Cdr", *lines, "", ""])
    other = "Event: Hangup\r\nUniqueid: 1.1\r\n\r\n"
    assert folded(facts(event + other)).duration_seconds == 33
    (unreadable,) = parsed((event + other + event.removesuffix("\r\n"))[:-3])[1:]
    assert isinstance(unreadable, UnreadableRecord)
    assert "truncated" in unreadable.reason


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("42,33", "42,50", "billsec 50 is longer than duration 42"),
        ("42,33", "42,-1", "billsec '-1': negative"),
        ("07:40:42", "07:39:00", "the end 2026-08-22T07:39:00.000000Z is before"),
        ("ANSWERED", "EATEN", "disposition 'EATEN': not one of ANSWERED"),
        ('"2026-08-22 07:40:00"', '"2026-08-22 25:40:00"', "start '2026-08-22 25:40:00': not a time"),
        ('"2026-08-22 07:40:00"', '"1970-01-01 00:00:00"', "before the year 2000"),
        ("DOCUMENTATION", "DOC\0", "NUL"),
    ],
)
def test_implausible_records_are_refused_with_a_reason(old: str, new: str, words: str) -> None:
    items = parsed(ROWS[0].replace(old, new) + ROWS[3])
    assert words in reason(ROWS[0].replace(old, new))
    assert [isinstance(item, Fact) for item in items] == [False, True]


def test_rows_in_other_encodings_or_with_nuls_cost_no_others() -> None:
    file = (
        ROWS[0].encode() + ROWS[1].replace("Caller", "Zoë").encode("latin-1") + b"\0" * 60 + ROWS[3].encode()
    )
    assert [isinstance(item, Fact) for item in parsed(file)] == [True, False, True]
    assert (
        len([item for item in parsed(file, SOURCE._replace(encoding="latin-1")) if isinstance(item, Fact)])
        == 3
    )


ALL_KEYS = {(fact.call_sid, fact.key) for fact in facts("".join(ROWS))}


@given(st.lists(st.integers(0, len("".join(ROWS)))), st.permutations(ROWS))
def test_cuts_repeats_and_order_of_a_file_give_the_same_facts(cuts: list[int], rows: list[str]) -> None:
    """The fold is a function of the set of facts, so the calls are the same."""
    file = "".join(rows)
    pieces = [file[:cut] for cut in cuts]
    found = [item for piece in pieces for item in parsed(piece) if isinstance(item, Fact)]
    assert {(fact.call_sid, fact.key) for fact in found} <= ALL_KEYS
    whole = found + facts(file)
    assert {(fact.call_sid, fact.key) for fact in whole} == ALL_KEYS


def test_direction_comes_only_from_the_context() -> None:
    (fact,) = facts(ROWS[0].replace("from-trunk", "my-own-plan"))
    assert "direction" not in fact.stated
    assert facts(ROWS[2])[0].stated["direction"] == "inbound"
