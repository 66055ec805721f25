"""Every metric, defined once: its name, what is divided by what, its definition in words, and its source.

The API, its documents, the commands and the alerts read it here. A rate whose denominator is 0 is null.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Final, NamedTuple, TypeAlias

from calltally.calls.intervals import Share
from calltally.calls.measures import place_of

# What numbers are of, as columns of the roll-ups (calls.measures) add up to them.
_FINAL: Final = ("completed", "busy", "failed", "no_answer", "canceled")
_E_425: Final = "ITU-T E.425"


class Count(NamedTuple):
    """How many calls: the sum of some columns, less others."""

    name: str
    columns: tuple[str, ...]
    definition: str
    less: tuple[str, ...] = ()


class Rate(NamedTuple):
    """One count divided by another."""

    name: str
    numerator: tuple[str, ...]
    denominator: str
    definition: str
    source: str | None = None


class Duration(NamedTuple):
    """A time of calls: its sum, over how many calls, and how many of its unit are a second."""

    name: str
    column: str
    calls: str
    per_second: int
    definition: str
    source: str | None = None


class Elsewhere(NamedTuple):
    """A metric that is of no window of calls, and who measures it."""

    name: str
    definition: str
    measured_by: str


COUNTS: Final = (
    Count("attempts", ("attempts",), "Calls created in the window."),
    Count("open", ("attempts",), "Attempts with no final state yet; in no rate.", _FINAL),
    Count("final", _FINAL, "Attempts that are completed, busy, failed, no-answer or canceled."),
    *(Count(name, (name,), f"Attempts whose final state is {name.replace('_', '-')}.") for name in _FINAL),
    Count("answered", ("answered",), "Final calls that a fact says were answered."),
    Count(
        "human_answered",
        ("answered",),
        "Answered, and not by a machine where the provider says who answered.",
        ("machine_answered",),
    ),
    Count("transferred", ("transferred",), "Answered calls that were handed to a person (bridged)."),
    Count(
        "transfers_requested", ("transfers_requested",), "Answered calls of which a transfer was asked for."
    ),
    Count("transfers_failed", ("transfers_failed",), "Answered calls of which a transfer failed."),
    Count("escalated", ("escalated",), "Answered calls with `escalated`."),
    Count("long_calls", ("long_calls",), "Answered calls of 10 s of talk and more."),
    Count("contained", ("contained",), "Those of them that were neither transferred nor escalated."),
    Count("short_calls", ("short_calls",), "Answered calls under 10 s of talk."),
    Count("provider_failed", ("provider_failed",), "Failed by the provider or a network, by its codes."),
    Count("rejected", ("rejected",), "Failed because the called party refused."),
    Count("erased", ("erased_calls",), "Attempts of calls that were erased since; their numbers stay."),
)

RATES: Final = (
    Rate("answer_rate", ("answered",), "final", "Answered of final: answer-seizure ratio.", "ITU-T E.411"),
    Rate("completion_rate", ("completed",), "final", "Completed of final."),
    Rate("transfer_rate", ("transferred",), "answered", "Handed to a person of answered."),
    Rate("escalation_rate", ("escalated",), "answered", "Escalated of answered."),
    Rate(
        "containment_rate",
        ("contained",),
        "long_calls",
        "Answered calls of 10 s and more with no hand-over, of all such: a definition of Calltally's own.",
    ),
    Rate("no_answer_rate", ("no_answer",), "final", "No-answer of final."),
    Rate("busy_rate", ("busy",), "final", "Busy of final."),
    Rate("cancel_rate", ("canceled",), "final", "Canceled of final."),
    Rate("failure_rate", ("failed",), "final", "Failed of final."),
    Rate(
        "provider_failure_rate",
        ("provider_failed",),
        "final",
        "Failed for a cause that lies with the provider or a network, of final: SIP 5xx, 408 before ringing,"
        " Q.850 27, 34, 38, 41, 42 and their like, the provider's own codes.",
        "RFC 6076 (ISA)",
    ),
    Rate(
        "network_effectiveness_ratio",
        ("answered", "busy", "no_answer", "rejected"),
        "final",
        "Answered, busy, no-answer or refused by the called party, of final: NER.",
        _E_425,
    ),
    Rate("short_call_rate", ("short_calls",), "answered", "Under 10 s of talk, of answered."),
)

DURATIONS: Final = (
    Duration(
        "talk",
        "talk_seconds",
        "answered",
        1,
        "From answer to end of answered calls; its average is ACD (also ALOC).",
        _E_425,
    ),
    Duration(
        "ring", "ring_seconds", "rang", 1, "From first ringing to answer, or to the end where unanswered."
    ),
    Duration(
        "post_dial_delay", "pdd_ms", "alerted", 1_000, "From start to first ringing: PDD.", "RFC 6076 4.3"
    ),
)
PERCENTILES: Final = {"p50": 0.5, "p90": 0.9, "p99": 0.99}

ELSEWHERE: Final = (
    Elsewhere("stuck", "Open for longer than that provider, route and state ever takes.", "alerts"),
    Elsewhere("webhook_lag", "`received_at` minus `occurred_at` of an event.", "the watermark and alerts"),
)

_COUNT: Final = {count.name: count for count in COUNTS}


def count_of(columns: Mapping[str, int], name: str) -> int:
    """A count by its name, from what the roll-ups' columns add up to."""
    count = _COUNT[name]
    return _sum(columns, count.columns) - _sum(columns, count.less)


