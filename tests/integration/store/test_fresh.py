"""How many more calls a list finds now than under its snapshot, where a SID came to lead to another call."""

from typing import Any

import pytest
from msgspec.structs import replace

from calltally.calls.filters import CallFilter, ListQuery
from calltally.calls.identity import Node
from calltally.store.glance import count_fresh
from calltally.store.listing import list_calls
from tests.conftest import TENANT, Bench
from tests.integration.store.probing import submit
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
    submit(bench, own(3, "own-1", event_id="late", links=_LINK, **said))
    asked = replace(query, snapshot=before)
    assert bench.run(bench.store.read(count_fresh(TENANT, asked))) == fresh
