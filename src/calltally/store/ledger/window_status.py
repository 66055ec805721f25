"""Completeness of a window of time: active hours by provider, contradictions, waiting dead letters."""

from typing import Final, NamedTuple

from calltally.calls.times import SECOND_US
from calltally.store.db.operation import Statement, StoreOperation

HOUR_S: Final = 3_600
_PREFIX: Final = "provider="
# Last fields of a sealed record without contradictions; `store/sql/*/windows.sql` searches its end for this.
# The searched end is so short that it cannot contain a tenant's `metadata`, which comes before.
_UNDISPUTED: Final = b'"conflicts":0,"revision":'


class ReplayableLetters(NamedTuple):
    """Dead letters of one provider that wait for a replay; `oldest_us` is the time of the oldest."""

    provider: str
    letters: int
    oldest_us: int


def active_hours(tenant: str, from_us: int, to_us: int) -> StoreOperation[dict[str, list[int]]]:
    """Return the hours with calls by provider, as the seconds since 1970 of their begin, ascending.

    The cost is linear in these hours, by the primary key of the counters.
    """
    lo_s, hi_s = from_us // SECOND_US // HOUR_S * HOUR_S, -(-to_us // SECOND_US)
    rows = yield Statement("active_hours_of_providers", {"tenant": tenant, "lo_s": lo_s, "hi_s": hi_s})
    hours: dict[str, list[int]] = {}
    for facet, hour_s in rows:
        hours.setdefault(facet.removeprefix(_PREFIX), []).append(hour_s)
    return {provider: sorted(each) for provider, each in sorted(hours.items())}


def disputed_records(tenant: str, from_us: int, to_us: int) -> StoreOperation[list[bytes]]:
    """Return the sealed records of a window's calls with contradicting facts, in no particular order.

    Linear in the calls of the window, by the index `calls_listed`: choose a short window.
    """
    params = {"tenant": tenant, "lo_us": from_us, "hi_us": to_us, "undisputed": _UNDISPUTED}
    rows = yield Statement("disputed_records", params)
    return [bytes(record) for (record,) in rows]


def waiting_letters(tenant: str, since_us: int) -> StoreOperation[list[ReplayableLetters]]:
    """Return the dead letters since an instant that were not replayed, by `dead_letters_received`."""
    rows = yield Statement("waiting_letters_since", {"tenant": tenant, "since_us": since_us})
    return [ReplayableLetters(*row) for row in rows]
