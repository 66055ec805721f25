"""Facts of the last changed calls whose facts contradict each other."""

from typing import Final

from calltally.calls.events import Fact
from calltally.store.db.fact_codec import unpack_fact
from calltally.store.db.operation import Statement, StatementMany, StoreOperation
from calltally.store.ledger.lookup import nodes_of

# Changes of a quarter of an hour for a busy tenant, of a day for others.
_CHANGED: Final = 5_000
_DISPUTED: Final = 100
_NO_CONFLICT: Final = b'"conflicts":0,'


def disputed_facts(tenant: str, since_us: int) -> StoreOperation[list[Fact]]:
    """Return the facts of calls with conflicts that changed since an instant."""
    rows = yield Statement("last_changed", {"tenant": tenant, "since_us": since_us, "most": _CHANGED})
    disputed = [call_id for call_id, record in rows if _NO_CONFLICT not in record]
    facts: list[Fact] = []
    for call_id in disputed[:_DISPUTED]:
        nodes = yield from nodes_of(tenant, call_id)
        stored = yield StatementMany("facts_of_nodes", [{"tenant": tenant, "node": node} for node in nodes])
        facts += [unpack_fact(content, received_us) for *_, received_us, content in stored]
    return facts
