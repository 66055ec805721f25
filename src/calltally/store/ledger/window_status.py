"""What tells whether a window of time is complete: who was heard when, what contradicts, what waits."""

from typing import Final, NamedTuple

from calltally.calls.times import SECOND_US
from calltally.store.db.operation import Statement, StoreOperation

HOUR_S: Final = 3_600
_PREFIX: Final = "provider="
# How a sealed record goes on where nothing contradicts; `store/sql/*/windows.sql` looks for it at its end.
# The end is cut so short that what a tenant wrote into `metadata`, which stands before, cannot look like it.
_UNDISPUTED: Final = b'"conflicts":0,"revision":'


class Waiting(NamedTuple):
    """Letters of one provider that wait for a replay; `oldest_us` is when the first of them came."""

    provider: str
    letters: int
    oldest_us: int


def active_hours(tenant: str, from_us: int, to_us: int) -> StoreOperation[dict[str, list[int]]]:
    """By provider, the hours (seconds since 1970 at which they begin) in which calls of it began, ascending.

    Costs the hours that there are, by the primary key of the counters.
    """
    lo_s, hi_s = from_us // SECOND_US // HOUR_S * HOUR_S, -(-to_us // SECOND_US)
    rows = yield Statement("active_hours_of_providers", {"tenant": tenant, "lo_s": lo_s, "hi_s": hi_s})
    hours: dict[str, list[int]] = {}
    for facet, hour_s in rows:
        hours.setdefault(facet.removeprefix(_PREFIX), []).append(hour_s)
    return {provider: sorted(each) for provider, each in sorted(hours.items())}


def disputed_records(tenant: str, from_us: int, to_us: int) -> StoreOperation[list[bytes]]:
    """The sealed records of the calls of a window whose facts contradict each other, oldest first or not.

    Linear in the calls of the window, which the index `calls_listed` gives: choose a short one.
    """
    params = {"tenant": tenant, "lo_us": from_us, "hi_us": to_us, "undisputed": _UNDISPUTED}
    rows = yield Statement("disputed_records", params)
    return [bytes(record) for (record,) in rows]


def waiting_letters(tenant: str, since_us: int) -> StoreOperation[list[Waiting]]:
    """Dead letters that came since an instant and were not replayed, by the index `dead_letters_received`."""
    rows = yield Statement("waiting_letters_since", {"tenant": tenant, "since_us": since_us})
    return [Waiting(*row) for row in rows]
