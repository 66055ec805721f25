"""Where a ledger has anything to recount: windows with calls or counters in them, and no others.

Calls are found by their index, from one window to the next, and counters by one look at all of them. So
years without calls cost nothing, and a call whose instant was damaged to one of millions of years from now
is a window more.
"""

from typing import Final

from calltally.calls.times import SECOND_US
from calltally.store.db.operation import Statement, StoreOperation

# What a column holds. The window of a damaged instant may reach beyond.
_LEAST_US: Final = -(2**63)
_MOST_US: Final = 2**63 - 1


def occupied(tenant: str, width_s: int, counters: str) -> StoreOperation[list[int]]:
    """The windows of that width, by the seconds since 1970 at which they begin, ascending.

    `counters` names the statement that tells in which there are rows of counters.
    """
    rows = yield Statement(counters, {"tenant": tenant, "width_s": width_s})
    return sorted({*(yield from _with_calls(tenant, width_s)), *(begin_s for (begin_s,) in rows)})


def _with_calls(tenant: str, width_s: int) -> StoreOperation[list[int]]:
    found: list[int] = []
    from_us = _LEAST_US
    while from_us <= _MOST_US:
        [(first_us,)] = yield Statement("first_call_from", {"tenant": tenant, "from_us": from_us})
        if first_us is None:
            break
        found.append(first_us // SECOND_US // width_s * width_s)
        from_us = (found[-1] + width_s) * SECOND_US
    return found


def column_us(second: int) -> int:
    """A second as the instant that a statement is asked with: within what a column holds."""
    return min(max(second * SECOND_US, _LEAST_US), _MOST_US)
