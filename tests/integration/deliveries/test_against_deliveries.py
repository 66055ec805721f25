"""Reconciliation of final calls with deliveries: missing, different and dead ones are found and healed."""

from typing import Any

from calltally.calls.windows import TimeWindow
from calltally.reconcile.against_deliveries import DeliveryReconciliation, reconcile_deliveries
from calltally.reconcile.findings import Finding, FindingKind, ReconciliationReport
from calltally.store.db.leases import Lease, claim
from calltally.store.db.operation import StoreOperation
from calltally.store.webhooks.dispatch import (
    AttemptResult,
    DeliveryJob,
    DispatchInput,
    DispatchPlan,
    dispatch,
)
from calltally.store.webhooks.endpoints import EndpointSettings, add_endpoint
from tests.conftest import NOW_US, TENANT, Bench
from tests.integration.store.probing import submit
from tests.sample_facts import fact

ENDPOINT = b"e" * 16
LEASE = Lease(TENANT, "deliveries", "test")
ALL = TimeWindow(0, 2**53)


def write(bench: Bench, operation: StoreOperation[Any]) -> Any:  # noqa: ANN401 (any result of a step)
    return bench.run(bench.store.write(operation))


def jobs(bench: Bench, *results: AttemptResult) -> list[DeliveryJob]:
    bench.now_us += 1_000
    write(bench, claim(LEASE, now_us=bench.now_us, until_us=bench.now_us + 1))
    operation = dispatch(
        LEASE, DispatchInput(results=results), now_us=bench.now_us, until_us=bench.now_us + 1
    )
    reply: DispatchPlan | None = write(bench, operation)
    assert reply is not None
    return list(reply.jobs)


def settled(job: DeliveryJob, state: str) -> AttemptResult:
    return AttemptResult(
        job, state, NOW_US, 1, 200, None if state == "delivered" else "answered 500", b"", NOW_US
    )


def compared(bench: Bench, *, heal: bool = False) -> tuple[ReconciliationReport, list[Finding]]:
    found: list[Finding] = []
    query = DeliveryReconciliation(TENANT, ENDPOINT, ALL, 0, heal=heal)
    report = bench.run(reconcile_deliveries(bench.store, query, bench.now_us, found.append))
    return report, found


def kinds(found: list[Finding]) -> dict[str | None, FindingKind]:
    return {each.call_sid: each.kind for each in found}


def set_up(bench: Bench) -> None:
    submit(bench, fact(9, "before", status="busy"))
    bench.now_us += 1_000_000
    wanted = EndpointSettings("https://h.example/", events=("voice.call.completed",), direction="inbound")
    write(bench, add_endpoint(TENANT, ENDPOINT, wanted, b"sealed", bench.now_us))
    bench.now_us += 1_000_000


def test_missing_dead_and_contradicted_deliveries_are_found_and_healed(bench: Bench) -> None:
    set_up(bench)
    for sid in ("fine", "dead", "changed"):
        submit(bench, fact(9, sid, status="no-answer", sequence=1, direction="inbound"))
    submit(bench, fact(9, "outbound", status="busy", direction="outbound"))
    submit(bench, fact(9, "open", status="ringing", direction="inbound"))
    submit(bench, fact(9, "imported", status="busy", direction="inbound"), announce=False)
    by_call = jobs(bench)
    assert len(by_call) == 3
    dead, *others = sorted(by_call, key=lambda job: job.revision != 3)
    jobs(bench, settled(dead, "dead"), *[settled(job, "delivered") for job in others])
    submit(bench, fact(10, "changed", status="in-progress", sequence=2), announce=False)
    report, found = compared(bench)
    assert kinds(found) == {
        "dead": FindingKind.DEAD_DELIVERY,
        "changed": FindingKind.OTHER_FINAL_STATE,
        "imported": FindingKind.MISSING_EVENT,
    }
    assert report.looked_at == {"calls": 7, "passed_over": 2, "healed": 0}
    assert compared(bench, heal=True)[0].looked_at["healed"] == 3
    healed = jobs(bench)
    assert len(healed) == 3
    assert all(job.body is not None for job in healed)
    jobs(bench, *[settled(job, "delivered") for job in healed])
    assert compared(bench)[1] == []
    assert jobs(bench) == []


def test_healing_is_idempotent(bench: Bench) -> None:
    set_up(bench)
    submit(bench, fact(9, "imported", status="busy", direction="inbound"), announce=False)
    for _ in range(2):
        compared(bench, heal=True)
    assert len(jobs(bench)) == 1
