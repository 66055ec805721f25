"""The list, one call and its events, as in the reference page."""

from typing import Any
from urllib.parse import quote

import pytest

from calltally.calls.events import StatedFields
from calltally.calls.model import CALL_FIELDS
from calltally.store.tenants.api_keys import digest_of_key, find_key, revoke_key
from calltally.web.response.response import MAX_LOOP_BYTES
from tests.conftest import TENANT, Bench
from tests.integration.web.service import ADMIN, LIST, Service, invalid_parameters, slug

COMPLETED: StatedFields = {
    "status": "completed",
    "direction": "outbound",
    "talk_seconds": 142.0,
    "summary": "Customer confirmed appointment time.",
}
BOTH = ["calls:read", "transcripts:read"]


def sids(page: dict[str, Any]) -> list[str]:
    return [call["call_sid"] for call in page["data"]]


def test_the_reference_pages_request_gets_its_shape(service: Service) -> None:
    service.report("CA1", COMPLETED)
    answer = service.get(f"{LIST}?limit=25&offset=0")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    page = answer.json()
    assert list(page) == ["data", "limit", "offset", "total", "snapshot"]
    assert (page["limit"], page["offset"], page["total"]) == (25, 0, 1)
    call = page["data"][0]
    assert list(call) == list(CALL_FIELDS)
    assert [call[name] for name in list(call)[1:7]] == [
        *("CA1", "outbound", "completed", 142, False, "Customer confirmed appointment time.")
    ]


def test_empty_list_names_the_agent_that_was_meant(service: Service) -> None:
    service.report("CA1", {**COMPLETED, "agent": "otto-1", "route": "sales"})

    def hint(query: str) -> str | None:
        page = service.get(f"{LIST}?{query}").json()
        assert page["data"] == []
        found: str | None = page.get("hint")
        return found

    assert hint("agent=Otto-1") == "no call has the agent 'Otto-1' (did you mean otto-1?)"
    assert hint("agent=otto&route=sales") == "no call has the agent 'otto' (did you mean otto-1?)"
    assert hint("route=support") == "no call has the route 'support'; it is one of sales"
    assert hint("provider=none") == "no call has the provider 'none'"
    assert hint("agent=otto-1&status=failed") is None
    assert hint("status=failed") is None
    assert "hint" not in service.get(f"{LIST}?agent=otto-1").json()


@pytest.mark.parametrize("path", ["/api/v1/calls", "/api/v1/call-log", "/api/v2/call-logs/", "/call_logs"])
def test_unknown_path_names_the_one_that_was_meant(service: Service, path: str) -> None:
    answer = service.get(path)
    assert answer.status_code == 404
    assert "This path does not exist (did you mean /api/v1/call-logs?)" in answer.json()["detail"]


def test_pages_follow_their_links_to_the_end(service: Service) -> None:
    for number in range(5):
        service.report(f"CA{number}", COMPLETED)
    pages, url = [], f"{LIST}?status=completed&limit=2"
    while url:
        answer = service.get(url)
        pages += sids(answer.json())
        url = answer.links["next"]["url"] if "next" in answer.links else ""
    assert pages == ["CA4", "CA3", "CA2", "CA1", "CA0"]


def test_links_use_the_public_url(bench: Bench) -> None:
    service = Service(bench, public_url="https://calls.example/voice")
    answer = service.get(f"{LIST}?order=asc")
    query = f"order=asc&snapshot={answer.json()['snapshot']}&limit=25&offset=0"
    assert answer.links["first"]["url"] == f"https://calls.example/voice/api/v1/call-logs?{query}"


def test_offset_at_or_beyond_the_end_is_an_empty_page(service: Service) -> None:
    service.report("CA1", COMPLETED)
    for offset in (1, 10**12):
        page = service.get(f"{LIST}?offset={offset}").json()
        assert (page["data"], page["offset"], page["total"]) == ([], offset, 1)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("limit=0", ["limit"]),
        ("limit=1001", ["limit"]),
        ("offset=-1", ["offset"]),
        ("limit=5&limit=6", ["limit"]),
        ("staus=failed", ["staus"]),
        ("status=failed,gone", ["status"]),
        ("from=2026-10-01T00:00:00", ["from"]),
        ("from=2026-10-02&to=2026-10-02", ["from"]),
        ("route=%00", ["route"]),
        ("tenant=acme", ["tenant"]),
        ("limit=x&order=up&nope=1", ["nope", "limit", "order"]),
        ("route=%ED%A0%80", ["query"]),
    ],
)
def test_invalid_query_names_the_parameter(service: Service, query: str, named: list[str]) -> None:
    assert invalid_parameters(service.get(f"{LIST}?{query}")) == named


