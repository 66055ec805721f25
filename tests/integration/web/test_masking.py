"""Masking: no operation shows full numbers to a key without `pii:read`."""

import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

import pytest
from msgspec.structs import replace
from pyarrow import ipc, parquet

from calltally.calls.conversation import Conversation, Turn, pack_conversation
from calltally.store.db.interface import Submission
from calltally.store.tenants.tenants import reveals_of_tenant, set_masking
from tests.conftest import TENANT, Bench
from tests.integration.exports.exporting import EXPORTS, Desk
from tests.integration.web.dashboard.browsing import Browser
from tests.integration.web.service import ADMIN, LIST, Answer, slug
from tests.sample_facts import fact, own

SID: Final = "CA" + "7" * 32
SESSION: Final = "session-1"
CALLER, CALLED, DESK, PERSON = "+14155550123", "70117", "+442079460999", "sip:caller.person@example.com"
WRITTEN, SPOKEN, ATTACHED = "+14155550188", "+14155550177", "+14155550166"
LISTED, GROUPED, BARE, COUNTED, LINE = (
    "+14155550155",
    "(415) 555-0144",
    "4155550133",
    4155550122,
    "+14155550111",
)
# Recognizable digits of each number, in any format.
WHOLE: Final = (
    "4155550123",
    "70117",
    "2079460999",
    "caller.person",
    "4155550188",
    "4155550177",
    "4155550166",
    "4155550155",
    "555-0144",
    "4155550133",
    "4155550122",
    "4155550111",
)
# Ids and digests, which may contain any five digits.
_RANDOM: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32,}")
QUALITY: Final = "/api/v1/analytics/launch-quality"
WINDOW: Final = "from=2026-01-01&to=2027-01-01"
MASKED_SCOPES: Final = (
    *("calls:read", "transcripts:read", "events:write", "exports:write", "alerts:write", "webhooks:write"),
)


@pytest.fixture
def desk(bench: Bench, tmp_path: Path) -> Desk:
    """Record two calls of a masking tenant with numbers in every possible field."""
    desk = Desk(bench, tmp_path / "files")
    stated: Any = {
        "status": "completed",
        "direction": "inbound",
        "from_number": CALLER,
        "to_number": CALLED,
        "transfer": {"target": DESK, "outcome": "bridged"},
        "escalation": {"target": PERSON, "initiated_by": "caller", "reason": f"asked for {DESK}"},
        "escalated": True,
        "summary": f"To be called back on {WRITTEN}.\nOr on:\n{LISTED}\t{GROUPED}",
        "metadata": {"callback": ATTACHED, "office": BARE, "mobile": COUNTED},
        "route": "support",
        "agent": f"desk-{LINE}",
    }
    talk = pack_conversation(Conversation([Turn("user", f"My number is {SPOKEN}.")], []))
    session = own(3, SID, session_id=SESSION, session={"transcript_turn_count": 1})
    submissions = [
        fact(0, SID, raw=f"From={CALLER}&To={CALLED}".encode(), **stated),
        replace(session, conversation=talk),
        fact(5, "CA" + "8" * 32, status="ringing", from_number=PERSON, to_number=CALLED),
    ]
    bench.run(bench.store.submit([Submission(TENANT, each) for each in submissions]))
    bench.run(bench.store.write(set_masking(TENANT, masks=True)))
    return desk


