"""The answer to bytes that are no HTTP: there is no request yet that a handler could be asked for."""

import secrets
from http import HTTPStatus
from typing import Final

import msgspec

from calltally.web.middleware import STANDING_HEADERS
from calltally.web.response.problem_kinds import KINDS, BadRequest
from calltally.web.response.problems import PROBLEM_JSON, TYPE_PREFIX, Problem

_DETAIL: Final = (
    "The head of the request breaks the rules of HTTP/1.1 (RFC 9112), or has no end: percent-encode in the"
    " URL what is no printable ASCII, and check what is said of the body's length."
)


def malformed_answer() -> bytes:
    """A whole HTTP/1.1 response with the problem, after which the connection ends."""
    kind, request_id = KINDS[BadRequest.slug], secrets.token_hex(16)
    body = msgspec.json.encode(
        Problem(
            type=TYPE_PREFIX + kind.slug,
            title=kind.title,
            status=kind.status,
            detail=_DETAIL,
            # A reference to what was asked for, of which nothing is known.
            instance="",
            request_id=request_id,
            errors=[],
        )
    )
    headers = (
        (b"content-type", PROBLEM_JSON),
        (b"content-length", b"%d" % len(body)),
        (b"x-request-id", request_id.encode()),
        (b"connection", b"close"),
        *STANDING_HEADERS,
    )
    lines = b"".join(b"%b: %b\r\n" % header for header in headers)
    status = HTTPStatus(kind.status)
    return b"HTTP/1.1 %d %b\r\n%b\r\n%b" % (status, status.phrase.encode(), lines, body)
