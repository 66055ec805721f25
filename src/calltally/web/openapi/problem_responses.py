"""Error responses of the document: one shared response for each status code."""

from collections.abc import Iterable, Mapping
from typing import Final

from calltally.web.openapi.operation import Operation
from calltally.web.openapi.schema_walk import Json
from calltally.web.response.problem_kinds import KINDS, ProblemKind
from calltally.web.response.problems import PROBLEM_JSON, TYPE_PREFIX

_COMMON_PROBLEMS: Final = (
    "bad-request",
    "request-timeout",
    "too-large",
    "head-too-large",
    "internal",
    "unavailable",
)
COMMON_HEADERS: Final = {
    name: {"$ref": f"#/components/headers/{name}"}
    for name in ("x-request-id", "X-RateLimit-Limit", "X-RateLimit-Remaining")
}


def _header(description: str, kind: str) -> Json:
    return {"description": description, "schema": {"type": kind}}


_RETRY_AFTER: Final = {"Retry-After": _header("The seconds to wait before another attempt.", "integer")}
_PROBLEM_HEADERS: Final[Mapping[str, Json]] = {
    "unauthorized": {"WWW-Authenticate": _header("The scheme of the key: `Bearer`.", "string")},
    "rate-limited": _RETRY_AFTER,
    "unavailable": _RETRY_AFTER,
}


def problem_kinds(operation: Operation) -> list[ProblemKind]:
    """Return every problem that the operation may return, by status."""
    slugs = {*_COMMON_PROBLEMS, *operation.problems, "invalid-parameter"}
    if operation.scope is not None:
        slugs |= {"unauthorized", "forbidden"} | ({"rate-limited"} if operation.is_rate_limited else set())
    if operation.is_tenant_scoped:
        slugs.add("not-found")
    if operation.body is not None:
        slugs.update(operation.body.problems)
    if operation.is_negotiated:
        slugs.add("not-acceptable")
    return sorted((KINDS[slug] for slug in slugs), key=lambda kind: (kind.status, kind.slug))


def problem_statuses(operation: Operation) -> list[int]:
    """Return the distinct status codes of `problem_kinds`."""
    return sorted({kind.status for kind in problem_kinds(operation)})


def problem_references(operation: Operation) -> Json:
    """Return the error responses of an operation, each a reference to the shared one of its status."""
    return {
        str(status): {"$ref": f"#/components/responses/Problem{status}"}
        for status in problem_statuses(operation)
        if status not in operation.responses
    }


def problem_components(operations: Iterable[Operation]) -> Json:
    """Return the shared error responses that the operations refer to."""
    statuses = sorted({status for each in operations for status in problem_statuses(each)})
    return {f"Problem{status}": _problem_response(status) for status in statuses}


def _problem_response(status: int) -> Json:
    kinds = [kind for kind in KINDS.values() if kind.status == status]
    headers = {name: header for kind in kinds for name, header in _PROBLEM_HEADERS.get(kind.slug, {}).items()}
    problem = {"$ref": "#/components/schemas/Problem"}
    examples = {kind.slug: {"summary": kind.title, "value": problem_example(kind)} for kind in kinds}
    return {
        "description": " ".join(kind.description for kind in kinds),
        "headers": {**COMMON_HEADERS, **headers},
        "content": {PROBLEM_JSON.decode(): {"schema": problem, "examples": examples}},
    }


def problem_example(kind: ProblemKind) -> Json:
    return {
        "type": TYPE_PREFIX + kind.slug,
        "title": kind.title,
        "status": kind.status,
        "detail": kind.description,
        "instance": "/api/v1/call-logs",
        "request_id": "0f8fad5bd9cb469fa16570867728950e",
        "errors": [],
    }