def paths_of(desk: Desk) -> dict[str, list[str]]:
    """Return the requests for each GET path of the published document."""
    export = desk.done(format="csv")
    streams = [f"{LIST}?format={name}" for name in ("csv", "ndjson", "parquet", "arrow")]
    of_nothing = "00000000-0000-4000-8000-000000000000"
    hook, alert = f"/api/v1/webhook-endpoints/{of_nothing}", f"/api/v1/alerts/{of_nothing}"
    return {
        LIST: [LIST, f"{LIST}?limit=1&order=asc", f"{LIST}?q=called", f"{LIST}?call_sid={SID}", *streams],
        f"{LIST}/{{id}}": [f"{LIST}/{SID}"],
        f"{LIST}/{{id}}/events": [f"{LIST}/{SID}/events"],
        "/api/v1/changes": ["/api/v1/changes?limit=10"],
        "/api/v1/voice-sessions": ["/api/v1/voice-sessions"],
        "/api/v1/voice-sessions/{id}": [f"/api/v1/voice-sessions/{SESSION}"],
        "/api/v1/analytics/launch-quality": [
            f"{QUALITY}?{WINDOW}&group_by=agent{form}" for form in ("", "&format=csv")
        ],
        "/api/v1/analytics/launch": ["/api/v1/analytics/launch?route=support&since=2026-10-01T00:00:00Z"],
        EXPORTS: [EXPORTS],
        EXPORTS + "/{id}": [f"{EXPORTS}/{export}"],
        EXPORTS + "/{id}/manifest.json": [f"{EXPORTS}/{export}/manifest.json"],
        EXPORTS + "/{id}/files/{name}": [f"{EXPORTS}/{export}/files/calls.csv"],
        "/api/v1/alerts": ["/api/v1/alerts"],
        "/api/v1/alerts/{id}": [alert],
        "/api/v1/webhook-endpoints": ["/api/v1/webhook-endpoints"],
        "/api/v1/webhook-endpoints/{id}": [hook],
    }


def text_of(answer: Answer) -> str:
    """Return all text of a response, in any encoding."""
    kind = answer.headers.get("content-type", "").partition(";")[0]
    if kind == "application/vnd.apache.parquet":
        return str(parquet.read_table(io.BytesIO(answer.content)).to_pydict())
    if kind == "application/vnd.apache.arrow.stream":
        return str(ipc.open_stream(answer.content).read_all().to_pydict())
    return answer.text


def whole_in(answer: Answer) -> set[str]:
    """Return the full numbers in a response. The short number is no part of a longer number, id or digest."""
    text = text_of(answer) + str(answer.headers)
    text += unquote(text)
    long = {number for number in WHOLE if number != CALLED and number in text}
    return long | ({CALLED} if re.search(rf"(?<!\d){CALLED}(?!\d)", _RANDOM.sub("", text)) else set())


def published(desk: Desk) -> set[str]:
    """Return the GET paths for a tenant's key."""
    document = desk.service.get("/openapi.json", {}).json()
    others = ("/api/v1/admin/", "/api/v1/ingest/")
    return {
        path
        for path, operations in document["paths"].items()
        if "get" in operations and path.startswith("/api/v1/") and not path.startswith(others)
    }


def test_no_operation_shows_full_numbers_to_a_masked_key(desk: Desk) -> None:
    known, masked = paths_of(desk), desk.service.new_key(*MASKED_SCOPES)
    walked = {path: known.get(path, [_of_nothing(path)]) for path in published(desk)}
    assert set(known) <= set(walked)
    for requested in walked.values():
        for each in requested:
            answer = desk.service.get(each, masked)
            assert answer.status_code in {200, 400, 403, 404}, (each, answer.text)
            assert whole_in(answer) == set(), each


def _of_nothing(path: str) -> str:
    """Return an unlisted path with ids of nothing."""
    return path.replace("{", "").replace("}", "")


def test_the_same_requests_with_pii_read_show_full_numbers(desk: Desk) -> None:
    """Proves that the previous test looks in the right places."""
    sees = desk.service.new_key(*MASKED_SCOPES, "pii:read")
    desk.writing = sees
    known = paths_of(desk)
    found = {path: set[str]() for path in known}
    for path, requested in known.items():
        for each in requested:
            found[path] |= whole_in(desk.service.get(each, sees))
    assert set().union(*found.values()) == set(WHOLE)
    for path in (LIST, f"{LIST}/{{id}}", "/api/v1/changes", EXPORTS + "/{id}/files/{name}"):
        assert {"4155550123", "70117", "caller.person", "2079460999"} <= found[path], path
    assert "4155550177" in found["/api/v1/voice-sessions/{id}"]


