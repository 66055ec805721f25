"""What does not add up between our record of a call and its provider's word: a pure judgement of one pair."""

from typing import Final

import msgspec

from calltally.calls.model import FINAL, OPEN
from calltally.calls.times import DAY_US, SECOND_US
from calltally.reconcile.findings import Finding, Kind, times_of
from calltally.reconcile.provider_sides import OurCall, Pair, TheirCall

_MINUTE_US: Final = 60 * SECOND_US


class Terms(msgspec.Struct, frozen=True):
    """What is compared, and from when on a difference is one. Times are microseconds UTC.

    The window is on our `created_at`, and on the provider's start for calls that we do not have. Both sides
    are listed from `margin_us` before it to as long behind: a call has not quite the same time on both.
    What ended or began less than `settle_us` ago is not judged, since its callbacks may be under way.
    `by_platform` is whether the provider is a platform whose calls others carry.
    `listed_from_us` and `listed_to_us` are what a file reaches over: beyond, nothing is missing in it.
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

    def has(self, instant_us: int) -> bool:
        """Whether an instant is of the window."""
        return self.from_us <= instant_us < self.to_us

    def is_listed(self, instant_us: int) -> bool:
        """Whether the provider's list would show a call of this instant."""
        after = self.listed_from_us is None or instant_us >= self.listed_from_us
        return after and (self.listed_to_us is None or instant_us <= self.listed_to_us)


def judge(pair: Pair, terms: Terms) -> Finding | None:
    """The finding of one call, None where both sides agree or it is too early to tell."""
    ours, theirs = pair.ours, pair.theirs
    if ours is None:
        return _unheard(theirs, terms) if theirs is not None else None
    if not terms.has(ours.created_us):
        return None
    if theirs is None:
        return _unlisted(ours, terms)
    return _open(ours, theirs, terms) if ours.status in OPEN else _over(ours, theirs, terms)


def is_word_wanted(finding: Finding) -> bool:
    """Whether the provider's own word of the call mends it, if the ledger is told."""
    return finding.kind in _MENDED


def is_asked(finding: Finding) -> bool:
    """Whether the provider is asked about the very call before anything is made of it: a list may be old."""
    return finding.kind in _ASKED


_MENDED: Final = frozenset(
    {Kind.UNHEARD_CALL, Kind.MISSING_FINAL_STATE, Kind.CONTRADICTION, Kind.OTHER_DURATION}
)
_ASKED: Final = frozenset({Kind.UNLISTED_CALL, Kind.OPEN_TOO_LONG})


def _unheard(theirs: TheirCall, terms: Terms) -> Finding | None:
    if not terms.has(theirs.started_us) or _is_fresh(theirs, terms):
        return None
    detail = f"{terms.provider} lists it as {theirs.status}; nothing was ever told of it here"
    return _finding(Kind.UNHEARD_CALL, detail, None, theirs)


def _unlisted(ours: OurCall, terms: Terms) -> Finding | None:
    is_theirs = ours.provider == terms.provider and (ours.account or "") == terms.account
    is_settled = ours.created_us <= terms.now_us - terms.settle_us
    if not is_theirs or not is_settled or not terms.is_listed(ours.created_us):
        return None
    whose = f" of account {terms.account}" if terms.account else ""
    detail = f"it is not in {terms.provider}'s list{whose}"
    return _finding(Kind.UNLISTED_CALL, detail, ours, None)


def _open(ours: OurCall, theirs: TheirCall, terms: Terms) -> Finding | None:
    if theirs.status in FINAL:
        if _is_fresh(theirs, terms):
            return None
        detail = f"{terms.provider} has it {theirs.status}, and no final state was told here"
        return _finding(Kind.MISSING_FINAL_STATE, detail, ours, theirs)
    age_us = terms.now_us - ours.created_us
    if age_us <= terms.open_limit_us:
        return None
    detail = f"open for {age_us // (3600 * SECOND_US)} h on both sides"
    return _finding(Kind.OPEN_TOO_LONG, detail, ours, theirs)


def _over(ours: OurCall, theirs: TheirCall, terms: Terms) -> Finding | None:
    """A list that still has it open says nothing against a final state: it may be the older word."""
    if theirs.status in OPEN:
        return None
    if ours.status != theirs.status:
        detail = f"{ours.status} here, {theirs.status} at {terms.provider}"
        return _finding(Kind.CONTRADICTION, detail, ours, theirs)
    if theirs.duration_seconds is None or not _differs(ours, theirs.duration_seconds, terms):
        return None
    known = "no duration" if ours.duration_seconds is None else f"{ours.duration_seconds} s"
    detail = f"{known} here, {theirs.duration_seconds} s at {terms.provider}"
    finding = _finding(Kind.OTHER_DURATION, detail, ours, theirs)
    said = None if ours.duration_seconds is None else str(ours.duration_seconds)
    return msgspec.structs.replace(finding, ours=said, theirs=str(theirs.duration_seconds))


def _differs(ours: OurCall, seconds: int, terms: Terms) -> bool:
    known = ours.duration_seconds
    return known is None or abs(known - seconds) > terms.tolerance_s


def _is_fresh(theirs: TheirCall, terms: Terms) -> bool:
    latest_us = theirs.started_us if theirs.ended_us is None else theirs.ended_us
    return latest_us > terms.now_us - terms.settle_us


def _finding(kind: Kind, detail: str, ours: OurCall | None, theirs: TheirCall | None) -> Finding:
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
