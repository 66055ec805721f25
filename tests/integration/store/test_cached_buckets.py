"""Caches of buckets and counters save statements, and a change is visible at once."""

from typing import Any

import pytest

from calltally.calls.list_query import ListQuery
from calltally.store.db.operation import Batch, StatementMany, StoreOperation
from calltally.store.listing import list_calls as listing
from calltally.store.listing import seek
from calltally.store.listing.caches import BucketCache, CounterCache
from calltally.store.listing.list_calls import list_calls
from tests.conftest import TENANT, Bench, records_of
from tests.integration.store.probing import submit
from tests.sample_facts import own


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seek, "_NOT_WORTH_OPENING", 0)
    monkeypatch.setattr(seek, "BUCKET_CACHE", BucketCache())
    monkeypatch.setattr(listing, "COUNTER_CACHE", CounterCache())


def recording(operation: StoreOperation[Any], names: list[str]) -> StoreOperation[Any]:
    """Run the same operation; append the names of its statements to `names`."""
    answer = None
    try:
        while True:
            request = operation.send(answer)  # type: ignore[arg-type] # None begins it
            each = request.statements if isinstance(request, Batch) else (request,)
            names += [part.name for part in each if isinstance(part, StatementMany)]
            answer = yield request
    except StopIteration as done:
        return done.value


def page(bench: Bench, offset: int) -> tuple[list[str], int]:
    """Return the SIDs of a page of one call, and the number of counter levels that were read."""
    names: list[str] = []
    operation = recording(list_calls(TENANT, ListQuery(limit=1, offset=offset)), names)
    listed = bench.run(bench.store.read(operation))
    return [call["call_sid"] for call in records_of(listed)], names.count("count_buckets")


def test_second_page_reads_only_the_widest_counters(bench: Bench) -> None:
    submit(bench, *[own(second, f"call-{second}") for second in (1, 2, 3)])
    first = page(bench, 1)
    assert first[0] == ["call-2"]
    assert first[1] > 1
    assert page(bench, 1) == (["call-2"], 1)


def test_change_within_a_bucket_is_visible_at_once(bench: Bench) -> None:
    submit(bench, *[own(second, f"call-{second}") for second in (1, 2, 3)])
    assert page(bench, 1)[0] == ["call-2"]
    submit(bench, own(2.5, "between"))
    assert page(bench, 1)[0] == ["between"]
    # Its creation moves earlier within the minute: no count of any counter changes.
    submit(bench, own(0.5, "between", event_id="late"))
    assert page(bench, 1)[0] == ["call-2"]
    assert page(bench, 3)[0] == ["between"]


def test_third_page_reads_no_counters(bench: Bench) -> None:
    submit(bench, *[own(second, f"call-{second}") for second in (1, 2, 3)])
    assert [page(bench, 1)[1] for _ in range(2)][1] == 1
    assert page(bench, 1) == (["call-2"], 0)
    assert page(bench, 2) == (["call-1"], 0)
    assert page(bench, 3) == ([], 0)


def test_page_from_outdated_counters_is_read_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is read again after any of its statements; one of the pages begins after the last call."""
    submit(bench, *[own(second, f"call-{second}") for second in (1, 2, 3)])
    for offset, newer, observed in (
        (0, "call-4", "call-4"),
        (4, "call-5", "call-1"),
        (2, "call-6", "call-4"),
    ):
        for _ in range(3):
            page(bench, offset)
        monkeypatch.setattr(seek, "BUCKET_CACHE", BucketCache())
        submit(bench, own(float(newer[-1]), newer))
        assert page(bench, offset)[0] == [observed]
        # Rows read for a discarded page are not cached as rows of the old head.
        assert page(bench, offset)[0] == [observed]
    assert [page(bench, offset)[0] for offset in range(7)] == [
        *([f"call-{number}"] for number in (6, 5, 4, 3, 2, 1)),
        [],
    ]
