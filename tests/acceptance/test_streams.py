"""A stream over real sockets: whole where all goes well, visibly cut for every client where it does not."""

import gzip
import shutil
import socket
import subprocess
import zlib
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, IncompleteRead
from pathlib import Path
from typing import NamedTuple

import apsw
import httpx2
import pytest

from tests.acceptance.live import ANSWERS_WITHIN_S, HOST, Live, request_head, serving

LIST = "/api/v1/call-logs"
CALLS = 1_200
FORMATS = ("csv", "ndjson", "parquet", "arrow")
# What curl says when a body ends before its end: CURLE_PARTIAL_FILE.
PARTIAL = 18


class StreamRequest(NamedTuple):
    """A tenant's stream on a running server."""

    live: Live
    key: str
    name: str

    @property
    def path(self) -> str:
        return f"{LIST}?format={self.name}"

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.key}"}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A server of these tests alone: its log tells of failures, which that of the others must not."""
    with serving(tmp_path_factory.mktemp("streams")) as server:
        yield server


@pytest.fixture(scope="module")
def whole(own: Live) -> tuple[Live, str]:
    return own, reported(own)[1]


@pytest.fixture(scope="module")
def damaged(own: Live) -> tuple[Live, str]:
    """A tenant whose oldest call cannot be read any more: its record is no JSON, and in two pieces."""
    tenant, key = reported(own)
    connection = apsw.Connection(str(own.log.with_name("var") / "calltally.db"))
    # The server's own upkeep may be writing just now.
    connection.set_busy_timeout(10_000)
    connection.execute(
        "UPDATE calls SET record = cast(?2 AS BLOB) WHERE tenant = ?1 AND created_us = "
        "(SELECT min(created_us) FROM calls WHERE tenant = ?1)",
        (tenant, '{"id":\n'),
    )
    assert connection.changes() == 1
    connection.close()
    return own, key


def reported(live: Live) -> tuple[str, str]:
    """A tenant with calls of a minute each, and its key."""
    tenant = live.new_tenant()
    key = live.new_key(tenant, "calls:read", "events:write")
    for start in range(0, CALLS, 600):
        live.send_events(key, [event(number) for number in range(start, start + 600)])
    return tenant, key


def event(number: int) -> dict[str, str]:
    at = f"2026-10-0{1 + number // 1_000}T{number // 60 % 24:02}:{number % 60:02}:00Z"
    reported = {"id": f"e{number}", "call_sid": f"call-{number}", "occurred_at": at, "status": "completed"}
    return {**reported, "summary": f"Call number {number} of a long night."}


# ------------------------------------------------------------------------------------------------- clients


def by_sockets(requested: StreamRequest) -> bool:
    """Decide whether the bytes on the wire end with the last chunk of a body."""
    head = {"host": HOST, "connection": "close", **requested.headers}
    with socket.create_connection((HOST, requested.live.port), timeout=ANSWERS_WITHIN_S) as connection:
        connection.sendall(request_head(f"GET {requested.path}", head))
        got = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert got.startswith(b"HTTP/1.1 200 ")
    assert b"transfer-encoding: chunked\r\n" in got
    return got.endswith(b"\r\n0\r\n\r\n")


def by_http_client(requested: StreamRequest) -> bool:
    """Python's own client."""
    connection = HTTPConnection(HOST, requested.live.port, timeout=ANSWERS_WITHIN_S)
    try:
        connection.request("GET", requested.path, headers=requested.headers)
        connection.getresponse().read()
    except IncompleteRead:
        return False
    finally:
        connection.close()
    return True


def by_httpx(requested: StreamRequest) -> bool:
    """A library that unpacks as it reads."""
    try:
        answer = httpx2.get(
            requested.live.base + requested.path, headers=requested.headers, timeout=ANSWERS_WITHIN_S
        )
    except httpx2.RemoteProtocolError:
        return False
    assert answer.headers["x-row-count"] == str(CALLS)
    return True


def by_curl(requested: StreamRequest) -> bool:
    header = f"Authorization: Bearer {requested.key}"
    done = subprocess.run(
        ["curl", "-sS", "--compressed", "-H", header, requested.live.base + requested.path],  # noqa: S607 (any curl will do)
        capture_output=True,
        check=False,
        timeout=ANSWERS_WITHIN_S,
    )
    assert done.returncode in {0, PARTIAL}, done.stderr
    return done.returncode == 0


CLIENTS: list[Callable[[StreamRequest], bool]] = [by_sockets, by_http_client, by_httpx]
CLIENTS += [by_curl] if shutil.which("curl") else []


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("name", FORMATS)
def test_every_client_gets_a_whole_stream(
    whole: tuple[Live, str], name: str, client: Callable[[StreamRequest], bool]
) -> None:
    assert client(StreamRequest(*whole, name))


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("name", FORMATS)
def test_every_client_sees_that_a_stream_was_cut(
    damaged: tuple[Live, str], name: str, client: Callable[[StreamRequest], bool]
) -> None:
    assert not client(StreamRequest(*damaged, name))


@pytest.mark.parametrize("name", ["csv", "ndjson"])
def test_a_packed_stream_that_is_cut_has_no_end_of_its_own_either(
    damaged: tuple[Live, str], name: str
) -> None:
    live, key = damaged
    connection = HTTPConnection(HOST, live.port, timeout=ANSWERS_WITHIN_S)
    headers = {"authorization": f"Bearer {key}", "accept-encoding": "gzip"}
    connection.request("GET", f"{LIST}?format={name}", headers=headers)
    answer = connection.getresponse()
    assert (answer.getheader("content-encoding"), answer.getheader("x-row-count")) == ("gzip", str(CALLS))
    with pytest.raises(IncompleteRead) as cut:
        answer.read()
    connection.close()
    unpacker = zlib.decompressobj(31)
    unpacker.decompress(cut.value.partial)
    assert not unpacker.eof
    with pytest.raises(EOFError):
        gzip.decompress(cut.value.partial)


def test_the_log_names_the_cut_request_and_the_server_continues(damaged: tuple[Live, str]) -> None:
    live, key = damaged
    requested = {"authorization": f"Bearer {key}", "x-request-id": "cut-1"}
    with pytest.raises(IncompleteRead):
        live.request("GET", f"{LIST}?format=csv", headers=requested)
    lines = [line for line in Path(live.log).read_text().splitlines() if "stream cut off" in line]
    assert any('"cut-1"' in line and "calltally verify" in line for line in lines)
    assert live.request("GET", "/readyz").status == 200


def test_head_over_the_wire_has_no_body_and_the_connection_goes_on(whole: tuple[Live, str]) -> None:
    live, key = whole
    connection = HTTPConnection(HOST, live.port, timeout=ANSWERS_WITHIN_S)
    for _ in range(2):
        connection.request("HEAD", f"{LIST}?format=csv", headers={"authorization": f"Bearer {key}"})
        answer = connection.getresponse()
        assert (answer.status, answer.read(), answer.getheader("x-row-count")) == (200, b"", str(CALLS))
    connection.close()
