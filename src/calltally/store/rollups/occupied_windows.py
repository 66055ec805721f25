"""Windows of a ledger with calls or counters, for recounts.

Calls are found by their index, from one window to the next, and counters by one statement over all of them.
So years without calls cost nothing, and a call with a damaged time millions of years from now costs one more
window.
"""

from typing import Final

from calltally.calls.times import SECOND_US
from calltally.store.db.operation import Statement, StoreOperation

# Range of a column. The window of a damaged time can exceed it.
_LEAST_US: Final = -(2**63)
_MOST_US: Final = 2**63 - 1


def occupied_windows(tenant: str, width_s: int, counters: str) -> StoreOperation[list[int]]:
    """Return the windows of a width with calls or counters, as seconds since 1970, ascending.

    `counters` names the statement that returns the windows with rows of counters.
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
    """Return a second in microseconds, limited to the range of a column."""
    return min(max(second * SECOND_US, _LEAST_US), _MOST_US)
