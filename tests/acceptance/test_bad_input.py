"""Bad input and what it gets, line by line as the issue has it: a problem that names the fault.

Never a 500, never half an event, never a silent clamp. What a well-behaved client cannot even send
goes over a raw socket to a running server.
"""

import asyncio
import json
import shutil
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from http.client import HTTPResponse
from itertools import chain
from pathlib import Path
from time import time_ns
from typing import Any, NamedTuple

import httpx2
import pytest

from calltally.calls.times import DAY_US, utc_text
from calltally.store.tenants.dead_letters import list_dead_letters
from tests.acceptance.live import HOST as LOOPBACK
from tests.acceptance.live import Answer as WireAnswer
from tests.acceptance.live import Live, request_head
from tests.conftest import NOW_US, TENANT, Bench
from tests.integration.ingest.service import HOST, RINGING, SID, Answer, Service
from tests.integration.web.service import invalid_parameters, slug
from tests.unit.providers.sampling import Sent, samples_of
from tests.unit.providers.twilio.signing import FORM, Pairs

LIST = "/api/v1/call-logs"
EVENTS = "/api/v1/events"
EVENT: dict[str, Any] = {"id": "e1", "call_sid": SID, "occurred_at": "2026-11-18T11:00:00Z"}
STATUS_WORDS = "queued, initiated, ringing, in-progress, completed, busy, failed, no-answer, canceled"
MIB = 1024 * 1024
HUNDRED_MB = 100 * MIB


@pytest.fixture
def service(bench: Bench) -> Service:
    return Service(bench)


