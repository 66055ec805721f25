"""SIDs that come to lead to another call: what a list of them finds now, and under its snapshot."""

from typing import Any

import pytest
from msgspec.structs import replace

from calltally.calls.events import IngestOutcome
from calltally.calls.filters import CallFilter, ListQuery
from calltally.calls.identity import Node
from calltally.store.listing.browse import count_fresh
from calltally.store.listing.list_calls import list_calls
from tests.conftest import TENANT, Bench
from tests.integration.store.probing import submit, verdict
from tests.telling import SID, fact, own

_LINK = (Node(SID, is_carrier=True),)


@pytest.mark.parametrize(
    ("statuses", "fresh"),
    [(("completed",), 1), (("ringing",), -1), (("completed", "ringing"), 0), (("busy",), 0)],
)
@pytest.mark.parametrize("said", [{}, {"summary": "Told late."}], ids=["unchanged", "changed"])
def test_a_sid_is_followed_to_the_call_that_it_belongs_to_now(
    bench: Bench, statuses: tuple[str, ...], fresh: int, said: dict[str, Any]
) -> None:
    """The carrier's call was there before and need not change with a link: only what the SID finds does."""
    submit(bench, fact(1, status="completed"), own(2, "own-1", status="ringing"))
    query = ListQuery(filter=CallFilter(call_sid="own-1", statuses=statuses))
    before = bench.run(bench.store.read(list_calls(TENANT, query))).snapshot
    [led] = submit(bench, own(3, "own-1", event_id="late", links=_LINK, **said))
    assert led.outcome is IngestOutcome.APPLIED
    asked = replace(query, snapshot=before)
    assert bench.run(bench.store.read(count_fresh(TENANT, asked))) == fresh


def test_a_link_alone_is_a_revision(bench: Bench) -> None:
    """Else a list of the other SID under a snapshot from before would find a call that it had not."""
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
