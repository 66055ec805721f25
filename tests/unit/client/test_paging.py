"""From page to page, on servers that help with it and on those that do not."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.client.errors import UnexpectedAnswer
from calltally.client.operations import iter_call_pages, iter_calls
from calltally.client.paging import offset_of
from calltally.client.wire import Answer, Request
from tests.unit.client.canned import Canned, good, in_turn, seven


@dataclass(frozen=True)
class Lister:
    """A server of the reference page, and what it has beyond it."""

    rows: int
    cap: int = 1_000
    tells_total: bool = False
    has_snapshots: bool = False
    links: bool = False

    def __call__(self, request: Request) -> Answer:
        asked = dict(request.params)
        limit, offset = min(int(asked["limit"]), self.cap), int(asked["offset"])
        data = [seven(number) for number in range(offset, min(offset + limit, self.rows))]
        body: dict[str, Any] = {"data": data, "limit": limit, "offset": offset}
        if self.tells_total:
            body["total"] = self.rows
        if self.has_snapshots:
            assert asked.get("snapshot", "state-1") == "state-1"
            body["snapshot"] = "state-1"
        if self.links and offset + limit < self.rows:
            kept = {**asked, "offset": str(offset + limit), "cursor": "c"}
            return good(body, link=f'</of/a/proxy?{urlencode(kept)}>; rel="next", </p>; rel=prev')
        return good(body)


SERVERS = st.builds(
    Lister,
    rows=st.integers(0, 40),
    cap=st.integers(1, 50),
    tells_total=st.booleans(),
    has_snapshots=st.booleans(),
    links=st.booleans(),
)


@given(SERVERS, st.integers(1, 50))
def test_every_call_comes_once_and_in_order(server: Lister, page_size: int) -> None:
    canned = Canned(server)
    found = [
        call.id for call in canned.all_of(iter_calls(canned.plan, page_size=page_size, status="completed"))
    ]
    assert found == [f"id-{number}" for number in range(server.rows)]
    for request in canned.requests:
        assert dict(request.params)["status"] == "completed"
    for request in canned.requests[1:]:
        held = dict(request.params).get("snapshot")
        assert held == ("state-1" if server.has_snapshots else None)


def test_a_total_saves_the_look_behind_the_last_page() -> None:
    canned = Canned(Lister(20, tells_total=True))
    canned.all_of(iter_calls(canned.plan, page_size=10))
    assert len(canned.requests) == 2
    canned = Canned(Lister(20))
    canned.all_of(iter_calls(canned.plan, page_size=10))
    assert len(canned.requests) == 3


def test_a_link_brings_what_it_says_to_no_other_place() -> None:
    canned = Canned(Lister(20, links=True))
    canned.all_of(iter_calls(canned.plan, page_size=10))
    second = canned.requests[1]
    assert (second.path, dict(second.params)["cursor"]) == ("/api/v1/call-logs", "c")


def test_a_short_page_is_no_end_where_the_total_says_more() -> None:
    pages = [
        good({"data": [seven(0), seven(1)], "limit": 5, "offset": 0, "total": 4}),
        good({"data": [seven(2)], "limit": 5, "offset": 2, "total": 4}),
        good({"data": [seven(3)], "limit": 5, "offset": 3, "total": 4}),
    ]
    canned = Canned(in_turn(*pages))
    assert len(canned.all_of(iter_calls(canned.plan, page_size=5))) == 4
    assert [offset_of(request.params) for request in canned.requests] == [0, 2, 3]


def test_rows_that_went_while_nothing_held_them_are_the_end() -> None:
    pages = [
        good({"data": [seven(0)], "limit": 1, "offset": 0, "total": 2}),
        good({"data": [], "limit": 1, "offset": 1, "total": 2}),
    ]
    canned = Canned(in_turn(*pages))
    assert len(canned.all_of(iter_call_pages(canned.plan, page_size=1))) == 2


@pytest.mark.parametrize("held", [{"snapshot": "state-1"}, {"hold": "run-1"}])
def test_rows_that_went_out_of_a_snapshot_are_told(held: Any) -> None:  # noqa: ANN401 (keywords)
    canned = Canned(in_turn(good({"data": [], "limit": 1, "offset": 0, "total": 2})))
    with pytest.raises(UnexpectedAnswer, match="at offset 0 of 2 calls is empty"):
        canned.all_of(iter_calls(canned.plan, page_size=1, **held))


def test_a_server_that_ignores_the_offset_is_told_and_not_asked_for_ever() -> None:
    first = good({"data": [seven(0)], "limit": 1, "offset": 0, "total": 9})
    canned = Canned(lambda _request: first)
    with pytest.raises(UnexpectedAnswer, match="at offset 0 leads to offset 1"):
        canned.all_of(iter_calls(canned.plan, page_size=1))
    assert len(canned.requests) == 2


def test_a_hold_holds_and_needs_no_snapshot() -> None:
    canned = Canned(Lister(3, has_snapshots=True))
    canned.all_of(iter_calls(canned.plan, page_size=2, hold="run-1"))
    assert [dict(request.params).get("snapshot") for request in canned.requests] == [None, None, None]
    assert {dict(request.params)["hold"] for request in canned.requests} == {"run-1"}
