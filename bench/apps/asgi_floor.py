"""The floor without any framework: what the HTTP server itself takes."""

from hashlib import sha256
from typing import Any

from bench.apps.answers import read_answer

_answer = read_answer()
_HEADERS = [
    *((name.encode(), value.encode()) for name, value in _answer.headers.items()),
    (b"content-type", b"application/json"),
    (b"content-length", b"%d" % len(_answer.body)),
]


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:  # noqa: ANN401 - as ASGI has it
    """Check the key, answer with constant bytes."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    key = dict(scope["headers"]).get(b"authorization", b"").removeprefix(b"Bearer ")
    status = 200 if sha256(key).digest() == _answer.key_digest else 401
    await send({"type": "http.response.start", "status": status, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": _answer.body})
