"""The floor: the framework alone, which checks the key, sets the headers and returns constant bytes."""

from hashlib import sha256
from typing import Any

from litestar import Litestar, Request, Response, get

from bench.apps.answers import read_answer

_answer = read_answer()


@get("/api/v1/call-logs")
async def list_call_logs(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The least that any handler for a key has to do."""
    key = request.headers.get("authorization", "").removeprefix("Bearer ")
    if sha256(key.encode()).digest() != _answer.key_digest:
        return Response(b"", status_code=401)
    return Response(_answer.body, headers=_answer.headers, media_type="application/json")


app = Litestar([list_call_logs], openapi_config=None, logging_config=None)
