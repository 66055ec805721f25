"""Dashboard pages read the rows of the API's pages, with a lower bound of the total."""

from typing import Any

import pytest

from calltally.calls.filters import CallFilter
from calltally.calls.list_query import ListQuery
from calltally.store.listing import scan, total_bound
from calltally.store.listing.browse import browse
from calltally.store.listing.list_calls import list_calls
from tests.conftest import TENANT, Bench
from tests.integration.store.probing import submit
from tests.sample_facts import own

CALLS = 9
FREQUENT = ListQuery(filter=CallFilter(q="booked"), limit=2)


@pytest.fixture(autouse=True)
def _low_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(total_bound, "MAX_COUNTED", 4)
    for name, most in {"_INSPECTED": 6, "_FEW": 1}.items():
        monkeypatch.setattr(scan, name, most)


@pytest.fixture
def ledger(bench: Bench) -> Bench:
    for number in range(CALLS):
        submit(bench, own(number, f"call-{number}", status="completed", summary="It was booked."))
    return bench


def sent(bench: Bench) -> set[str]:
    """Return the names of the statements with clauses that were sent so far."""
    store: Any = bench.store
    return {name for name, _clauses in store._statements._filled}


def test_frequent_words_are_found_by_inspecting_calls_in_both(ledger: Bench) -> None:
    listed = ledger.run(ledger.store.read(list_calls(TENANT, FREQUENT), long=True))
    assert "inspect_records" in sent(ledger)
    browsed = ledger.run(ledger.store.read(browse(TENANT, FREQUENT), long=True))
    assert "search_records" not in sent(ledger)
    assert (listed.total, browsed.records) == (CALLS, listed.records)


def test_rare_words_are_found_by_the_index_of_words_in_both(ledger: Bench) -> None:
    submit(ledger, own(20, "call-0", status="completed", summary="It was cancelled."))
    rare = ListQuery(filter=CallFilter(q="cancelled"), limit=2)
    browsed = ledger.run(ledger.store.read(browse(TENANT, rare), long=True))
    listed = ledger.run(ledger.store.read(list_calls(TENANT, rare), long=True))
    assert "inspect_records" not in sent(ledger)
    assert (listed.total, browsed.total, browsed.records) == (1, 1, listed.records)


def test_page_has_a_lower_bound_and_a_page_after_the_last_the_exact_total(ledger: Bench) -> None:
    first = ledger.run(ledger.store.read(browse(TENANT, FREQUENT), long=True))
    assert (first.total, first.at_least, first.has_more) == (None, 4, True)
    behind = ListQuery(filter=FREQUENT.filter, limit=2, offset=20)
    last = ledger.run(ledger.store.read(browse(TENANT, behind), long=True))
    assert (last.records, last.total, last.has_more) == (b"", CALLS, False)
