"""Callbacks that are verified and then forgotten: the least that any receiver of them has to do."""

from typing import Any, Final

from litestar import Litestar, Request, Response, get, post

from bench.live import TOKEN
from calltally.providers.callback import Callback
from calltally.providers.twilio.signature import verify

_SECRETS: Final = {"auth_token": TOKEN}


@post("/api/v1/ingest/twilio/{tenant:str}")
async def receive_callback(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Verify, and say so."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.scope["headers"]}
    url = f"http://{headers['host']}{request.scope['path']}"
    callback = Callback("POST", url, headers, await request.body(), 0)
    status = 200 if verify(callback, _SECRETS) else 403
    return Response(b'{"outcomes":[]}', status_code=status, media_type="application/json")


@get("/")
async def hello() -> str:
    """Say that it is there."""
    return "hello"


app = Litestar([receive_callback, hello], openapi_config=None, logging_config=None)
