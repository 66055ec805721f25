"""Facts by the time of their calls' change or creation, to measure how late facts arrive.

They are read by the ids of calls: for a call with several SIDs only the facts of its canonical SID are read.
That is enough for a sample, and saves a look-up of each id.
"""

from collections.abc import Sequence

from calltally.calls.events import Fact
from calltally.store.db.fact_codec import unpack_fact
from calltally.store.db.operation import Row, Statement, StatementMany, StoreOperation, execute_batch


def facts_of_changed(tenant: str, since_us: int, most: int) -> StoreOperation[list[Fact]]:
    """Return the facts of the `most` calls that changed last, since an instant."""
    params = {"tenant": tenant, "since_us": since_us, "most": most}
    rows = yield Statement("ids_last_changed", params)
    return (yield from _facts_of(tenant, rows))


def facts_of_created(
    tenant: str, windows: Sequence[tuple[int, int]], most: int
) -> StoreOperation[list[Fact]]:
    """Return the facts of the first `most` calls of each window (`from <= created_at < to`)."""
    bounds = [{"tenant": tenant, "lo_us": lo_us, "hi_us": hi_us, "most": most} for lo_us, hi_us in windows]
    found = yield from execute_batch(*(Statement("ids_created_between", each) for each in bounds))
    return (yield from _facts_of(tenant, [row for rows in found for row in rows]))


def _facts_of(tenant: str, rows: Sequence[Row]) -> StoreOperation[list[Fact]]:
    if not rows:
        return []
    stored = yield StatementMany(
        "facts_of_nodes", [{"tenant": tenant, "node": call_id} for (call_id,) in rows]
    )
    return [unpack_fact(content, received_us) for *_, received_us, content in stored]
