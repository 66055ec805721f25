"""Responses of the server itself to requests that never reach a handler."""

import secrets
from http import HTTPStatus
from typing import Final

import msgspec

from calltally.calls.errors import CalltallyError, Unavailable
from calltally.logs import RequestLine, log_request
from calltally.web.middleware import COMMON_HEADERS
from calltally.web.response.problem_kinds import KINDS, BadRequest, HeadTooLarge, RequestTimeout
from calltally.web.response.problems import PROBLEM_JSON, TYPE_PREFIX, Problem

# Limit of a request head. Proxies and browsers send 8 to 32 KiB at most.
MAX_HEAD_BYTES: Final = 64 * 1024

# Method and route of a request that was not parsed.
_UNKNOWN: Final = "(none)"
_MALFORMED: Final = (
    "The head of the request violates HTTP/1.1 (RFC 9112). In the URL, percent-encode all characters except"
    " printable ASCII. Check Content-Length and Transfer-Encoding."
)
_TOO_LARGE: Final = (
    f"The URL and the headers of a request may have at most {MAX_HEAD_BYTES} bytes. Send fewer or shorter"
    " parameters, headers and cookies."
)
_TIMED_OUT: Final = "The rest of the request did not arrive in time. Send it again on a new connection."
_BUSY: Final = "All connections of the service are in use. Nothing was done. Try again in a second."


def malformed_response() -> bytes:
    return _response(BadRequest, _MALFORMED)


def head_too_large_response() -> bytes:
    return _response(HeadTooLarge, _TOO_LARGE)


def timeout_response() -> bytes:
    return _response(RequestTimeout, _TIMED_OUT)


def busy_response() -> bytes:
    return _response(Unavailable, _BUSY, (b"retry-after", b"1"))


def _response(error: type[CalltallyError], detail: str, *more: tuple[bytes, bytes]) -> bytes:
    """Return a whole HTTP/1.1 response with the problem, after which the connection ends, and log it."""
    kind, request_id = KINDS[error.slug], secrets.token_hex(16)
    body = msgspec.json.encode(
        Problem(
            type=TYPE_PREFIX + kind.slug,
            title=kind.title,
            status=kind.status,
            detail=detail,
            # Unknown: the request was not parsed.
            instance="",
            request_id=request_id,
            errors=[],
        )
    )
    line = RequestLine(_UNKNOWN, _UNKNOWN, kind.status, 0.0, len(body), request_id, reason=kind.slug)
    log_request(line)
    headers = (
        (b"content-type", PROBLEM_JSON),
        (b"content-length", b"%d" % len(body)),
        (b"x-request-id", request_id.encode()),
        (b"connection", b"close"),
        *more,
        *COMMON_HEADERS,
    )
    lines = b"".join(b"%b: %b\r\n" % header for header in headers)
    status = HTTPStatus(kind.status)
    return b"HTTP/1.1 %d %b\r\n%b\r\n%b" % (status, status.phrase.encode(), lines, body)
