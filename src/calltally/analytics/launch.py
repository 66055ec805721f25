"""Statistics of a launch: better or worse than before, for any number of checks. Pure.

Users check a launch every hour and stop at a number that pleases or alarms them. Tests that are made for a
single check then err far more often than they claim. So the rate since the launch has a *confidence
sequence*: bounds that hold at all times together (H. Robbins, Annals of Mathematical Statistics 41 (1970): a
mixture of likelihoods over a beta distribution, and Ville's inequality). The rate before is counted once, and
has Wilson's interval. A verdict is given if the two do not overlap.

Hours of real traffic differ by more than chance. The over-dispersion is estimated (Pearson's chi-square over
its degrees of freedom), and that many calls count as one (quasi-likelihood).
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from math import inf, lgamma, log
from typing import Final, NamedTuple

from calltally.calls.intervals import CONFIDENCE, Interval, Proportion, two_sided, wilson

# Half of the error probability is for the bounds before, half for the bounds since.
_ERROR_PROBABILITY: Final = 1 - CONFIDENCE
# Jeffreys' prior: a rate near 0 or 1 is as likely as one in the middle.
_PRIOR: Final = 0.5
# Hours with fewer calls are not used to estimate the over-dispersion.
_MIN_HOUR_CALLS: Final = 5
_MAX_CALLS: Final = 10_000_000
_BISECTIONS: Final = 60


class LaunchVerdict(StrEnum):
    """Verdict on a launch."""

    BETTER = "better"
    WORSE = "worse"
    NO_DIFFERENCE_YET = "no difference yet"
    NO_BASELINE = "no baseline"


class JudgedRate(NamedTuple):
    """Rate with a verdict, and its good direction."""

    name: str
    more_is_better: bool


JUDGED_RATES: Final = (
    JudgedRate("answer_rate", more_is_better=True),
    JudgedRate("failure_rate", more_is_better=False),
    JudgedRate("provider_failure_rate", more_is_better=False),
    JudgedRate("no_answer_rate", more_is_better=False),
    JudgedRate("containment_rate", more_is_better=True),
    JudgedRate("short_call_rate", more_is_better=False),
)


# For all rates together.
_Z_BEFORE: Final = two_sided(1 - _ERROR_PROBABILITY / 2 / len(JUDGED_RATES))


class RateEvidence(NamedTuple):
    """Evidence of a verdict.

    `since` and `before` are the intervals of the two rates. They hold together, for all judged rates and any
    number of checks. `over_dispersion` is the number of calls that count as one. `more_calls` is the number
    of further calls for a verdict at the current rate: 0 if there is a verdict, None if no number is enough.
    """

    verdict: LaunchVerdict
    since: Interval | None
    before: Interval | None
    over_dispersion: float
    more_calls: int | None


class HourlyRate:
    """Running sums of a rate by hour: a verdict after every hour is as cheap as one at the end."""

    __slots__ = ("_enough", "_hours", "_squares", "calls", "events")

    def __init__(self, hours: Iterable[tuple[int, int]] = ()) -> None:
        self.events = self.calls = 0
        self._enough = (0, 0)
        self._hours, self._squares = 0, 0.0
        for hour in hours:
            self.add(hour)

    def add(self, hour: tuple[int, int]) -> None:
        """Add an hour: its number of events and its number of calls."""
        events, calls = hour
        self.events += events
        self.calls += calls
        if calls >= _MIN_HOUR_CALLS:
            self._hours += 1
            self._enough = (self._enough[0] + events, self._enough[1] + calls)
            self._squares += events**2 / calls

    @property
    def rate(self) -> float:
        return self.events / self.calls if self.calls else 0.0

    def over_dispersion(self) -> float:
        """Return the ratio of the variance between hours to chance, at least 1; 1 for too few hours."""
        events, calls = self._enough
        if self._hours <= 1 or events in {0, calls}:
            return 1.0
        rate = events / calls
        chi_square = (self._squares - 2 * rate * events + rate * rate * calls) / (rate * (1 - rate))
        return max(1.0, chi_square / (self._hours - 1))


def evaluate_rate(rate: JudgedRate, since: HourlyRate, before: HourlyRate) -> RateEvidence:
    now, bounds, dispersion = _compare(since, before)
    if bounds is None or now.calls == 0:
        return RateEvidence(_undecided(before), None, bounds, dispersion, None)
    side = _side(now, bounds)
    more = 0 if side else _more_calls(now, bounds, dispersion)
    return RateEvidence(_verdict(rate, side), sequence_bounds(now), bounds, dispersion, more)


def verdict_of(rate: JudgedRate, since: HourlyRate, before: HourlyRate) -> LaunchVerdict:
    """Return the verdict alone, for use after each hour: bounds would cost a hundred times as much."""
    now, bounds, _dispersion = _compare(since, before)
    if bounds is None or now.calls == 0:
        return _undecided(before)
    return _verdict(rate, _side(now, bounds))


def _undecided(before: HourlyRate) -> LaunchVerdict:
    return LaunchVerdict.NO_DIFFERENCE_YET if before.calls else LaunchVerdict.NO_BASELINE


def _verdict(rate: JudgedRate, side: int) -> LaunchVerdict:
    if not side:
        return LaunchVerdict.NO_DIFFERENCE_YET
    return LaunchVerdict.BETTER if (side > 0) == rate.more_is_better else LaunchVerdict.WORSE


def overall_verdict(verdicts: Sequence[LaunchVerdict]) -> LaunchVerdict:
    """Return worse if any verdict is, else better if any is; no baseline only if no rate has one."""
    ranked = (LaunchVerdict.WORSE, LaunchVerdict.BETTER, LaunchVerdict.NO_DIFFERENCE_YET)
    return next((each for each in ranked if each in verdicts), LaunchVerdict.NO_BASELINE)


class EffectiveCounts(NamedTuple):
    """Events and calls, corrected for over-dispersion, so possibly fractions."""

    events: float
    calls: float


class _Comparison(NamedTuple):
    """Corrected counts since the launch, the interval of the rate before, and the over-dispersion."""

    now: EffectiveCounts
    bounds: Interval | None
    dispersion: float


def _compare(since: HourlyRate, before: HourlyRate) -> _Comparison:
    dispersion = max(since.over_dispersion(), before.over_dispersion())
    now = EffectiveCounts(since.events / dispersion, since.calls / dispersion)
    # Whole calls: the rounding of half a call is below the reported precision.
    share = Proportion(round(before.events / dispersion), round(before.calls / dispersion))
    bounds = wilson(share, _Z_BEFORE)
    # The rounding of few calls may move the interval off the rate itself.
    if bounds is not None:
        bounds = Interval(min(bounds.low, before.rate), max(bounds.high, before.rate))
    return _Comparison(now, bounds, dispersion)


def sequence_bounds(counts: EffectiveCounts) -> Interval:
    """Return the bounds of the rate that hold at all times together, for all judged rates."""
    middle = counts.events / counts.calls
    return Interval(_bound(counts, 0.0, middle), _bound(counts, 1.0, middle))


def _bound(counts: EffectiveCounts, end: float, middle: float) -> float:
    """Return the last rate between the observed one and an end of the scale that is not ruled out."""
    if middle == end or not _is_ruled_out(counts, end):
        return end
    out, inside = end, middle
    for _ in range(_BISECTIONS):
        between = (out + inside) / 2
        out, inside = (between, inside) if _is_ruled_out(counts, between) else (out, between)
    return out


def _is_ruled_out(counts: EffectiveCounts, rate: float) -> bool:
    """Decide by Ville's inequality: at this rate the mixture would hardly ever become so likely."""
    return _log_evidence(counts, rate) >= log(2 * len(JUDGED_RATES) / _ERROR_PROBABILITY)


