"""Reads of the overview: exact, of one tenant, and by indexes alone."""

import re
from collections import Counter
from random import Random
from typing import Any

import pytest

from calltally.calls.filters import CallFilter
from calltally.calls.times import SECOND_US
from calltally.store.db.operation import run_operation
from calltally.store.db.statements import load
from calltally.store.overview.activity import FacetActivity, activity_of
from calltally.store.overview.minutes import MinuteCounts
from calltally.store.overview.read import DIMENSIONS, OverviewQuery, StoredOverview, read_overview
from tests.conftest import NOW_US, TENANT, Bench
from tests.integration.store.probing import direct, submit
from tests.sample_facts import START_US, fact, of_provider

NOW_S = (NOW_US - START_US) // SECOND_US
STATUSES = ("completed", "no-answer", "failed", "ringing", "busy")
PARTIES = ("a", "b=c", "d", "\N{LATIN SMALL LETTER E WITH ACUTE}")
OPEN = CallFilter(statuses=("ringing", "in-progress"), from_us=0, to_us=NOW_US // 60_000_000 * 60_000_000)


def stored(bench: Bench, tenant: str = TENANT, *filters: CallFilter) -> StoredOverview:
    query = OverviewQuery(tenant, bench.now_us, filters or (OPEN,))
    return bench.run(bench.store.read(read_overview(query)))


def record(bench: Bench, random: Random, tenant: str = TENANT) -> list[dict[str, Any]]:
    """Record calls of the last days, many of them in the last hours."""
    calls: list[dict[str, Any]] = [
        {
            "second": NOW_S - random.choice((random.randrange(4_000), random.randrange(3 * 86_400))),
            "status": random.choice(STATUSES),
            **{name: random.choice(PARTIES) for name in DIMENSIONS},
        }
        for _ in range(200)
    ]
    said = [{name: call[name] for name in ("status", "route", "agent")} for call in calls]
    facts = [
        of_provider(fact(call["second"], f"call-{at}", **said[at]), call["provider"])
        for at, call in enumerate(calls)
    ]
    submit(bench, *facts, tenant=tenant)
    return calls


def epoch_s(call: dict[str, Any]) -> int:
    return START_US // SECOND_US + int(call["second"])


def test_reads_equal_an_oracle_over_the_calls(bench: Bench) -> None:
    calls = record(bench, Random(3))
    found = stored(bench)
    hour = [call for call in calls if epoch_s(call) >= NOW_US // SECOND_US // 60 * 60 - 59 * 60]
    by_minute: dict[int, Counter[str]] = {}
    for call in hour:
        by_minute.setdefault(epoch_s(call) // 60 * 60, Counter())[call["status"]] += 1
    assert found.minutes == [
        MinuteCounts(at, counts.total(), counts["completed"], counts["no-answer"], counts["failed"])
        for at, counts in sorted(by_minute.items())
    ]
    is_old = [epoch_s(call) < NOW_US // SECOND_US // 60 * 60 for call in calls]
    assert found.numbers == [
        sum(old and call["status"] == "ringing" for old, call in zip(is_old, calls, strict=True))
    ]
    assert found.first_s == min(map(epoch_s, calls)) // 3_600 * 3_600
    for name in DIMENSIONS:
        hours: dict[str, list[int]] = {}
        for call in calls:
            hours.setdefault(call[name], []).append(epoch_s(call) // 3_600 * 3_600)
        assert found.activity[name] == [
            FacetActivity(value, min(at), max(at)) for value, at in sorted(hours.items())
        ]
    newest = {call["provider"]: 0 for call in calls}
    for call in calls:
        newest[call["provider"]] = max(
            newest[call["provider"]], epoch_s(call) * SECOND_US + START_US % SECOND_US
        )
    assert found.newest == newest


def test_activity_names_at_most_so_many(bench: Bench) -> None:
    record(bench, Random(4))
    found = bench.run(bench.store.read(activity_of(TENANT, "route", 2)))
    assert [each.value for each in found] == sorted(PARTIES)[:2]
    assert bench.run(bench.store.read(activity_of(TENANT, "rout", 2))) == []


def test_other_tenants_are_not_read(bench: Bench) -> None:
    other = bench.add_tenant("other")
    record(bench, Random(5), other)
    found = stored(bench)
    assert found.first_s is None
    assert (found.minutes, found.numbers, found.newest) == ([], [0], {})
    assert found.activity == {name: [] for name in DIMENSIONS}
    assert stored(bench, other).first_s is not None


def test_all_panels_are_read_in_one_batch(bench: Bench) -> None:
    del bench
    sizes = []

    def execute(request: Any) -> Any:  # noqa: ANN401 (rows, or a list of them)
        statements = request.statements
        sizes.append(len(statements))
        return [[(None,)] if each.name == "first_bucket_of_facet" else [] for each in statements]

    run_operation(read_overview(OverviewQuery(TENANT, NOW_US, (OPEN, OPEN))), execute)
    assert sizes == [14]


PARAMETERS: dict[str, Any] = {
    "tenant": TENANT,
    "lo": "route=",
    "hi": "route>",
    "most": 200,
    "now_us": NOW_US,
    "lo_s": NOW_US // SECOND_US - 3_600,
    "hi_s": NOW_US // SECOND_US,
    "since": bytes(6),
    "since_us": 0,
}
STATEMENTS = (
    *("activity_of_facets", "newest_call_of_providers", "counts_of_minutes", "backlog_of_endpoints"),
    *("jobs_in_trouble", "alerts_evaluated_until"),
)


def plan(bench: Bench, name: str) -> list[str]:
    """Return the plan of a statement; on PostgreSQL with scans of whole tables and sorts as the last resort.

    Of a few rows, its planner sorts those of any index.
    """
    sql = load(bench.store.dialect)[name].sql
    parameter = r":(\w+)" if bench.store.dialect == "sqlite" else r"%\((\w+)\)b"
    given = [PARAMETERS[each] for each in re.findall(parameter, sql)]
    plain = re.sub(parameter, "?", sql)
    with direct(bench.url) as db:
        if bench.store.dialect == "sqlite":
            return [row[3] for row in db(f"EXPLAIN QUERY PLAN {plain}", *given)]
        db("SET enable_seqscan = off")
        db("SET enable_sort = off")
        return [line for (line,) in db(f"EXPLAIN {plain}", *given)]


@pytest.mark.parametrize("name", STATEMENTS)
def test_statement_reads_by_indexes_alone(bench: Bench, name: str) -> None:
    record(bench, Random(6))
    lines = plan(bench, name)
    tables = "calls|counts|deliveries|webhook_endpoints|jobs|alert_states"
    scans = [line for line in lines if re.search(rf"\bSCAN (?:{tables}|[cdw])\b|Seq Scan on", line)]
    assert scans == [], lines
    assert any(re.search("SEARCH|Index", line) for line in lines), lines


def test_newest_calls_are_read_in_the_order_of_the_index(bench: Bench) -> None:
    record(bench, Random(6))
    lines = plan(bench, "newest_call_of_providers")
    assert any("calls_listed" in line for line in lines), lines
    # The limit stops the search only if nothing is sorted before it.
    inner = [line for line in lines if "TEMP B-TREE FOR ORDER BY" in line or "Sort Key: c" in line]
    assert inner == [], lines
