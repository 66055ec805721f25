"""Comparison of our record of a call with the provider's listing: a pure function of one pair.

A platform's call and the carrier's are one record here, with the carrier's SID and times. The platform's list
is compared with the platform's own facts, under the platform's own id, even if another source decides the
record.
"""

from collections.abc import Iterable
from operator import attrgetter
from typing import Final

import msgspec
from msgspec.structs import replace

from calltally.calls.events import Fact
from calltally.calls.model import FINAL, OPEN, Status
from calltally.calls.times import DAY_US, SECOND_US
from calltally.reconcile.findings import Finding, FindingKind, times_of
from calltally.reconcile.provider_sides import CallPair, OurCall, TheirCall, talk_seconds_of

_MINUTE_US: Final = 60 * SECOND_US

# Findings that are resolved by recording the provider's listing.
HEALABLE: Final = frozenset(
    {
        FindingKind.UNHEARD_CALL,
        FindingKind.MISSING_FINAL_STATE,
        FindingKind.CONTRADICTION,
        FindingKind.OTHER_DURATION,
    }
)
# The provider must be asked about these calls first, because a list may be outdated.
CHECKED_AT_PROVIDER: Final = frozenset({FindingKind.UNLISTED_CALL, FindingKind.OPEN_TOO_LONG})


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


def _unheard(theirs: TheirCall, terms: ProviderTerms) -> Finding | None:
    if not terms.is_in_window(theirs.started_us) or _is_fresh(theirs, terms):
        return None
    detail = f"{terms.provider} lists it as {theirs.status}; Calltally has no record of it"
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
    ours_s, theirs_s = ours.duration_seconds, theirs.duration_seconds
    if theirs_s is None or (ours_s is not None and abs(ours_s - theirs_s) <= terms.tolerance_s):
        return None
    seconds_here = "no duration" if ours_s is None else f"{ours_s} s"
    detail = f"{seconds_here} here, {theirs_s} s at {terms.provider}"
    finding = _finding(FindingKind.OTHER_DURATION, detail, ours, theirs)
    return replace(finding, ours=None if ours_s is None else str(ours_s), theirs=str(theirs_s))


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


def reference_of(call: OurCall, terms: ProviderTerms) -> str | None:
    """Return the id under which the provider may list our call; None for a call that cannot be its own.

    A platform's call is named by its session id, which is the platform's id unless the tenant set another.
    Then the ledger is searched for the platform's id.
    """
    if not terms.by_platform:
        return call.call_sid
    return call.session_id or (call.call_sid if call.provider == terms.provider else None)


def needs_recheck(pair: CallPair, terms: ProviderTerms) -> bool:
    """Return true if the platform's facts must be read from the ledger: the record does not contain them."""
    is_ours = pair.ours is not None and terms.is_in_window(pair.ours.created_us)
    return terms.by_platform and (is_ours or pair.theirs is not None)


def as_reported(pair: CallPair, facts: Iterable[Fact], terms: ProviderTerms) -> CallPair:
    """Return the pair with our side as the platform reported it, or without our side if it reported none."""
    reported = sorted((fact for fact in facts if fact.provider == terms.provider), key=attrgetter("order"))
    if pair.ours is None or not reported:
        return pair._replace(ours=None)
    last = reported[-1]
    final = [fact for fact in reported if fact.stated.get("status") in FINAL]
    ours = replace(
        pair.ours,
        status=(final or reported)[-1].stated.get("status", Status.QUEUED),
        duration_seconds=talk_seconds_of(final[-1].stated) if final else None,
        provider=terms.provider,
        account=last.account if terms.account else "",
    )
    return pair._replace(call_sid=last.call_sid, ours=ours)
