import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from calltally.calls.errors import NotFound
from calltally.calls.events import Door, Fact
from calltally.calls.filters import ListQuery
from calltally.ingest.imports import (
    CHUNK,
    MAX_REFUSALS,
    Chunk,
    ImportReport,
    bring_chunks,
    import_facts,
    prepared_chunks,
)
from calltally.providers.callback import Refusal, Source
from calltally.providers.twilio.resources import list_facts
from calltally.store.listing.list_calls import list_calls
from calltally.store.tenants.routes import checked_route, put_route
from tests.conftest import NOW_US, TENANT, Bench, records_of

CALL = {"status": "completed", "direction": "inbound", "duration": "15", "to": "+15551230002"}


def imported(bench: Bench, told: list[Fact | Refusal], tenant: str = TENANT) -> ImportReport:
    return bench.run(import_facts(bench.store, tenant, told=told, clock=lambda: bench.now_us))


def calls(bench: Bench) -> list[dict[str, Any]]:
    page = bench.run(bench.store.read(list_calls(TENANT, ListQuery(limit=1_000))))
    return records_of(page)


def told_of(*resources: object) -> list[Fact | Refusal]:
    return list(list_facts([json.dumps(resources).encode()], Source(Door.IMPORT, NOW_US)))


def test_a_second_import_of_the_same_file_knows_it_all(bench: Bench) -> None:
    told = told_of({**CALL, "sid": "CA1"}, {**CALL, "sid": "CA2"}, {**CALL, "sid": "CA1", "status": "busy"})
    first, before = imported(bench, told), calls(bench)
    assert (first.total, first.refused) == (3, 0)
    again = imported(bench, told)
    assert again == ImportReport(known=3)
    assert calls(bench) == before
    assert len(before) == 2


def test_refusals_are_reported_and_the_rest_goes_in(bench: Bench) -> None:
    lost = {"sid": "CA2", "status": "lost"}
    report = imported(bench, told_of({**CALL, "sid": "CA1"}, lost, 3, {**CALL, "sid": "CA4"}))
    assert (report.recorded, report.refused) == (2, 2)
    assert [refusal.position for refusal in report.refusals] == ["line 1[1]", "line 1[2]"]
    assert "status 'lost'" in report.refusals[0].reason
    assert {call["call_sid"] for call in calls(bench)} == {"CA1", "CA4"}


def test_what_is_new_and_changes_nothing_is_counted_apart(bench: Bench) -> None:
    report = imported(bench, told_of({**CALL, "sid": "CA1"}, {**CALL, "sid": "CA1", "group_sid": "GP1"}))
    assert (report.recorded, report.unchanged) == (1, 1)


def test_a_long_list_goes_in_chunk_by_chunk(bench: Bench) -> None:
    reports: list[ImportReport] = []
    taken = 0

    def told() -> Iterator[Fact | Refusal]:
        nonlocal taken
        for item in told_of(*({**CALL, "sid": f"CA{number:05}"} for number in range(2 * CHUNK + 1))):
            taken += 1
            yield item

    def listen(report: ImportReport) -> None:
        reports.append(report)
        assert taken == report.total

    last = bench.run(import_facts(bench.store, TENANT, told=told(), clock=lambda: NOW_US, on_progress=listen))
    assert [report.recorded for report in reports] == [CHUNK, 2 * CHUNK, 2 * CHUNK + 1]
    assert reports[-1] == last


@pytest.mark.parametrize(("is_wanted", "expected"), [(True, [2, 4, 5]), (False, [5])])
def test_chunks_that_come_together_are_commits_each_where_others_wait(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, *, is_wanted: bool, expected: list[int]
) -> None:
    async def chunks() -> AsyncIterator[list[Chunk]]:
        told = told_of(*({**CALL, "sid": f"CA{number}"} for number in range(5)))
        yield list(prepared_chunks(told, TENANT, {}, 2))

    reports: list[ImportReport] = []
    monkeypatch.setattr(bench.store, "is_wanted", lambda: is_wanted)
    bringing = bring_chunks(bench.store, TENANT, chunks(), clock=lambda: NOW_US, on_progress=reports.append)
    assert bench.run(bringing) == reports[-1]
    assert [report.recorded for report in reports] == expected
    assert len(calls(bench)) == 5


def test_all_refusals_are_counted_and_the_first_are_kept(bench: Bench) -> None:
    refusals: list[Fact | Refusal] = [Refusal(f"line {number}", "no") for number in range(MAX_REFUSALS + 700)]
    report = imported(bench, refusals)
    assert report.refused == MAX_REFUSALS + 700
    assert list(report.refusals) == refusals[:MAX_REFUSALS]


def test_the_tenants_routes_apply(bench: Bench) -> None:
    route = checked_route("support", ["+1 555 123 0002"], agent="amy")
    bench.run(bench.store.write(put_route(TENANT, route, NOW_US)))
    imported(bench, told_of({**CALL, "sid": "CA1"}))
    (call,) = calls(bench)
    assert (call["route"], call["agent"]) == ("support", "amy")


def test_an_unknown_tenant_is_named(bench: Bench) -> None:
    with pytest.raises(NotFound, match="'nobody'"):
        imported(bench, [], "nobody")