def share_of(columns: Mapping[str, int], rate: Rate) -> Share:
    """A rate as its numerator and denominator."""
    return Share(_sum(columns, rate.numerator), count_of(columns, rate.denominator))


def columns_of(rates: Iterable[str]) -> frozenset[str]:
    """The roll-ups' columns that rates of these names are made of, and that which counts all calls."""
    asked = [_BY_NAME[name] for name in rates]
    lines = [COUNTS[0], *(_COUNT[rate.denominator] for rate in asked)]
    above = (column for rate in asked for column in rate.numerator)
    return frozenset((*above, *(column for line in lines for column in (*line.columns, *line.less))))


# What counts calls of a row of the roll-ups' columns.
Summed: TypeAlias = Callable[[Sequence[int]], int]


def summed(counts: Sequence[Count]) -> dict[str, Summed]:
    """Several counts of rows, by their names: where each stands is looked up once for all rows."""
    return {count.name: _summed(count.columns, count.less) for count in counts}


class Shares:
    """Several rates of rows of the roll-ups' columns: where each stands is looked up once for all rows.

    What rates divide by is often the same, and is counted once for a row. A page has thousands of them.
    """

    __slots__ = ("_above", "_below", "names")

    def __init__(self, rates: Sequence[Rate]) -> None:
        lines = list(dict.fromkeys(rate.denominator for rate in rates))
        self.names = tuple(rate.name for rate in rates)
        self._below = [_summed(_COUNT[line].columns, _COUNT[line].less) for line in lines]
        self._above = [(_summed(rate.numerator), lines.index(rate.denominator)) for rate in rates]

    def of(self, row: Sequence[int]) -> list[tuple[int, int]]:
        """The numerator and denominator of each rate, in the order of `names`."""
        below = [summed(row) for summed in self._below]
        return [(summed(row), below[line]) for summed, line in self._above]


def _summed(names: Sequence[str], less: Sequence[str] = ()) -> Summed:
    """What adds up some columns of a row, less others."""
    places, others = ([place_of(name) for name in each] for each in (names, less))
    if others:
        return lambda row: sum(row[place] for place in places) - sum(row[place] for place in others)
    picked: Callable[[Sequence[int]], tuple[int, ...]] = itemgetter(*places)
    return itemgetter(places[0]) if len(places) == 1 else lambda row: sum(picked(row))


def _sum(columns: Mapping[str, int], names: Sequence[str]) -> int:
    return sum(map(columns.__getitem__, names))


def rate_named(name: str) -> Rate:
    """A rate by its name; raises KeyError for none."""
    return _BY_NAME[name]


_BY_NAME: Final = {rate.name: rate for rate in RATES}
RATE_NAMES: Final[Sequence[str]] = tuple(_BY_NAME)