def test_answer_to_an_invalid_key_states_what_was_wrong_with_the_header(service: Service) -> None:
    service.bench.add_tenant("bolt")
    revoked = service.new_key("calls:read")
    digest = digest_of_key(revoked["authorization"].removeprefix("Bearer "))
    key = service.bench.run(service.bench.store.read(find_key(TENANT, digest)))
    assert key is not None
    service.bench.run(service.bench.store.write(revoke_key(TENANT, key.key_id, service.bench.now_us)))
    unknown = "the key is unknown or revoked"
    expected = [
        ({}, "the request has no key"),
        ({"authorization": "Bearer ct_acme_" + "x" * 43}, unknown),
        ({"authorization": "Bearer ct_none_" + "x" * 43}, unknown),
        ({"authorization": "Bearer let-me-out"}, unknown),
        (revoked, unknown),
        ({"authorization": "Basic YTpi"}, "the Authorization header is not of the form Bearer KEY"),
        ({"authorization": "ct_acme_" + "x" * 43}, "the Authorization header is not of the form Bearer KEY"),
        ({"x-admin-key": "ct_acme_" + "x" * 43}, "this is a tenant's key; send it as Authorization: Bearer"),
        ({"authorization": "Bearer let-me-in"}, "this is the admin key; send it as x-admin-key"),
        ({"x-admin-key": "no"}, "the value of x-admin-key is not this service's admin key"),
    ]
    for headers, start in expected:
        answer = service.get(LIST, headers)
        assert (answer.status_code, slug(answer)) == (401, "unauthorized")
        assert answer.json()["detail"].startswith(start)
        assert answer.headers["www-authenticate"] == 'Bearer realm="calltally"'


def test_key_without_calls_read_is_refused(service: Service) -> None:
    answer = service.get(LIST, service.new_key("events:write"))
    assert (answer.status_code, slug(answer)) == (403, "forbidden")
    assert "calls:read" in answer.json()["detail"]


def test_the_key_decides_the_tenant(service: Service) -> None:
    service.bench.add_tenant("bolt")
    service.report("CA1", COMPLETED)
    theirs = service.report("CA2", COMPLETED, tenant="bolt")
    assert sids(service.get(LIST).json()) == ["CA1"]
    assert theirs.call_id
    for named in ("CA2", theirs.call_id.hex(), "CA3"):
        answer = service.get(f"{LIST}/{named}")
        assert (answer.status_code, slug(answer)) == (404, "not-found")
    assert service.get(f"{LIST}/CA2/events").status_code == 404


def test_the_admin_key_names_a_tenant(service: Service) -> None:
    service.report("CA1", COMPLETED)
    assert sids(service.get(f"{LIST}?tenant={TENANT}&limit=5", ADMIN).json()) == ["CA1"]
    assert service.get(f"{LIST}/CA1?tenant={TENANT}", ADMIN).json()["call_sid"] == "CA1"
    assert service.get(f"{LIST}/CA1/events?tenant={TENANT}&limit=1", ADMIN).json()["total"] == 1
    assert invalid_parameters(service.get(LIST, ADMIN)) == ["tenant"]
    assert invalid_parameters(service.get(f"{LIST}/CA1", ADMIN)) == ["tenant"]
    assert slug(service.get(f"{LIST}?tenant=nobody", ADMIN)) == "not-found"
    assert invalid_parameters(service.get(f"{LIST}?tenant=acme&tenant=acme", ADMIN)) == ["tenant"]


@pytest.mark.parametrize("path", [LIST, f"{LIST}/CA1", f"{LIST}/CA1/events"])
def test_unsupported_accept_is_406(service: Service, path: str) -> None:
    service.report("CA1", COMPLETED)
    answer = service.get(path, {**service.key, "accept": "text/html"})
    assert (answer.status_code, slug(answer)) == (406, "not-acceptable")
    assert service.get(path, {**service.key, "accept": "text/html, */*;q=0.1"}).status_code == 200