def test_masking_keeps_the_last_digits_and_all_other_fields(desk: Desk) -> None:
    masked, whole = desk.service.key, desk.service.new_key("calls:read", "pii:read")
    displayed = desk.service.get(f"{LIST}?call_sid={SID}", masked).json()["data"][0]
    real = desk.service.get(f"{LIST}?call_sid={SID}", whole).json()["data"][0]
    assert (displayed["from_number"], displayed["to_number"]) == ("+*********23", "***17")
    assert displayed["transfer"] == {"target": "+**********99", "outcome": "bridged"}
    assert displayed["escalation"]["target"] == "sip:***"
    assert displayed["summary"] == "To be called back on +*********88.\nOr on:\n+*********55\t(********44"
    assert displayed["metadata"] == {
        "callback": "+*********66",
        "office": "********33",
        "mobile": "********22",
    }
    assert {name for name in real if displayed[name] != real[name]} == {
        *("from_number", "to_number", "transfer", "escalation", "summary", "metadata", "agent")
    }


def test_masked_and_full_responses_have_different_etags(desk: Desk) -> None:
    masked, whole = desk.service.key, desk.service.new_key("calls:read", "pii:read")
    tag = desk.service.get(LIST, masked).headers["etag"]
    assert desk.service.get(LIST, {**masked, "if-none-match": tag}).status_code == 304
    assert desk.service.get(LIST, {**whole, "if-none-match": tag}).status_code == 200


@pytest.mark.parametrize("query", ["number=%2B14155550123", "number=70117&status=completed"])
def test_masked_key_cannot_filter_by_number(desk: Desk, query: str) -> None:
    refused = desk.service.get(f"{LIST}?{query}", desk.service.key)
    assert (refused.status_code, slug(refused)) == (403, "forbidden")
    writing = desk.service.new_key("exports:write")
    refused = desk.service.send(EXPORTS, {"number": CALLER}, writing)
    assert (refused.status_code, slug(refused)) == (403, "forbidden")
    whole = desk.service.new_key("calls:read", "pii:read")
    assert desk.service.get(f"{LIST}?{query}", whole).json()["total"] == 1


# A number; the first digits of one, among other words; a name that is masked.
SOUGHT: Final = (
    "number=%2B14155550123",
    "number=0123",
    "number=(415)+555-0123",
    "number=14155550123&status=completed",
    "from_number=%2B14155550123",
    "to_number=0123",
    "parent_call_sid=desk-%2B14155550111",
    "q=1415555*",
    "q=call+415*",
    "q=%E2%91%A0*",
    "agent=desk-%2B14155550111",
    "call_sid_prefix=sw-%2B1415",
    "call_sid_prefix=switch-%252",
)


@pytest.mark.parametrize("query", SOUGHT)
def test_no_list_count_stream_or_quality_confirms_a_number(desk: Desk, query: str) -> None:
    whole = desk.service.new_key("calls:read", "pii:read")
    streams = [f"{LIST}?format={name}&{query}" for name in ("csv", "ndjson", "parquet", "arrow")]
    quality = [f"{QUALITY}?{WINDOW}&{query}{form}" for form in ("", "&format=csv", "&group_by=route")]
    for path in (f"{LIST}?{query}", f"{LIST}?limit=1&{query}", *streams, *quality):
        refused = desk.service.get(path, desk.service.key)
        assert (refused.status_code, slug(refused)) == (403, "forbidden"), path
        assert desk.service.get(path, whole).status_code == 200, path
    refused = desk.service.send(EXPORTS, dict(parse_qsl(query)), desk.service.new_key("exports:write"))
    assert (refused.status_code, slug(refused)) == (403, "forbidden")


