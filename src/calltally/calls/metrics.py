"""Every metric, defined once: its name, what is divided by what, its definition in words, and its source.

The API, its documents, the commands and the alerts read it here. A rate whose denominator is 0 is null.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Final, NamedTuple, TypeAlias

from calltally.calls.intervals import Proportion
from calltally.calls.measures import column_index

# What numbers are of, as columns of the roll-ups (calls.measures) add up to them.
_FINAL: Final = ("completed", "busy", "failed", "no_answer", "canceled")
_E_425: Final = "ITU-T E.425"


class CountMetric(NamedTuple):
    """How many calls: the sum of some columns, less others."""

    name: str
    columns: tuple[str, ...]
    definition: str
    less: tuple[str, ...] = ()


class RateMetric(NamedTuple):
    """One count divided by another."""

    name: str
    numerator: tuple[str, ...]
    denominator: str
    definition: str
    source: str | None = None


class DurationMetric(NamedTuple):
    """A time of calls: its sum, over how many calls, and how many of its unit are a second."""

    name: str
    column: str
    calls: str
    per_second: int
    definition: str
    source: str | None = None


class ExternalMetric(NamedTuple):
    """A metric that is of no window of calls, and who measures it."""

    name: str
    definition: str
    measured_by: str


COUNTS: Final = (
    CountMetric("attempts", ("attempts",), "Calls created in the window."),
    CountMetric("open", ("attempts",), "Attempts with no final state yet; in no rate.", _FINAL),
    CountMetric("final", _FINAL, "Attempts that are completed, busy, failed, no-answer or canceled."),
    *(
        CountMetric(name, (name,), f"Attempts whose final state is {name.replace('_', '-')}.")
        for name in _FINAL
    ),
    CountMetric("answered", ("answered",), "Final calls that a fact says were answered."),
    CountMetric(
        "human_answered",
        ("answered",),
        "Answered, and not by a machine where the provider says who answered.",
        ("machine_answered",),
    ),
    CountMetric("transferred", ("transferred",), "Answered calls that were handed to a person (bridged)."),
    CountMetric(
        "transfers_requested", ("transfers_requested",), "Answered calls of which a transfer was asked for."
    ),
    CountMetric("transfers_failed", ("transfers_failed",), "Answered calls of which a transfer failed."),
    CountMetric("escalated", ("escalated",), "Answered calls with `escalated`."),
    CountMetric("long_calls", ("long_calls",), "Answered calls of 10 s of talk and more."),
    CountMetric("contained", ("contained",), "Those of them that were neither transferred nor escalated."),
    CountMetric("short_calls", ("short_calls",), "Answered calls under 10 s of talk."),
    CountMetric(
        "provider_failed", ("provider_failed",), "Failed by the provider or a network, by its codes."
    ),
    CountMetric("rejected", ("rejected",), "Failed because the called party refused."),
    CountMetric("erased", ("erased_calls",), "Attempts of calls that were erased since; their numbers stay."),
)

RATES: Final = (
    RateMetric(
        "answer_rate", ("answered",), "final", "Answered of final: answer-seizure ratio.", "ITU-T E.411"
    ),
    RateMetric("completion_rate", ("completed",), "final", "Completed of final."),
    RateMetric("transfer_rate", ("transferred",), "answered", "Handed to a person of answered."),
    RateMetric("escalation_rate", ("escalated",), "answered", "Escalated of answered."),
    RateMetric(
        "containment_rate",
        ("contained",),
        "long_calls",
        "Answered calls of 10 s and more with no hand-over, of all such: a definition of Calltally's own.",
    ),
    RateMetric("no_answer_rate", ("no_answer",), "final", "No-answer of final."),
    RateMetric("busy_rate", ("busy",), "final", "Busy of final."),
    RateMetric("cancel_rate", ("canceled",), "final", "Canceled of final."),
    RateMetric("failure_rate", ("failed",), "final", "Failed of final."),
    RateMetric(
        "provider_failure_rate",
        ("provider_failed",),
        "final",
        "Failed for a cause that lies with the provider or a network, of final: SIP 5xx, 408 before ringing,"
        " Q.850 27, 34, 38, 41, 42 and their like, the provider's own codes.",
        "RFC 6076 (ISA)",
    ),
    RateMetric(
        "network_effectiveness_ratio",
        ("answered", "busy", "no_answer", "rejected"),
        "final",
        "Answered, busy, no-answer or refused by the called party, of final: NER.",
        _E_425,
    ),
    RateMetric("short_call_rate", ("short_calls",), "answered", "Under 10 s of talk, of answered."),
)

DURATIONS: Final = (
    DurationMetric(
        "talk",
        "talk_seconds",
        "answered",
        1,
        "From answer to end of answered calls; its average is ACD (also ALOC).",
        _E_425,
    ),
    DurationMetric(
        "ring", "ring_seconds", "rang", 1, "From first ringing to answer, or to the end where unanswered."
    ),
    DurationMetric(
        "post_dial_delay", "pdd_ms", "alerted", 1_000, "From start to first ringing: PDD.", "RFC 6076 4.3"
    ),
)
PERCENTILES: Final = {"p50": 0.5, "p90": 0.9, "p99": 0.99}

EXTERNAL_METRICS: Final = (
    ExternalMetric("stuck", "Open for longer than that provider, route and state ever takes.", "alerts"),
    ExternalMetric(
        "webhook_lag", "`received_at` minus `occurred_at` of an event.", "the watermark and alerts"
    ),
)

_COUNT: Final = {count.name: count for count in COUNTS}


def count_of(columns: Mapping[str, int], name: str) -> int:
    """A count by its name, from what the roll-ups' columns add up to."""
    count = _COUNT[name]
    return _sum(columns, count.columns) - _sum(columns, count.less)


