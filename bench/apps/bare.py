"""The framework's smallest application: what starting and idling costs anybody."""

from litestar import Litestar, get


@get("/")
async def hello() -> str:
    """Say something."""
    return "hello"


app = Litestar([hello], openapi_config=None, logging_config=None)
