"""Streams of the list: the same calls as the pages, of one snapshot, in every format."""

import asyncio
import csv
import gzip
import json
from collections.abc import Callable, Sequence
from io import BytesIO, StringIO
from typing import Any, TypeVar

import pyarrow as pa
import pytest
from backports import zstd
from pyarrow import parquet

from calltally.calls.errors import DamagedStore, Unavailable
from calltally.calls.events import Channel, Fact, StatedFields, content_digest
from calltally.calls.model import CALL_FIELDS
from calltally.calls.times import SECOND_US
from calltally.exports import window
from calltally.store.db.interface import Store, Submission, SubmissionResult
from calltally.store.db.operation import StoreOperation
from calltally.store.maintenance.erasure import erase_call
from calltally.web.app import HANDLERS
from calltally.web.openapi.document import openapi_document
from tests.conftest import NOW_US, TENANT, Bench
from tests.integration.web.service import ADMIN, LIST, Message, Service, invalid_parameters, slug

TYPES = {
    "csv": "text/csv",
    "ndjson": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
}
formats = pytest.mark.parametrize("name", TYPES)
Json = dict[str, Any]
T = TypeVar("T")


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reduce the chunk size, so that a few calls need many chunks."""
    monkeypatch.setattr(window, "FIRST_ROWS", 3)
    monkeypatch.setattr(window, "MOST_ROWS", 4)


def put(bench: Bench, calls: int, *, tenant: str = TENANT) -> None:
    """Record calls in groups of twelve at one instant; every other call escalated, with one number."""
    facts = []
    for number in range(calls):
        stated: StatedFields = {
            "status": "completed",
            "from_number": f"+1415555010{number % 2}",
            "escalated": number % 2 == 0,
            "route": f"route-{number % 3}",
            "summary": f"Call {number}.",
        }
        at_us = NOW_US + number // 12 * SECOND_US
        digest = content_digest([number])
        facts.append(
            Fact(
                f"CA{number:04}",
                Channel.CALLBACK,
                "twilio",
                "",
                "",
                None,
                at_us,
                at_us,
                digest,
                stated,
                b"{}",
            )
        )
    bench.run(bench.store.submit([Submission(tenant, fact) for fact in facts]))


def paged(service: Service, query: str = "") -> list[Json]:
    """Return all calls of a query, page by page."""
    calls, url = [], f"{LIST}?{query}&limit=5"
    while url:
        answer = service.get(url)
        assert answer.status_code == 200, answer.text
        calls += answer.json()["data"]
        url = answer.links["next"]["url"] if "next" in answer.links else ""
    return calls


def streamed(service: Service, query: str) -> list[Json]:
    answer = service.get(f"{LIST}?{query}&format=ndjson")
    assert answer.status_code == 200, answer.text
    calls = [json.loads(line) for line in answer.content.splitlines()]
    assert answer.headers["x-row-count"] == str(len(calls))
    return calls


def ids(name: str, body: bytes) -> list[str]:
    """Return the ids of the calls in a file."""
    match name:
        case "csv":
            return [row["id"] for row in csv.DictReader(StringIO(body.decode(), newline=""))]
        case "ndjson":
            return [json.loads(line)["id"] for line in body.splitlines()]
        case "parquet":
            return list(parquet.read_table(BytesIO(body))["id"].to_pylist())
        case _:
            return list(pa.ipc.open_stream(body).read_all()["id"].to_pylist())


# -------------------------------------------------------------------------------------------- what is sent


@formats
@pytest.mark.parametrize("by_accept", [False, True])
def test_a_stream_has_every_call_of_the_window(bench: Bench, name: str, *, by_accept: bool) -> None:
    service = Service(bench)
    put(bench, 30)
    query = "" if by_accept else f"?format={name}"
    answer = service.get(
        f"{LIST}{query}", {**service.key, "accept": TYPES[name] if by_accept else "image/png"}
    )
    assert answer.status_code == 200
    assert answer.headers["content-type"].partition(";")[0] == TYPES[name]
    assert answer.headers["x-row-count"] == "30"
    assert "link" not in answer.headers
    assert "content-length" not in answer.headers
    assert ids(name, answer.content) == [call["id"] for call in paged(service)]
    again = service.get(f"{LIST}?snapshot={answer.headers['x-snapshot']}&limit=1").json()
    assert (again["total"], again["snapshot"]) == (30, answer.headers["x-snapshot"])


@formats
def test_window_without_calls_is_a_valid_file(service: Service, name: str) -> None:
    answer = service.get(f"{LIST}?format={name}")
    assert (answer.status_code, answer.headers["x-row-count"]) == (200, "0")
    assert ids(name, answer.content) == []


QUERIES = [
    "order=asc",
    "order=desc",
    "route=route-1",
    "status=completed&order=asc",
    "number=%2B14155550100",
    "number=%2B14155550101&order=asc",
    "escalated=true",
    "escalated=false&order=asc",
    "q=call",
    "route=route-1&provider=twilio",
    "call_sid=CA0007",
    "from=2026-11-18T11:06:41Z&to=2026-11-18T11:06:43Z",
    "from=2026-11-18T11:06:41Z&to=2026-11-18T11:06:43Z&escalated=true",
    "number=%2B14155550199",
]


@pytest.mark.parametrize("query", QUERIES)
def test_stream_has_the_calls_of_its_pages_for_any_filter_and_order(bench: Bench, query: str) -> None:
    service = Service(bench)
    put(bench, 40)
    assert streamed(service, query) == paged(service, query)


@pytest.mark.parametrize("rest", ["", "escalated=true", "escalated=true&order=asc"])
def test_limit_and_offset_select_a_part_of_the_stream(bench: Bench, rest: str) -> None:
    service = Service(bench)
    put(bench, 40)
    whole = paged(service, rest)
    # Includes offsets in the middle of an instant, and limits that end in one.
    for offset, limit in ((0, 1), (0, 7), (1, 3), (5, 8), (9, 1_000), (len(whole), 5), (10**12, 5)):
        found = streamed(service, f"{rest}&offset={offset}&limit={limit}")
        assert found == whole[offset : offset + limit]
    for offset in (3, 6, 11):
        assert streamed(service, f"{rest}&offset={offset}") == whole[offset:]


@pytest.mark.parametrize("rest", ["", "escalated=true", "escalated=true&order=asc"])
def test_stream_continues_after_a_call(bench: Bench, rest: str) -> None:
    service = Service(bench)
    put(bench, 40)
    whole = paged(service, rest)
    assert streamed(service, f"{rest}&after={whole[6]['id']}") == whole[7:]
    assert streamed(service, f"{rest}&after={whole[6]['id']}&limit=2") == whole[7:9]


def test_chunks_have_fewer_long_calls(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "CHUNK_BYTES", 2_000)
    service = Service(bench)
    put(bench, 20)
    sizes = []
    read = bench.store.read

    async def counted(operation: StoreOperation[Any], *, long: bool = False) -> Any:  # noqa: ANN401 (whatever a step gives)
        found = await read(operation, long=long)
        if isinstance(found, bytes):
            sizes.append(found.count(b"\n") + 1)
        return found

    monkeypatch.setattr(bench.store, "read", counted)
    assert len(streamed(service, "")) == 20
    # Two chunks are read concurrently, so the last one, which is shorter, may arrive before its predecessor.
    assert set(sorted(sizes)[1:]) == {2}


def test_erased_call_keeps_its_row_in_a_stream(bench: Bench) -> None:
    service = Service(bench)
    put(bench, 10)
    before = service.get(f"{LIST}?limit=1").json()["snapshot"]
    gone = paged(service)[4]
    bench.run(bench.store.write(erase_call(TENANT, gone["id"], NOW_US)))
    assert len(streamed(service, "")) == 9
    calls = streamed(service, f"snapshot={before}")
    erased_call = {"id": gone["id"], "created_at": gone["created_at"], "erased": True}
    assert calls[4] == {**dict.fromkeys(CALL_FIELDS), **erased_call}
    for name in TYPES:
        body = service.get(f"{LIST}?format={name}&snapshot={before}").content
        assert ids(name, body) == [call["id"] for call in calls]


def test_stream_pins_a_hold(bench: Bench) -> None:
    service = Service(bench)
    put(bench, 8)
    first = streamed(service, "hold=night")
    service.report("CA9", {"status": "ringing"})
    assert streamed(service, "hold=night") == first
    assert len(streamed(service, "")) == 9


# --------------------------------------------------------------------------------- while others write


class Interrupted:
    """Store with a hook before each long read, such as those of a stream's chunks."""

    def __init__(self, store: Store, before: Any) -> None:  # noqa: ANN401 (an async function)
        self._store = store
        self._before = before
        self.dialect = store.dialect
        self.queued_writes = 0
        self.stalled_s = 0.0

    async def read(self, operation: StoreOperation[T], *, long: bool = False) -> T:
        if long:
            await self._before()
        return await self._store.read(operation, long=long)

    async def read_tenant(
        self, tenant: str, make: Callable[[], StoreOperation[T]], *, at_least: int = 0, long: bool = False
    ) -> T:
        del tenant, at_least
        return await self.read(make(), long=long)

    async def write(self, operation: StoreOperation[T]) -> T:
        return await self._store.write(operation)

    async def submit(
        self, submissions: Sequence[Submission], *, in_one_commit: bool = False
    ) -> list[SubmissionResult]:
        return await self._store.submit(submissions, in_one_commit=in_one_commit)

    async def close(self) -> None:
        """Do nothing: the bench closes the store."""


