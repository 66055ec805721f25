"""Decoding of successful responses, also of servers with fewer fields."""

import json
from typing import Any

import pytest

from calltally.calls.errors import InvalidInput
from calltally.calls.model import CALL_FIELDS, Cost, Escalation
from calltally.client.errors import GoneError, UnexpectedAnswer
from calltally.client.operations import (
    changes,
    get_call,
    iter_call_events,
    iter_change_pages,
    iter_changes,
    list_call_events,
    list_calls,
)
from calltally.client.records import CallDetail, CallRecord, Tombstone
from calltally.client.response_parsing import parse_link_header
from calltally.client.wire import Answer
from tests.unit.client.canned import Canned, good, in_sequence, seven

DEAD = {"id": "id-9", "tombstone": "merged", "merged_into": "id-1", "revision": 7, "updated_at": "2026"}
EVENT = {
    "occurred_at": "a",
    "received_at": "b",
    "outcome": "applied",
    "said": {"status": "busy"},
    "repeats": 1,
}


def change_page(*data: Any, next_position: str = "p1", has_more: bool = False) -> Answer:  # noqa: ANN401 (changes)
    return good({"data": data, "limit": 100, "next": next_position, "has_more": has_more, "revision": 7})


def test_record_has_the_fields_of_the_contract_in_order() -> None:
    assert CallRecord.__struct_fields__ == (*CALL_FIELDS, "erased")


def test_page_with_only_the_required_fields_is_accepted() -> None:
    canned = Canned(in_sequence(good({"data": [seven(1)], "limit": 25, "offset": 0, "seen_by": "others"})))
    page = canned.run(list_calls(canned, status="completed", limit=25))
    call = page.data[0]
    assert (call.id, call.call_sid, call.escalated, call.is_final) == ("id-1", "CA1", False, True)
    assert (call.created_at, call.tags, call.erased) == (None, None, False)
    assert (page.total, page.snapshot, page.links) == (None, None, {})
    assert canned.requests[0].params == [("status", "completed"), ("limit", "25")]


def test_nested_objects_are_typed() -> None:
    cost = {"amount": "0.0140", "currency": "USD"}
    record = {**seven(1), "cost": cost, "escalation": {"target": "desk"}, "tags": ["a"]}
    canned = Canned(in_sequence(good({"data": [record], "limit": 1, "offset": 0})))
    call = canned.run(list_calls(canned)).data[0]
    assert (call.cost, call.escalation) == (Cost("0.0140", "USD"), Escalation(target="desk"))
    assert call.tags == ("a",)


def test_erased_call_is_decoded() -> None:
    erased = {**dict.fromkeys(CALL_FIELDS), "id": "id-1", "created_at": "2026", "erased": True}
    canned = Canned(in_sequence(good({"data": [erased], "limit": 1, "offset": 0})))
    call = canned.run(list_calls(canned)).data[0]
    assert (call.erased, call.status, call.is_final) == (True, None, False)


@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [
        (b"<html>hello</html>", "text/html", "in a body of text/html"),
        (b"", "", "in a body of no media type"),
        (b"{}", "application/json", "required field `data`"),
        (b'{"data": [{"id": "1"}], "limit": 1, "offset": 0}', "application/json", r"\$\.data"),
        (b'{"data": [{"id": "\xff"}]}', "application/json", "in a body of"),
    ],
)
def test_invalid_body_with_a_successful_status_is_an_error(body: bytes, kind: str, reason: str) -> None:
    canned = Canned(in_sequence(Answer(200, {"content-type": kind, "x-request-id": "req-1"}, body)))
    with pytest.raises(UnexpectedAnswer, match=reason) as caught:
        canned.run(list_calls(canned))
    assert caught.value.request_id == "req-1"


@pytest.mark.parametrize(
    ("header", "links"),
    [
        ('<https://h/p?a=b&offset=1>; rel="next"', {"next": "https://h/p?a=b&offset=1"}),
        (
            '</a>; rel=first, </b?x=1,2>; rel="next last"',
            {"first": "/a", "next": "/b?x=1,2", "last": "/b?x=1,2"},
        ),
        ('</a>; title="a, b; rel=no"; REL="Next"', {"next": "/a"}),
        ("</a>; rel=next, </b>; rel=next", {"next": "/a"}),
        ("</a>; preload; rel=next", {"next": "/a"}),
        ("</a>", {}),
        ("nonsense", {}),
        ("", {}),
    ],
)
def test_link_headers_are_parsed(header: str, links: dict[str, str]) -> None:
    assert parse_link_header(header) == links


