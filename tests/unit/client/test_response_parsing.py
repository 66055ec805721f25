"""From the bytes of a good answer to records, on this server and on those that tell less."""

import json
from typing import Any

import pytest

from calltally.calls.errors import InvalidInput
from calltally.calls.model import CALL_FIELDS, Cost, Escalation
from calltally.client.change_feed import changes, iter_change_pages, iter_changes
from calltally.client.errors import Gone, UnexpectedAnswer
from calltally.client.operations import get_call, iter_call_events, list_call_events, list_calls
from calltally.client.records import CallDetail, CallRecord, Tombstone
from calltally.client.response_parsing import links_in
from calltally.client.wire import Answer
from tests.unit.client.canned import Canned, good, in_turn, seven

DEAD = {"id": "id-9", "tombstone": "merged", "merged_into": "id-1", "revision": 7, "updated_at": "2026"}
EVENT = {
    "occurred_at": "a",
    "received_at": "b",
    "outcome": "applied",
    "said": {"status": "busy"},
    "repeats": 1,
}


def stretch(*data: Any, following: str = "p1", has_more: bool = False) -> Answer:  # noqa: ANN401 (changes)
    return good({"data": data, "limit": 100, "next": following, "has_more": has_more, "revision": 7})


def test_the_record_has_the_fields_of_the_contract_in_their_order() -> None:
    assert CallRecord.__struct_fields__ == (*CALL_FIELDS, "erased")


def test_a_page_of_the_bare_reference_is_enough() -> None:
    canned = Canned(in_turn(good({"data": [seven(1)], "limit": 25, "offset": 0, "seen_by": "others"})))
    page = canned.run(list_calls(canned.plan, status="completed", limit=25))
    call = page.data[0]
    assert (call.id, call.call_sid, call.escalated, call.is_final) == ("id-1", "CA1", False, True)
    assert (call.created_at, call.tags, call.erased) == (None, None, False)
    assert (page.total, page.snapshot, page.links) == (None, None, {})
    assert canned.requests[0].params == [("status", "completed"), ("limit", "25")]


def test_what_is_an_object_is_one() -> None:
    cost = {"amount": "0.0140", "currency": "USD"}
    told = {**seven(1), "cost": cost, "escalation": {"target": "desk"}, "tags": ["a"]}
    canned = Canned(in_turn(good({"data": [told], "limit": 1, "offset": 0})))
    call = canned.run(list_calls(canned.plan)).data[0]
    assert (call.cost, call.escalation) == (Cost("0.0140", "USD"), Escalation(target="desk"))
    assert call.tags == ("a",)


def test_an_erased_call_keeps_its_place() -> None:
    erased = {**dict.fromkeys(CALL_FIELDS), "id": "id-1", "created_at": "2026", "erased": True}
    canned = Canned(in_turn(good({"data": [erased], "limit": 1, "offset": 0})))
    call = canned.run(list_calls(canned.plan)).data[0]
    assert (call.erased, call.status, call.is_final) == (True, None, False)


@pytest.mark.parametrize(
    ("body", "kind", "why"),
    [
        (b"<html>hello</html>", "text/html", "in a body of text/html"),
        (b"", "", "in a body of no media type"),
        (b"{}", "application/json", "required field `data`"),
        (b'{"data": [{"id": "1"}], "limit": 1, "offset": 0}', "application/json", r"\$\.data"),
        (b'{"data": [{"id": "\xff"}]}', "application/json", "in a body of"),
    ],
)
def test_a_good_status_with_something_else_is_told(body: bytes, kind: str, why: str) -> None:
    canned = Canned(in_turn(Answer(200, {"content-type": kind, "x-request-id": "req-1"}, body)))
    with pytest.raises(UnexpectedAnswer, match=why) as caught:
        canned.run(list_calls(canned.plan))
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
def test_links_are_read_as_they_may_be_written(header: str, links: dict[str, str]) -> None:
    assert links_in(header) == links


