"""Filled statements keep their shape: every statement that a ledger and its lists send."""

import re
from itertools import product
from pathlib import Path
from typing import Any

from msgspec.structs import replace

import calltally
from calltally.calls.filters import CallFilter
from calltally.calls.identity import call_uuid
from calltally.calls.list_query import ListQuery
from calltally.calls.times import DAY_US, SECOND_US
from calltally.store.analytics.quality_query import TotalsQuery, totals_of
from calltally.store.analytics.quality_repair import measure_calls
from calltally.store.listing.browse import BrowsePosition, browse, count_fresh
from calltally.store.listing.list_calls import list_calls
from calltally.store.listing.sessions import SessionQuery, list_sessions
from calltally.store.maintenance.tenant_removal import (
    SETTLE_US,
    TenantRows,
    begin_removal,
    count_tenant_rows,
    finish_removal,
)
from calltally.store.rollups.alert_steps import step_sums
from calltally.store.rollups.quality_delta import FINE_KEYS
from calltally.store.rollups.quality_multiday import close_next_day
from calltally.store.rollups.window_buckets import WindowPiece
from calltally.store.webhooks.deliveries import (
    DEAD,
    DeliveryFilter,
    EndpointNotice,
    ReplayRange,
    list_deliveries,
    put_notice,
    replay_one,
    replay_some,
)
from calltally.store.webhooks.endpoints import EndpointSettings, add_endpoint
from tests.conftest import TENANT, Bench
from tests.integration.store.probing import direct, submit, verdict
from tests.sample_facts import at_us, fact, own
from tests.unit.store.shapes import faults, parsed
from tests.unit.store.test_shapes import TABLES, is_across_tenants

FILTERS: tuple[dict[str, Any], ...] = (
    {},
    {"statuses": ("completed", "busy"), "direction": "inbound"},
    {"route": "sales"},
    {"agent": "ada", "statuses": ("ringing",)},
    {"provider": "twilio"},
    {"route": "sales", "agent": "ada"},
    {"number": "+14155550100"},
    {"number": "4155550100"},
    {"escalated": True},
    {"from_number": "+14155550100", "to_number": "+14155550100"},
    {"from_number": "4155550100", "q": "booked"},
    {"from_number": "50199"},
    {"to_number": "4155550100"},
    {"parent_call_sid": "call-1"},
    {"updated_from_us": at_us(0), "updated_to_us": at_us(90)},
    {"call_sid": "call-1"},
    {"call_sid_prefix": "call-1"},
    {"q": "booked table"},
    {"q": "booked", "number": "+14155550100"},
    {"from_us": at_us(-1), "to_us": at_us(90)},
)
NAMED: dict[str, Any] = {
    "route": "sales",
    "agent": "ada",
    "direction": "inbound",
    "from_number": "+14155550100",
}


