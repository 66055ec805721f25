"""Pruning of old events and deliveries, and of the rows of deleted endpoints."""

from typing import Any

from calltally.store.db.leases import Lease, claim
from calltally.store.db.operation import StoreOperation
from calltally.store.webhooks.dispatch import DispatchInput, dispatch
from calltally.store.webhooks.endpoints import EndpointSettings, add_endpoint, delete_endpoint
from calltally.store.webhooks.pruning import are_events_due, has_endpoints, prune_events_and_deliveries
from tests.conftest import NOW_US, TENANT, Bench
from tests.integration.store.probing import direct, submit
from tests.sample_facts import fact

TABLES = ("outbox", "deliveries", "delivery_attempts", "webhook_endpoints", "delivery_heads")
LEASE = Lease(TENANT, "deliveries", "test")
LATER_US = NOW_US + 86_400_000_000


def left(bench: Bench) -> dict[str, int]:
    with direct(bench.url) as db:
        return {table: db(f"SELECT count(*) FROM {table}")[0][0] for table in TABLES}


def write(bench: Bench, operation: StoreOperation[Any]) -> Any:  # noqa: ANN401 (any result of a step)
    return bench.run(bench.store.write(operation))


def set_up(bench: Bench) -> None:
    """Submit two calls, one of them later, with deliveries for one endpoint."""
    write(bench, add_endpoint(TENANT, b"e" * 16, EndpointSettings("https://h.example/"), b"sealed", NOW_US))
    submit(bench, fact(1, "a", status="ringing"))
    bench.now_us = LATER_US
    submit(bench, fact(1, "b", status="ringing"))
    write(bench, claim(LEASE, now_us=NOW_US, until_us=LATER_US + 1))
    write(bench, dispatch(LEASE, DispatchInput(), now_us=LATER_US, until_us=LATER_US + 1))


def pruned(bench: Bench, before_us: int) -> int:
    gone = 0
    while some := write(bench, prune_events_and_deliveries(TENANT, before_us, 1)):
        gone += some
    assert not bench.run(bench.store.read(are_events_due(TENANT, before_us)))
    return gone


def test_old_events_and_deliveries_are_pruned(bench: Bench) -> None:
    set_up(bench)
    assert not bench.run(bench.store.read(are_events_due(TENANT, NOW_US - 1)))
    assert bench.run(bench.store.read(are_events_due(TENANT, NOW_US + 1_000)))
    assert pruned(bench, NOW_US + 1_000) == 2
    assert left(bench) == dict(zip(TABLES, (1, 1, 0, 1, 1), strict=True))


def test_deleted_endpoint_leaves_no_rows(bench: Bench) -> None:
    set_up(bench)
    write(bench, delete_endpoint(TENANT, b"e" * 16, LATER_US))
    assert left(bench)["delivery_heads"] == 0
    assert bench.run(bench.store.read(has_endpoints(TENANT)))
    assert pruned(bench, NOW_US - 1) == 3
    assert left(bench) == dict(zip(TABLES, (2, 0, 0, 0, 0), strict=True))
    assert not bench.run(bench.store.read(has_endpoints(TENANT)))


def test_dispatch_without_the_lease_returns_none(bench: Bench) -> None:
    set_up(bench)
    other = LEASE._replace(holder="other")
    assert write(bench, dispatch(other, DispatchInput(), now_us=LATER_US, until_us=LATER_US + 1)) is None
