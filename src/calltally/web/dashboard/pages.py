"""The handlers of all pages, and of the files that they refer to."""

from collections.abc import Sequence
from typing import Any, Final

from litestar import get

from calltally.web.dashboard import call_page, calls_page, signing_in
from calltally.web.dashboard.operations import of_page
from calltally.web.dashboard.rendering import asset
from calltally.web.exchange import AnyRequest
from calltally.web.reply import Reply

_TYPES: Final = {
    "dashboard.css": b"text/css; charset=utf-8",
    "dashboard.js": b"text/javascript; charset=utf-8",
    "mark.svg": b"image/svg+xml",
}


def _asset(name: str, media_type: bytes) -> Any:  # noqa: ANN401 (one of the framework's kinds of handler)
    reply = Reply(asset(name), media_type=media_type)

    @get(f"/assets/{name}", operation=of_page(f"/assets/{name}"))
    async def answer(request: AnyRequest) -> Reply:  # noqa: ARG001 (the framework passes it by name)
        return reply

    return answer


PAGE_HANDLERS: Final[Sequence[Any]] = (
    calls_page.show_calls,
    calls_page.export_calls,
    call_page.show_call,
    signing_in.ask_to_sign_in,
    signing_in.sign_in,
    signing_in.sign_out,
    signing_in.choose,
    *(_asset(name, media_type) for name, media_type in _TYPES.items()),
)