def fill(bench: Bench) -> None:
    """Send every statement: changed calls, searches, every kind of list, and a repaired counter."""
    submit(bench, fact(1, "call-1", status="ringing", **NAMED), fact(2, "call-2", status="ringing"))
    first = bench.run(bench.store.read(list_calls(TENANT, ListQuery()))).snapshot
    submit(bench, own(3, "call-1", status="completed", summary="Booked a table.", session_id="s-1", **NAMED))
    worded = bench.run(bench.store.read(list_calls(TENANT, ListQuery()))).snapshot
    submit(bench, fact(4, "call-2", status="busy"), fact(4, "call-2", status="busy"))
    positions: tuple[dict[str, Any], ...] = ({}, {"offset": 1}, {"after": call_uuid(TENANT, "call-2")})
    for wanted, order, snapshot, position in product(
        FILTERS, ("asc", "desc"), (None, first, worded), positions
    ):
        query = ListQuery(filter=CallFilter(**wanted), order=order, snapshot=snapshot, **position)
        bench.run(bench.store.read(list_calls(TENANT, query), long=True))
        if query.after is None:
            fill_browsed(bench, query)
    for sessions in ({}, {"status": "active"}, {"stream_id": "MZ1", "agent_key": "ada"}):
        bench.run(bench.store.read(list_sessions(TENANT, SessionQuery(25, 0, **sessions))))
    bench.run(bench.store.read(step_sums(TENANT, 0, at_us(90) // SECOND_US)))
    fill_quality(bench)
    fill_deliveries(bench)
    fill_removal(bench)
    with direct(bench.url) as db:
        db("UPDATE counts SET calls = calls + 1 WHERE width_s = 60")
    assert verdict(bench, repair=True).repaired
    assert verdict(bench).is_clean


def fill_browsed(bench: Bench, query: ListQuery) -> None:
    """Read the same dashboard pages, by offset and next to a call."""
    call_id = call_uuid(TENANT, "call-2")
    # The total of this window is not cached.
    query = replace(query, filter=replace(query.filter, to_us=at_us(95)))
    for position in (BrowsePosition(call_id), BrowsePosition(call_id, is_before=True), None):
        bench.run(bench.store.read(browse(TENANT, query, position), long=True))
    bench.run(bench.store.read(count_fresh(TENANT, query), long=True))


def fill_quality(bench: Bench) -> None:
    """Read roll-ups by all keys, and measure calls again."""
    whole_day = WindowPiece(at_us(0) // DAY_US * DAY_US, at_us(0) // DAY_US * DAY_US + DAY_US)
    for keys, calls in product((("route",), FINE_KEYS), (CallFilter(), CallFilter(route="sales"))):
        question = TotalsQuery(TENANT, (whole_day,), keys, calls, with_histograms=True)
        bench.run(bench.store.read(totals_of(question), long=True))
    bench.run(bench.store.write(measure_calls(TENANT, b"", all_calls=True)))
    bench.run(bench.store.write(close_next_day(TENANT, at_us(90) + 90 * DAY_US)))


def fill_deliveries(bench: Bench) -> None:
    """List the deliveries of an endpoint and replay them."""
    endpoint = bytes(16)
    wanted = EndpointSettings("https://receiver.example/")
    bench.run(bench.store.write(add_endpoint(TENANT, endpoint, wanted, b"sealed", bench.now_us)))
    notice = EndpointNotice("voice.webhook.delivery_failed", b"\1" * 16, b"{}")
    bench.run(bench.store.write(put_notice(TENANT, endpoint, notice, bench.now_us)))
    bench.run(bench.store.write(replay_one(TENANT, endpoint, notice.event_id, bench.now_us)))
    displayed = DeliveryFilter(state="dead", event="voice.call.completed", call_id=bytes(16))
    bench.run(bench.store.read(list_deliveries(TENANT, endpoint, displayed, 10)))
    bench.run(bench.store.write(replay_some(TENANT, endpoint, ReplayRange.of_window(0, None, (DEAD,)), 0)))


def fill_removal(bench: Bench) -> None:
    """Remove another tenant, in two batches of its calls."""
    tenant = bench.new_tenant()
    submit(bench, own(1, "call-1"), own(2, "call-2"), tenant=tenant)
    bench.run(bench.store.read(count_tenant_rows(tenant)))
    bench.run(bench.store.write(begin_removal(tenant, bench.now_us)))
    rows = TenantRows(tenant)
    while rows.table is not None:
        bench.run(bench.store.write(rows.remove_batch(1)))
    bench.run(bench.store.write(finish_removal(tenant, bench.now_us + SETTLE_US)))


def test_filled_statements_read_one_tenant(bench: Bench) -> None:
    fill(bench)
    store: Any = bench.store
    sent = {(name, filled.sql) for (name, _), filled in store._statements._filled.items()}
    assert len({name for name, _ in sent}) > 10
    wrong = [
        (name, found)
        for name, sql in sorted(sent)
        if not is_across_tenants(name)
        and (found := faults(parsed(sql, store.dialect), TABLES, store.dialect))
    ]
    assert wrong == []


def test_every_statement_with_placeholders_was_sent(bench: Bench) -> None:
    """The previous test covers only statements that `fill` sends; a new statement must be sent there."""
    fill(bench)
    store: Any = bench.store
    folder = Path(calltally.__file__).parent / "store" / "sql"
    kinds = ("shared", store.dialect)
    texts = [path.read_text(encoding="utf-8") for kind in kinds for path in (folder / kind).glob("*.sql")]
    with_positions = {
        name
        for text in texts
        for name, body in re.findall(r"-- name: (\w+)!?\n(.*?)(?=-- name|\Z)", text, re.DOTALL)
        if "{" in body
    }
    assert with_positions - {name for name, _ in store._statements._filled} == set()
