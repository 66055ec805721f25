"""Queries of facts and windows: samples, contradictions, repeats, SIDs of several tenants, active hours."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from calltally.calls.events import Fact
from calltally.calls.identity import call_uuid
from calltally.calls.times import SECOND_US
from calltally.store.db.fact_codec import unpack_fact
from calltally.store.db.interface import Submission
from calltally.store.db.operation import (
    ParamsTable,
    Statement,
    StatementMany,
    StoreOperation,
    execute_batch,
)
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
        facts += yield from _facts_of(tenant, (yield from nodes_of(tenant, call_id)))
    return facts


def facts_of_changed(tenant: str, since_us: int, most: int) -> StoreOperation[list[Fact]]:
    """Return the facts of the `most` calls that changed last, since an instant."""
    params = {"tenant": tenant, "since_us": since_us, "most": most}
    rows = yield Statement("ids_last_changed", params)
    return (yield from _facts_of(tenant, [call_id for (call_id,) in rows]))


def facts_of_created(
    tenant: str, windows: Sequence[tuple[int, int]], most: int
) -> StoreOperation[list[Fact]]:
    """Return the facts of the first `most` calls of each window (`from <= created_at < to`)."""
    bounds = [{"tenant": tenant, "lo_us": lo_us, "hi_us": hi_us, "most": most} for lo_us, hi_us in windows]
    found = yield from execute_batch(*(Statement("ids_created_between", each) for each in bounds))
    return (yield from _facts_of(tenant, [call_id for rows in found for (call_id,) in rows]))


def _facts_of(tenant: str, nodes: Sequence[bytes]) -> StoreOperation[list[Fact]]:
    if not nodes:
        return []
    stored = yield StatementMany("facts_of_nodes", [{"tenant": tenant, "node": node} for node in nodes])
    return [unpack_fact(content, received_us) for *_, received_us, content in stored]


def unknown_facts(tenant: str, submissions: Sequence[Submission]) -> StoreOperation[list[Submission]]:
    """Return the submissions whose facts are not recorded, in the order given."""
    keys = [
        (call_uuid(tenant, fact.call_sid), ready.key if ready else fact.key)
        for _tenant, fact, _announce, ready in submissions
    ]
    nodes = [(tenant, node) for node in {node for node, _key in keys}]
    rows = yield StatementMany("keys_of_nodes", ParamsTable(("tenant", "node"), nodes))
    recorded = {(row[0], row[1]) for row in rows}
    return [each for each, key in zip(submissions, keys, strict=True) if key not in recorded]


def admin_sids_of_tenants(
    lo_us: int, hi_us: int, *, least_chars: int, most: int
) -> StoreOperation[list[tuple[str, list[str]]]]:
    """Return SIDs (canonical or not) with calls of several tenants in a window, and their tenants."""
    bounds = {"lo_us": lo_us, "hi_us": hi_us}
    rows = yield Statement("admin_sids_of_tenants", {**bounds, "least_chars": least_chars, "most": most})
    return [(call_sid, sorted(tenants.split())) for call_sid, tenants in rows]


HOUR_S: Final = 3_600
_PREFIX: Final = "provider="
# Last fields of a finished record without contradictions; `store/sql/*/windows.sql` searches for this.
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
    """Return the finished records of a window's calls with contradicting facts, in no particular order.

    Linear in the calls of the window, by the index `calls_listed`: choose a short window.
    """
    params = {"tenant": tenant, "lo_us": from_us, "hi_us": to_us, "undisputed": _UNDISPUTED}
    rows = yield Statement("disputed_records", params)
    return [bytes(record) for (record,) in rows]


def waiting_letters(tenant: str, since_us: int) -> StoreOperation[list[ReplayableLetters]]:
    """Return the dead letters since an instant that were not replayed, by `dead_letters_received`."""
    rows = yield Statement("waiting_letters_since", {"tenant": tenant, "since_us": since_us})
    return [ReplayableLetters(*row) for row in rows]
