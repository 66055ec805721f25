"""Calls recorded by a release without a search are indexed."""

from calltally.calls.filters import CallFilter
from calltally.calls.list_query import ListQuery
from calltally.store.ledger import text_index
from calltally.store.ledger.text_index import fill_texts
from calltally.store.listing.list_calls import list_calls
from tests.conftest import TENANT, Bench
from tests.integration.store.probing import direct, submit, verdict
from tests.sample_facts import own

FOUND = ListQuery(filter=CallFilter(q="found"))


def test_older_summaries_are_indexed_in_chunks(bench: Bench) -> None:
    many = text_index.CHUNK + 1
    submit(bench, *[own(1, f"call-{number}", summary=f"Found {number}.") for number in range(many)])
    with direct(bench.url) as db:
        db("DELETE FROM call_texts")
    assert bench.run(bench.store.read(list_calls(TENANT, FOUND))).total == 0
    after = bench.run(bench.store.write(fill_texts(TENANT, b"")))
    assert after is not None
    assert bench.run(bench.store.write(fill_texts(TENANT, after))) is None
    assert bench.run(bench.store.read(list_calls(TENANT, FOUND))).total == many
    # Existing words stay as they are.
    assert bench.run(bench.store.write(fill_texts(TENANT, after))) is None
    assert verdict(bench).findings == []
