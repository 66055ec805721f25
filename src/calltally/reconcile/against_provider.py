"""Comparison of our record of a call with the provider's listing: a pure function of one pair."""

from typing import Final

import msgspec

from calltally.calls.model import FINAL, OPEN
from calltally.calls.times import DAY_US, SECOND_US
from calltally.reconcile.findings import Finding, FindingKind, times_of
from calltally.reconcile.provider_sides import CallPair, OurCall, TheirCall

_MINUTE_US: Final = 60 * SECOND_US


class ProviderTerms(msgspec.Struct, frozen=True):
    """Terms of a comparison. Times are microseconds UTC.

    The window is on our `created_at`, and on the provider's start for calls that we do not have. Both sides
    are listed with `margin_us` on either end, because a call has slightly different times on both sides.
    Calls that ended or began less than `settle_us` ago are not compared: their callbacks may be in flight.
    `by_platform` is true if the provider is a platform whose calls are carried by others. `listed_from_us`
    and `listed_to_us` are the range of a file; outside of it no call counts as missing.
    """

    provider: str
    account: str | None
    from_us: int
    to_us: int
    now_us: int
    tolerance_s: int = 1
    open_limit_us: int = DAY_US
    margin_us: int = 60 * _MINUTE_US
    settle_us: int = 5 * _MINUTE_US
    by_platform: bool = False
    listed_from_us: int | None = None
    listed_to_us: int | None = None

    def is_in_window(self, instant_us: int) -> bool:
        """Return true if an instant is in the window."""
        return self.from_us <= instant_us < self.to_us

    def covers(self, instant_us: int) -> bool:
        """Return true if the provider's list covers calls of this instant."""
        after = self.listed_from_us is None or instant_us >= self.listed_from_us
        return after and (self.listed_to_us is None or instant_us <= self.listed_to_us)


def compare_pair(pair: CallPair, terms: ProviderTerms) -> Finding | None:
    """Return the finding of one call; None if both sides agree or it is too early to decide."""
    ours, theirs = pair.ours, pair.theirs
    if ours is None:
        return _unheard(theirs, terms) if theirs is not None else None
    if not terms.is_in_window(ours.created_us):
        return None
    if theirs is None:
        return _unlisted(ours, terms)
    return _compare_open(ours, theirs, terms) if ours.status in OPEN else _compare_final(ours, theirs, terms)


def is_healable(finding: Finding) -> bool:
    """Return true if recording the provider's listing resolves the finding."""
    return finding.kind in _HEALABLE


def needs_provider_check(finding: Finding) -> bool:
    """Return true if the provider must be asked about this call first, because a list may be outdated."""
    return finding.kind in _CHECKED_AT_PROVIDER


_HEALABLE: Final = frozenset(
    {
        FindingKind.UNHEARD_CALL,
        FindingKind.MISSING_FINAL_STATE,
        FindingKind.CONTRADICTION,
        FindingKind.OTHER_DURATION,
    }
)
_CHECKED_AT_PROVIDER: Final = frozenset({FindingKind.UNLISTED_CALL, FindingKind.OPEN_TOO_LONG})


def _unheard(theirs: TheirCall, terms: ProviderTerms) -> Finding | None:
    if not terms.is_in_window(theirs.started_us) or _is_fresh(theirs, terms):
        return None
    detail = f"{terms.provider} lists it as {theirs.status}; there is no fact of it here"
    return _finding(FindingKind.UNHEARD_CALL, detail, None, theirs)


def _unlisted(ours: OurCall, terms: ProviderTerms) -> Finding | None:
    is_theirs = ours.provider == terms.provider and (ours.account or "") == terms.account
    is_settled = ours.created_us <= terms.now_us - terms.settle_us
    if not is_theirs or not is_settled or not terms.covers(ours.created_us):
        return None
    whose = f" of account {terms.account}" if terms.account else ""
    detail = f"it is not in {terms.provider}'s list{whose}"
    return _finding(FindingKind.UNLISTED_CALL, detail, ours, None)


def _compare_open(ours: OurCall, theirs: TheirCall, terms: ProviderTerms) -> Finding | None:
    if theirs.status in FINAL:
        if _is_fresh(theirs, terms):
            return None
        detail = f"{terms.provider} lists it as {theirs.status}, and there is no final state here"
        return _finding(FindingKind.MISSING_FINAL_STATE, detail, ours, theirs)
    age_us = terms.now_us - ours.created_us
    if age_us <= terms.open_limit_us:
        return None
    detail = f"open for {age_us // (3600 * SECOND_US)} h on both sides"
    return _finding(FindingKind.OPEN_TOO_LONG, detail, ours, theirs)


def _compare_final(ours: OurCall, theirs: TheirCall, terms: ProviderTerms) -> Finding | None:
    """Compare a final call. A listing that is still open is no contradiction: it may be older."""
    if theirs.status in OPEN:
        return None
    if ours.status != theirs.status:
        detail = f"{ours.status} here, {theirs.status} at {terms.provider}"
        return _finding(FindingKind.CONTRADICTION, detail, ours, theirs)
    if theirs.duration_seconds is None or not _differs(ours, theirs.duration_seconds, terms):
        return None
    seconds_here = "no duration" if ours.duration_seconds is None else f"{ours.duration_seconds} s"
    detail = f"{seconds_here} here, {theirs.duration_seconds} s at {terms.provider}"
    finding = _finding(FindingKind.OTHER_DURATION, detail, ours, theirs)
    ours_text = None if ours.duration_seconds is None else str(ours.duration_seconds)
    return msgspec.structs.replace(finding, ours=ours_text, theirs=str(theirs.duration_seconds))


def _differs(ours: OurCall, seconds: int, terms: ProviderTerms) -> bool:
    seconds_here = ours.duration_seconds
    return seconds_here is None or abs(seconds_here - seconds) > terms.tolerance_s


def _is_fresh(theirs: TheirCall, terms: ProviderTerms) -> bool:
    latest_us = theirs.started_us if theirs.ended_us is None else theirs.ended_us
    return latest_us > terms.now_us - terms.settle_us


def _finding(kind: FindingKind, detail: str, ours: OurCall | None, theirs: TheirCall | None) -> Finding:
    sid = ours.call_sid if ours is not None else theirs.call_sid if theirs is not None else None
    return Finding(
        kind,
        detail,
        call_id=ours.id if ours else None,
        call_sid=sid,
        ours=ours.status if ours else None,
        theirs=theirs.status if theirs else None,
        times=times_of(
            created_at=ours.created_us if ours else None,
            provider_started_at=theirs.started_us if theirs else None,
            provider_ended_at=theirs.ended_us if theirs else None,
        ),
    )
