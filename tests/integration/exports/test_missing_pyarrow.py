"""A server without pyarrow, an extra, refuses Parquet and Arrow with the remedy; the other formats work."""

import sys

import pytest

from tests.integration.exports.exporting import Desk
from tests.integration.web.service import slug

REMEDY = "pip install 'calltally[parquet]'"


def remove_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)


@pytest.mark.parametrize("path", ["?format=parquet", ".parquet", "?format=arrow", ".arrow"])
def test_stream_is_refused_before_it_begins(path: str, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.record(1)
    remove_pyarrow(monkeypatch)
    answer = desk.service.get(f"/api/v1/call-logs{path}")
    assert (answer.status_code, slug(answer)) == (501, "format-unavailable")
    assert answer.json()["detail"].endswith(REMEDY)


@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_export_is_refused_before_it_is_queued(
    form: str, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove_pyarrow(monkeypatch)
    answer = desk.request(format=form)
    assert (answer.status_code, slug(answer)) == (501, "format-unavailable")
    assert desk.service.get("/api/v1/exports").json()["total"] == 0


def test_queued_export_fails_with_the_remedy(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another node, with pyarrow, may have accepted it."""
    desk.record(1)
    job = desk.start(format="parquet")
    remove_pyarrow(monkeypatch)
    desk.work()
    export = desk.export(job)
    assert (export["state"], export["error"]["slug"]) == ("failed", "format-unavailable")
    assert export["error"]["detail"].endswith(REMEDY)


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_lines_need_no_pyarrow(form: str, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.record(2)
    remove_pyarrow(monkeypatch)
    assert desk.contents(desk.done(format=form)).values()
    assert desk.streamed(f"format={form}").count(b"CA") == 2
