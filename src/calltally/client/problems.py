"""From an answer that is no success to the error to raise: by the problem's slug, else by the status."""

import re
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

import msgspec

from calltally.calls.errors import Fault
from calltally.client.errors import (
    BadRequest,
    ClientError,
    Conflict,
    Erased,
    Forbidden,
    Gone,
    NotFound,
    Refusal,
    ServerFault,
    SnapshotGone,
    Told,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    UnexpectedAnswer,
)
from calltally.client.wire import Answer, Request

_BY_SLUG: Final[dict[str, type[ClientError]]] = {
    error.slug: error
    for error in (
        BadRequest,
        Unauthorized,
        Forbidden,
        NotFound,
        Conflict,
        Erased,
        SnapshotGone,
        TooManyRequests,
        Unavailable,
    )
}
_BY_STATUS: Final[dict[int, type[ClientError]]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    422: BadRequest,
    429: TooManyRequests,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}
_REDIRECTS: Final = range(300, 400)
_FIRST_SERVER_FAULT: Final = 500
_SECONDS: Final = re.compile(r"[0-9]{1,9}")
_MAX_FAULTS: Final = 50
_SHOWN_CHARS: Final = 500


class _Part(msgspec.Struct, frozen=True):
    parameter: str
    detail: str


class _Problem(msgspec.Struct, frozen=True):
    """What is read of a problem document (RFC 9457), of which every member may be missing."""

    type: str = ""
    title: str = ""
    detail: str = ""
    request_id: str | None = None
    errors: tuple[_Part, ...] = ()


_NO_PROBLEM: Final = _Problem()
_decoder: Final = msgspec.json.Decoder(_Problem)


def error_of(request: Request, answer: Answer, now_s: float) -> ClientError:
    """The error that an answer without success stands for. `now_s` is the wall clock's, since 1970.

    A body that is no problem document, such as a proxy's page, is told by its status and media type alone.
    """
    problem = _problem_of(answer)
    slug = problem.type.rpartition("#")[2] if "#" in problem.type else ""
    request_id = answer.request_id or problem.request_id
    told = Told(answer.status, slug, request_id, retry_after_s(answer, now_s))
    faults = tuple(Fault(part.parameter, part.detail) for part in problem.errors[:_MAX_FAULTS])
    kind = _BY_SLUG.get(slug) or _kind_of_status(answer.status)
    return kind(f"{_what(request, answer, problem)} ({_which(told)})", faults, told=told)


def _problem_of(answer: Answer) -> _Problem:
    if not answer.media_type.endswith("json"):
        return _NO_PROBLEM
    try:
        return _decoder.decode(answer.body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _NO_PROBLEM


def _kind_of_status(status: int) -> type[ClientError]:
    if status in _REDIRECTS:
        return UnexpectedAnswer
    return _BY_STATUS.get(status, ServerFault if status >= _FIRST_SERVER_FAULT else Refusal)


def _what(request: Request, answer: Answer, problem: _Problem) -> str:
    if said := (problem.detail or problem.title)[:_SHOWN_CHARS]:
        return said
    asked = f"{request.method} {request.path}"
    if answer.status in _REDIRECTS:
        place = answer.headers.get("location", "nowhere")[:_SHOWN_CHARS]
        return f"{asked} is redirected to {place}, which is not followed: name that address as base URL"
    return f"{asked} was answered without a problem document, as {answer.media_type or 'nothing'}"


def _which(told: Told) -> str:
    name = told.slug or _phrase(told.status)
    request = f", request {told.request_id[:_SHOWN_CHARS]}" if told.request_id else ""
    return f"{told.status} {name}{request}".strip()


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def retry_after_s(answer: Answer, now_s: float) -> float | None:
    """The seconds of Retry-After (RFC 9110, section 10.2.3), never less than 0; None where it cannot be read.

    A date is compared with the answer's own Date, where it has one: the two clocks may differ.
    """
    text = answer.headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    until_s = _date_s(text)
    if until_s is None:
        return None
    at_s = _date_s(answer.headers.get("date", ""))
    return max(until_s - (now_s if at_s is None else at_s), 0.0)


def _date_s(text: str) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