def test_call_detail_has_events_session_and_deliveries() -> None:
    record = {**seven(1), "events": [EVENT], "session": {"id": "s"}, "deliveries": [{"id": "d"}]}
    canned = Canned(in_sequence(good(record)))
    call = canned.run(get_call(canned, "CA/1 ?"))
    assert isinstance(call, CallDetail)
    assert (call.events[0].said, call.session, call.deliveries) == (
        {"status": "busy"},
        {"id": "s"},
        ({"id": "d"},),
    )
    assert canned.requests[0].path == "/api/v1/call-logs/CA%2F1%20%3F"


@pytest.mark.parametrize("call_id", ["", ".", ".."])
def test_id_that_changes_the_path_is_refused(call_id: str) -> None:
    canned = Canned(in_sequence())
    with pytest.raises(InvalidInput, match="call_id"):
        canned.run(get_call(canned, call_id))


def test_events_of_a_call_are_paged() -> None:
    pages = [
        good({"data": [EVENT] * 2, "limit": 2, "offset": 0, "total": 3}),
        good({"data": [EVENT], "limit": 2, "offset": 2, "total": 3}),
    ]
    canned = Canned(in_sequence(*pages))
    assert len(canned.all_of(iter_call_events(canned, "CA1", page_size=2))) == 3
    canned = Canned(in_sequence(pages[1]))
    page = canned.run(list_call_events(canned, "CA1", limit=2, offset=2))
    assert (len(page.data), page.total) == (1, 3)
    assert canned.requests[0].path == "/api/v1/call-logs/CA1/events"


def test_change_is_a_call_or_a_tombstone() -> None:
    tricky = {**seven(1), "metadata": {"tombstone": "merged"}}
    canned = Canned(in_sequence(change_page(tricky, DEAD)))
    page = canned.run(changes(canned, "p0"))
    assert [type(change) for change in page.data] == [CallRecord, Tombstone]
    assert (page.next, page.has_more, page.revision, page.watermark) == ("p1", False, 7, None)
    assert canned.requests[0].params == [("after", "p0"), ("limit", "100")]


def test_long_poll_extends_the_timeout() -> None:
    canned = Canned(in_sequence(change_page()))
    canned.run(changes(canned, wait_s=30))
    assert canned.attempts[0].read_s == 60.0
    assert canned.requests[0].params[-1] == ("wait", "30")


@pytest.mark.parametrize("wrong", [{"id": 3}, 3, {"id": "x", "tombstone": 3}])
def test_invalid_change_is_an_error(wrong: object) -> None:
    canned = Canned(in_sequence(change_page(wrong)))
    with pytest.raises(UnexpectedAnswer):
        canned.run(changes(canned))


def test_feed_is_iterated_to_its_end() -> None:
    canned = Canned(in_sequence(change_page(seven(1), has_more=True), change_page(DEAD, next_position="p2")))
    assert [change.id for change in canned.all_of(iter_changes(canned))] == ["id-1", "id-9"]
    assert [dict(request.params)["after"] for request in canned.requests] == ["0", "p1"]


def test_follower_uses_long_polls() -> None:
    canned = Canned(
        in_sequence(
            change_page(seven(1)), change_page(), change_page(DEAD, next_position="p2"), Answer(410, {})
        )
    )
    with pytest.raises(GoneError):
        canned.all_of(iter_change_pages(canned, "p0", follow=True, wait_s=20))
    assert [dict(request.params)["after"] for request in canned.requests] == ["p0", "p1", "p1", "p2"]
    assert {dict(request.params)["wait"] for request in canned.requests} == {"20"}


def test_feed_that_does_not_advance_is_an_error() -> None:
    canned = Canned(in_sequence(change_page(seven(1), next_position="p0", has_more=True)))
    with pytest.raises(UnexpectedAnswer, match="does not advance"):
        canned.all_of(iter_changes(canned, "p0"))


def test_json_escapes_in_member_names_are_decoded() -> None:
    written = json.dumps({"data": [{**DEAD, "x": 1}]}).replace('"tombstone"', r'"\u0074ombstone"')
    body = written[:-1] + ', "next": "p", "has_more": false, "revision": 1}'
    canned = Canned(in_sequence(Answer(200, {}, body.encode())))
    assert isinstance(canned.run(changes(canned)).data[0], Tombstone)