def proportion_of(columns: Mapping[str, int], rate: RateMetric) -> Proportion:
    """A rate as its numerator and denominator."""
    return Proportion(_sum(columns, rate.numerator), count_of(columns, rate.denominator))


def rate_columns(rates: Iterable[str]) -> frozenset[str]:
    """The roll-ups' columns that rates of these names are made of, and that which counts all calls."""
    asked = [_BY_NAME[name] for name in rates]
    lines = [COUNTS[0], *(_COUNT[rate.denominator] for rate in asked)]
    above = (column for rate in asked for column in rate.numerator)
    return frozenset((*above, *(column for line in lines for column in (*line.columns, *line.less))))


# What counts calls of a row of the roll-ups' columns.
RowCounter: TypeAlias = Callable[[Sequence[int]], int]


def row_counters(counts: Sequence[CountMetric]) -> dict[str, RowCounter]:
    """Several counts of rows, by their names: where each stands is looked up once for all rows."""
    return {count.name: _summed(count.columns, count.less) for count in counts}


class RateProportions:
    """Several rates of rows of the roll-ups' columns: where each stands is looked up once for all rows.

    What rates divide by is often the same, and is counted once for a row. A page has thousands of them.
    """

    __slots__ = ("_above", "_below", "names")

    def __init__(self, rates: Sequence[RateMetric]) -> None:
        lines = list(dict.fromkeys(rate.denominator for rate in rates))
        self.names = tuple(rate.name for rate in rates)
        self._below = [_summed(_COUNT[line].columns, _COUNT[line].less) for line in lines]
        self._above = [(_summed(rate.numerator), lines.index(rate.denominator)) for rate in rates]

    def of(self, row: Sequence[int]) -> list[tuple[int, int]]:
        """The numerator and denominator of each rate, in the order of `names`."""
        below = [row_counters(row) for row_counters in self._below]
        return [(row_counters(row), below[line]) for row_counters, line in self._above]


def _summed(names: Sequence[str], less: Sequence[str] = ()) -> RowCounter:
    """What adds up some columns of a row, less others."""
    places, others = ([column_index(name) for name in each] for each in (names, less))
    if others:
        return lambda row: sum(row[place] for place in places) - sum(row[place] for place in others)
    picked: Callable[[Sequence[int]], tuple[int, ...]] = itemgetter(*places)
    return itemgetter(places[0]) if len(places) == 1 else lambda row: sum(picked(row))


def _sum(columns: Mapping[str, int], names: Sequence[str]) -> int:
    return sum(map(columns.__getitem__, names))


def rate_named(name: str) -> RateMetric:
    """A rate by its name; raises KeyError for none."""
    return _BY_NAME[name]


_BY_NAME: Final = {rate.name: rate for rate in RATES}
RATE_NAMES: Final[Sequence[str]] = tuple(_BY_NAME)