@pytest.mark.parametrize("rest", ["", "order=asc", "route=route-1"])
def test_stream_has_one_snapshot(bench: Bench, rest: str) -> None:
    put(bench, 40)
    numbers = iter(range(1_000))

    async def change() -> None:
        """Add a call, and change another."""
        number = next(numbers)
        for sid, at_us in ((f"NEW{number}", NOW_US), (f"CA{number:04}", NOW_US + SECOND_US)):
            digest = content_digest([sid, number, "again"])
            stated: StatedFields = {"status": "failed", "summary": "Changed.", "route": "route-1"}
            fact = Fact(sid, Channel.OWN_EVENT, "", "", sid, None, at_us, at_us, digest, stated, b"{}")
            await bench.store.submit([Submission(TENANT, fact)])

    still, moving = Service(bench), Service(bench, store=Interrupted(bench.store, change))
    before = paged(still, rest)
    assert streamed(moving, rest) == before
    assert next(numbers) >= 3
    assert paged(still, rest) != before


# -------------------------------------------------------------------------------------- how it is urls for


def test_format_wins_over_accept_and_json_is_a_page(bench: Bench) -> None:
    service = Service(bench)
    put(bench, 8)
    browser = {**service.key, "accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    assert service.get(f"{LIST}?format=csv", browser).headers["content-type"].startswith("text/csv")
    assert service.get(LIST, browser).headers["content-type"] == "application/json"
    page = service.get(f"{LIST}?format=json&limit=2", {**service.key, "accept": "text/csv"})
    assert (page.headers["content-type"], len(page.json()["data"])) == ("application/json", 2)


def test_refused_accept_lists_all_types(service: Service) -> None:
    answer = service.get(LIST, {**service.key, "accept": "image/png"})
    assert (answer.status_code, slug(answer)) == (406, "not-acceptable")
    assert all(media_type in answer.json()["detail"] for media_type in ("application/json", *TYPES.values()))


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("format=xlsx", ["format"]),
        ("format=csv&format=csv", ["format"]),
        ("format=csv&tz=Europe/Atlantis", ["tz"]),
        ("format=csv&tz=Europe", ["tz"]),
        ("format=csv&tz=localtime", ["tz"]),
        ("format=csv&tz=posixrules", ["tz"]),
        ("format=csv&tz=../../etc/passwd", ["tz"]),
        ("format=parquet&tz=Europe/Berlin", ["tz"]),
        ("tz=Europe/Berlin", ["tz"]),
        ("format=csv&limit=1001", ["limit"]),
        ("format=csv&after=550e8400-e29b-81d4-a716-446655440000", ["after"]),
        ("format=csv&snapshot=nonsense", ["snapshot"]),
    ],
)
def test_errors_are_reported_before_the_stream_starts(service: Service, query: str, named: list[str]) -> None:
    assert invalid_parameters(service.get(f"{LIST}?{query}")) == named


