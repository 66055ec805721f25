import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from itertools import count
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calltally.calls.errors import NotFound
from calltally.calls.events import Channel, Fact
from calltally.calls.list_query import ListQuery
from calltally.ingest.imports import (
    CHUNK,
    MAX_REFUSALS,
    Chunk,
    ImportReport,
    chunk_of,
    import_chunks,
    import_facts,
)
from calltally.providers.callback import RecordSource, UnreadableRecord
from calltally.providers.twilio.resources import list_facts
from calltally.store.backends.group_commit import MAX_FACTS_PER_COMMIT
from calltally.store.db.interface import Submission, SubmissionResult
from calltally.store.listing.list_calls import list_calls
from calltally.store.rollups.call_counters import CLAUSES
from calltally.store.tenants.routes import checked_route, put_route
from tests.conftest import NOW_US, TENANT, Bench, records_of
from tests.examples import examples
from tests.integration.store.probing import direct, verdict
from tests.strategies import facts

COLUMNS: Final = dict(CLAUSES)["columns"]
CALL = {"status": "completed", "direction": "inbound", "duration": "15", "to": "+15551230002"}


def imported(bench: Bench, reported: list[Fact | UnreadableRecord], tenant: str = TENANT) -> ImportReport:
    return bench.run(import_facts(bench.store, tenant, items=reported))


def calls(bench: Bench) -> list[dict[str, Any]]:
    page = bench.run(bench.store.read(list_calls(TENANT, ListQuery(limit=1_000))))
    return records_of(page)


def facts_of(*resources: object) -> list[Fact | UnreadableRecord]:
    return list(list_facts([json.dumps(resources).encode()], RecordSource(Channel.IMPORT, NOW_US)))


def test_a_second_import_of_the_same_file_knows_it_all(bench: Bench) -> None:
    reported = facts_of(
        {**CALL, "sid": "CA1"}, {**CALL, "sid": "CA2"}, {**CALL, "sid": "CA1", "status": "busy"}
    )
    first, before = imported(bench, reported), calls(bench)
    assert (first.total, first.refused) == (3, 0)
    again = imported(bench, reported)
    assert again == ImportReport(known=3)
    assert calls(bench) == before
    assert len(before) == 2


def test_refusals_are_reported_and_the_rest_goes_in(bench: Bench) -> None:
    lost = {"sid": "CA2", "status": "lost"}
    report = imported(bench, facts_of({**CALL, "sid": "CA1"}, lost, 3, {**CALL, "sid": "CA4"}))
    assert (report.recorded, report.refused) == (2, 2)
    assert [refusal.position for refusal in report.refusals] == ["line 1[1]", "line 1[2]"]
    assert "status 'lost'" in report.refusals[0].reason
    assert {call["call_sid"] for call in calls(bench)} == {"CA1", "CA4"}


def test_values_left_out_and_unlisted_names_are_counted() -> None:
    odd = {**CALL, "sid": "CA1", "from": "x" * 3_000, "brand": 1, "price": "many"}
    reported = facts_of(odd, {**CALL, "sid": "CA2", "brand": 2}, {**odd, "sid": "CA3"})
    chunk = chunk_of(reported, TENANT, {}, deliver=False, provider="twilio")
    assert (chunk.unread_fields, chunk.unlisted) == (4, ("brand",))
    assert chunk_of(reported, TENANT, {}, deliver=False).unlisted == ()


def test_the_report_adds_the_counts_of_its_chunks(bench: Bench) -> None:
    reported = facts_of({**CALL, "sid": "CA1", "price": "many", "brand": 1})

    async def chunks() -> AsyncIterator[Chunk]:
        for _ in range(2):
            yield chunk_of(reported, TENANT, {}, deliver=False, provider="twilio")

    report = bench.run(import_chunks(bench.store, TENANT, chunks(), on_chunk=lambda _: None))
    assert (report.recorded, report.known, report.unread_fields, report.unlisted) == (1, 1, 2, ("brand",))


def test_new_facts_that_change_nothing_are_counted_separately(bench: Bench) -> None:
    report = imported(bench, facts_of({**CALL, "sid": "CA1"}, {**CALL, "sid": "CA1", "group_sid": "GP1"}))
    assert (report.recorded, report.unchanged) == (1, 1)


