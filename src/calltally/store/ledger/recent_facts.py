"""Facts by when their calls changed or were created, for those who look at how late facts come.

Read by the ids of calls: of a call of several SIDs only the facts of the one that names it are seen. That is
enough for a sample, and saves looking every id up.
"""

from collections.abc import Sequence

from calltally.calls.events import Fact
from calltally.store.db.fact_codec import unpack_fact
from calltally.store.db.operation import Row, Statement, StatementMany, StoreOperation, execute_batch


def facts_of_changed(tenant: str, since_us: int, most: int) -> StoreOperation[list[Fact]]:
    """The facts of the calls that changed last, of `most` calls, none of which did so before an instant."""
    asked = {"tenant": tenant, "since_us": since_us, "most": most}
    rows = yield Statement("ids_last_changed", asked)
    return (yield from _facts_of(tenant, rows))


def facts_of_created(
    tenant: str, windows: Sequence[tuple[int, int]], most: int
) -> StoreOperation[list[Fact]]:
    """The facts of the first `most` calls of each window (`from <= created_at < to`)."""
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
