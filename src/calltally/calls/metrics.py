"""Definitions of all metrics: name, numerator and denominator, definition in words, and source.

The API, its documents, the commands and the alerts use these definitions. A rate with denominator 0 is null.
"""

from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Final, NamedTuple, TypeAlias

from calltally.calls.measures import column_index

# Names are columns of the roll-ups (calls.measures).
_FINAL: Final = ("completed", "busy", "failed", "no_answer", "canceled")
_E_425: Final = "ITU-T E.425"


class CountMetric(NamedTuple):
    """Metric that counts calls: the sum of some columns, minus others."""

    name: str
    columns: tuple[str, ...]
    definition: str
    less: tuple[str, ...] = ()


class RateMetric(NamedTuple):
    """Metric that divides one count by another."""

    name: str
    numerator: tuple[str, ...]
    denominator: str
    definition: str
    source: str | None = None


class DurationMetric(NamedTuple):
    """Metric of a duration: the column of its sum, the count of its calls, and its units per second."""

    name: str
    column: str
    calls: str
    per_second: int
    definition: str
    source: str | None = None


COUNTS: Final = (
    CountMetric("attempts", ("attempts",), "Calls created in the window."),
    CountMetric("open", ("attempts",), "Attempts without a final state; not part of any rate.", _FINAL),
    CountMetric("final", _FINAL, "Attempts that are completed, busy, failed, no-answer or canceled."),
    *(
        CountMetric(name, (name,), f"Attempts whose final state is {name.replace('_', '-')}.")
        for name in _FINAL
    ),
    CountMetric("answered", ("answered",), "Final calls that were answered, according to a fact."),
    CountMetric(
        "human_answered",
        ("answered",),
        "Answered calls, without those that the provider reports as answered by a machine.",
        ("machine_answered",),
    ),
    CountMetric(
        "transferred", ("transferred",), "Answered calls that were transferred to a person (bridged)."
    ),
    CountMetric("transfers_requested", ("transfers_requested",), "Answered calls with a requested transfer."),
    CountMetric("transfers_failed", ("transfers_failed",), "Answered calls with a failed transfer."),
    CountMetric("escalated", ("escalated",), "Answered calls with `escalated`."),
    CountMetric("long_calls", ("long_calls",), "Answered calls with at least 10 s of talk time."),
    CountMetric(
        "contained", ("contained",), "Containable calls that were neither transferred nor escalated."
    ),
    CountMetric("short_calls", ("short_calls",), "Answered calls with less than 10 s of talk time."),
    CountMetric(
        "provider_failed",
        ("provider_failed",),
        "Calls that failed at the provider or in a network, according to their codes.",
    ),
    CountMetric("rejected", ("rejected",), "Failed calls that the called party refused."),
    CountMetric("machine_answered", ("machine_answered",), "Calls answered by a machine, such as a mailbox."),
    CountMetric(
        "answerer_known",
        ("answerer_known",),
        "Answered calls for which a source reports whether a person or a machine answered.",
    ),
    CountMetric(
        "transfer_known",
        ("transfer_known",),
        "Answered calls with a source that reports transfers: an own event, or a platform's final report.",
    ),
    CountMetric("known_transfers", ("known_transfers",), "Transferred calls among those with such a source."),
    CountMetric(
        "escalation_known",
        ("escalation_known",),
        "Answered calls with a source that reports escalations: an own event, or a fact that states one.",
    ),
    CountMetric(
        "handed_over",
        ("handed_over",),
        "Escalated or transferred calls, of calls with a source that reports transfers.",
    ),
    CountMetric(
        "containable",
        ("containable",),
        "Long calls that a person answered, with a source that reports transfers.",
    ),
    CountMetric(
        "erased",
        ("erased_calls",),
        "Attempts of calls that were erased later; they stay in all other metrics.",
    ),
)

