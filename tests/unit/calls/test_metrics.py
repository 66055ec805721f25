"""Rates from rows of the roll-ups: several at once equal each computed alone, from the columns they need."""

from collections.abc import Mapping
from random import Random

from calltally.calls.intervals import Proportion
from calltally.calls.measures import COLUMNS
from calltally.calls.metrics import (
    COUNTS,
    RATE_NAMES,
    RATES,
    RateMetric,
    RateProportions,
    rate_columns,
    rate_named,
)


def proportion_of(columns: Mapping[str, int], rate: RateMetric) -> Proportion:
    """Return a rate's numerator and denominator, from its definition."""
    (count,) = (each for each in COUNTS if each.name == rate.denominator)
    denominator = sum(columns[name] for name in count.columns) - sum(columns[name] for name in count.less)
    return Proportion(sum(columns[name] for name in rate.numerator), denominator)


def test_rates_of_row_equal_rates_of_named_columns() -> None:
    draw, shares = Random(7), RateProportions(RATES)
    for _ in range(20):
        row = [draw.randrange(1_000) for _ in COLUMNS]
        columns = dict(zip(COLUMNS, row, strict=True))
        assert shares.of(row) == [proportion_of(columns, rate) for rate in RATES]


def test_rates_keep_the_requested_order() -> None:
    names = ("short_call_rate", "network_effectiveness_ratio", "transfer_rate")
    shares = RateProportions([rate_named(name) for name in names])
    row = list(range(len(COLUMNS)))
    columns = dict(zip(COLUMNS, row, strict=True))
    assert shares.names == names
    assert [Proportion(*each) for each in shares.of(row)] == [
        proportion_of(columns, rate_named(name)) for name in names
    ]


def test_denominator_may_subtract_columns() -> None:
    """For example calls that a person answered."""
    of_people = RateMetric(
        "bridged_to_people", ("transferred",), "human_answered", "Of calls that a person answered."
    )
    row = list(range(len(COLUMNS)))[::-1]
    columns = dict(zip(COLUMNS, row, strict=True))
    assert RateProportions([of_people]).of(row) == [proportion_of(columns, of_people)]


def test_rate_needs_only_its_columns() -> None:
    row = {name: 7 * index + 100 for index, name in enumerate(COLUMNS)}
    for rate in RATES:
        some = {name: value if name in rate_columns([rate.name]) else 0 for name, value in row.items()}
        assert RateProportions([rate]).of([*some.values()]) == RateProportions([rate]).of([*row.values()])


def test_attempts_are_always_included() -> None:
    assert rate_columns([]) == {"attempts"}
    assert rate_columns(RATE_NAMES) <= set(COLUMNS)