def test_csv_times_are_in_the_requested_zone(bench: Bench) -> None:
    service = Service(bench)
    put(bench, 1)
    text = service.get(f"{LIST}?format=csv&tz=Asia/Kolkata").text
    (row,) = csv.DictReader(StringIO(text, newline=""))
    assert row["created_at"] == "2026-11-18T16:36:40.000000+05:30"


def test_file_name_has_tenant_and_window(service: Service) -> None:
    def name(query: str) -> str | None:
        found: str | None = service.get(f"{LIST}?{query}").headers.get("content-disposition")
        return found

    requested_window = "from=2026-10-01&to=2026-11-01T09:30:00Z"
    assert name("format=csv") == 'attachment; filename="calls_acme.csv"'
    expected = 'attachment; filename="calls_acme_from_2026-10-01_to_2026-11-01T093000Z.parquet"'
    assert name(f"format=parquet&{requested_window}") == expected
    assert name("format=arrow&to=2026-11-01") == 'attachment; filename="calls_acme_to_2026-11-01.arrows"'
    assert name("format=ndjson") is None
    assert name("format=json") is None


@formats
def test_head_has_the_headers_and_reads_no_more_than_the_first_chunk(bench: Bench, name: str) -> None:
    put(bench, 40)
    reads = []

    async def count() -> None:
        reads.append(1)

    service = Service(bench, store=Interrupted(bench.store, count))
    full = service.get(f"{LIST}?format={name}")
    assert len(reads) > 5
    reads.clear()
    head = service.get(f"{LIST}?format={name}", method="HEAD")
    assert (head.status_code, head.content, reads) == (200, b"", [])
    same = ("content-type", "x-row-count", "x-snapshot", "content-disposition", "etag")
    assert {each: head.headers.get(each) for each in same} == {each: full.headers.get(each) for each in same}