def test_answers_to_right_and_wrong_digits_are_equal(desk: Desk) -> None:
    """An attacker knows the last two digits, tries each digit before them, and compares the answers."""
    refusal = desk.service.get(f"{LIST}?number=1", desk.service.key).json()["detail"]
    sees, known = desk.service.new_key("calls:read", "pii:read"), CALLER[-2:]
    for digit in reversed(CALLER[1:-2]):
        tries = [f"{LIST}?number={each}{known}" for each in range(10)]
        answers = [desk.service.get(path, desk.service.key) for path in tries]
        assert {(answer.status_code, answer.json()["detail"]) for answer in answers} == {(403, refusal)}
        known = digit + known
        # Three digits are a number of their own.
        assert desk.service.get(f"{LIST}?number={known}", sees).json()["total"] == int(len(known) > 3)


@pytest.mark.parametrize("query", SOUGHT)
def test_no_page_confirms_a_number(desk: Desk, query: str) -> None:
    masked = signed_in(desk, *MASKED_SCOPES)
    paths = ("/calls", "/calls-count", "/calls-news", "/calls-export", "/quality", "/quality-export")
    for path in paths:
        assert (
            masked.get(f"{path}?format=csv&{query}" if "export" in path else f"{path}?{query}").status_code
            == 403
        )


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/analytics/launch?agent=desk-%2B14155550111",
        "/api/v1/analytics/launch?route=support&baseline=%2B14155550111",
        "/api/v1/voice-sessions?agent_key=desk-%2B14155550111",
        "/api/v1/voice-sessions?stream_id=%2B14155550111",
    ],
)
def test_masked_names_cannot_be_filtered(desk: Desk, path: str) -> None:
    assert desk.service.get(path, desk.service.key).status_code == 403
    assert desk.service.get(path, desk.service.new_key("calls:read", "pii:read")).status_code in {200, 404}


def test_words_without_digits_can_be_searched_by_all(desk: Desk) -> None:
    assert desk.service.get(f"{LIST}?q=called*", desk.service.key).json()["total"] == 1
    assert (
        desk.service.get(f"{QUALITY}?{WINDOW}&q=called", desk.service.key).json()["total"]["counts"][
            "attempts"
        ]
        == 1
    )


def test_export_with_full_numbers_needs_pii_read(desk: Desk) -> None:
    masked = desk.done(format="ndjson")
    desk.writing = desk.service.new_key("exports:write", "pii:read")
    whole = desk.done(format="ndjson")
    sees = desk.service.new_key("calls:read", "pii:read")
    name = "calls.ndjson"
    assert whole_in(desk.fetch(masked, name)) == set()
    assert whole_in(desk.fetch(masked, name, sees)) == set()
    refused = desk.fetch(whole, name)
    assert (refused.status_code, slug(refused)) == (403, "forbidden")
    assert "4155550123" in desk.fetch(whole, name, sees).text


def test_idempotency_key_is_not_shared_between_masked_and_full_exports(desk: Desk) -> None:
    sent = {"Idempotency-Key": "nightly"}
    assert desk.request(sent, format="csv").status_code == 202
    desk.writing = desk.service.new_key("exports:write", "pii:read")
    assert desk.request(sent, format="csv").status_code == 409


def test_pages_show_no_full_numbers(desk: Desk) -> None:
    for scopes, is_masked in ((MASKED_SCOPES, True), ((*MASKED_SCOPES, "pii:read"), False)):
        browser = Browser(desk.service)
        browser.get("/sign-in")
        key = desk.service.new_key(*scopes)["authorization"].removeprefix("Bearer ")
        assert browser.sign_in(key).status_code == 303
        paths = ("/calls", f"/calls/{SID}", f"/quality?{WINDOW}&by=agent", "/calls-export?format=csv")
        pages = [browser.get(path) for path in paths]
        assert [page.status_code for page in pages] == [200] * 4
        # Pages show full numbers only after a reveal, even with pii:read; a file has them.
        found = [whole_in(page) - (set() if is_masked else {"4155550111"}) for page in pages]
        assert [bool(each) for each in found] == [False, False, False, not is_masked]
        refused = browser.get("/calls?number=70117")
        assert (refused.status_code == 403) is is_masked


def signed_in(desk: Desk, *scopes: str) -> Browser:
    browser = Browser(desk.service)
    browser.get("/sign-in")
    browser.sign_in(desk.service.new_key(*scopes)["authorization"].removeprefix("Bearer "))
    return browser


