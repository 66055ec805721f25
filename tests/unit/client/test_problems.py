"""Conversion of unsuccessful responses to errors."""

import pytest

from calltally.calls import errors as tree
from calltally.client import errors
from calltally.client.errors import ClientError
from calltally.client.problems import error_from_answer
from calltally.client.wire import Answer, Request
from tests.unit.client.canned import problem

REQUEST = Request("GET", "/api/v1/call-logs")


def error_for(answer: Answer) -> ClientError:
    return error_from_answer(REQUEST, answer, 0.0)


@pytest.mark.parametrize(
    ("status", "slug", "kind", "also"),
    [
        (400, "invalid-parameter", errors.BadRequestError, tree.InvalidInput),
        (400, "bad-request", errors.BadRequestError, tree.InvalidInput),
        (422, "events-refused", errors.BadRequestError, tree.InvalidInput),
        (401, "unauthorized", errors.UnauthorizedError, tree.Unauthorized),
        (403, "forbidden", errors.ForbiddenError, tree.Forbidden),
        (404, "not-found", errors.NotFoundError, tree.NotFound),
        (409, "conflict", errors.ConflictError, tree.Conflict),
        (410, "erased", errors.ErasedError, tree.Erased),
        (410, "snapshot-gone", errors.SnapshotGoneError, tree.SnapshotGone),
        (410, "", errors.GoneError, errors.Refusal),
        (418, "", errors.Refusal, ClientError),
        (429, "rate-limited", errors.TooManyRequestsError, errors.Refusal),
        (500, "internal", errors.ServerFault, errors.Refusal),
        (503, "unavailable", errors.UnavailableError, errors.Refusal),
        (599, "", errors.ServerFault, errors.Refusal),
    ],
)
def test_each_problem_has_its_error_class(
    status: int, slug: str, kind: type[ClientError], also: type[tree.CalltallyError]
) -> None:
    error = error_for(problem(status, slug, "what is wrong"))
    assert type(error) is kind
    assert isinstance(error, also)
    assert error.response == errors.ErrorResponse(status, slug, "req-1")
    assert (error.status, error.request_id, error.retry_after_s) == (status, "req-1", None)
    assert error.detail.startswith(f"what is wrong ({status} ")
    assert error.detail.endswith(", request req-1)")


def test_faults_are_decoded() -> None:
    error = error_for(
        problem(400, "invalid-parameter", "both", errors=[{"parameter": "limit", "detail": "too many"}])
    )
    assert error.faults == (tree.Fault("limit", "too many"),)


def test_response_without_a_problem_document_is_described_by_its_status() -> None:
    page = Answer(502, {"content-type": "text/html; charset=utf-8"}, b"<html><h1>Bad Gateway</h1></html>")
    assert error_for(page).detail == (
        "the response to GET /api/v1/call-logs has no problem document; its media type is text/html "
        "(502 Bad Gateway)"
    )
    assert error_for(Answer(599, {})).detail.endswith("its media type is none (599)")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"errors": 3}', b'{"title": "\xff"}', b'{"type": "about:blank"}']
)
def test_invalid_problem_document_is_ignored(body: bytes) -> None:
    error = error_for(Answer(404, {"content-type": "application/problem+json"}, body))
    assert isinstance(error, errors.NotFoundError)
    assert error.response == errors.ErrorResponse(404, "")


def test_request_id_of_the_body_is_used_without_the_header() -> None:
    answer = problem(404, "not-found", "x", request_id="in-the-body")
    assert (
        error_for(answer._replace(headers={"content-type": "application/json"})).request_id == "in-the-body"
    )


def test_title_is_used_without_a_detail() -> None:
    assert error_for(problem(404, "not-found")).detail.startswith("A title (404 not-found")


def test_error_without_a_response_has_no_status() -> None:
    error = errors.Unreachable("gone")
    assert (error.status, error.request_id, error.retry_after_s) == (None, None, None)
