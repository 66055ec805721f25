"""Whether a launch is better or worse than what was before, however often one looks. Pure statistics.

Somebody who watches a launch looks every hour, and stops when a number pleases or frightens: tests that are
made for one look then err far more often than they say. So the rate since the launch has a *confidence
sequence*: bounds that hold at all times together (H. Robbins, Annals of Mathematical Statistics 41 (1970): a
mixture of likelihoods over a beta distribution, and Ville's inequality). The rate before is counted once, and
has Wilson's interval. A verdict is given where the two do not meet.

Hours of real traffic differ by more than chance. By how much is estimated (Pearson's chi-square over its
degrees of freedom), and that many calls count as one (quasi-likelihood).
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from math import inf, lgamma, log
from typing import Final, NamedTuple

from calltally.calls.intervals import CONFIDENCE, Interval, Share, two_sided, wilson

# Half of what may be wrong is for the bounds before, half for those since.
_MAY_BE_WRONG: Final = 1 - CONFIDENCE
# Jeffreys: a rate near 0 or 1 is as likely as one between.
_PRIOR: Final = 0.5
# An hour of fewer calls says nothing of how much hours differ.
_LEAST_OF_HOUR: Final = 5
_MOST_CALLS: Final = 10_000_000
_STEPS: Final = 60


class Verdict(StrEnum):
    """What can be said of a launch."""

    BETTER = "better"
    WORSE = "worse"
    NO_DIFFERENCE_YET = "no difference yet"


class Judged(NamedTuple):
    """A rate that is judged, and whether more of it is better."""

    name: str
    more_is_better: bool


JUDGED: Final = (
    Judged("answer_rate", more_is_better=True),
    Judged("failure_rate", more_is_better=False),
    Judged("provider_failure_rate", more_is_better=False),
    Judged("no_answer_rate", more_is_better=False),
    Judged("containment_rate", more_is_better=True),
    Judged("short_call_rate", more_is_better=False),
)


# For all of them together.
_Z_BEFORE: Final = two_sided(1 - _MAY_BE_WRONG / 2 / len(JUDGED))


class Evidence(NamedTuple):
    """What a verdict rests on.

    `since` and `before` are where the two rates lie; they hold together, for all rates that are judged,
    however often one looks. `over_dispersion` is how many calls count as one. `more_calls` is how many more
    would tell if the rate stayed as it is: 0 where they do, None where no number would.
    """

    verdict: Verdict
    since: Interval | None
    before: Interval | None
    over_dispersion: float
    more_calls: int | None


class Hours:
    """A rate hour by hour, as sums alone: a look after each hour costs no more than one at the end."""

    __slots__ = ("_enough", "_hours", "_squares", "calls", "events")

    def __init__(self, hours: Iterable[tuple[int, int]] = ()) -> None:
        self.events = self.calls = 0
        self._enough = (0, 0)
        self._hours, self._squares = 0, 0.0
        for hour in hours:
            self.add(hour)

    def add(self, hour: tuple[int, int]) -> None:
        """One more hour, of any number of calls: how many of them were so, and how many they are."""
        events, calls = hour
        self.events += events
        self.calls += calls
        if calls >= _LEAST_OF_HOUR:
            self._hours += 1
            self._enough = (self._enough[0] + events, self._enough[1] + calls)
            self._squares += events**2 / calls

    def over_dispersion(self) -> float:
        """How much more hours differ than chance would have it; at least 1, also for too few hours."""
        events, calls = self._enough
        if self._hours <= 1 or events in {0, calls}:
            return 1.0
        rate = events / calls
        chi_square = (self._squares - 2 * rate * events + rate * rate * calls) / (rate * (1 - rate))
        return max(1.0, chi_square / (self._hours - 1))


def judge(judged: Judged, since: Hours, before: Hours) -> Evidence:
    """The verdict on one rate, from the hours since a launch and those before."""
    seen = _look(since, before)
    if seen.bounds is None or seen.now.calls == 0:
        return Evidence(Verdict.NO_DIFFERENCE_YET, None, seen.bounds, seen.dispersion, None)
    side = _side(seen.now, seen.bounds)
    more = 0 if side else _more_calls(seen.now, seen.bounds, seen.dispersion)
    verdict = _verdict(judged, side)
    return Evidence(verdict, sequence_bounds(seen.now), seen.bounds, seen.dispersion, more)


def verdict_on(judged: Judged, since: Hours, before: Hours) -> Verdict:
    """The verdict alone, for a look after each hour: bounds would cost a hundred times as much."""
    seen = _look(since, before)
    if seen.bounds is None or seen.now.calls == 0:
        return Verdict.NO_DIFFERENCE_YET
    return _verdict(judged, _side(seen.now, seen.bounds))


def _verdict(judged: Judged, side: int) -> Verdict:
    if not side:
        return Verdict.NO_DIFFERENCE_YET
    return Verdict.BETTER if (side > 0) == judged.more_is_better else Verdict.WORSE


def overall(verdicts: Sequence[Verdict]) -> Verdict:
    """Worse where anything is; better where something is, and nothing worse."""
    for verdict in (Verdict.WORSE, Verdict.BETTER):
        if verdict in verdicts:
            return verdict
    return Verdict.NO_DIFFERENCE_YET


class Effective(NamedTuple):
    """So many of so many calls: fractions of calls where hours differ by more than chance."""

    events: float
    calls: float


class _Look(NamedTuple):
    """What is known after some hours: the calls since, where the rate lay before, how many calls are one."""

    now: Effective
    bounds: Interval | None
    dispersion: float


def _look(since: Hours, before: Hours) -> _Look:
    dispersion = max(since.over_dispersion(), before.over_dispersion())
    now = Effective(since.events / dispersion, since.calls / dispersion)
    return _Look(now, _wilson(Effective(before.events / dispersion, before.calls / dispersion)), dispersion)


def sequence_bounds(seen: Effective) -> Interval:
    """Where the rate behind what was seen lies: at all times together, for all rates that are judged."""
    middle = seen.events / seen.calls
    return Interval(_bound(seen, 0.0, middle), _bound(seen, 1.0, middle))


def _bound(seen: Effective, end: float, middle: float) -> float:
    """Between the rate that was seen and an end of the scale: the last one that is not ruled out."""
    if middle == end or not _is_ruled_out(seen, end):
        return end
    out, inside = end, middle
    for _ in range(_STEPS):
        between = (out + inside) / 2
        out, inside = (between, inside) if _is_ruled_out(seen, between) else (out, between)
    return out


def _is_ruled_out(seen: Effective, rate: float) -> bool:
    """By Ville: if this were the rate, the mixture would hardly ever become so much likelier than it."""
    return _log_evidence(seen, rate) >= log(2 * len(JUDGED) / _MAY_BE_WRONG)


def _log_evidence(seen: Effective, rate: float) -> float:
    missed = seen.calls - seen.events
    mixture = _log_beta(seen.events + _PRIOR, missed + _PRIOR) - _log_beta(_PRIOR, _PRIOR)
    return mixture - _times_log(seen.events, rate) - _times_log(missed, 1 - rate)


def _times_log(times: float, rate: float) -> float:
    if times == 0:
        return 0.0
    return times * log(rate) if rate > 0 else -inf


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def _side(now: Effective, before: Interval) -> int:
    """1 where the rate since lies above all that it can have been before, -1 where below, else 0."""
    rate = now.events / now.calls
    if rate > before.high and _is_ruled_out(now, before.high):
        return 1
    return -1 if rate < before.low and _is_ruled_out(now, before.low) else 0


def _more_calls(now: Effective, before: Interval, dispersion: float) -> int | None:
    """How many more calls at the rate that was seen; None where it is one that was usual before."""
    rate = now.events / now.calls
    if before.low <= rate <= before.high:
        return None
    few, many = now.calls, now.calls
    while not _side(Effective(rate * many, many), before):
        few, many = many, many * 2
        if many * dispersion > _MOST_CALLS:
            return None
    for _ in range(_STEPS):
        between = (few + many) / 2
        few, many = (few, between) if _side(Effective(rate * between, between), before) else (between, many)
    return max(1, round((many - now.calls) * dispersion))


def _wilson(seen: Effective) -> Interval | None:
    # Whole calls: the half of one that is lost is beyond all that is told.
    return wilson(Share(round(seen.events), round(seen.calls)), _Z_BEFORE)
