"""Conversion of unsuccessful responses to errors, by the problem's slug, else by the status."""

from http import HTTPStatus
from typing import Final

import msgspec

from calltally.calls.errors import Fault
from calltally.client.errors import (
    BadRequestError,
    ClientError,
    ConflictError,
    ErasedError,
    ErrorResponse,
    ForbiddenError,
    GoneError,
    NotFoundError,
    Refusal,
    ServerFault,
    SnapshotGoneError,
    TooManyRequestsError,
    UnauthorizedError,
    UnavailableError,
    UnexpectedAnswer,
)
from calltally.client.wire import Answer, Request
from calltally.retry_policy import parse_retry_after_s

_ERROR_BY_STATUS: Final[dict[int, type[ClientError]]] = {
    400: BadRequestError,
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    410: GoneError,
    422: BadRequestError,
    429: TooManyRequestsError,
    502: UnavailableError,
    503: UnavailableError,
    504: UnavailableError,
}
_ERROR_BY_SLUG: Final[dict[str, type[ClientError]]] = {
    **{error.slug: error for error in _ERROR_BY_STATUS.values()},
    ErasedError.slug: ErasedError,
    SnapshotGoneError.slug: SnapshotGoneError,
}
_PHRASES: Final = {status.value: status.phrase for status in HTTPStatus}
_REDIRECTS: Final = range(300, 400)
_FIRST_SERVER_ERROR: Final = 500
_MAX_FAULTS: Final = 50
_MAX_TEXT_CHARS: Final = 500


class _ProblemPart(msgspec.Struct, frozen=True):
    parameter: str
    detail: str


class _ProblemDocument(msgspec.Struct, frozen=True):
    """Problem document (RFC 9457), of which every member is optional."""

    type: str = ""
    title: str = ""
    detail: str = ""
    request_id: str | None = None
    errors: tuple[_ProblemPart, ...] = ()


_EMPTY_PROBLEM: Final = _ProblemDocument()
_problem_decoder: Final = msgspec.json.Decoder(_ProblemDocument)


def error_from_answer(request: Request, answer: Answer, now_s: float) -> ClientError:
    """Return the error for an unsuccessful response. `now_s` is the wall clock in seconds since 1970.

    A body that is no problem document, such as a proxy's page, gives only its status and media type.
    """
    problem = _decode_problem(answer)
    slug = problem.type.rpartition("#")[2] if "#" in problem.type else ""
    request_id = answer.request_id or problem.request_id
    response = ErrorResponse(answer.status, slug, request_id, parse_retry_after_s(answer.headers, now_s))
    faults = tuple(Fault(part.parameter, part.detail) for part in problem.errors[:_MAX_FAULTS])
    other = ServerFault if answer.status >= _FIRST_SERVER_ERROR else Refusal
    of_status = UnexpectedAnswer if answer.status in _REDIRECTS else other
    kind = _ERROR_BY_SLUG.get(slug) or _ERROR_BY_STATUS.get(answer.status, of_status)
    return kind(f"{_message(request, answer, problem)} ({_reference(response)})", faults, response=response)


def _decode_problem(answer: Answer) -> _ProblemDocument:
    if not answer.media_type.endswith("json"):
        return _EMPTY_PROBLEM
    try:
        return _problem_decoder.decode(answer.body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _EMPTY_PROBLEM


def _message(request: Request, answer: Answer, problem: _ProblemDocument) -> str:
    if text := (problem.detail or problem.title)[:_MAX_TEXT_CHARS]:
        return text
    target = f"{request.method} {request.path}"
    if answer.status in _REDIRECTS:
        location = answer.headers.get("location", "nowhere")[:_MAX_TEXT_CHARS]
        return (
            f"{target} redirects to {location}, and redirects are not followed: use that address as base URL"
        )
    return (
        f"the response to {target} has no problem document; its media type is {answer.media_type or 'none'}"
    )


def _reference(response: ErrorResponse) -> str:
    name = response.slug or _PHRASES.get(response.status, "")
    request = f", request {response.request_id[:_MAX_TEXT_CHARS]}" if response.request_id else ""
    return f"{response.status} {name}{request}".strip()
