"""A deprecated operation or parameter announces its end in each response and in the OpenAPI document.

Nothing is deprecated today, so the routes here exist for these tests alone.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from litestar import get

from calltally.calls.list_query import PARAMETERS
from calltally.web import app
from calltally.web.openapi.operation import OPERATION_KEY, Operation, ResponseSpec
from calltally.web.request.access import CALLS_READ
from calltally.web.request.context import AnyRequest
from calltally.web.response.deprecation import Deprecation
from calltally.web.response.response import Response
from tests.conftest import Bench
from tests.integration.web.service import Service

OLD = "/api/v1/old-calls"
PARTLY_OLD = "/api/v1/partly-old-calls"
ENDS = Deprecation(since=date(2027, 1, 1), sunset=date(2028, 1, 1), instead="Use `GET /api/v1/call-logs`.")
LIMIT = tuple(each for each in PARAMETERS if each.name == "limit")


def operation(name: str, **options: Any) -> Operation:  # noqa: ANN401 (fields of all kinds)
    answers = {200: ResponseSpec(description="Done.")}
    return Operation(id=name, tag="Call logs", summary="Old.", responses=answers, scope=CALLS_READ, **options)


@get(OLD, operation=operation("old", deprecation=ENDS))
async def old(request: AnyRequest) -> Response:  # noqa: ARG001 (as admission calls it)
    return Response(b"")


@get(PARTLY_OLD, operation=operation("partlyOld", query=LIMIT, deprecated_parameters={"limit": ENDS}))
async def partly_old(request: AnyRequest) -> Response:  # noqa: ARG001 (the same)
    return Response(b"")


@pytest.fixture
def service(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setattr(app, "HANDLERS", (*app.HANDLERS, old, partly_old))
    app._router.cache_clear()
    yield Service(bench, public_url="https://calls.example.com/history")
    app._router.cache_clear()


@pytest.mark.parametrize("path", [OLD, f"{PARTLY_OLD}?limit=5"])
def test_responses_and_refusals_have_the_headers(service: Service, path: str) -> None:
    no_key: dict[str, str] = {}
    for headers, status in ((None, 200), (no_key, 401)):
        answer = service.get(path, headers)
        assert answer.status_code == status
        assert answer.headers["deprecation"] == f"@{datetime(2027, 1, 1, tzinfo=UTC).timestamp():.0f}"
        assert parsedate_to_datetime(answer.headers["sunset"]) == datetime(2028, 1, 1, tzinfo=UTC)
        assert answer.headers["link"].startswith(
            "</history/docs/guide/reference/compatibility.html#deprecation>"
        )


@pytest.mark.parametrize("path", [PARTLY_OLD, "/api/v1/call-logs?limit=5"])
def test_other_requests_have_none(service: Service, path: str) -> None:
    assert service.get(path).status_code == 200
    assert not {"deprecation", "sunset"} & set(service.get(path).headers)


def test_document_marks_them(service: Service) -> None:
    paths = service.get("/openapi.json").json()["paths"]
    whole, partly = paths[OLD]["get"], paths[PARTLY_OLD]["get"]
    assert whole["deprecated"] is True
    assert whole["description"].startswith(ENDS.description)
    assert "deprecated" not in partly
    [parameter] = partly["parameters"]
    assert parameter["deprecated"] is True
    assert parameter["description"].startswith(ENDS.description)
    for item in (whole, partly):
        assert {"Deprecation", "Sunset"} <= set(item["responses"]["200"]["headers"])


def test_notice_is_as_long_as_the_policy_promises() -> None:
    with pytest.raises(ValueError, match="less than 365 days after"):
        Deprecation(since=date(2027, 1, 1), sunset=date(2027, 12, 31), instead="Use the list.")


def test_declared_parameters_exist() -> None:
    for handler in app.HANDLERS:
        declared: Operation = handler.opt[OPERATION_KEY]
        assert set(declared.deprecated_parameters) <= {each.name for each in declared.query}
