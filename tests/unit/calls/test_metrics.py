"""Rates from rows of the roll-ups: several at once equal each computed alone."""

from random import Random

from calltally.calls.intervals import Proportion
from calltally.calls.measures import COLUMNS
from calltally.calls.metrics import RATES, RateMetric, RateProportions, proportion_of, rate_named


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
