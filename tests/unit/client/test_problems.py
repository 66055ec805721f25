"""From an answer that is no success to the error that is raised."""

import pytest

from calltally.calls import errors as tree
from calltally.client import errors
from calltally.client.errors import ClientError
from calltally.client.problems import error_of
from calltally.client.wire import Answer, Request
from tests.unit.client.canned import problem

ASKED = Request("GET", "/api/v1/call-logs")


def told(answer: Answer) -> ClientError:
    return error_of(ASKED, answer, 0.0)


@pytest.mark.parametrize(
    ("status", "slug", "kind", "also"),
    [
        (400, "invalid-parameter", errors.BadRequest, tree.InvalidInput),
        (400, "bad-request", errors.BadRequest, tree.InvalidInput),
        (422, "events-refused", errors.BadRequest, tree.InvalidInput),
        (401, "unauthorized", errors.Unauthorized, tree.Unauthorized),
        (403, "forbidden", errors.Forbidden, tree.Forbidden),
        (404, "not-found", errors.NotFound, tree.NotFound),
        (409, "conflict", errors.Conflict, tree.Conflict),
        (410, "erased", errors.Erased, tree.Erased),
        (410, "snapshot-gone", errors.SnapshotGone, tree.SnapshotGone),
        (410, "", errors.Gone, errors.Refusal),
        (418, "", errors.Refusal, ClientError),
        (429, "rate-limited", errors.TooManyRequests, errors.Refusal),
        (500, "internal", errors.ServerFault, errors.Refusal),
        (503, "unavailable", errors.Unavailable, errors.Refusal),
        (599, "", errors.ServerFault, errors.Refusal),
    ],
)
def test_each_problem_is_an_error_of_its_own(
    status: int, slug: str, kind: type[ClientError], also: type[tree.CalltallyError]
) -> None:
    error = told(problem(status, slug, "what is wrong"))
    assert type(error) is kind
    assert isinstance(error, also)
    assert error.told == errors.Told(status, slug, "req-1")
    assert (error.status, error.request_id, error.retry_after_s) == (status, "req-1", None)
    assert error.detail.startswith(f"what is wrong ({status} ")
    assert error.detail.endswith(", request req-1)")


def test_faults_are_told() -> None:
    found = told(
        problem(400, "invalid-parameter", "both", errors=[{"parameter": "limit", "detail": "too many"}])
    )
    assert found.faults == (tree.Fault("limit", "too many"),)


def test_what_is_no_problem_document_is_told_by_its_status() -> None:
    page = Answer(502, {"content-type": "text/html; charset=utf-8"}, b"<html><h1>Bad Gateway</h1></html>")
    assert told(page).detail == (
        "GET /api/v1/call-logs was answered without a problem document, as text/html (502 Bad Gateway)"
    )
    assert told(Answer(599, {})).detail.endswith("as nothing (599)")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"errors": 3}', b'{"title": "\xff"}', b'{"type": "about:blank"}']
)
def test_a_body_that_only_claims_to_be_one_is_none(body: bytes) -> None:
    error = told(Answer(404, {"content-type": "application/problem+json"}, body))
    assert isinstance(error, errors.NotFound)
    assert error.told == errors.Told(404, "")


def test_the_request_id_is_read_from_the_body_where_a_proxy_took_the_header() -> None:
    answer = problem(404, "not-found", "x", request_id="in-the-body")
    assert told(answer._replace(headers={"content-type": "application/json"})).request_id == "in-the-body"


def test_a_title_says_more_than_nothing() -> None:
    assert told(problem(404, "not-found")).detail.startswith("A title (404 not-found")


def test_where_no_answer_came_there_is_nothing_to_tell() -> None:
    error = errors.Unreachable("gone")
    assert (error.status, error.request_id, error.retry_after_s) == (None, None, None)