def test_reveal_shows_full_numbers_and_is_logged(desk: Desk) -> None:
    sees = signed_in(desk, *MASKED_SCOPES, "pii:read")
    assert "Show full numbers" in sees.get(f"/calls/{SID}").text
    displayed = sees.post(f"/calls/{SID}/reveal")
    assert (displayed.status_code, "4155550123" in displayed.text, "is logged" in displayed.text) == (
        200,
        True,
        True,
    )
    assert "4155550123" not in sees.get(f"/calls/{SID}").text
    admin = Browser(desk.service)
    admin.get("/sign-in")
    admin.sign_in(ADMIN["x-admin-key"], tenant=TENANT)
    assert "4155550123" not in admin.get(f"/calls/{SID}").text
    assert "4155550123" in admin.post(f"/calls/{SID}/reveal").text
    settings = admin.get("/settings").text
    assert "Access to full numbers" in settings
    noted = settings.partition("Access to full numbers")[2].partition("</section>")[0]
    assert re.findall(r"</td><td[^>]*>([^<]*)</td><td[^>]*><a", noted) == ["the administrator", "test"]
    path = f"/api/v1/admin/tenants/{TENANT}/reveals"
    reveals = desk.service.get(path, ADMIN).json()["data"]
    assert [each["key_id"].partition("_")[0] for each in reveals] == ["admin", "key"]
    assert reveals[0]["at"] >= reveals[1]["at"]
    assert len({each["call_id"] for each in reveals}) == 1
    assert desk.service.get(f"{path}?limit=1", ADMIN).json()["data"] == reveals[:1]
    assert desk.service.get(f"{path}?limit=0", ADMIN).status_code == 400
    assert desk.service.get(path.replace(TENANT, "nobody"), ADMIN).status_code == 404


def test_refused_reveal_and_missing_call_are_not_logged(desk: Desk) -> None:
    masked = signed_in(desk, *MASKED_SCOPES)
    assert "Show full numbers" not in masked.get(f"/calls/{SID}").text
    assert masked.post(f"/calls/{SID}/reveal").status_code == 403
    sees = signed_in(desk, *MASKED_SCOPES, "pii:read")
    sees.get("/calls")
    assert sees.post("/calls/nowhere/reveal").status_code == 404
    assert sees.post(f"/calls/{SID}/reveal", csrf="other").status_code == 403
    assert desk.bench.run(desk.bench.store.read(reveals_of_tenant(TENANT, 10))) == []


def test_administrator_sees_full_numbers_and_sets_masking(desk: Desk) -> None:
    put = f"/api/v1/admin/tenants/{TENANT}/masking"
    assert "4155550123" in desk.service.get(f"{LIST}?tenant={TENANT}", ADMIN).text
    assert desk.service.get("/api/v1/admin/tenants", ADMIN).json()["data"][0]["masks_numbers"] is True
    assert "4155550123" not in desk.service.get(LIST).text
    for masks in (False, True):
        answer = desk.service.send(put, {"masks_numbers": masks}, ADMIN, "PUT")
        assert (answer.status_code, answer.content) == (204, b"")
        # Effective at once in this process, although the key is cached.
        assert ("4155550123" in desk.service.get(LIST).text) is not masks
    odd = desk.service.send(put, {"masks_numbers": "yes"}, ADMIN, "PUT")
    assert (odd.status_code, slug(odd)) == (400, "invalid-body")
    nobody = put.replace(TENANT, "nobody")
    gone = desk.service.send(nobody, {"masks_numbers": True}, ADMIN, "PUT")
    assert (gone.status_code, slug(gone)) == (404, "not-found")


def test_numbers_are_full_without_masking(desk: Desk) -> None:
    """Masking is off by default."""
    other = desk.bench.add_tenant("bolt")
    desk.record(1, other, from_number=CALLER)
    key: Mapping[str, str] = desk.service.new_key("calls:read", tenant=other)
    assert desk.service.get(LIST, key).json()["data"][0]["from_number"] == CALLER
