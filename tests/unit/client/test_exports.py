"""Operations on export jobs."""

import json
from datetime import date
from typing import Any

import pytest

from calltally.calls.export_query import EXPORT_FIELDS
from calltally.client import exports
from calltally.client.errors import ExportFailed, InvalidArgument, UnknownArgument
from calltally.client.exports import ExportFields
from calltally.client.filters import Filters
from tests.unit.client.canned import Canned, good, in_sequence

EXPORT: dict[str, Any] = {
    "id": "e-1",
    "state": "queued",
    "format": "ndjson",
    "snapshot": "s",
    "rows_done": 0,
    "created_at": "2026-11-02T09:30:00.000000Z",
    "updated_at": "2026-11-02T09:30:00.000000Z",
    "window": {"from": None, "to": None},
    "filters": {},
    "something_new": 1,
}


def test_fields_are_those_of_the_contract() -> None:
    names = {name.rstrip("_") for name in ExportFields.__annotations__}
    assert names == {field.name for field in EXPORT_FIELDS}


def test_filters_of_an_export_have_the_types_of_those_of_a_list() -> None:
    form = {"tz", "format", "partition", "name"}
    mine = {name: kind for name, kind in ExportFields.__annotations__.items() if name not in form}
    assert mine == {name: kind for name, kind in Filters.__annotations__.items() if name != "tenant"}


def test_start_sends_the_fields_and_a_key() -> None:
    canned = Canned(in_sequence(good(EXPORT)))
    options: Any = {"from_": date(2026, 10, 1), "status": ["busy"], "route": None, "partition": "day"}
    export = canned.run(exports.start_export(canned, idempotency_key="mine", **options))
    assert (export.state, export.is_ended) == ("queued", False)
    [request] = canned.requests
    assert json.loads(request.body or b"") == {"from": "2026-10-01", "status": ["busy"], "partition": "day"}
    assert request.headers["idempotency-key"] == "mine"


def test_unknown_field_is_refused() -> None:
    canned = Canned(in_sequence())
    wrong: Any = {"limit": 5}
    with pytest.raises(UnknownArgument, match="limit"):
        canned.run(exports.start_export(canned, **wrong))


def test_waiting_ends_with_the_export() -> None:
    states = [{**EXPORT, "state": state} for state in ("queued", "running", "complete")]
    canned = Canned(in_sequence(*map(good, states)))
    assert canned.run(exports.wait_for_export(canned, "e-1", poll_s=2.0)).is_ended
    assert canned.clockwork.slept == [2.0, 2.0]


def test_export_that_ends_otherwise_is_an_error() -> None:
    failed = {**EXPORT, "state": "failed", "error": {"slug": "misconfigured", "detail": "no space"}}
    canned = Canned(in_sequence(good(failed), good({**EXPORT, "state": "canceled"})))
    with pytest.raises(ExportFailed, match="is failed: no space"):
        canned.run(exports.wait_for_export(canned, "e-1"))
    with pytest.raises(ExportFailed, match="is canceled"):
        canned.run(exports.wait_for_export(canned, "e-1"))


def test_waiting_has_a_limit() -> None:
    canned = Canned(lambda _request: good(EXPORT))
    with pytest.raises(ExportFailed, match="still queued after 5 s"):
        canned.run(exports.wait_for_export(canned, "e-1", poll_s=2.0, timeout_s=5.0))
    with pytest.raises(InvalidArgument, match="poll_s"):
        canned.run(exports.wait_for_export(canned, "e-1", poll_s=0.0))


def test_lists_and_single_exports_are_read() -> None:
    page = {"data": [EXPORT], "limit": 100, "offset": 0, "total": 1}
    canned = Canned(in_sequence(good(page), good(page), good({"rows": 3}), good({})))
    assert canned.run(exports.list_exports(canned, limit=5)).total == 1
    assert [each.id for each in canned.all_of(exports.iter_exports(canned))] == ["e-1"]
    assert canned.run(exports.get_export_manifest(canned, "e-1")) == {"rows": 3}
    canned.run(exports.delete_export(canned, "e/1"))
    assert [(each.method, each.path) for each in canned.requests[2:]] == [
        ("GET", "/api/v1/exports/e-1/manifest.json"),
        ("DELETE", "/api/v1/exports/e%2F1"),
    ]
