"""Which columns of the roll-ups rates are made of."""

from calltally.calls.measures import COLUMNS
from calltally.calls.metrics import RATE_NAMES, RATES, columns_of, share_of


def test_a_rate_is_the_same_from_its_columns_alone() -> None:
    row = {name: 7 * place + 100 for place, name in enumerate(COLUMNS)}
    for rate in RATES:
        some = {name: value if name in columns_of([rate.name]) else 0 for name, value in row.items()}
        assert share_of(some, rate) == share_of(row, rate)


def test_all_calls_are_counted_whatever_is_asked_for() -> None:
    assert columns_of([]) == {"attempts"}
    assert columns_of(RATE_NAMES) <= set(COLUMNS)
