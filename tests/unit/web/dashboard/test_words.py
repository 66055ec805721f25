import re
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from calltally.calls.model import CALL_FIELDS
from calltally.web.dashboard import rendering
from calltally.web.dashboard.call.sentence import sentence, span
from calltally.web.dashboard.calls.rows import columns_by_name, days
from calltally.web.dashboard.english import messages
from calltally.web.dashboard.formats import full_time, short

COLUMNS = columns_by_name(())
CALL: dict[str, Any] = {
    **dict.fromkeys(CALL_FIELDS),
    "id": "00000000-0000-8000-8000-000000000000",
    "call_sid": "CA1",
    "direction": "outbound",
    "status": "completed",
    "created_at": "2026-10-01T09:30:00.000000Z",
    "answered_at": "2026-10-01T09:30:13.000000Z",
    "ended_at": "2026-10-01T09:32:35.000000Z",
    "to_number": "+15550100",
    "route": "support-us",
    "agent": "vera",
    "ring_seconds": 11,
    "duration_seconds": 142,
    "end_reason": "remote-hung-up",
    "escalated": False,
}


def test_a_completed_call_in_one_sentence() -> None:
    assert sentence(CALL) == (
        "Outbound to +15550100 on route support-us by agent vera, answered after 11 s, talked 2 min 22 s,"
        " ended: remote hung up, not escalated."
    )


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (
            {"direction": "inbound", "from_number": "+15550111", "status": "busy", "sip_code": 486},
            "Inbound from +15550111, the called party was busy, SIP 486, not escalated.",
        ),
        (
            {"direction": None, "to_number": None, "status": "ringing"},
            "A call, it is ringing, not escalated.",
        ),
        ({"status": "no-answer", "escalated": True}, "Outbound to +15550100, nobody answered, escalated."),
    ],
)
def test_unknown_values_are_left_out(changed: dict[str, Any], expected: str) -> None:
    unknown = dict.fromkeys(
        ("route", "agent", "answered_at", "ring_seconds", "duration_seconds", "end_reason")
    )
    assert sentence({**CALL, **unknown, **changed}) == expected


def test_completed_call_without_times() -> None:
    assert "answered, completed" in sentence({**CALL, "ring_seconds": None, "duration_seconds": None})


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (61, "1 min 1 s"), (3_780, "1 h 3 min"), (400_000, "4 days"), (None, "")],
)
def test_span_formats(seconds: int | None, words: str) -> None:
    assert span(seconds) == words


def test_call_is_listed_under_the_day_of_the_readers_zone() -> None:
    night = {**CALL, "created_at": "2026-10-01T23:30:00.000000Z"}
    names = [days([night], ZoneInfo(zone), COLUMNS, str)[0].name for zone in ("UTC", "Europe/Berlin")]
    assert names == ["Thursday, 1 October 2026", "Friday, 2 October 2026"]


def test_repeated_hour_of_a_clock_change_is_distinguishable() -> None:
    zone = ZoneInfo("America/Montreal")
    times = [full_time(f"2020-11-01T0{hour}:30:00.000000Z", zone) for hour in (5, 6)]
    assert times == ["2020-11-01 01:30:00.000 EDT", "2020-11-01 01:30:00.000 EST"]


def test_erased_call_keeps_its_row() -> None:
    erased = dict.fromkeys(CALL_FIELDS) | {"id": CALL["id"], "created_at": CALL["created_at"], "erased": True}
    line = days([erased], ZoneInfo("UTC"), COLUMNS, str)[0].pieces[0]
    assert '<tr class="call erased">' in line
    assert ">09:30:00</time>" in line
    assert line.count('<td class="none') == len(COLUMNS)


def test_content_of_calls_is_escaped() -> None:
    evil = '"><script>'
    evil_call = {**CALL, **dict.fromkeys(("summary", "route", "call_sid", "from_number", "end_reason"), evil)}
    every = columns_by_name(("summary", "route", "call_sid", "parties", "end_reason", "status"))
    line = days([evil_call | {"escalated": True}], ZoneInfo("UTC"), every, str)[0].pieces[0]
    assert "<script" not in line
    # Once in each cell, and once in each of the two cells with a title.
    assert line.count("&lt;script&gt;") == len(every) - 1 + 2
    assert '<span class="tag">escalated</span>' in line


def test_day_with_many_calls_is_split() -> None:
    [day] = days([CALL] * 45, ZoneInfo("UTC"), columns_by_name(("status",)), str)
    assert [piece.count("<tr ") for piece in day.pieces] == [20, 20, 5]


def test_truncated_cell_has_its_full_text_as_title() -> None:
    [day] = days(
        [{**CALL, "route": "support-of-montreal"}], ZoneInfo("UTC"), columns_by_name(("route",)), str
    )
    assert 'title="support-of-montreal">support-of-montreal</td>' in day.pieces[0]


def test_ids_are_shortened_in_the_middle() -> None:
    assert (short("CA1"), short("CA1234567890abcdef1234567890abcdef")) == ("CA1", "CA1234…abcdef")


# Texts with composed names: `rate_` and the name of a rate.
BUILT = (
    *("theme_", "same_", "lane_", "by_", "step_", "compare_", "rate_", "weekday_", "chart_", "verdict_"),
    *("judged_", "role_", "state_", "is_", "kind_", "hours_", "no_alerts_", "became_"),
    *(
        "job_",
        "partition_",
        "endpoint_",
        "check_",
        "sink_",
        "sink_hint_",
        "sink_kind_",
        "change_",
        "attention_",
    ),
)


def test_every_text_of_the_pages_exists_and_is_used() -> None:
    folder = Path(rendering.__file__).parent
    files = [path for kind in ("*.html", "*.py", "*.js") for path in folder.rglob(kind)]
    sources = [
        path.read_text() for path in files if path.parent.name != "built" and "english" not in path.name
    ]
    templates = " ".join(sources)
    used = set(re.findall(r"\b(?:t|text)\(f?['\"](\w+)['\"]", templates))
    assert used - set(BUILT) <= set(messages.TEXTS)
    words = set(re.findall(r"\w+", templates))
    singular = {f"{name}_one" for name in words}
    built = {name for name in messages.TEXTS if name.startswith(BUILT)}
    assert set(messages.TEXTS) - words - singular - built == set()


def test_text_tables_have_distinct_keys() -> None:
    folder = Path(rendering.__file__).parent
    tables = [path.read_text() for path in (folder / "english").glob("*.py")]
    names = [name for table in tables for name in re.findall(r'^    "([\w-]+)":', table, re.MULTILINE)]
    assert len(names) == len(set(names)) == len(messages.TEXTS)