def test_call_has_its_record_and_details(service: Service) -> None:
    service.report("CA1", {"status": "ringing"})
    service.report("CA1", COMPLETED)
    listed = service.get(LIST).json()["data"][0]
    for named in ("CA1", listed["id"], listed["id"].upper()):
        call = service.get(f"{LIST}/{named}").json()
        assert list(call) == [*CALL_FIELDS, "ending", "events", "session", "deliveries"]
        assert {name: call[name] for name in CALL_FIELDS} == listed
        assert [event["said"]["status"] for event in call["events"]] == ["ringing", "completed"]
        assert "raw" not in call["events"][0]
        assert (call["session"], call["deliveries"]) == (None, [])


@pytest.mark.parametrize("sid", ["a/b", "a b+c", "x/events", "é☎", "a%2Fb", "..", "a?b#c", "//"])
def test_a_sid_of_any_characters_is_found(service: Service, sid: str) -> None:
    service.report(sid, COMPLETED)
    named = quote(sid, safe="").replace(".", "%2E")
    assert service.get(f"{LIST}/{named}").json()["call_sid"] == sid
    assert service.get(f"{LIST}/{named}/events").json()["data"][0]["call_sid"] == sid


@pytest.mark.parametrize("named", ["%00", "CA1%00", "%FF", "%ED%A0%80", "a" * 201])
def test_impossible_id_is_not_found(service: Service, named: str) -> None:
    for path in (f"{LIST}/{named}", f"{LIST}/{named}/events"):
        assert (service.get(path).status_code, slug(service.get(path))) == (404, "not-found")


def test_events_have_every_fact_with_times_as_text(service: Service) -> None:
    service.report(
        "CA1", {"status": "in-progress", "answered_us": 1_795_000_000_000_000, "talk_seconds": 3.5}
    )
    event = service.get(f"{LIST}/CA1/events").json()["data"][0]
    assert event.pop("occurred_at") == event.pop("received_at") == "2026-11-18T11:06:41.000000Z"
    assert event == {
        "call_sid": "CA1",
        "door": "callback",
        "provider": "twilio",
        "account": None,
        "event_id": None,
        "sequence": None,
        "outcome": "applied",
        "reason": None,
        "repeats": 0,
        "said": {
            "status": "in-progress",
            "answered_at": "2026-11-18T11:06:40.000000Z",
            "duration_seconds": 3.5,
        },
        "raw": None,
        "raw_encoding": None,
    }


def test_events_come_in_pages(service: Service) -> None:
    for status in ("queued", "initiated", "ringing"):
        service.report("CA1", {"status": status})
    answer = service.get(f"{LIST}/CA1/events?limit=1&offset=1")
    page = answer.json()
    assert [event["said"]["status"] for event in page["data"]] == ["initiated"]
    assert (page["limit"], page["offset"], page["total"]) == (1, 1, 3)
    assert answer.links["next"]["url"] == f"{LIST}/CA1/events?limit=1&offset=2"
    assert invalid_parameters(service.get(f"{LIST}/CA1/events?limit=0")) == ["limit"]
    assert invalid_parameters(service.get(f"{LIST}/CA1/events?order=asc")) == ["order"]


def test_raw_bodies_need_transcripts_read(service: Service) -> None:
    service.report("CA1", COMPLETED, raw="CallStatus=é".encode())
    service.report("CA1", {"status": "completed"}, raw=b"\xff\x00")
    path = f"{LIST}/CA1/events"
    displayed = service.get(path, service.new_key(*BOTH)).json()["data"]
    bodies = [(event["raw"], event["raw_encoding"]) for event in displayed]
    assert bodies == [("CallStatus=é", "utf-8"), ("/wA=", "base64")]
    assert [event["raw"] for event in service.get(path).json()["data"]] == [None, None]


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
@pytest.mark.parametrize("summary_bytes", [2_000, MAX_LOOP_BYTES])
def test_page_is_compressed_only_on_request(service: Service, summary_bytes: int, coding: str) -> None:
    service.report("CA1", {**COMPLETED, "summary": "ab" * (summary_bytes // 2)})
    plain = service.get(LIST, {**service.key, "accept-encoding": "identity"})
    packed = service.get(LIST, {**service.key, "accept-encoding": coding})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == coding
    assert packed.content == plain.content
    assert int(packed.headers["content-length"]) < len(plain.content) // 4


def test_short_response_is_not_compressed(service: Service) -> None:
    assert "content-encoding" not in service.get(LIST, {**service.key, "accept-encoding": "gzip"}).headers