@pytest.fixture(scope="module")
def parser(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One service for all that is refused before any database is asked."""
    path = shutil.copy(sqlite_template, tmp_path_factory.mktemp("parser") / "calltally.db")
    with asyncio.Runner() as runner:
        bench = Bench(f"sqlite:///{path}", runner)
        yield Service(bench)
        bench.close()


def listed(service: Service, query: str) -> Answer:
    return service.request("GET", f"{LIST}?{query}", headers=service.bearer("calls:read"))


def reported(service: Service, *events: Mapping[str, Any]) -> Answer:
    return sent(service, json.dumps(events if len(events) > 1 else events[0]).encode())


def sent(service: Service, body: bytes) -> Answer:
    return service.request("POST", EVENTS, body, service.bearer("events:write"))


def refusals(answer: Answer) -> list[tuple[str, str]]:
    """Which field of a refused event, and what is said of it."""
    assert (answer.status_code, slug_of_refusal(answer)) == (422, "events-refused")
    (outcome,) = answer.json()["outcomes"]
    assert (outcome["outcome"], outcome["call_id"], outcome["revision"]) == ("refused", None, None)
    return [(error["parameter"], error["detail"]) for error in outcome["errors"]]


def slug_of_refusal(answer: Answer) -> str:
    # The outcomes stand behind the members of every problem.
    return str(answer.json()["type"]).rpartition("#")[2]


def dead_letter(service: Service, pairs: Pairs) -> str:
    """Why a signed form was kept unread; it must have made no call."""
    answer = service.call_back(pairs)
    (outcome,) = answer.json()["outcomes"]
    assert (answer.status_code, outcome["outcome"]) == (202, "dead_letter")
    (letter,) = service.bench.run(service.bench.store.read(list_dead_letters(TENANT)))
    assert letter.reason == outcome["reason"]
    assert service.calls() == []
    return str(outcome["reason"])


def changed(**fields: str) -> Pairs:
    return [*((name, value) for name, value in RINGING if name not in fields), *fields.items()]


# ------------------------------------------------------------------------------- signatures and tenants


def test_a_wrong_signature_is_403_and_counted(service: Service) -> None:
    answer = service.call_back(RINGING, url=HOST + "/elsewhere")
    assert (answer.status_code, slug(answer)) == (403, "wrong-signature")
    assert "CALLTALLY_PUBLIC_URL" in answer.json()["detail"]
    assert service.metric(
        'calltally_signature_failures_total{provider="twilio",reason="wrong-signature"} 1.0'
    )
    assert service.calls() == []


def test_an_unknown_tenant_is_answered_like_a_wrong_signature(service: Service) -> None:
    wrong = service.call_back(RINGING, url=HOST + "/elsewhere").json()
    for path in ("nobody", "NOT-A-TENANT", "a%20b", "x" * 200):
        unknown = service.call_back(RINGING, path=f"/api/v1/ingest/twilio/{path}")
        assert slug(unknown) == "wrong-signature"
        for name in ("type", "title", "status", "detail", "errors"):
            assert unknown.json()[name] == wrong[name]


# ------------------------------------------------------------------------------------ words and numbers


def test_an_unknown_status_word_of_a_provider_is_a_dead_letter(service: Service) -> None:
    assert dead_letter(service, changed(CallStatus="parked")).startswith("CallStatus 'parked': not one of")


def test_an_unknown_status_word_in_an_own_event_is_refused(service: Service) -> None:
    assert refusals(reported(service, EVENT | {"status": "parked"})) == [
        ("status", f"status must be one of {STATUS_WORDS}, not 'parked'")
    ]
    assert service.calls() == []


@pytest.mark.parametrize(
    "number", ["100", "anonymous", "sip:ada@example.com", "+0123", "client:ada", "12 ab"]
)
def test_a_number_that_is_no_e_164_is_kept_as_it_came(service: Service, number: str) -> None:
    assert service.call_back(changed(From=number)).status_code == 200
    assert reported(service, EVENT | {"call_sid": "own", "from_number": number}).status_code == 200
    assert {call["from_number"] for call in service.calls()} == {number}


# ------------------------------------------------------------------------------------------------ times

OFF = {
    "1970-01-01T00:00:00Z": "Thu, 01 Jan 1970 00:00:00 +0000",
    "1999-12-31T23:59:59Z": "Fri, 31 Dec 1999 23:59:59 +0000",
    "2026-11-19T11:06:41Z": "Thu, 19 Nov 2026 11:06:41 +0000",
}


@pytest.mark.parametrize("instant", OFF)
def test_a_time_before_2000_or_a_day_ahead_is_refused(service: Service, instant: str) -> None:
    ((field, detail),) = refusals(reported(service, EVENT | {"occurred_at": instant}))
    assert field == "occurred_at"
    assert "check the sender's clock" in detail
    for name in ("started_at", "ringing_at", "answered_at", "ended_at"):
        assert [each for each, _ in refusals(reported(service, EVENT | {name: instant}))] == [name]
    assert service.calls() == []


@pytest.mark.parametrize("instant", OFF.values())
def test_a_time_before_2000_or_a_day_ahead_of_a_provider_is_a_dead_letter(
    service: Service, instant: str
) -> None:
    reason = dead_letter(service, changed(Timestamp=instant))
    assert reason.startswith(f"Timestamp '{instant}': ")
    assert "check the sender's clock" in reason


def test_the_first_of_2000_and_a_day_ahead_are_taken(service: Service) -> None:
    for number, instant in enumerate(("2000-01-01T00:00:00Z", utc_text(NOW_US + DAY_US))):
        event = EVENT | {"id": f"e{number}", "call_sid": f"c{number}", "occurred_at": instant}
        assert reported(service, event).status_code == 200


@pytest.mark.parametrize("instant", ["2026-11-18T11:00:00", "2026-11-18 11:00:00.5", "2026-11-18T11:00"])
def test_a_naive_time_is_refused(parser: Service, instant: str) -> None:
    assert invalid_parameters(listed(parser, f"from={instant}")) == ["from"]
    assert invalid_parameters(listed(parser, f"to={instant}")) == ["to"]
    assert refusals(reported(parser, EVENT | {"occurred_at": instant}))[0][0] == "occurred_at"


# ---------------------------------------------------------------------------------- parameters of the list


@pytest.mark.parametrize(
    ("query", "named", "expected"),
    [
        ("from=2026-10-02&to=2026-10-01", "from", "from must be earlier than to"),
        ("from=2026-10-01&to=2026-10-01", "from", "from must be earlier than to"),
        ("limit=0", "limit", "from 1 to 1000, not '0'"),
        ("limit=1001", "limit", "from 1 to 1000, not '1001'"),
        ("limit=", "limit", "limit is empty"),
        ("limit=1e3", "limit", "not '1e3'"),
        ("limit=%2B5", "limit", "not '+5'"),
        ("offset=-1", "offset", "from 0 to 1000000000000, not '-1'"),
        ("offset=1000000000001", "offset", "not '1000000000001'"),
        ("offset=1.5", "offset", "not '1.5'"),
        (
            "staus=failed",
            "staus",
            "there is no parameter 'staus' (did you mean status?); those that exist are limit, offset",
        ),
        ("Limit=5", "Limit", "there is no parameter 'Limit'"),
        ("limit=5&limit=5", "limit", "limit is given 2 times; give it once"),
        ("direction=inbound&direction=outbound", "direction", "direction is given 2 times"),
        ("status=done", "status", f"one or more of {STATUS_WORDS}, not 'done'"),
        ("direction=up", "direction", "one of inbound, outbound, not 'up'"),
        ("escalated=1", "escalated", "one of true, false, not '1'"),
        ("order=up", "order", "one of desc, asc, not 'up'"),
        ("from=yesterday", "from", "not an RFC 3339 time"),
        ("from=2026-02-30T00:00:00Z", "from", "2026-02-30"),
        ("number=%2B", "number", "an E.164 number"),
        ("route=%00", "route", "NUL"),
        ("call_sid=a%00b", "call_sid", "NUL"),
        ("route=%ED%A0%80", "query", "not UTF-8"),
        ("route=%FF", "query", "not UTF-8"),
        ("route=%zz", "query", "invalid escape '%zz'"),
        ("route=" + "x" * 201, "route", "at most 200 characters, not 201"),
        ("tenant=acme", "tenant", "there is no parameter 'tenant', since a tenant's key determines it"),
    ],
)
def test_a_bad_parameter_is_named_with_what_would_be_right(
    parser: Service, query: str, named: str, expected: str
) -> None:
    answer = listed(parser, query)
    assert invalid_parameters(answer) == [named]
    assert expected in answer.json()["errors"][0]["detail"]
    assert "data" not in answer.json()


def test_all_faults_are_reported_at_once(parser: Service) -> None:
    answer = listed(parser, "limit=0&offset=-1&status=done&nope=1&from=2026-10-02&to=2026-10-01")
    assert sorted(invalid_parameters(answer)) == ["from", "limit", "nope", "offset", "status"]


# ----------------------------------------------------------------------------------------------- bodies


class BadBody(NamedTuple):
    """A body of own events that must not go in, and what is said of it."""

    body: bytes
    status: int
    expected: str


def event_with(name: str, value: str) -> bytes:
    """An event whose last field is this piece of JSON."""
    return b"%b,%b:%b}" % (json.dumps(EVENT).encode()[:-1], json.dumps(name).encode(), value.encode())


BAD_BODIES = {
    "empty": BadBody(b"", 400, "holds no event"),
    "no JSON": BadBody(b"hello", 400, "malformed"),
    "cut": BadBody(json.dumps([EVENT]).encode()[:-5], 400, "the body: "),
    "NUL in text": BadBody(event_with("summary", r'"a\u0000b"'), 422, "holds a NUL character"),
    "NUL in metadata": BadBody(event_with("metadata", r'{"a": ["\u0000"]}'), 422, "holds a NUL character"),
    "raw NUL": BadBody(event_with("summary", '"a\0b"'), 400, "invalid character"),
    "lone surrogate": BadBody(event_with("summary", r'"\ud800"'), 400, "half of a surrogate pair"),
    "lone low surrogate": BadBody(event_with("summary", r'"\udc00"'), 400, "half of a surrogate pair"),
    "surrogate in UTF-8": BadBody(b'{"id": "\xed\xa0\x80"}', 400, "not UTF-8"),
    "no UTF-8": BadBody(b'{"id": "\xff"}', 400, "not UTF-8"),
    "10,000 brackets": BadBody(b"[" * 10_000, 400, "nested too deep"),
    "10,000 closed brackets": BadBody(b"[" * 10_000 + b"]" * 10_000, 400, "nested too deep"),
    "10,000 brackets in metadata": BadBody(
        event_with("metadata", '{"a":' + "[" * 10_000 + "]" * 10_000 + "}"), 400, "nested too deep"
    ),
    "33 levels of metadata": BadBody(
        event_with("metadata", '{"a":' * 33 + "1" + "}" * 33), 422, "nested at most 32 deep"
    ),
    "a name twice": BadBody(event_with("id", '"e2"'), 422, "'id' is given twice"),
    "an unknown field": BadBody(event_with("sumary", '"x"'), 422, "there is no field 'sumary'"),
    "a number beyond doubles": BadBody(event_with("sequence", "1e999"), 400, "out of range"),
    "NaN": BadBody(event_with("duration_seconds", "NaN"), 400, "malformed"),
    "a text of 40,000": BadBody(event_with("summary", f'"{"x" * 40_000}"'), 422, "1 to 32768 characters"),
    "1,001 events": BadBody(json.dumps([EVENT] * 1_001).encode(), 413, "more than 1000"),
    "over 5 MiB": BadBody(b" " * (5 * MIB + 1), 413, "5242880"),
}


@pytest.mark.parametrize("bad", BAD_BODIES.values(), ids=list(BAD_BODIES))
def test_a_bad_body_is_a_problem_with_its_cause_and_applies_nothing(parser: Service, bad: BadBody) -> None:
    answer = sent(parser, bad.body)
    assert answer.status_code == bad.status
    assert answer.headers["content-type"] == "application/problem+json"
    assert bad.expected.lower() in answer.text.lower()
    assert parser.calls() == []


def test_one_bad_line_of_ndjson_applies_nothing_of_it(service: Service) -> None:
    headers = {"content-type": "application/x-ndjson", **service.bearer("events:write")}
    for bad in (b'{"id": ', b"[" * 10_000, b'"\\ud800"', b"\xff"):
        body = b"\n".join([json.dumps(EVENT).encode(), bad, json.dumps(EVENT | {"id": "e2"}).encode()])
        answer = service.request("POST", EVENTS, body, headers)
        assert (answer.status_code, slug(answer)) == (400, "invalid-body")
        assert answer.json()["detail"].startswith("line 2: ")
    assert service.calls() == []


def test_a_refused_event_leaves_nothing_of_itself(service: Service) -> None:
    """Its good fields must not go in while a bad one is refused; its neighbours do."""
    half = EVENT | {"id": "bad", "call_sid": "half", "status": "completed", "sip_code": 7}
    answer = reported(service, EVENT | {"status": "ringing"}, half)
    assert [each["outcome"] for each in answer.json()["outcomes"]] == ["applied", "refused"]
    assert [call["call_sid"] for call in service.calls()] == [SID]


def test_a_signed_form_with_one_bad_leg_stores_nothing_of_the_other(service: Service) -> None:
    dial = [("DialCallSid", "CA" + "9" * 32), ("DialCallStatus", "parked")]
    assert dead_letter(service, [*RINGING, *dial]).startswith("DialCallStatus 'parked'")


# ------------------------------------------------------------------------------------- over a raw socket


class Wire(NamedTuple):
    """A running server and the keys of a tenant of its own."""

    live: Live
    tenant: str
    key: str

    @property
    def headers(self) -> dict[str, str]:
        return {"host": "calls.example", "authorization": f"Bearer {self.key}"}

    def post(self, pieces: Iterable[bytes], path: str = EVENTS, **headers: str) -> WireAnswer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        head = request_head(f"POST {path}", {**self.headers, "content-type": "application/json", **named})
        return self.live.exchange(chain([head], pieces))

    def get(self, target: str, **headers: str) -> WireAnswer:
        return self.live.exchange([request_head(f"GET {target}", {**self.headers, **headers})])

    def calls(self) -> int:
        total: int = self.get(LIST).json["total"]
        return total


@pytest.fixture(scope="module")
def wire(live: Live) -> Wire:
    tenant = live.new_tenant()
    return Wire(live, tenant, live.new_key(tenant, "calls:read", "events:write"))


def problem(answer: WireAnswer) -> tuple[int, str]:
    """The status and slug of what must be a problem document."""
    assert answer.headers["content-type"] == "application/problem+json", answer
    displayed = answer.json
    assert list(displayed)[:7] == ["type", "title", "status", "detail", "instance", "request_id", "errors"]
    assert (displayed["status"], displayed["request_id"]) == (answer.status, answer.headers["x-request-id"])
    assert displayed["detail"]
    return answer.status, str(displayed["type"]).rpartition("#")[2]


@pytest.mark.parametrize("bad", BAD_BODIES.values(), ids=list(BAD_BODIES))
def test_a_bad_body_over_the_wire(wire: Wire, bad: BadBody) -> None:
    answer = wire.post([bad.body], content_length=str(len(bad.body)))
    assert problem(answer)[0] == bad.status
    assert wire.calls() == 0


@pytest.mark.parametrize("path", [EVENTS, "/api/v1/ingest/twilio/acme", "/api/v1/admin/tenants"])
def test_a_body_of_100_mb_is_refused_when_it_is_announced(wire: Wire, path: str) -> None:
    answer = wire.post([b" " * MIB] * 100, path, content_length=str(HUNDRED_MB))
    assert problem(answer) == (413, "too-large")
    assert str(HUNDRED_MB) in answer.json["detail"]


@pytest.mark.parametrize("path", [EVENTS, "/api/v1/ingest/twilio/acme"])
def test_a_body_of_100_mb_that_is_not_announced_is_not_read_to_its_end(wire: Wire, path: str) -> None:
    sent_mib = 0

    def chunks() -> Iterable[bytes]:
        nonlocal sent_mib
        while sent_mib < HUNDRED_MB // MIB:
            sent_mib += 1
            yield b"%x\r\n%b\r\n" % (MIB, b" " * MIB)

    answer = wire.post(chunks(), path, transfer_encoding="chunked")
    assert problem(answer) == (413, "too-large")
    assert sent_mib < 50


@pytest.mark.parametrize("provider", ["signalwire", "twilio", "plivo"])
def test_a_form_of_5_mib_that_nobody_signed_is_refused_unread(wire: Wire, provider: str) -> None:
    """To read one took 2 to 28 seconds of the processor, for whoever has no key."""
    headers = {"content_type": FORM, f"x_{provider}_signature": "x", "x_plivo_signature_v3_nonce": "1"}
    body = b"CallSid=" + b"%" * 5_000_000
    for tenant in (wire.tenant, "nobody"):
        path = f"/api/v1/ingest/{provider}/{tenant}"
        announced = wire.post([body], path, content_length=str(len(body)), **headers)
        assert problem(announced) == (413, "too-large")
        chunked = [b"%x\r\n%b\r\n" % (len(body), body), b"0\r\n\r\n"]
        assert problem(wire.post(chunked, path, transfer_encoding="chunked", **headers))[0] == 413
        short = body[: 64 * 1024]
        answer = wire.post([short], path, content_length=str(len(short)), **headers)
        assert problem(answer) == (403, "wrong-signature")


@pytest.mark.parametrize("provider", ["freeswitch", "kamailio", "livekit", "vonage"])
def test_a_long_body_is_not_read_where_its_head_is_not_authentic(wire: Wire, provider: str) -> None:
    """The body is announced and never sent. To read it takes 5 ms of the processor."""
    samples = samples_of(provider)
    wire.live.administer("PUT", f"/{wire.tenant}/providers/{provider}", dict(samples.secrets))
    for tenant, signer in ((wire.tenant, samples.other_secrets), ("nobody", samples.secrets)):
        path = f"/api/v1/ingest/{provider}/{tenant}"
        signature = samples.sign(Sent(b"{}"), f"https://calls.example{path}", signer, time_ns() // 1_000)
        for length in ({"content_length": "5000000"}, {"transfer_encoding": "chunked"}):
            answer = wire.post([], path, **signature, **length)
            assert problem(answer) == (403, "wrong-signature")


@pytest.mark.parametrize("cookie", ['s="' + '\\"' * 4_090 + '"', ";" * 8_192, "a=1;" * 2_048])
def test_cookies_that_nobody_signed_are_read_up_to_8_kib(wire: Wire, cookie: str) -> None:
    assert wire.get("/calls", cookie=cookie[:8_192]).status == 303
    too_long = wire.get("/calls", cookie=cookie.ljust(8_193, ";"))
    assert (too_long.status, b"delete them in your browser" in too_long.body) == (400, True)


def sent_blindly(wire: Wire, body: bytes, coding: str) -> int:
    """The status that a client reads who looks for none before it has sent all."""
    length = {"content-length": str(len(body))} if coding == "identity" else {"transfer-encoding": coding}
    with socket.create_connection((LOOPBACK, wire.live.port), timeout=30) as connection:
        connection.sendall(request_head(f"POST {EVENTS}", {**wire.headers, **length}))
        for piece in (body[position : position + MIB] for position in range(0, len(body), MIB)):
            connection.sendall(piece if coding == "identity" else b"%x\r\n%b\r\n" % (len(piece), piece))
        response = HTTPResponse(connection)
        response.begin()
        assert json.loads(response.read())["status"] == response.status
        return response.status


def posted_by_a_library(wire: Wire, body: bytes, coding: str) -> int:
    content = body if coding == "identity" else iter([body])
    return httpx2.post(wire.live.base + EVENTS, content=content, headers=wire.headers).status_code


@pytest.mark.parametrize("send", [sent_blindly, posted_by_a_library])
@pytest.mark.parametrize("coding", ["identity", "chunked"])
@pytest.mark.parametrize("mib", [6, 10, 40])
def test_a_client_that_sends_on_reads_that_the_body_is_too_long(
    wire: Wire, mib: int, coding: str, send: Callable[[Wire, bytes, str], int]
) -> None:
    """It was told nothing but that the connection was reset."""
    assert [send(wire, b" " * (mib * MIB), coding) for _ in range(3)] == [413] * 3


def test_a_client_that_reads_no_answer_is_disconnected(wire: Wire) -> None:
    with pytest.raises(ConnectionError):
        sent_blindly(wire, b" " * HUNDRED_MB, "identity")


@pytest.mark.parametrize(
    "target",
    [
        f"{LIST}?route=\0",
        f"{LIST}?route=\xe9",
        f"{LIST}?route=a b",
        f"{LIST}/\0",
        "/\xff",
    ],
)
def test_a_target_that_is_no_url_is_a_bad_request(wire: Wire, target: str) -> None:
    answer = wire.get(target)
    assert problem(answer) == (400, "bad-request")
    assert "percent-encode" in answer.json["detail"]


def test_a_target_over_64_kib_is_a_head_that_is_too_large(wire: Wire) -> None:
    answer = wire.get(f"{LIST}?route={'x' * 100_000}")
    assert problem(answer) == (431, "head-too-large")
    assert "at most 65536 bytes" in answer.json["detail"]


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (f"{LIST}?route=%", 400),
        (f"{LIST}?route=%4", 400),
        (f"{LIST}?route=%zz", 400),
        (f"{LIST}?%zz=1", 400),
        (f"{LIST}?route=%00", 400),
        (f"{LIST}?route=%ED%A0%80", 400),
        (f"{LIST}?route=%C3", 400),
        (f"{LIST}?{'a=1&' * 200}", 400),
        (f"{LIST}/%00", 404),
        (f"{LIST}/%ED%A0%80", 404),
        (f"{LIST}/%zz", 404),
        ("/%", 404),
        ("/%2e%2e/%2e%2e/etc/passwd", 404),
    ],
)
def test_escapes_that_are_none_or_decode_to_nothing(wire: Wire, target: str, status: int) -> None:
    assert problem(wire.get(target))[0] == status


@pytest.mark.parametrize(
    "head",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"HELLO\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nhost: x\r\njunk\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-request-id: a\0b\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nhost: x\r\n: nameless\r\n\r\n",
        b"POST /api/v1/events HTTP/1.1\r\nhost: x\r\ncontent-length: -5\r\n\r\n",
        b"POST /api/v1/events HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n[]",
        b"POST /api/v1/events HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n",
        b"POST /api/v1/events HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_junk_that_is_no_http_is_a_bad_request(wire: Wire, head: bytes) -> None:
    assert problem(wire.live.exchange([head])) == (400, "bad-request")


def test_a_head_without_end_is_cut_off(wire: Wire) -> None:
    """Requests without a key must not fill the server's memory."""
    sent_kib = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent_kib
        yield b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-long: "
        while sent_kib < HUNDRED_MB // 1024:
            sent_kib += 64
            yield b"a" * 65_536

    assert problem(wire.live.exchange(endless())) == (431, "head-too-large")
    assert sent_kib < 20 * 1024


def test_a_long_body_before_the_next_head_is_no_long_head(wire: Wire) -> None:
    """Two requests in one stream; each is answered."""
    body = json.dumps([EVENT | {"id": f"e{n}", "status": "?" * 900} for n in range(999)]).encode()
    first = request_head(f"POST {EVENTS}", {**wire.headers, "content-length": str(len(body))})
    with socket.create_connection((LOOPBACK, wire.live.port), timeout=30) as connection:
        connection.sendall(first + body + request_head("GET /healthz", {"host": "x", "connection": "close"}))
        answers = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answers.startswith(b"HTTP/1.1 422 ")
    assert answers.endswith(b'{"status":"ok"}')


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"authorization": "Bearer \xff\xfe"}, 401),
        ({"authorization": "Bearer " + "x" * 5_000}, 401),
        ({"authorization": "\t"}, 401),
        ({"accept": "\xff;;;q=,,"}, 406),
        ({"accept": "text/html"}, 406),
        ({"host": "a b<c>"}, 400),
    ],
)
def test_headers_that_mean_nothing(wire: Wire, headers: dict[str, str], status: int) -> None:
    answer = wire.get(LIST, **headers)
    assert problem(answer)[0] == status


def test_after_all_that_the_server_has_failed_at_nothing(wire: Wire) -> None:
    assert wire.get("/readyz").status == 200
    assert wire.calls() == 0
    log = wire.live.log.read_text()
    assert "request failed" not in log
    assert "Traceback" not in log
