"""The ledger keeps its invariants for any facts, in any order, with any repeats."""

from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calltally.calls.events import Fact
from calltally.calls.list_query import ListQuery
from calltally.store.db.interface import Submission
from calltally.store.listing.list_calls import list_calls
from calltally.store.verify.revisions import InvariantFinding
from calltally.store.verify.run import Verification
from tests.conftest import Bench, records_of
from tests.examples import examples
from tests.strategies import facts

_SLOW = settings(max_examples=examples(10), suppress_health_check=[HealthCheck.function_scoped_fixture])


def findings(bench: Bench, tenant: str) -> list[InvariantFinding]:
    """Return the findings of `calltally verify`."""
    verification = Verification(bench.store, lambda _kind, _count: None, Random(1))
    return bench.run(verification.run([tenant])).findings


def listed(bench: Bench, tenant: str) -> list[Any]:
    """Return every call without the fields that depend on the time of writing."""
    page = bench.run(bench.store.read(list_calls(tenant, ListQuery(limit=1000))))
    calls = records_of(page)
    return [
        {name: value for name, value in call.items() if name not in ("revision", "updated_at")}
        for call in calls
    ]


def report(bench: Bench, tenant: str, reported: list[Fact], sizes: Random) -> None:
    """Submit facts in requests of random sizes."""
    while reported:
        size = sizes.randint(1, 8)
        bench.run(bench.store.submit([Submission(tenant, fact) for fact in reported[:size]]))
        reported = reported[size:]


def test_order_and_repeats_change_nothing_and_verify_is_clean(bench: Bench) -> None:
    @_SLOW
    @given(st.lists(facts(), min_size=1, max_size=25), st.randoms(use_true_random=False))
    def check(reported: list[Fact], random: Random) -> None:
        tenant = bench.new_tenant()
        report(bench, tenant, reported, random)
        in_order = listed(bench, tenant)
        assert findings(bench, tenant) == []
        again = reported * 3
        random.shuffle(again)
        other = bench.new_tenant()
        report(bench, other, again, random)
        assert _without_ids(listed(bench, other)) == _without_ids(in_order)
        assert findings(bench, other) == []
        report(bench, tenant, again, random)
        assert listed(bench, tenant) == in_order

    check()


def _without_ids(calls: list[Any]) -> list[Any]:
    # The id is hashed from the tenant too, and orders calls of one instant.
    return sorted(({**call, "id": None} for call in calls), key=lambda call: call["call_sid"])