RATES: Final = (
    RateMetric(
        "answer_rate",
        ("answered",),
        "final",
        "Answered / final calls: the answer-seizure ratio.",
        "ITU-T E.411",
    ),
    RateMetric("completion_rate", ("completed",), "final", "Completed / final calls."),
    RateMetric(
        "transfer_rate",
        ("known_transfers",),
        "transfer_known",
        "Transferred / answered calls, of calls with a source that reports transfers.",
    ),
    RateMetric(
        "escalation_rate",
        ("escalated",),
        "escalation_known",
        "Escalated / answered calls, of calls with a source that reports escalations.",
    ),
    RateMetric(
        "containment_rate",
        ("contained",),
        "containable",
        "Long calls without transfer or escalation / long calls that a person answered, of calls with a"
        " source that reports transfers: Calltally's own definition.",
    ),
    RateMetric("no_answer_rate", ("no_answer",), "final", "No-answer / final calls."),
    RateMetric("busy_rate", ("busy",), "final", "Busy / final calls."),
    RateMetric("cancel_rate", ("canceled",), "final", "Canceled / final calls."),
    RateMetric("failure_rate", ("failed",), "final", "Failed / final calls."),
    RateMetric(
        "provider_failure_rate",
        ("provider_failed",),
        "final",
        "Calls that the provider or a network failed / final calls: SIP 5xx, 408 before ringing, Q.850 27,"
        " 34, 38, 41, 42 and similar causes, the provider's own codes.",
        "RFC 6076 (ISA)",
    ),
    RateMetric(
        "network_effectiveness_ratio",
        ("answered", "busy", "no_answer", "rejected"),
        "final",
        "(Answered, busy, no-answer or refused by the called party) / final calls: NER.",
        _E_425,
    ),
    RateMetric("short_call_rate", ("short_calls",), "answered", "Short / answered calls."),
    RateMetric(
        "machine_answer_rate",
        ("machine_answered",),
        "answerer_known",
        "Calls answered by a machine / answered calls whose answerer is reported.",
    ),
)

DURATIONS: Final = (
    DurationMetric(
        "talk",
        "talk_seconds",
        "answered",
        1,
        "Time from answer to end of answered calls; its average is ACD (also ALOC).",
        _E_425,
    ),
    DurationMetric(
        "ring", "ring_seconds", "rang", 1, "Time from first ringing to answer, or to the end if unanswered."
    ),
    DurationMetric(
        "post_dial_delay",
        "pdd_ms",
        "alerted",
        1_000,
        "Time from start to first ringing: PDD.",
        "RFC 6076 4.3",
    ),
)
PERCENTILES: Final = {"p50": 0.5, "p90": 0.9, "p99": 0.99}

_COUNT: Final = {count.name: count for count in COUNTS}


# If a tenant counts bridged transfers as escalations, these columns replace the others.
BRIDGED_ESCALATIONS: Final = {"escalated": "handed_over", "escalation_known": "transfer_known"}


def rate_columns(rates: Iterable[str]) -> frozenset[str]:
    """Return the columns needed for the rates of these names, and the column of all attempts."""
    metrics = [_BY_NAME[name] for name in rates]
    denominators = [COUNTS[0], *(_COUNT[rate.denominator] for rate in metrics)]
    numerators = {column for rate in metrics for column in rate.numerator}
    if "escalated" in numerators:
        numerators |= set(BRIDGED_ESCALATIONS.values())
    return frozenset(
        (*numerators, *(column for count in denominators for column in (*count.columns, *count.less)))
    )


# Counts the calls of one row of the roll-ups' columns.
RowCounter: TypeAlias = Callable[[Sequence[int]], int]


def row_counters(counts: Sequence[CountMetric]) -> dict[str, RowCounter]:
    """Return a counter of rows per count, by name. Column indexes are looked up once for all rows."""
    return {count.name: _row_counter(count.columns, count.less) for count in counts}


class RateProportions:
    """Rates of rows of the roll-ups' columns. Column indexes are looked up once for all rows.

    Rates often share a denominator, which is counted once per row. A page has thousands of rows.
    """

    __slots__ = ("_denominators", "_numerators", "names")

    def __init__(self, rates: Sequence[RateMetric]) -> None:
        names = list(dict.fromkeys(rate.denominator for rate in rates))
        self.names = tuple(rate.name for rate in rates)
        self._denominators = [_row_counter(_COUNT[name].columns, _COUNT[name].less) for name in names]
        self._numerators = [(_row_counter(rate.numerator), names.index(rate.denominator)) for rate in rates]

    def of(self, row: Sequence[int]) -> list[tuple[int, int]]:
        """Return the numerator and denominator of each rate, in the order of `names`."""
        denominators = [count(row) for count in self._denominators]
        return [(count(row), denominators[index]) for count, index in self._numerators]


def _row_counter(names: Sequence[str], less: Sequence[str] = ()) -> RowCounter:
    added, subtracted = ([column_index(name) for name in each] for each in (names, less))
    if subtracted:
        return lambda row: sum(row[index] for index in added) - sum(row[index] for index in subtracted)
    columns: Callable[[Sequence[int]], tuple[int, ...]] = itemgetter(*added)
    return itemgetter(added[0]) if len(added) == 1 else lambda row: sum(columns(row))


def rate_named(name: str) -> RateMetric:
    """Return a rate. Raises KeyError for an unknown name."""
    return _BY_NAME[name]


_BY_NAME: Final = {rate.name: rate for rate in RATES}
RATE_NAMES: Final[Sequence[str]] = tuple(_BY_NAME)