def test_stream_has_its_own_etag(bench: Bench) -> None:
    service = Service(bench)
    put(bench, 8)
    urls = [f"{LIST}?format={name}" for name in TYPES]
    urls += [LIST, f"{urls[0]}&limit=3", f"{urls[0]}&limit=4", f"{urls[0]}&tz=Asia/Tokyo"]
    tags = {service.get(url).headers["etag"]: url for url in urls}
    assert len(tags) == len(urls)
    for tag, url in tags.items():
        for other in urls:
            status = service.get(other, {**service.key, "if-none-match": tag}).status_code
            assert (status == 304) is (other == url)
    by_accept = service.get(LIST, {**service.key, "accept": "text/csv"})
    assert tags[by_accept.headers["etag"]] == urls[0]


def test_streams_are_separated_by_tenant(bench: Bench) -> None:
    service = Service(bench)
    bench.add_tenant("bolt")
    put(bench, 9, tenant="bolt")
    assert streamed(service, "") == []
    answer = service.get(f"{LIST}?format=ndjson&tenant=bolt", ADMIN)
    assert answer.headers["x-row-count"] == "9"
    assert service.get(f"{LIST}?format=csv", service.new_key("events:write")).status_code == 403
    assert service.get(f"{LIST}?format=csv", {}).status_code == 401


# --------------------------------------------------------------------------------------------- compression


@pytest.mark.parametrize(("coding", "decode"), [("gzip", gzip.decompress), ("zstd", zstd.decompress)])
@formats
def test_stream_is_compressed_on_request(
    bench: Bench,
    name: str,
    coding: str,
    decode: Any,  # noqa: ANN401 (of two libraries)
) -> None:
    service = Service(bench)
    put(bench, 30)
    headers = {b"authorization": service.key["authorization"].encode(), b"accept": TYPES[name].encode()}
    start, *pieces = waiting(service, {**headers, b"accept-encoding": coding.encode()})
    is_packed = dict(start["headers"]).get(b"content-encoding") == coding.encode()
    assert is_packed is (name != "parquet")
    body = b"".join(piece["body"] for piece in pieces)
    assert len(ids(name, decode(body) if is_packed else body)) == 30


def waiting(service: Service, headers: dict[bytes, bytes]) -> list[Message]:
    """Return the messages to a client that waits for the end."""
    sent: list[Message] = []
    scope = scope_of(headers)

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return] # it never comes

    service.bench.run(service.app(scope, receive, send))
    return sent


