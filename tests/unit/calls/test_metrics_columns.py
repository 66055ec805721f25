"""Which columns of the roll-ups rates are made of."""

from calltally.calls.measures import COLUMNS
from calltally.calls.metrics import RATE_NAMES, RATES, proportion_of, rate_columns


def test_a_rate_is_the_same_from_its_columns_alone() -> None:
    row = {name: 7 * place + 100 for place, name in enumerate(COLUMNS)}
    for rate in RATES:
        some = {name: value if name in rate_columns([rate.name]) else 0 for name, value in row.items()}
        assert proportion_of(some, rate) == proportion_of(row, rate)


def test_all_calls_are_counted_whatever_is_asked_for() -> None:
    assert rate_columns([]) == {"attempts"}
    assert rate_columns(RATE_NAMES) <= set(COLUMNS)