def test_one_call_comes_with_what_belongs_to_it() -> None:
    told = {**seven(1), "events": [EVENT], "session": {"id": "s"}, "deliveries": [{"id": "d"}]}
    canned = Canned(in_turn(good(told)))
    call = canned.run(get_call(canned.plan, "CA/1 ?"))
    assert isinstance(call, CallDetail)
    assert (call.events[0].said, call.session, call.deliveries) == (
        {"status": "busy"},
        {"id": "s"},
        ({"id": "d"},),
    )
    assert canned.requests[0].path == "/api/v1/call-logs/CA%2F1%20%3F"


@pytest.mark.parametrize("call_id", ["", ".", ".."])
def test_an_id_that_would_be_another_path_is_refused(call_id: str) -> None:
    canned = Canned(in_turn())
    with pytest.raises(InvalidInput, match="call_id"):
        canned.run(get_call(canned.plan, call_id))


def test_the_events_of_a_call_come_by_pages() -> None:
    pages = [
        good({"data": [EVENT] * 2, "limit": 2, "offset": 0, "total": 3}),
        good({"data": [EVENT], "limit": 2, "offset": 2, "total": 3}),
    ]
    canned = Canned(in_turn(*pages))
    assert len(canned.all_of(iter_call_events(canned.plan, "CA1", page_size=2))) == 3
    canned = Canned(in_turn(pages[1]))
    page = canned.run(list_call_events(canned.plan, "CA1", limit=2, offset=2))
    assert (len(page.data), page.total) == (1, 3)
    assert canned.requests[0].path == "/api/v1/call-logs/CA1/events"


def test_a_change_is_a_call_or_the_end_of_an_id() -> None:
    tricky = {**seven(1), "metadata": {"tombstone": "merged"}}
    canned = Canned(in_turn(stretch(tricky, DEAD)))
    page = canned.run(changes(canned.plan, "p0"))
    assert [type(change) for change in page.data] == [CallRecord, Tombstone]
    assert (page.next, page.has_more, page.revision, page.watermark) == ("p1", False, 7, None)
    assert canned.requests[0].params == [("after", "p0"), ("limit", "100")]


def test_who_waits_is_given_the_time() -> None:
    canned = Canned(in_turn(stretch()))
    canned.run(changes(canned.plan, wait_s=30))
    assert canned.attempts[0].read_s == 60.0
    assert canned.requests[0].params[-1] == ("wait", "30")


@pytest.mark.parametrize("wrong", [{"id": 3}, 3, {"id": "x", "tombstone": 3}])
def test_a_change_that_is_neither_is_told(wrong: object) -> None:
    canned = Canned(in_turn(stretch(wrong)))
    with pytest.raises(UnexpectedAnswer):
        canned.run(changes(canned.plan))


def test_the_feed_is_walked_until_there_is_no_more() -> None:
    canned = Canned(in_turn(stretch(seven(1), has_more=True), stretch(DEAD, following="p2")))
    assert [change.id for change in canned.all_of(iter_changes(canned.plan))] == ["id-1", "id-9"]
    assert [dict(request.params)["after"] for request in canned.requests] == ["0", "p1"]


def test_a_follower_waits_and_goes_on() -> None:
    canned = Canned(in_turn(stretch(seven(1)), stretch(), stretch(DEAD, following="p2"), Answer(410, {})))
    with pytest.raises(Gone):
        canned.all_of(iter_change_pages(canned.plan, "p0", follow=True, wait_s=20))
    assert [dict(request.params)["after"] for request in canned.requests] == ["p0", "p1", "p1", "p2"]
    assert {dict(request.params)["wait"] for request in canned.requests} == {"20"}


def test_a_feed_that_does_not_go_on_is_told() -> None:
    canned = Canned(in_turn(stretch(seven(1), following="p0", has_more=True)))
    with pytest.raises(UnexpectedAnswer, match="does not go on"):
        canned.all_of(iter_changes(canned.plan, "p0"))


def test_json_escapes_are_of_no_matter() -> None:
    written = json.dumps({"data": [{**DEAD, "x": 1}]}).replace('"tombstone"', r'"\u0074ombstone"')
    body = written[:-1] + ', "next": "p", "has_more": false, "revision": 1}'
    canned = Canned(in_turn(Answer(200, {}, body.encode())))
    assert isinstance(canned.run(changes(canned.plan)).data[0], Tombstone)