def test_a_long_list_goes_in_chunk_by_chunk(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    taken, submitted = 0, list[tuple[int, int]]()
    submit = bench.store.submit

    def reported() -> Iterator[Fact | UnreadableRecord]:
        nonlocal taken
        for item in facts_of(*({**CALL, "sid": f"CA{number:05}"} for number in range(2 * CHUNK + 1))):
            taken += 1
            yield item

    def note(submissions: Sequence[Submission], **options: bool) -> Awaitable[list[SubmissionResult]]:
        submitted.append((len(submissions), taken))
        return submit(submissions, **options)

    monkeypatch.setattr(bench.store, "submit", note)
    report = bench.run(import_facts(bench.store, TENANT, items=reported()))
    assert report.recorded == 2 * CHUNK + 1
    assert submitted == [(CHUNK, CHUNK), (CHUNK, 2 * CHUNK), (1, 2 * CHUNK + 1)]


def test_each_chunk_of_the_command_is_one_commit(bench: Bench) -> None:
    """Every fact has the revision of its commit: that of the last call of the chunk."""
    many = 2 * MAX_FACTS_PER_COMMIT
    reported = facts_of(*({**CALL, "sid": f"CA{number}"} for number in range(many)))
    recorded: list[Chunk] = []

    async def chunks() -> AsyncIterator[Chunk]:
        yield chunk_of(reported, TENANT, {}, deliver=False)
        yield chunk_of(reported[:1], TENANT, {}, deliver=False)

    report = bench.run(import_chunks(bench.store, TENANT, chunks(), on_chunk=recorded.append))
    assert (report.recorded, report.known) == (many, 1)
    assert [len(chunk.submissions) for chunk in recorded] == [many, 1]
    with direct(bench.url) as db:
        assert db("SELECT DISTINCT revision FROM facts WHERE tenant = ?", TENANT) == [(many,)]


def test_a_chunk_of_the_command_is_stored_as_facts_reported_one_by_one(
    new_bench: Callable[[], Bench],
) -> None:
    bench, other = new_bench(), new_bench()
    names = (f"tenant-{number}" for number in count())

    @settings(max_examples=examples(4), suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(facts(), min_size=1, max_size=20))
    def check(reported: list[Fact]) -> None:
        tenant = next(names)
        for each in (bench, other):
            each.add_tenant(tenant)

        async def chunks() -> AsyncIterator[Chunk]:
            yield chunk_of(reported, tenant, {}, deliver=False)

        bench.run(import_chunks(bench.store, tenant, chunks(), on_chunk=lambda _chunk: None))
        for fact in reported:
            other.run(import_facts(other.store, tenant, items=[fact]))
        assert stored(bench, tenant) == stored(other, tenant)
        assert verdict(bench, tenant).findings == []

    check()


def stored(bench: Bench, tenant: str) -> list[list[Any]]:
    """Rows that do not tell in which commit they were written."""
    requested = (
        "SELECT node, key, content, raw, conversation FROM facts WHERE tenant = ?",
        "SELECT id, call_sid, created_us, status, route, agent, measured FROM calls WHERE tenant = ?",
        f"SELECT facet, width_s, bucket_s, {COLUMNS} FROM counts WHERE tenant = ? AND calls > 0",
    )
    with direct(bench.url) as db:
        return [sorted(map(repr, db(sql, tenant))) for sql in requested]


def test_all_refusals_are_counted_and_the_first_are_kept(bench: Bench) -> None:
    refusals: list[Fact | UnreadableRecord] = [
        UnreadableRecord(f"line {number}", "no") for number in range(MAX_REFUSALS + 700)
    ]
    report = imported(bench, refusals)
    assert report.refused == MAX_REFUSALS + 700
    assert list(report.refusals) == refusals[:MAX_REFUSALS]


def test_the_tenants_routes_apply(bench: Bench) -> None:
    route = checked_route("support", ["+1 555 123 0002"], agent="amy")
    bench.run(bench.store.write(put_route(TENANT, route, NOW_US)))
    imported(bench, facts_of({**CALL, "sid": "CA1"}))
    (call,) = calls(bench)
    assert (call["route"], call["agent"]) == ("support", "amy")


def test_an_unknown_tenant_is_named(bench: Bench) -> None:
    with pytest.raises(NotFound, match="'nobody'"):
        imported(bench, [], "nobody")
