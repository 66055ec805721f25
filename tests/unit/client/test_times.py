"""Times of records as datetimes."""

from datetime import UTC, datetime

import pytest

from calltally.client import CallRecord, errors, parse_time

MOMENT = datetime(2026, 10, 1, 9, 30, 0, 123_456, tzinfo=UTC)


def test_time_is_an_aware_datetime() -> None:
    assert parse_time("2026-10-01T09:30:00.123456Z") == MOMENT
    assert parse_time("2026-10-01T11:30:00.123456+02:00") == MOMENT


def test_other_text_is_a_client_error() -> None:
    with pytest.raises(errors.InvalidArgument, match="'soon' is not a time"):
        parse_time("soon")


def test_record_has_its_times_as_datetimes() -> None:
    text = "2026-10-01T09:30:00.123456Z"
    call = CallRecord("id", "CA1", "inbound", "busy", 0, False, None, created_at=text, updated_at=text)  # noqa: FBT003 (a record)
    assert (call.created_time, call.updated_time) == (MOMENT, MOMENT)
    assert (call.answered_time, call.ended_time) == (None, None)
