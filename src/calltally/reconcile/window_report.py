"""Report on the completeness of a window: its structures and texts. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final

import msgspec
from msgspec.structs import replace

from calltally.calls.errors import DamagedStore
from calltally.calls.plurals import counted
from calltally.calls.times import parse_instant, utc_text
from calltally.calls.watermark import MAX_LAG_US, watermark_us
from calltally.calls.wire_types import Timestamp
from calltally.store.tenants.unlisted_fields import UnlistedField

_LISTED: Final = 20
_LISTED_FIELDS: Final = 10


class OpenCall(msgspec.Struct, frozen=True):
    """Call without a final state."""

    id: str
    call_sid: str
    status: str
    created_at: Timestamp
    provider: str | None = None
    route: str | None = None


class OpenRoute(msgspec.Struct, frozen=True):
    """Open calls of one route and provider; `older` counts calls that exceed the provider's usual lag."""

    route: str | None
    provider: str | None
    calls: int
    older: int
    oldest_created_at: Timestamp


class OpenCalls(msgspec.Struct, frozen=True):
    """Open calls of a window. `older` and `by_route` cover the oldest 20,000, `listed` the oldest 20."""

    calls: int = 0
    older: int = 0
    by_route: tuple[OpenRoute, ...] = ()
    listed: tuple[OpenCall, ...] = ()


class DisputedCall(msgspec.Struct, frozen=True):
    """Call with contradicting facts, and their number."""

    id: str
    call_sid: str
    status: str
    created_at: Timestamp
    conflicts: int


class DisputedCalls(msgspec.Struct, frozen=True):
    """Number of disputed calls, and the oldest of them."""

    calls: int = 0
    listed: tuple[DisputedCall, ...] = ()


class ProviderSilence(msgspec.Struct, frozen=True):
    """Whole hours without a call of a provider; `to` is null for a gap that lasts."""

    provider: str
    since: Timestamp
    to: Timestamp | None
    hours: int
    usual_hours: int


class WaitingLetters(msgspec.Struct, frozen=True):
    """Dead letters of a provider that wait for a replay."""

    provider: str
    letters: int
    oldest_received_at: Timestamp


class WindowStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Report on a window. `reasons` explain why it is incomplete; `remarks` are further observations.

    Times are RFC 3339. `revision` is the ledger's head. `watermark` is the time before which no more changes
    are expected, null without any facts.
    """

    tenant: str
    begins: Timestamp = msgspec.field(name="from")
    ends: Timestamp = msgspec.field(name="to")
    at: Timestamp
    complete: bool = False
    reasons: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    calls: int
    revision: int
    watermark: Timestamp | None
    open: OpenCalls
    disputed: DisputedCalls
    silences: tuple[ProviderSilence, ...]
    dead_letters: tuple[WaitingLetters, ...]


_open_calls: Final = msgspec.json.Decoder(list[OpenCall])


def evaluated(status: WindowStatus, unlisted: Iterable[UnlistedField]) -> WindowStatus:
    """Return the report with its reasons and remarks; the window is complete if there is no reason."""
    reasons = tuple(_reasons(status))
    return replace(status, complete=not reasons, reasons=reasons, remarks=tuple(_remarks(status, unlisted)))


def _reasons(status: WindowStatus) -> Iterator[str]:
    # Texts of instants are ordered as the instants are.
    if status.ends > status.at:
        yield "it has not ended yet"
    elif status.watermark is None:
        yield "the ledger has no facts, so its completeness is unknown"
    elif status.watermark < status.ends:
        yield f"by the providers' lags, only calls from before {_minute(status.watermark)} are settled"
    if status.open.calls:
        older = f"; for longer than usual: {status.open.older}" if status.open.older else ""
        yield f"{counted(status.open.calls, 'call is', 'calls are')} still open{older}"
    for gap in status.silences:
        when = f"has been silent since {_minute(gap.since)}"
        if gap.to is not None:
            when = f"was silent from {_minute(gap.since)} to {_minute(gap.to)}"
        yield f"{gap.provider} {when}: {gap.hours} h, where up to {gap.usual_hours} h are usual"
    for each in status.dead_letters:
        letters = counted(each.letters, "dead letter waits", "dead letters wait")
        yield f"{letters} for a replay: {each.provider}, since {_minute(each.oldest_received_at)}"


def _remarks(status: WindowStatus, unlisted: Iterable[UnlistedField]) -> Iterator[str]:
    if status.disputed.calls:
        calls = counted(status.disputed.calls, "call has", "calls have")
        yield f"{calls} contradicting facts: two sources of one SID do not agree"
    if not status.calls:
        yield "it has no calls"
    for provider, names in groupby(unlisted, attrgetter("provider")):
        fields = [each.name for each in names]
        listed = ", ".join(fields[:_LISTED_FIELDS]) + (", ..." if len(fields) > _LISTED_FIELDS else "")
        unlisted_fields = counted(len(fields), "field or word", "fields or words")
        yield f"{provider} sends {unlisted_fields} that its coverage page does not list: {listed}"


def _minute(instant: str) -> str:
    return instant[:16].replace("T", " ")


def parse_open_calls(records: bytes) -> list[OpenCall]:
    """Parse finished records joined by commas."""
    try:
        return _open_calls.decode(b"[%b]" % records)
    except msgspec.DecodeError as fault:
        raise DamagedStore(
            f"a stored call cannot be read ({fault}); find it with `calltally verify`"
        ) from fault


def usual_lag_by_provider(lags: Iterable[tuple[str | None, int]]) -> dict[str | None, int]:
    """Return each provider's usual time from a call's creation to its last change, in microseconds."""
    by_provider: dict[str | None, list[tuple[str | None, int]]] = {}
    for provider, lag_us in lags:
        by_provider.setdefault(provider, []).append((provider, lag_us))
    marks = {provider: watermark_us(0, each) for provider, each in by_provider.items()}
    return {provider: -mark for provider, mark in marks.items() if mark is not None}


def summarize(
    total: int, calls: Sequence[OpenCall], usual_us: Mapping[str | None, int], now_us: int
) -> OpenCalls:
    """Summarize open calls, oldest first. The limit for a provider without known lags is seven days."""
    routes: dict[tuple[str, str], list[OpenCall]] = {}
    for call in calls:
        routes.setdefault((call.route or "", call.provider or ""), []).append(call)
    by_route = tuple(_route(each, usual_us, now_us) for _, each in sorted(routes.items()))
    return OpenCalls(total, sum(each.older for each in by_route), by_route, tuple(calls[:_LISTED]))


def _route(calls: Sequence[OpenCall], usual_us: Mapping[str | None, int], now_us: int) -> OpenRoute:
    created = sorted(parse_instant(call.created_at) for call in calls)
    provider = calls[0].provider
    limit_us = usual_us.get(provider, MAX_LAG_US)
    older = sum(now_us - each > limit_us for each in created)
    return OpenRoute(calls[0].route, provider, len(calls), older, utc_text(created[0]))