def _log_evidence(counts: EffectiveCounts, rate: float) -> float:
    missed = counts.calls - counts.events
    mixture = _log_beta(counts.events + _PRIOR, missed + _PRIOR) - _log_beta(_PRIOR, _PRIOR)
    return mixture - _times_log(counts.events, rate) - _times_log(missed, 1 - rate)


def _times_log(times: float, rate: float) -> float:
    if times == 0:
        return 0.0
    return times * log(rate) if rate > 0 else -inf


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def _side(now: EffectiveCounts, before: Interval) -> int:
    """Return 1 if the rate since is above the interval before, -1 if below, else 0."""
    rate = now.events / now.calls
    if rate > before.high and _is_ruled_out(now, before.high):
        return 1
    return -1 if rate < before.low and _is_ruled_out(now, before.low) else 0


def _more_calls(now: EffectiveCounts, before: Interval, dispersion: float) -> int | None:
    """Return the number of further calls at the observed rate; None if that rate was usual before."""
    rate = now.events / now.calls
    if before.low <= rate <= before.high:
        return None
    few, many = now.calls, now.calls
    while not _side(EffectiveCounts(rate * many, many), before):
        few, many = many, many * 2
        if many * dispersion > _MAX_CALLS:
            return None
    for _ in range(_BISECTIONS):
        between = (few + many) / 2
        is_enough = _side(EffectiveCounts(rate * between, between), before)
        few, many = (few, between) if is_enough else (between, many)
    return max(1, round((many - now.calls) * dispersion))
