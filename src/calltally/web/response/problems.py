"""The one mapping from errors to HTTP: problem documents of RFC 9457, their status codes and headers."""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

import msgspec
from litestar import Response as FrameworkResponse
from litestar.exceptions import HTTPException
from litestar.types import Scope

from calltally.calls import errors
from calltally.calls.errors import CalltallyError
from calltally.logs import get_logger
from calltally.web.request.context import AnyRequest, context_of
from calltally.web.response.problem_kinds import (
    KINDS,
    BadRequest,
    MethodNotAllowed,
    ProblemKind,
    RangeNotSatisfiable,
)
from calltally.web.response.response import Response

PROBLEM_JSON: Final = b"application/problem+json"
# A URI reference that stays: the docs page has an anchor for each slug.
TYPE_PREFIX: Final = "/docs/problems#"
_DISCONNECTED: Final = "client disconnected prematurely"

log: Final = get_logger(__name__)


class Problem(msgspec.Struct, frozen=True):
    """The body of every answer that is no success."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: list[dict[str, str]]


_INTERNAL: Final = "The server failed. It is logged under this request_id; nothing more is told here."
_UNAVAILABLE: Final = "The service cannot answer now. Nothing was lost and nothing was done; try again."


def handle_exception(request: AnyRequest, error: Exception) -> FrameworkResponse[bytes]:
    """The framework's hook for every exception that a handler or the router lets out."""
    response = problem_response(request.scope, error)
    headers = {name.decode(): value.decode() for name, value in response.headers}
    return FrameworkResponse(
        response.body, status_code=response.status, media_type=response.media_type.decode(), headers=headers
    )


def problem_response(scope: Scope, error: Exception) -> Response:
    """The problem that `error` becomes. What is no error of ours says nothing of itself, but to the log."""
    known = error if isinstance(error, CalltallyError) else _translated(error)
    kind = KINDS[known.slug]
    context = context_of(scope)
    request_id = context.request_id.decode()
    if kind.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        route = scope.get("path_template")
        log.error("request failed", request_id=request_id, slug=kind.slug, route=route, exc_info=error)
    problem = Problem(
        type=TYPE_PREFIX + kind.slug,
        title=kind.title,
        status=kind.status,
        detail=_detail(kind, known),
        instance=problem_instance(scope),
        request_id=request_id,
        errors=[
            {"parameter": escape_surrogates(fault.parameter), "detail": escape_surrogates(fault.detail)}
            for fault in known.faults
        ],
    )
    body = msgspec.json.encode(problem)
    return Response(body, status=kind.status, media_type=PROBLEM_JSON, headers=tuple(_headers(known)))


def _detail(kind: ProblemKind, error: CalltallyError) -> str:
    if isinstance(error, errors.NoFilesFolder | errors.NothingCommitted):
        return error.detail
    if kind.status == HTTPStatus.SERVICE_UNAVAILABLE:
        return _UNAVAILABLE
    return _INTERNAL if kind.status >= HTTPStatus.INTERNAL_SERVER_ERROR else escape_surrogates(error.detail)


def escape_surrogates(text: str) -> str:
    """`text` with lone surrogates written as escapes: what a client sent may not be encodable."""
    return text.encode("utf-8", "backslashreplace").decode()


def problem_instance(scope: Scope) -> str:
    """The path as it was asked for, still encoded. Not the query, which may hold phone numbers."""
    return _quoted(scope.get("raw_path") or scope["path"].encode())


@lru_cache(maxsize=256)
def _quoted(path: bytes) -> str:
    return quote(path.partition(b"?")[0], safe="/%:@!$&'()*+,;=~")


def _headers(error: CalltallyError) -> Iterable[tuple[bytes, bytes]]:
    match error:
        case errors.Unauthorized():
            yield b"www-authenticate", b'Bearer realm="calltally"'
        case errors.TooManyRequests() | errors.Unavailable():
            yield b"retry-after", b"%d" % error.retry_after_s
        case MethodNotAllowed():
            yield b"allow", error.allowed.encode()
        case RangeNotSatisfiable():
            yield b"content-range", b"bytes */%d" % error.size
        case errors.TooLarge():
            # Whoever is still sending must stop: the rest will not be read.
            yield b"connection", b"close"


def _translated(error: Exception) -> CalltallyError:
    """The framework's own errors, and whatever nobody foresaw, in our words."""
    if not isinstance(error, HTTPException):
        return CalltallyError(_INTERNAL)
    if error.detail == _DISCONNECTED:
        return BadRequest("The body ended before it was complete.")
    translate = _BY_STATUS.get(error.status_code, _unforeseen)
    return translate(error)


def _unforeseen(error: HTTPException) -> CalltallyError:
    is_ours = error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
    return CalltallyError(_INTERNAL) if is_ours else BadRequest(error.detail)


def _not_allowed(error: HTTPException) -> CalltallyError:
    methods = (error.headers or {}).get("allow", "").split(",")
    allowed = allow_header(method.strip() for method in methods)
    return MethodNotAllowed(f"This path has the methods {allowed}.", allowed)


def allow_header(methods: Iterable[str]) -> str:
    """The value of Allow (RFC 9110, section 10.2.1): what the framework routes, and HEAD wherever GET is."""
    named = {str(method) for method in methods}
    return ", ".join(sorted(named | {"HEAD"} if "GET" in named else named))


def _no_path(_error: HTTPException) -> CalltallyError:
    return errors.NotFound("There is nothing at this path; /docs lists what there is.")


def _too_large(_error: HTTPException) -> CalltallyError:
    return errors.TooLarge("The body is over the limit of this path.")


_BY_STATUS: Final[Mapping[int, Callable[[HTTPException], CalltallyError]]] = {
    404: _no_path,
    405: _not_allowed,
    413: _too_large,
}
