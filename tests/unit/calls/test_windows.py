"""Time window as users write it."""

import pytest

from calltally.calls.errors import InvalidInput
from calltally.calls.times import utc_text
from calltally.calls.windows import parse_window


@pytest.mark.parametrize(
    ("month", "begins", "ends"),
    [
        ("2026-10", "2026-10-01", "2026-11-01"),
        ("2026-12", "2026-12-01", "2027-01-01"),
        ("2028-02", "2028-02-01", "2028-03-01"),
    ],
)
def test_window_of_a_month(month: str, begins: str, ends: str) -> None:
    window = parse_window(month, None, None)
    assert (utc_text(window.from_us)[:10], utc_text(window.to_us)[:10]) == (begins, ends)


def test_window_of_start_and_end() -> None:
    window = parse_window(None, "2026-10-01", "2026-10-01T12:00:00+02:00")
    assert utc_text(window.to_us) == "2026-10-01T10:00:00.000000Z"


@pytest.mark.parametrize(
    ("month", "begin", "end", "message"),
    [
        ("2026-13", None, None, "'2026-13' is not a month"),
        ("0000-10", None, None, "0000-10"),
        ("9999-12", None, None, "9999-12 ends after the year 9999"),
        ("2026-10", "2026-10-01", None, "leave out --from"),
        (None, None, None, "no window is given"),
        (None, "2026-10-01", None, "both --from and --to"),
        (None, "2026-10-01", "2026-10-01", "earlier"),
        (None, "2026-10-01T00:00:00", "2026-10-02", "--from: a time needs an offset"),
        (None, "2026-10-01", "soon", "--to: not an RFC 3339 time"),
    ],
)
def test_invalid_window_gives_reason(
    month: str | None, begin: str | None, end: str | None, message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        parse_window(month, begin, end)
