"""Columns of the roll-ups that rates need."""

from calltally.calls.measures import COLUMNS
from calltally.calls.metrics import RATE_NAMES, RATES, proportion_of, rate_columns


def test_rate_needs_only_its_columns() -> None:
    row = {name: 7 * index + 100 for index, name in enumerate(COLUMNS)}
    for rate in RATES:
        some = {name: value if name in rate_columns([rate.name]) else 0 for name, value in row.items()}
        assert proportion_of(some, rate) == proportion_of(row, rate)


def test_attempts_are_always_included() -> None:
    assert rate_columns([]) == {"attempts"}
    assert rate_columns(RATE_NAMES) <= set(COLUMNS)
