"""Handlers of all pages and assets."""

from typing import Final

from litestar import get
from litestar.handlers import HTTPRouteHandler

from calltally.calls.errors import NotFound
from calltally.web.dashboard.alerts import page as alerts_page
from calltally.web.dashboard.call import page as call_page
from calltally.web.dashboard.calls import page as calls_page
from calltally.web.dashboard.calls import preferences, total
from calltally.web.dashboard.dead_letters import page as dead_letters_page
from calltally.web.dashboard.doctor import page as doctor_page
from calltally.web.dashboard.jobs import exports_page, reconciliations_page
from calltally.web.dashboard.overview import page as overview_page
from calltally.web.dashboard.pages import page_handlers, page_operation
from calltally.web.dashboard.quality import launch_page
from calltally.web.dashboard.quality import page as quality_page
from calltally.web.dashboard.rendering import (
    CHARTS,
    REFERENCE_SCRIPT,
    REFERENCE_STYLE,
    asset,
    built_file,
    version,
)
from calltally.web.dashboard.settings import endpoint_forms, rules_forms, sink_forms
from calltally.web.dashboard.settings import forms as settings_forms
from calltally.web.dashboard.settings import page as settings_page
from calltally.web.dashboard.sign_in import page as sign_in_page
from calltally.web.request.context import AnyRequest, context_of
from calltally.web.response.response import Response

_STYLE: Final = b"text/css; charset=utf-8"
_SCRIPT: Final = b"text/javascript; charset=utf-8"
_STYLES: Final = ("call", "calls", "dashboard", "figures", "overview", "reference", "scriptless")
_SCRIPTS: Final = ("call", "calls", "dashboard", "jobs", "quality", "reference", "settings")
_TYPES: Final = {
    **{f"{name}.css": _STYLE for name in _STYLES},
    **{f"{name}.js": _SCRIPT for name in _SCRIPTS},
    "mark.svg": b"image/svg+xml",
}


def _asset(name: str, media_type: bytes, *, is_library: bool = False) -> HTTPRouteHandler:
    """Return the handler of an asset, or of a library, which may be missing."""

    @get(f"/assets/{name}", operation=page_operation(f"/assets/{name}"))
    async def answer(request: AnyRequest) -> Response:
        content = built_file(name) if is_library else asset(name)
        if content is None:
            raise NotFound(f"{name} is not in this installation; run make setup")
        current = version(content).encode()
        context_of(request.scope).is_immutable = request.scope["query_string"] == current
        return Response(content, media_type=media_type)

    return answer


PAGE_HANDLERS: Final = (
    *page_handlers(calls_page, total, preferences, call_page, quality_page, launch_page, alerts_page),
    *page_handlers(overview_page, exports_page, reconciliations_page, dead_letters_page, doctor_page),
    *page_handlers(settings_page, settings_forms, rules_forms, sink_forms, endpoint_forms, sign_in_page),
    *(_asset(name, _SCRIPT, is_library=True) for name in (CHARTS, REFERENCE_SCRIPT)),
    _asset(REFERENCE_STYLE, _STYLE, is_library=True),
    *(_asset(name, media_type) for name, media_type in _TYPES.items()),
)
