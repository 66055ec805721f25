"""Filters, writings of values and links of the list over the wire, on a server with a public URL."""

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import NamedTuple
from urllib.parse import quote, urlsplit

import pytest

from tests.acceptance.live import ANSWERS_WITHIN_S, HOST, Answer, Live, serving

PUBLIC_URL = "https://calls.example"
LIST = "/api/v1/call-logs"
CALLS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("call-1", "completed", {"from_number": "+14155550164", "to_number": "+14155550100"}),
    ("call-2", "failed", {"from_number": "+14155550165", "parent_call_sid": "call-1"}),
    ("call-3", "busy", {"to_number": "+14155550164"}),
)


class Listed(NamedTuple):
    """A server with three calls, and the header of a key."""

    live: Live
    key: dict[str, str]

    def get(self, query: str) -> Answer:
        return self.live.request("GET", f"{LIST}?{query}", headers=self.key)

    def sids(self, query: str) -> set[str]:
        answer = self.get(query)
        assert answer.status == 200, answer
        assert answer.json["total"] == len(answer.json["data"])
        return {call["call_sid"] for call in answer.json["data"]}


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listed]:
    with serving(tmp_path_factory.mktemp("forms"), PUBLIC_URL=PUBLIC_URL) as live:
        key = live.new_key(live.new_tenant(), "events:write", "calls:read")
        named = {"occurred_at": "2026-10-01T09:30:00Z"}
        live.send_events(
            key,
            [{"id": sid, "call_sid": sid, "status": status, **named, **more} for sid, status, more in CALLS],
        )
        yield Listed(live, {"authorization": f"Bearer {key}"})


@pytest.mark.parametrize(
    ("query", "sids"),
    [
        ("status=completed,busy", {"call-1", "call-3"}),
        ("status=completed&status=busy", {"call-1", "call-3"}),
        ("from=2026-10-01T09:30Z&to=2026-10-01T09:31Z", {"call-1", "call-2", "call-3"}),
        (f"from={quote('2026-10-01T11:30:00+0200')}", {"call-1", "call-2", "call-3"}),
        ("from=2026-10-01T00:00Z&to=2026-10-01T09:30Z", set()),
        ("from_number=5550164", {"call-1"}),
        ("to_number=%2B14155550164", {"call-3"}),
        ("from_number=0164&to_number=0100", {"call-1"}),
        ("number=0164", {"call-1", "call-3"}),
        ("parent_call_sid=call-1", {"call-2"}),
        ("updated_from=2026-10-01T00:00Z", {"call-1", "call-2", "call-3"}),
        ("updated_to=2026-10-01", set()),
    ],
)
def test_filter_finds(listed: Listed, query: str, sids: set[str]) -> None:
    assert listed.sids(query) == sids


@pytest.mark.parametrize(
    ("query", "hint"),
    [
        ("caller=5550164", "did you mean from_number?"),
        ("parent_sid=call-1", "did you mean parent_call_sid?"),
        ("updated_since=2026-10-01", "did you mean updated_from?"),
        ("per_page=10", "did you mean limit?"),
        ("status[]=busy", "did you mean status?"),
        ("status=no_answer", "did you mean no-answer?"),
        ("updated_from=2026-10-02&updated_to=2026-10-01", "updated_from must be earlier than updated_to"),
    ],
)
def test_mistake_gets_a_hint(listed: Listed, query: str, hint: str) -> None:
    answer = listed.get(query)
    assert (answer.status, hint in answer.json["detail"]) == (400, True), answer


def test_links_are_absolute_and_keep_the_filters(listed: Listed) -> None:
    first = listed.get("limit=1&updated_from=2026-10-01")
    links = {
        relation.partition('rel="')[2].rstrip('"'): target.strip(" <>")
        for target, _, relation in (link.partition(";") for link in first.headers["link"].split(","))
    }
    assert {urlsplit(link)[:2] for link in links.values()} == {("https", "calls.example")}
    following = listed.get(urlsplit(links["next"]).query)
    assert (following.json["total"], following.json["offset"]) == (3, 1)
    assert following.json["snapshot"] == first.json["snapshot"]


def test_head_has_the_headers_of_get_and_no_body(listed: Listed) -> None:
    got = listed.get("from_number=5550164")
    connection = HTTPConnection(HOST, listed.live.port, timeout=ANSWERS_WITHIN_S)
    connection.request("HEAD", f"{LIST}?from_number=5550164", headers=listed.key)
    head = connection.getresponse()
    assert (head.status, head.read()) == (200, b"")
    for name in ("content-type", "content-length", "etag", "link"):
        assert head.headers[name] == got.headers[name], name
    connection.close()


def test_every_event_of_the_document_has_served_schemas(listed: Listed) -> None:
    document = listed.live.request("GET", "/openapi.json").json
    for event in document["webhooks"]:
        for path in (f"/schemas/{event}.json", f"/schemas/{event}.data.json"):
            schema = json.loads(listed.live.request("GET", path).body)
            assert (schema["$id"], schema["type"]) == (path, "object")
    assert "voice.alert.opened" in document["webhooks"]
