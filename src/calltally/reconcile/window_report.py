"""Report on the completeness of a window: its structures and texts. Pure."""

from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter
from typing import Final

import msgspec

from calltally.calls.times import utc_text
from calltally.calls.windows import TimeWindow
from calltally.reconcile.open_calls import OpenCalls
from calltally.reconcile.provider_gaps import ProviderGap
from calltally.store.ledger.window_status import ReplayableLetters
from calltally.store.tenants.unlisted_fields import UnlistedField

_LISTED_FIELDS: Final = 10


class DisputedCall(msgspec.Struct, frozen=True):
    """Call with contradicting facts, and their number."""

    id: str
    call_sid: str
    status: str
    created_at: str
    conflicts: int


class DisputedCalls(msgspec.Struct, frozen=True):
    """Number of disputed calls, and the oldest of them."""

    calls: int = 0
    listed: tuple[DisputedCall, ...] = ()


class ProviderSilence(msgspec.Struct, frozen=True):
    """Whole hours without a call of a provider; `to` is null for a gap that lasts."""

    provider: str
    since: str
    to: str | None
    hours: int
    usual_hours: int


class WaitingLetters(msgspec.Struct, frozen=True):
    """Dead letters of a provider that wait for a replay."""

    provider: str
    letters: int
    oldest_received_at: str


class WindowStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Report on a window. `reasons` explain why it is incomplete; `remarks` are further observations.

    Times are RFC 3339. `revision` is the ledger's head. `watermark` is the time before which no more changes
    are expected, null without any facts.
    """

    tenant: str
    begins: str = msgspec.field(name="from")
    ends: str = msgspec.field(name="to")
    at: str
    complete: bool
    reasons: tuple[str, ...]
    remarks: tuple[str, ...]
    calls: int
    revision: int
    watermark: str | None
    open: OpenCalls
    disputed: DisputedCalls
    silences: tuple[ProviderSilence, ...]
    dead_letters: tuple[WaitingLetters, ...]


class WindowState(msgspec.Struct, frozen=True):
    """State of a window in the ledger, before its evaluation."""

    calls: int
    revision: int
    watermark_us: int | None
    open: OpenCalls
    disputed: DisputedCalls
    silences: tuple[ProviderGap, ...]
    letters: tuple[ReplayableLetters, ...]
    unlisted: tuple[UnlistedField, ...] = ()


def report_of(tenant: str, window: TimeWindow, now_us: int, state: WindowState) -> WindowStatus:
    """Return the report; the window is complete if there is no reason against it."""
    reasons = tuple(_reasons(window, now_us, state))
    return WindowStatus(
        tenant=tenant,
        begins=utc_text(window.from_us),
        ends=utc_text(window.to_us),
        at=utc_text(now_us),
        complete=not reasons,
        reasons=reasons,
        remarks=tuple(_remarks(state)),
        calls=state.calls,
        revision=state.revision,
        watermark=None if state.watermark_us is None else utc_text(state.watermark_us),
        open=state.open,
        disputed=state.disputed,
        silences=tuple(map(_silence_of, state.silences)),
        dead_letters=tuple(
            WaitingLetters(each.provider, each.letters, utc_text(each.oldest_us)) for each in state.letters
        ),
    )


def _reasons(window: TimeWindow, now_us: int, state: WindowState) -> Iterator[str]:
    if window.to_us > now_us:
        yield "it has not ended yet"
    elif state.watermark_us is None:
        yield "the ledger has no facts, so its completeness is unknown"
    elif state.watermark_us < window.to_us:
        yield f"by the providers' lags, only calls from before {_minute(state.watermark_us)} are settled"
    if state.open.calls:
        older = (
            f", {state.open.older} of them longer than usual for their provider" if state.open.older else ""
        )
        yield f"{_counted(state.open.calls, 'call is', 'calls are')} still open{older}"
    for gap in state.silences:
        yield _gap_text(gap)
    for each in state.letters:
        letters = _counted(each.letters, "dead letter waits", "dead letters wait")
        yield f"{letters} for a replay: {each.provider}, since {_minute(each.oldest_us)}"


def _remarks(state: WindowState) -> Iterator[str]:
    if state.disputed.calls:
        calls = _counted(state.disputed.calls, "call has", "calls have")
        yield f"{calls} contradicting facts: two sources of one SID do not agree"
    if not state.calls:
        yield "it has no calls"
    for provider, names in groupby(state.unlisted, attrgetter("provider")):
        fields = [each.name for each in names]
        listed = ", ".join(fields[:_LISTED_FIELDS]) + (", ..." if len(fields) > _LISTED_FIELDS else "")
        counted = _counted(len(fields), "field or word", "fields or words")
        yield f"{provider} sends {counted} that its coverage page does not list: {listed}"


def _gap_text(gap: ProviderGap) -> str:
    since = _minute(gap.from_us)
    when = f"has been silent since {since}"
    if gap.to_us is not None:
        when = f"was silent from {since} to {_minute(gap.to_us)}"
    return f"{gap.provider} {when}: {gap.hours} h, where up to {gap.usual_hours} h are usual"


def _counted(count: int, one: str, more: str) -> str:
    return f"{count:,} {one if count == 1 else more}"


def _minute(instant_us: int) -> str:
    """Return a time as readable text, in UTC."""
    return utc_text(instant_us)[:16].replace("T", " ")


def _silence_of(gap: ProviderGap) -> ProviderSilence:
    to = None if gap.to_us is None else utc_text(gap.to_us)
    since = utc_text(gap.from_us)
    return ProviderSilence(gap.provider, since, to, gap.hours, gap.usual_hours)
