"""Open calls by route and age, compared with the usual lag of their provider."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from calltally.calls.errors import DamagedStore
from calltally.calls.times import parse_instant, utc_text
from calltally.calls.watermark import MAX_LAG_US, watermark_us

_LISTED: Final = 20


class OpenCall(msgspec.Struct, frozen=True):
    """Call without a final state."""

    id: str
    call_sid: str
    status: str
    created_at: str
    provider: str | None = None
    route: str | None = None


class OpenRoute(msgspec.Struct, frozen=True):
    """Open calls of one route and provider; `older` counts calls that exceed the provider's usual lag."""

    route: str | None
    provider: str | None
    calls: int
    older: int
    oldest_created_at: str


class OpenCalls(msgspec.Struct, frozen=True):
    """Open calls of a window. `older` and `by_route` cover the oldest 20,000, `listed` the oldest 20."""

    calls: int = 0
    older: int = 0
    by_route: tuple[OpenRoute, ...] = ()
    listed: tuple[OpenCall, ...] = ()


_decoder: Final = msgspec.json.Decoder(list[OpenCall])


def parse_open_calls(records: bytes) -> list[OpenCall]:
    """Parse sealed records joined by commas."""
    try:
        return _decoder.decode(b"[%b]" % records)
    except msgspec.DecodeError as fault:
        raise DamagedStore(f"a stored record is not a call: {fault}; run `calltally verify`") from fault


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
