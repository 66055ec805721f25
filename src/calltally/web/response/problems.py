"""Mapping of errors to problem documents (RFC 9457) with status codes and headers."""

import re
from collections.abc import Iterable
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
from calltally.calls.suggestions import suggest
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
# A stable URI reference: the docs page has an anchor for each slug.
TYPE_PREFIX: Final = "/docs/problems#"
_API: Final = "/api/v1/"
_ANY_API: Final = re.compile(r"^/api/v[0-9]+/")
_DISCONNECTED: Final = "client disconnected prematurely"

log: Final = get_logger(__name__)


class ProblemFault(msgspec.Struct, frozen=True):
    """An invalid parameter or field of a request."""

    parameter: str
    detail: str


class Problem(msgspec.Struct, frozen=True):
    """Body of every error response."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: list[ProblemFault]


_INTERNAL: Final = "Internal error. The server's log has the details under this request_id."
_UNAVAILABLE: Final = "The service is temporarily unavailable. Nothing was done; try again."


def handle_exception(request: AnyRequest, error: Exception) -> FrameworkResponse[bytes]:
    """Convert an exception of a handler or the router into a response; the framework's hook."""
    return framework_response(problem_response(request.scope, error))


def framework_response(response: Response) -> FrameworkResponse[bytes]:
    headers = {name.decode(): value.decode() for name, value in response.headers}
    return FrameworkResponse(
        response.body, status_code=response.status, media_type=response.media_type.decode(), headers=headers
    )


def problem_response(scope: Scope, error: Exception) -> Response:
    """Return the problem for `error`. Unexpected errors are logged, and their text is not exposed."""
    problem_error = error if isinstance(error, CalltallyError) else _translated(scope, error)
    kind = KINDS[problem_error.slug]
    context = context_of(scope)
    request_id = context.request_id.decode()
    # A refused callback has a more exact reason.
    context.reason = context.reason or kind.slug
    if kind.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        route = scope.get("path_template")
        log.error("request failed", request_id=request_id, slug=kind.slug, route=route, exc_info=error)
    problem = Problem(
        type=context.deps.public_path + TYPE_PREFIX + kind.slug,
        title=kind.title,
        status=kind.status,
        detail=_detail(kind, problem_error),
        instance=context.deps.public_path + problem_instance(scope),
        request_id=request_id,
        errors=[
            ProblemFault(escape_surrogates(fault.parameter), escape_surrogates(fault.detail))
            for fault in problem_error.faults
        ],
    )
    body = msgspec.json.encode(problem)
    return Response(body, status=kind.status, media_type=PROBLEM_JSON, headers=tuple(_headers(problem_error)))


def _detail(kind: ProblemKind, error: CalltallyError) -> str:
    if isinstance(error, errors.NoFilesFolder | errors.FormatUnavailable | errors.NothingCommitted):
        return error.detail
    if kind.status == HTTPStatus.SERVICE_UNAVAILABLE:
        return _UNAVAILABLE
    return _INTERNAL if kind.status >= HTTPStatus.INTERNAL_SERVER_ERROR else escape_surrogates(error.detail)


def escape_surrogates(text: str) -> str:
    """Escape lone surrogates in `text`: client input may not be encodable."""
    return text.encode("utf-8", "backslashreplace").decode()


def problem_instance(scope: Scope) -> str:
    """Return the requested path, still encoded. The query is left out: it may contain phone numbers."""
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
            # The client must stop sending: the server does not read the rest.
            yield b"connection", b"close"


def _translated(scope: Scope, error: Exception) -> CalltallyError:
    """Convert framework errors and unexpected exceptions into a CalltallyError."""
    if not isinstance(error, HTTPException):
        return CalltallyError(_INTERNAL)
    if error.detail == _DISCONNECTED:
        return BadRequest("The body ended before it was complete.")
    if error.status_code == HTTPStatus.NOT_FOUND:
        return errors.NotFound(f"This path does not exist{_path_hint(scope)}; see /docs for all paths.")
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        methods = (error.headers or {}).get("allow", "").split(",")
        allowed = allow_header(method.strip() for method in methods)
        return MethodNotAllowed(f"This path has the methods {allowed}.", allowed)
    if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return errors.TooLarge("The body exceeds the limit of this path.")
    is_internal = error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
    return CalltallyError(_INTERNAL) if is_internal else BadRequest(error.detail)


def _path_hint(scope: Scope) -> str:
    """Return the path of the API that was probably meant, in parentheses."""
    resources = [
        route.path.removeprefix(_API)
        for route in scope["litestar_app"].routes
        if route.path.startswith(_API) and "{" not in route.path
    ]
    found = suggest(_ANY_API.sub("", scope["path"]).strip("/"), resources)
    return f" (did you mean {_API}{found}?)" if found else ""


def allow_header(methods: Iterable[str]) -> str:
    """Return the value of Allow (RFC 9110, section 10.2.1): the routed methods, and HEAD with GET."""
    named = {str(method) for method in methods}
    return ", ".join(sorted(named | {"HEAD"} if "GET" in named else named))
