"""CSV by the letter: what was written is what is read back, in any spreadsheet or library."""

import csv
import json
import re
from datetime import datetime
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.calls.phone import is_e164, normalise_number
from calltally.formats.columns import COLUMNS, Kind
from calltally.formats.csv_lines import CsvLines, guard
from tests.unit.formats.records import decoded, joined, phones, plain, records, texts

FORMULA = re.compile(r"[=+\-@\t\r]")
GUARDED = re.compile(r"''*[=+\-@\t\r]")
BERLIN = ZoneInfo("Europe/Berlin")


def written(sealed: list[bytes], zone: ZoneInfo | None = None) -> str:
    writer = CsvLines(zone)
    return (writer.begin() + writer.add(joined(sealed)) + writer.end()).decode()


def read_back(text: str) -> list[dict[str, str]]:
    heading, *rows = csv.reader(StringIO(text, newline=""), strict=True)
    assert tuple(heading) == tuple(COLUMNS)
    assert all(len(row) == len(heading) for row in rows)
    return [dict(zip(heading, row, strict=True)) for row in rows]


def cell(name: str, value: Any) -> str:  # noqa: ANN401 (JSON may be anything)
    """Return the cells of a reader that removes the guards."""
    if value is None:
        return ""
    if COLUMNS[name] is Kind.NESTED:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return str(value).lower() if isinstance(value, bool) else str(value)


def unguarded(name: str, text: str) -> str:
    return text[1:] if COLUMNS[name] is Kind.TEXT and GUARDED.match(text) else text


@given(records)
def test_what_is_written_is_read_back(sealed: list[bytes]) -> None:
    for call, row in zip(decoded(sealed), read_back(written(sealed)), strict=True):
        assert {name: unguarded(name, text) for name, text in row.items()} == {
            name: cell(name, call[name]) for name in COLUMNS
        }


@given(records)
def test_no_cell_is_a_formula(sealed: list[bytes]) -> None:
    for row in read_back(written(sealed)):
        for name, text in row.items():
            is_number = COLUMNS[name] is Kind.INTEGER
            is_phone = is_e164(normalise_number(text)) or re.fullmatch(r"\+[0-9]+", text)
            assert is_number or is_phone or not FORMULA.match(text), (name, text)


@given(records)
def test_lines_end_as_rfc_4180_has_it_and_chunks_do_not_show(sealed: list[bytes]) -> None:
    whole = written(sealed)
    assert whole.endswith("\r\n")
    writer = CsvLines()
    pieces = [writer.begin(), *(writer.add(record) for record in sealed), writer.end()]
    assert b"".join(pieces).decode() == whole


@given(records)
def test_it_is_quoted_as_the_standard_library_would(sealed: list[bytes]) -> None:
    whole = written(sealed)
    again = StringIO(newline="")
    csv.writer(again, lineterminator="\r\n").writerows(csv.reader(StringIO(whole, newline="")))
    assert again.getvalue() == whole


@given(phones)
def test_a_number_with_its_plus_stays_as_it_is(number: str) -> None:
    assert guard(number) == number
    (row,) = read_back(written([plain(from_number=number, to_number=number)]))
    assert (row["from_number"], row["to_number"]) == (number, number)


@pytest.mark.parametrize(
    "text", ["+1 (415) 555-0100", "+49", "+0049301234", "'+14155550100"[1:], "Kept.", "'quoted'"]
)
def test_what_is_harmless_is_left_alone(text: str) -> None:
    assert guard(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        '=HYPERLINK("https://example.com")',
        "+1+1",
        "+cmd|' /C calc'!A0",
        "+",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "'=1",
        "''+1",
        "'+14155550100",
    ],
)
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    assert guard(text) == "'" + text


@given(texts)
def test_a_guard_can_be_taken_away_again(text: str) -> None:
    guarded = guard(text)
    assert (guarded[1:] if GUARDED.match(guarded) else guarded) == text


def test_null_is_empty_and_flags_are_words() -> None:
    (row,) = read_back(written([plain(escalated=True, cost={"amount": "0.01", "currency": None})]))
    assert (row["escalated"], row["erased"], row["summary"], row["metadata"]) == ("true", "", "", "")
    assert (row["tags"], row["cost"]) == ("[]", '{"amount":"0.01","currency":null}')


@pytest.mark.parametrize(
    ("utc", "local"),
    [
        ("2026-10-25T00:30:00.000001Z", "2026-10-25T02:30:00.000001+02:00"),
        ("2026-10-25T01:30:00.000001Z", "2026-10-25T02:30:00.000001+01:00"),
        ("2026-03-29T00:59:59.999999Z", "2026-03-29T01:59:59.999999+01:00"),
        ("2026-03-29T01:00:00.000000Z", "2026-03-29T03:00:00.000000+02:00"),
    ],
)
def test_times_are_those_of_the_zone_also_in_the_nights_of_the_change(utc: str, local: str) -> None:
    (row,) = read_back(written([plain(created_at=utc)], BERLIN))
    assert row["created_at"] == local
    assert row["answered_at"] == ""
    (row,) = read_back(written([plain(created_at=utc)]))
    assert row["created_at"] == utc


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1)),  # noqa: DTZ001 (the zone comes with the text)
    st.sampled_from(["Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns", "Pacific/Apia", "UTC"]),
)
def test_a_local_time_is_the_same_instant(moment: datetime, zone: str) -> None:
    utc = moment.isoformat(timespec="microseconds") + "Z"
    (row,) = read_back(written([plain(created_at=utc)], ZoneInfo(zone)))
    local = datetime.fromisoformat(row["created_at"])
    assert local == datetime.fromisoformat(utc)
    assert local.utcoffset() == local.astimezone(ZoneInfo(zone)).utcoffset()
    assert re.fullmatch(r".{10}T.{8}\.[0-9]{6}[+-][0-9]{2}:[0-9]{2}", row["created_at"])
