"""Iteration over pages, with and without links, totals and snapshots."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.client.errors import UnexpectedAnswer
from calltally.client.operations import iter_call_pages, iter_calls
from calltally.client.paging import requested_offset
from calltally.client.wire import Answer, Request
from tests.unit.client.canned import Canned, good, in_sequence, seven


@dataclass(frozen=True)
class Lister:
    """Server of the reference page with optional extensions."""

    rows: int
    cap: int = 1_000
    has_total: bool = False
    has_snapshots: bool = False
    links: bool = False

    def __call__(self, request: Request) -> Answer:
        params = dict(request.params)
        limit, offset = min(int(params["limit"]), self.cap), int(params["offset"])
        data = [seven(number) for number in range(offset, min(offset + limit, self.rows))]
        body: dict[str, Any] = {"data": data, "limit": limit, "offset": offset}
        if self.has_total:
            body["total"] = self.rows
        if self.has_snapshots:
            assert params.get("snapshot", "state-1") == "state-1"
            body["snapshot"] = "state-1"
        if self.links and offset + limit < self.rows:
            next_params = {**params, "offset": str(offset + limit), "cursor": "c"}
            return good(body, link=f'</of/a/proxy?{urlencode(next_params)}>; rel="next", </p>; rel=prev')
        return good(body)


SERVERS = st.builds(
    Lister,
    rows=st.integers(0, 40),
    cap=st.integers(1, 50),
    has_total=st.booleans(),
    has_snapshots=st.booleans(),
    links=st.booleans(),
)


@given(SERVERS, st.integers(1, 50))
def test_every_call_comes_once_and_in_order(server: Lister, page_size: int) -> None:
    canned = Canned(server)
    call_ids = [
        call.id for call in canned.all_of(iter_calls(canned, page_size=page_size, status="completed"))
    ]
    assert call_ids == [f"id-{number}" for number in range(server.rows)]
    for request in canned.requests:
        assert dict(request.params)["status"] == "completed"
    for request in canned.requests[1:]:
        pinned = dict(request.params).get("snapshot")
        assert pinned == ("state-1" if server.has_snapshots else None)


def test_total_saves_the_request_after_the_last_page() -> None:
    canned = Canned(Lister(20, has_total=True))
    canned.all_of(iter_calls(canned, page_size=10))
    assert len(canned.requests) == 2
    canned = Canned(Lister(20))
    canned.all_of(iter_calls(canned, page_size=10))
    assert len(canned.requests) == 3


def test_only_the_parameters_of_a_link_are_used() -> None:
    canned = Canned(Lister(20, links=True))
    canned.all_of(iter_calls(canned, page_size=10))
    second = canned.requests[1]
    assert (second.path, dict(second.params)["cursor"]) == ("/api/v1/call-logs", "c")


def test_short_page_is_not_the_last_if_the_total_is_higher() -> None:
    pages = [
        good({"data": [seven(0), seven(1)], "limit": 5, "offset": 0, "total": 4}),
        good({"data": [seven(2)], "limit": 5, "offset": 2, "total": 4}),
        good({"data": [seven(3)], "limit": 5, "offset": 3, "total": 4}),
    ]
    canned = Canned(in_sequence(*pages))
    assert len(canned.all_of(iter_calls(canned, page_size=5))) == 4
    assert [requested_offset(request.params) for request in canned.requests] == [0, 2, 3]


def test_empty_page_without_a_snapshot_is_the_end() -> None:
    pages = [
        good({"data": [seven(0)], "limit": 1, "offset": 0, "total": 2}),
        good({"data": [], "limit": 1, "offset": 1, "total": 2}),
    ]
    canned = Canned(in_sequence(*pages))
    assert len(canned.all_of(iter_call_pages(canned, page_size=1))) == 2


@pytest.mark.parametrize("pinned", [{"snapshot": "state-1"}, {"hold": "run-1"}])
def test_empty_page_within_a_snapshot_is_an_error(pinned: Any) -> None:  # noqa: ANN401 (keywords)
    canned = Canned(in_sequence(good({"data": [], "limit": 1, "offset": 0, "total": 2})))
    with pytest.raises(UnexpectedAnswer, match="at offset 0 of 2 calls is empty"):
        canned.all_of(iter_calls(canned, page_size=1, **pinned))


def test_ignored_offset_is_an_error() -> None:
    first = good({"data": [seven(0)], "limit": 1, "offset": 0, "total": 9})
    canned = Canned(lambda _request: first)
    with pytest.raises(UnexpectedAnswer, match="at offset 0 is followed by offset 1"):
        canned.all_of(iter_calls(canned, page_size=1))
    assert len(canned.requests) == 2


def test_hold_replaces_the_snapshot() -> None:
    canned = Canned(Lister(3, has_snapshots=True))
    canned.all_of(iter_calls(canned, page_size=2, hold="run-1"))
    assert [dict(request.params).get("snapshot") for request in canned.requests] == [None, None, None]
    assert {dict(request.params)["hold"] for request in canned.requests} == {"run-1"}
