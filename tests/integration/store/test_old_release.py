"""A node of the release before goes on beside new ones, on the new schema, for as long as it is supported."""

from random import Random
from typing import Any

import pytest

from calltally.calls.identity import call_uuid
from calltally.store.db.operation import Rows, Statement, StatementMany, StoreOperation
from calltally.store.rollups.call_counters import CLAUSES
from calltally.store.verify.snapshots import check_as_of
from tests.conftest import NOW_US, TENANT, Bench
from tests.integration.store.old_release import old_node, old_statements, record_as_before
from tests.integration.store.probing import listed, submit, verdict
from tests.sample_facts import at_us, fact

SID = "call-1"
NODE = call_uuid(TENANT, SID)
FILTERS = (("filters", "AND c.status IN (4)"),)
WINDOW = {"tenant": TENANT, "lo_us": at_us(-1), "hi_us": at_us(100)}
PAGE = {"skip": 0, "most": 10}
# What that release asked to show a list, a call, and that all is well.
RECORD: dict[str, Any] = {
    "scan_total": Statement("scan_total", WINDOW, FILTERS),
    "scan_records": Statement("scan_records", WINDOW | PAGE, (*FILTERS, ("way", "DESC"))),
    "number_total": Statement("number_total", WINDOW | {"number": "+1"}, FILTERS),
    "number_records": Statement(
        "number_records", WINDOW | PAGE | {"number": "+1"}, (*FILTERS, ("way", "DESC"))
    ),
    "record_of_id": Statement("record_of_id", {"tenant": TENANT, "id": NODE}),
    "timeline_of_nodes": StatementMany("timeline_of_nodes", [{"tenant": TENANT, "node": NODE}]),
    "count_edges": StatementMany(
        "count_edges", [WINDOW | {"value": ""}], (("column", "''"), ("filters", "AND c.status IN (4)"))
    ),
    "page_records": StatementMany(
        "page_records",
        [WINDOW | PAGE | {"value": ""}],
        (("column", "''"), ("filters", "AND c.status IN (4)"), ("way", "DESC")),
    ),
    "count_buckets": StatementMany(
        "count_buckets",
        [{"tenant": TENANT, "facet": "", "width_s": 60, "lo_s": 0, "hi_s": 2**40}],
        (("matches", "completed_unknown"),),
    ),
    "calls_after": Statement("calls_after", {"tenant": TENANT, "id": b"", "most": 10}),
    "facts_after": Statement("facts_after", {"tenant": TENANT, "node": b"", "key": b"", "most": 10}),
    "revisions_told": Statement("revisions_told", {"tenant": TENANT}),
    "head_of_tenant": Statement("head_of_tenant", {"tenant": TENANT}),
    "counts_between": Statement("counts_between", {"tenant": TENANT, "lo_s": 0, "hi_s": 2**40}, CLAUSES),
    "find_tenant": Statement("find_tenant", {"tenant": TENANT}),
    "admin_list_tenants": Statement("admin_list_tenants", {}),
}
_SETTINGS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("put_route", {"route": "sales", "agent": None, "provider": None, "now_us": NOW_US}),
    ("put_provider_secrets", {"provider": "twilio", "sealed": b"?", "now_us": NOW_US}),
    (
        "put_dead_letter",
        {"letter_id": b"1", "provider": "twilio", "received_us": 1, "reason": "?", "request": b"?"},
    ),
    ("settle_dead_letter", {"letter_id": b"1", "now_us": NOW_US}),
    ("add_key", {"key_id": "k", "digest": b"?", "name": "", "scopes": "calls:read", "now_us": NOW_US}),
    ("revoke_key", {"key_id": "k", "now_us": NOW_US}),
)


def fetch(request: Statement | StatementMany) -> StoreOperation[Rows]:
    return (yield request)


def report_as_before(bench: Bench) -> None:
    """A call rings, then is completed."""
    for second, status in ((1, "ringing"), (30, "completed")):
        reported = fact(second, SID, status=status, from_number="+1")
        with old_node(bench):
            bench.run(bench.store.write(record_as_before(reported)))


def only_steps_are_wrong(bench: Bench) -> bool:
    """It knew of no steps and no measures, and wrote none: they are put right once it is gone."""
    findings = verdict(bench).findings
    unknown = ("alert steps", "measures of", "quality of")
    return bool(findings) and all(found.subject.startswith(unknown) for found in findings)


def test_what_it_records_new_nodes_read_change_and_find_to_be_right(bench: Bench) -> None:
    report_as_before(bench)
    (call,) = listed(bench)
    assert (call["call_sid"], call["status"], call["revision"]) == (SID, "completed", 2)
    assert only_steps_are_wrong(bench)
    submit(bench, fact(31, SID, summary="Booked."), fact(40, "call-2", status="ringing"))
    with old_node(bench):
        bench.run(bench.store.write(record_as_before(fact(50, "call-2", status="completed"))))
    assert {each["call_sid"]: each["status"] for each in listed(bench)} == {
        SID: "completed",
        "call-2": "completed",
    }
    assert only_steps_are_wrong(bench)
    assert verdict(bench, repair=True).is_clean
    assert verdict(bench).findings == []
    pages = [bench.run(bench.store.read(check_as_of(TENANT, Random(seed)))) for seed in range(100)]
    assert all(page.findings == [] for page in pages)
    # Of the time when it wrote beside them some snapshots are refused, which is no finding.
    assert {page.rows_read for page in pages} == {0, 1}


@pytest.mark.parametrize("name", RECORD)
def test_its_queries_are_answered(bench: Bench, name: str) -> None:
    report_as_before(bench)
    with old_node(bench):
        assert bench.run(bench.store.read(fetch(RECORD[name])))


def test_what_it_stored_besides_calls_is_stored(bench: Bench) -> None:
    with old_node(bench):
        for name, params in _SETTINGS:
            bench.run(bench.store.write(fetch(Statement(name, {"tenant": TENANT, **params}))))
        merged = {"revision": 1, "id": NODE, "merged_into": NODE, "created_us": NOW_US}
        row = {"tenant": TENANT, "node": NODE, "call_sid": SID, "id": NODE}
        bench.run(bench.store.write(fetch(StatementMany("put_tombstones", [{"tenant": TENANT, **merged}]))))
        bench.run(bench.store.write(fetch(StatementMany("put_identities", [row]))))
        bench.run(bench.store.write(fetch(StatementMany("drop_calls", [{"tenant": TENANT, "id": NODE}]))))


def test_it_is_that_release_which_speaks(bench: Bench) -> None:
    """So that the tests before can fail: it does not know what came since."""
    old = old_statements(bench.store.dialect)
    assert "revision" not in old.find("put_facts").sql
    assert "updated_us" not in old.find("put_versions").sql
    with pytest.raises(KeyError):
        old.find("end_holds")