def scope_of(headers: dict[bytes, bytes]) -> Message:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": LIST,
        "raw_path": LIST.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": list(headers.items()),
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }


# ------------------------------------------------------------------------------------------- when it fails


class Failing(Interrupted):
    """Store whose long reads fail after some."""

    def __init__(self, store: Store, error: Exception, after: int) -> None:
        super().__init__(store, self._fail)
        self._error = error
        self.left = after

    async def _fail(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise self._error


@formats
def test_failure_midway_reaches_the_server_without_a_clean_end(bench: Bench, name: str) -> None:
    put(bench, 40)
    service = Service(bench, store=Failing(bench.store, Unavailable("the database is away"), after=3))
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return] # it never comes

    key = {b"authorization": service.key["authorization"].encode(), b"accept": TYPES[name].encode()}
    with pytest.raises(Exception, match=r"response started|away"):
        bench.run(service.app(scope_of(key), receive, send))
    assert sent[0]["status"] == 200
    assert all(message["more_body"] for message in sent[1:])


def test_a_failure_before_the_start_is_a_problem(bench: Bench) -> None:
    put(bench, 8)
    service = Service(bench, store=Failing(bench.store, Unavailable("away"), after=0))
    answer = service.get(f"{LIST}?format=csv&escalated=true")
    assert (answer.status_code, slug(answer)) == (503, "unavailable")


class Short(Interrupted):
    """Store that silently loses calls after the second chunk."""

    async def read(self, operation: StoreOperation[T], *, long: bool = False) -> T:
        found = await super().read(operation, long=long)
        return found[: found.rindex(b"\n")] if isinstance(found, bytes) and b"\n" in found else found  # type: ignore[return-value] # the chunk that it is


def test_missing_calls_do_not_end_the_stream_cleanly(bench: Bench) -> None:
    put(bench, 40)

    async def nothing() -> None:
        pass

    service = Service(bench, store=Short(bench.store, nothing))
    with pytest.raises(Exception, match="response started") as failure:
        service.get(f"{LIST}?format=ndjson")
    assert isinstance(failure.value.__cause__, DamagedStore)


def test_reading_stops_after_a_disconnect(bench: Bench) -> None:
    put(bench, 200)
    reads = []

    async def count() -> None:
        reads.append(1)

    service = Service(bench, store=Interrupted(bench.store, count))
    sent: list[Message] = []
    hung_up = asyncio.Event()

    async def send(message: Message) -> None:
        sent.append(message)
        if len(sent) == 5:
            hung_up.set()

    async def receive() -> Message:
        await hung_up.wait()
        return {"type": "http.disconnect"}

    key = {b"authorization": service.key["authorization"].encode(), b"accept": b"text/csv"}
    bench.run(service.app(scope_of(key), receive, send))
    assert len(reads) < 10
    assert sent[-1]["more_body"]


# ---------------------------------------------------------------------------------------------- documents


@pytest.mark.parametrize("name", TYPES)
def test_openapi_has_an_operation_for_each_stream_with_one_type_and_the_headers(name: str) -> None:
    answer = openapi_document(HANDLERS, None)["paths"][f"{LIST}.{name}"]["get"]["responses"]["200"]
    assert list(answer["content"]) == [TYPES[name]]
    assert {"X-Row-Count", "X-Snapshot", "Content-Disposition"} <= answer["headers"].keys()


@pytest.mark.parametrize("name", TYPES)
def test_path_of_a_stream_equals_the_list_with_format(bench: Bench, name: str) -> None:
    service, window = Service(bench), "limit=3&order=asc"
    put(bench, 5)
    own = service.get(f"{LIST}.{name}?{window}", service.key)
    listed = service.get(f"{LIST}?{window}&format={name}", service.key)
    assert own.status_code == listed.status_code == 200
    assert (own.headers["content-type"], own.headers["etag"]) == (
        listed.headers["content-type"],
        listed.headers["etag"],
    )
    assert own.content == listed.content
    refused = service.get(f"{LIST}.{name}?format=csv", service.key)
    assert (refused.status_code, refused.json()["errors"][0]["parameter"]) == (400, "format")
