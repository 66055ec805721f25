"""A client that was written from the reference page alone, against a running server."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from tests.acceptance.live import Live
from tests.acceptance.pages import ROOT

# As the page has it; only the base URL is changed before it is run.
PAGE_BASE = "https://voice.stateset.app"
PAGE_CURL = """\
curl -sS "https://voice.stateset.app/api/v1/call-logs?limit=25&offset=0" \\
  -H "Authorization: Bearer ${STATESET_VOICE_API_KEY}"
"""
PAGE_ANSWER = """\
{
  "data": [
    {
      "id": "550e8400-e29b-41d4-a716-446655440000",
      "call_sid": "CA1234567890abcdef1234567890abcdef",
      "direction": "outbound",
      "status": "completed",
      "duration_seconds": 142,
      "escalated": false,
      "summary": "Customer confirmed appointment time."
    }
  ],
  "limit": 25,
  "offset": 0
}
"""
TALKED = {"duration_seconds": 142, "summary": "Customer confirmed appointment time."}
STATUSES = ("completed", "failed", "no-answer", "queued", "completed", "completed")
CALLS = 60
# Where curl is not installed, what stands in for it has to do.
CURLS = [f"{sys.executable} -m tests.acceptance.curl", *filter(None, [shutil.which("curl")])]

Json = dict[str, Any]


class Client(NamedTuple):
    """Client by the page alone: a base, a key, and the standard library."""

    base: str
    key: str

    def list_calls(self, **parameters: str | int) -> Json:
        query = urlencode({name.rstrip("_"): value for name, value in parameters.items()})
        headers = {"Authorization": f"Bearer {self.key}"}
        request = Request(f"{self.base}/api/v1/call-logs?{query}", headers=headers)  # noqa: S310 (of our server)
        with urlopen(request, timeout=30) as answer:  # noqa: S310 (the same)
            page: Json = json.load(answer)
        return page

    def every_call(self, limit: int, **filters: str) -> Iterator[Json]:
        """The page's export pattern: a stable window, page after page."""
        offset = 0
        while data := self.list_calls(limit=limit, offset=offset, **filters)["data"]:
            yield from data
            offset += limit


def call_events() -> list[Json]:
    """One event a call; the calls began a minute apart on the first of October."""
    return [
        {
            "id": f"event-{number}",
            "call_sid": f"CA{number:032x}",
            "started_at": f"2026-10-01T10:{number:02}:30Z",
            "occurred_at": "2026-10-01T12:00:00Z",
            "direction": ("outbound", "inbound")[number % 2],
            "status": STATUSES[number % len(STATUSES)],
            **(TALKED if STATUSES[number % len(STATUSES)] == "completed" else {}),
        }
        for number in range(CALLS)
    ]


@pytest.fixture(scope="module")
def client(live: Live) -> Client:
    """A client of a tenant with sixty calls."""
    tenant = live.new_tenant()
    live.send_events(live.new_key(tenant, "events:write"), call_events())
    return Client(live.base, live.new_key(tenant, "calls:read"))


def answer_of_the_curl_command(client: Client, curl: str) -> Json:
    """Return the output of the page's command, run by `curl`."""
    command = PAGE_CURL.replace(PAGE_BASE, client.base).replace("curl", curl, 1)
    environment = {**os.environ, "STATESET_VOICE_API_KEY": client.key, "no_proxy": "*"}
    done = subprocess.run(
        ["/bin/sh", "-c", command], cwd=ROOT, env=environment, capture_output=True, check=True, timeout=30
    )
    assert done.stderr == b""
    answer: Json = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize("curl", CURLS)
def test_the_pages_command_answers_in_the_pages_shape(client: Client, curl: str) -> None:
    answer, expected = answer_of_the_curl_command(client, curl), json.loads(PAGE_ANSWER)
    assert list(answer)[:3] == list(expected)
    assert (answer["limit"], answer["offset"], len(answer["data"])) == (25, 0, 25)
    (example,) = expected["data"]
    for call in answer["data"]:
        assert list(call)[: len(example)] == list(example)


def test_a_completed_call_has_every_field_of_the_example_with_its_type(client: Client) -> None:
    (example,) = json.loads(PAGE_ANSWER)["data"]
    (call,) = client.list_calls(status="completed", direction="outbound", limit=1)["data"]
    assert {name: type(call[name]) for name in example} == {name: type(example[name]) for name in example}
    named = ("direction", "status", "duration_seconds", "escalated", "summary")
    assert [call[name] for name in named] == [example[name] for name in named]


def test_limit_and_offset_page_through_all(client: Client) -> None:
    whole = client.list_calls(limit=CALLS)["data"]
    assert len(whole) == CALLS
    for limit, offset in ((1, 0), (7, 0), (7, 7), (25, 50), (25, CALLS), (1, 10**6)):
        page = client.list_calls(limit=limit, offset=offset)
        assert page["data"] == whole[offset : offset + limit]
        assert (page["limit"], page["offset"], page["total"]) == (limit, offset, CALLS)


@pytest.mark.parametrize("status", sorted(set(STATUSES)))
@pytest.mark.parametrize("direction", ["inbound", "outbound", None])
def test_status_and_direction_filter(client: Client, status: str, direction: str | None) -> None:
    requested = {"status": status} | ({"direction": direction} if direction else {})
    expected = {
        event["call_sid"]
        for event in call_events()
        if event["status"] == status and direction in (None, event["direction"])
    }
    page = client.list_calls(limit=CALLS, **requested)
    assert {call["call_sid"] for call in page["data"]} == expected
    assert page["total"] == len(page["data"]) == len(expected)


def test_from_and_to_cut_a_window_that_has_its_beginning_and_not_its_end(client: Client) -> None:
    begin, end = "2026-10-01T10:05:30Z", "2026-10-01T10:20:30Z"
    page = client.list_calls(from_=begin, to=end, limit=CALLS)
    times = sorted(call["created_at"] for call in page["data"])
    assert (times[0], times[-1], len(times)) == (
        "2026-10-01T10:05:30.000000Z",
        "2026-10-01T10:19:30.000000Z",
        15,
    )


@pytest.mark.parametrize("limit", [1, 7, 25, 1000])
def test_the_export_pattern_collects_every_call_once(client: Client, limit: int) -> None:
    window = {"from": "2026-10-01", "to": "2026-10-02"}
    collected = [call["call_sid"] for call in client.every_call(limit, **window)]
    assert len(collected) == CALLS
    assert sorted(collected) == sorted(event["call_sid"] for event in call_events())


def test_the_export_resumes_behind_the_last_id_that_was_stored(client: Client) -> None:
    window = {"from": "2026-10-01", "to": "2026-10-02"}
    whole = [call["id"] for call in client.every_call(25, **window)]
    stored = client.list_calls(limit=25, offset=0, **window)["data"][-1]["id"]
    behind = whole.index(stored) + 1
    resumed = client.list_calls(limit=1000, offset=behind, **window)["data"]
    assert [call["id"] for call in resumed] == whole[behind:]
    assert len(set(whole)) == CALLS


def test_the_final_state_can_be_settled_call_by_call(client: Client) -> None:
    """Reconciling final states: what the sender told is what each call says."""
    reported = {event["call_sid"]: event["status"] for event in call_events()}
    assert {call["call_sid"]: call["status"] for call in client.every_call(25)} == reported
