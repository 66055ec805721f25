"""Export files are fetched whole or by range (RFC 9110), with digests (RFC 9530)."""

from base64 import b64encode
from hashlib import sha256

import pytest
from structlog.testing import capture_logs

from tests.integration.exports.exporting import Desk
from tests.integration.web.service import slug

NAME = "calls.ndjson"
# The database has no effect on how a file is sent.
pytestmark = pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)


@pytest.fixture
def fetched(desk: Desk) -> tuple[str, bytes]:
    """Return an export of one file, and the file's content."""
    desk.record(40)
    job = desk.done()
    return job, desk.fetch(job, NAME).content


def test_whole_file_has_length_etag_and_digests(desk: Desk, fetched: tuple[str, bytes]) -> None:
    job, content = fetched
    digest = f"sha-256=:{b64encode(sha256(content).digest()).decode()}:"
    for method, body in (("GET", content), ("HEAD", b"")):
        headers = {**desk.reading, "accept-encoding": "gzip, zstd", "range": "bytes=0-0"}
        if method == "GET":
            del headers["range"]
        answer = desk.service.get(f"/api/v1/exports/{job}/files/{NAME}", headers, method)
        assert (answer.status_code, answer.content) == (200, body)
        expected = {
            "content-length": str(len(content)),
            "content-type": "application/x-ndjson",
            "accept-ranges": "bytes",
            "etag": f'"{sha256(content).hexdigest()}"',
            "repr-digest": digest,
            "content-digest": digest,
            "content-disposition": f'attachment; filename="{NAME}"',
        }
        assert {name: answer.headers[name] for name in expected} == expected
        assert "content-encoding" not in answer.headers


def test_range_of_a_file(desk: Desk, fetched: tuple[str, bytes]) -> None:
    job, content = fetched
    size = len(content)
    for params, first, end in (
        ("bytes=0-9", 0, 10),
        ("bytes=10-", 10, size),
        ("bytes=-7", size - 7, size),
        (f"bytes=5-{size * 2}", 5, size),
        (f"bytes=-{size * 2}", 0, size),
        (f"bytes={size - 1}-", size - 1, size),
    ):
        answer = desk.fetch(job, NAME, {"range": params})
        assert (answer.status_code, answer.content) == (206, content[first:end])
        assert answer.headers["content-range"] == f"bytes {first}-{end - 1}/{size}"
        assert answer.headers["content-length"] == str(end - first)
        assert "content-digest" not in answer.headers
        assert answer.headers["repr-digest"]


def test_range_outside_the_file_is_refused(desk: Desk, fetched: tuple[str, bytes]) -> None:
    job, content = fetched
    for params in (f"bytes={len(content)}-", "bytes=-0"):
        answer = desk.fetch(job, NAME, {"range": params})
        assert (answer.status_code, slug(answer)) == (416, "range-not-satisfiable")
        assert answer.headers["content-range"] == f"bytes */{len(content)}"


@pytest.mark.parametrize(
    "params", ["bytes=0-1,3-4", "lines=0-1", "bytes=2-1", "bytes=-", "bytes=a-b", "bytes", ""]
)
def test_unsupported_range_returns_whole_file(desk: Desk, fetched: tuple[str, bytes], params: str) -> None:
    job, content = fetched
    answer = desk.fetch(job, NAME, {"range": params})
    assert (answer.status_code, answer.content) == (200, content)


def test_ranges_belong_to_one_version_of_the_file(desk: Desk, fetched: tuple[str, bytes]) -> None:
    job, content = fetched
    tag = desk.fetch(job, NAME).headers["etag"]
    for known, status in (
        (tag, 206),
        ('"other"', 200),
        (f"W/{tag}", 200),
        ("Mon, 01 Jan 2024 00:00:00 GMT", 200),
    ):
        answer = desk.fetch(job, NAME, {"range": "bytes=0-9", "if-range": known})
        assert (answer.status_code, answer.content) == (status, content[:10] if status == 206 else content)
    assert desk.fetch(job, NAME, {"if-none-match": tag}).status_code == 304


@pytest.mark.parametrize(
    "name",
    ["other.ndjson", "1.ids", "1-calls.ndjson", "..%2F1.ids", "%2e%2e", "%2Fetc%2Fpasswd", "calls.ndjson%00"],
)
def test_unknown_file_name_is_not_found(desk: Desk, fetched: tuple[str, bytes], name: str) -> None:
    answer = desk.fetch(fetched[0], name)
    assert (answer.status_code, slug(answer)) == (404, "not-found")


def test_file_missing_on_this_node_is_a_server_error(desk: Desk, fetched: tuple[str, bytes]) -> None:
    for path in desk.folder.rglob("*-calls.ndjson"):
        path.write_bytes(b"short")
    with capture_logs() as logs:
        answer = desk.fetch(fetched[0], NAME)
    assert (answer.status_code, slug(answer)) == (500, "misconfigured")
    assert str(desk.folder) not in answer.text
    assert "CALLTALLY_FILES_FOLDER" in str(logs[0]["exc_info"])
    for path in desk.folder.rglob("*-calls.ndjson"):
        path.unlink()
    assert desk.fetch(fetched[0], NAME).status_code == 500
