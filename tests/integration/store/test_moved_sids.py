"""SIDs that change their call: lists by SID, now and under an older snapshot."""

from typing import Any

import pytest
from msgspec.structs import replace

from calltally.calls.events import IngestOutcome
from calltally.calls.filters import CallFilter
from calltally.calls.identity import Node
from calltally.calls.list_query import ListQuery
from calltally.store.listing.browse import count_fresh
from calltally.store.listing.list_calls import list_calls
from tests.conftest import TENANT, Bench
from tests.integration.store.probing import submit, verdict
from tests.sample_facts import SID, fact, own

_LINK = (Node(SID, is_carrier=True),)


@pytest.mark.parametrize(
    ("statuses", "fresh"),
    [(("completed",), 1), (("ringing",), -1), (("completed", "ringing"), 0), (("busy",), 0)],
)
@pytest.mark.parametrize("stated", [{}, {"summary": "Told late."}], ids=["unchanged", "changed"])
def test_sid_leads_to_its_current_call(
    bench: Bench, statuses: tuple[str, ...], fresh: int, stated: dict[str, Any]
) -> None:
    """The carrier's call existed before and does not change with a link; only the call of the SID does."""
    submit(bench, fact(1, status="completed"), own(2, "own-1", status="ringing"))
    query = ListQuery(filter=CallFilter(call_sid="own-1", statuses=statuses))
    before = bench.run(bench.store.read(list_calls(TENANT, query))).snapshot
    [led] = submit(bench, own(3, "own-1", event_id="late", links=_LINK, **stated))
    assert led.outcome is IngestOutcome.APPLIED
    requested = replace(query, snapshot=before)
    assert bench.run(bench.store.read(count_fresh(TENANT, requested))) == fresh


def test_link_alone_takes_a_revision(bench: Bench) -> None:
    """Otherwise a list by the other SID under an older snapshot would find the call too early."""
    submit(bench, fact(1, status="completed", summary="Asked."))
    query = ListQuery(filter=CallFilter(call_sid="own-1"))
    before = bench.run(bench.store.read(list_calls(TENANT, query)))
    [led] = submit(bench, own(2, "own-1", links=_LINK))
    [again] = submit(bench, own(2, "own-1", event_id="again", links=_LINK))
    assert (before.total, led.outcome, led.revision) == (0, IngestOutcome.APPLIED, 2)
    assert (again.outcome, again.revision) == (IngestOutcome.IGNORED, 2)
    then = bench.run(bench.store.read(list_calls(TENANT, replace(query, snapshot=before.snapshot))))
    now = bench.run(bench.store.read(list_calls(TENANT, query)))
    assert (then.total, now.total) == (0, 1)
    assert verdict(bench).findings == []
