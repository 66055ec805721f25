"""Handlers of all pages and assets."""

from collections.abc import Sequence
from typing import Any, Final

from litestar import get

from calltally.calls.errors import NotFound
from calltally.web.dashboard.alerts import actions as alert_actions
from calltally.web.dashboard.alerts import page as alerts_page
from calltally.web.dashboard.built_files import CHARTS, REFERENCE_SCRIPT, REFERENCE_STYLE, built_file
from calltally.web.dashboard.call import page as call_page
from calltally.web.dashboard.call import reveal
from calltally.web.dashboard.calls import page as calls_page
from calltally.web.dashboard.calls import preferences, total
from calltally.web.dashboard.jobs import exports_page, reconciliations_page
from calltally.web.dashboard.operations import page_operation
from calltally.web.dashboard.quality import launch_page
from calltally.web.dashboard.quality import page as quality_page
from calltally.web.dashboard.rendering import asset, version
from calltally.web.dashboard.settings import admin_forms, tenant_forms
from calltally.web.dashboard.settings import page as settings_page
from calltally.web.dashboard.sign_in import page as sign_in_page
from calltally.web.request.context import AnyRequest, context_of
from calltally.web.response.response import Response

_TYPES: Final = {
    "call.css": b"text/css; charset=utf-8",
    "call.js": b"text/javascript; charset=utf-8",
    "calls.css": b"text/css; charset=utf-8",
    "calls.js": b"text/javascript; charset=utf-8",
    "dashboard.css": b"text/css; charset=utf-8",
    "dashboard.js": b"text/javascript; charset=utf-8",
    "figures.css": b"text/css; charset=utf-8",
    "jobs.js": b"text/javascript; charset=utf-8",
    "mark.svg": b"image/svg+xml",
    "quality.js": b"text/javascript; charset=utf-8",
    "reference.css": b"text/css; charset=utf-8",
    "reference.js": b"text/javascript; charset=utf-8",
    "scriptless.css": b"text/css; charset=utf-8",
}


def _asset(name: str, media_type: bytes) -> Any:  # noqa: ANN401 (one of the framework's kinds of handler)
    response = Response(asset(name), media_type=media_type)
    current_version = version(asset(name)).encode()

    @get(f"/assets/{name}", operation=page_operation(f"/assets/{name}"))
    async def answer(request: AnyRequest) -> Response:
        context_of(request.scope).is_immutable = request.scope["query_string"] == current_version
        return response

    return answer


def _library(name: str, media_type: bytes) -> Any:  # noqa: ANN401 (one of the framework's kinds of handler)
    """Return the handler of a library, which may be missing."""

    @get(f"/assets/{name}", operation=page_operation(f"/assets/{name}"))
    async def answer(request: AnyRequest) -> Response:
        library = built_file(name)
        if library is None:
            raise NotFound(f"{name} is not in this installation; run make setup")
        context = context_of(request.scope)
        context.is_immutable = request.scope["query_string"] == version(library).encode()
        return Response(library, media_type=media_type)

    return answer


PAGE_HANDLERS: Final[Sequence[Any]] = (
    calls_page.show_calls,
    calls_page.export_calls,
    total.count_calls,
    total.count_new_calls,
    call_page.show_call,
    reveal.reveal_call,
    preferences.choose_columns,
    preferences.change_views,
    quality_page.show_quality,
    quality_page.export_quality,
    launch_page.show_launch,
    alerts_page.show_alerts,
    alerts_page.show_alert,
    alert_actions.change_alert,
    exports_page.show_exports,
    exports_page.request_export,
    exports_page.show_export_page,
    exports_page.cancel_export,
    exports_page.download_manifest,
    exports_page.download_file,
    reconciliations_page.show_reconciliations,
    reconciliations_page.request_reconciliation,
    reconciliations_page.show_reconciliation_page,
    reconciliations_page.cancel_reconciliation,
    reconciliations_page.download_findings,
    settings_page.show_settings,
    admin_forms.create_tenant,
    admin_forms.switch_tenant,
    admin_forms.set_retention_days,
    admin_forms.create_key,
    admin_forms.revoke_api_key,
    admin_forms.set_route,
    admin_forms.set_secrets,
    admin_forms.check_provider,
    tenant_forms.set_rules,
    tenant_forms.create_endpoint,
    tenant_forms.change_endpoint,
    sign_in_page.show_sign_in,
    sign_in_page.sign_in,
    sign_in_page.sign_out,
    sign_in_page.set_preferences,
    *(_library(name, _TYPES["dashboard.js"]) for name in (CHARTS, REFERENCE_SCRIPT)),
    _library(REFERENCE_STYLE, _TYPES["dashboard.css"]),
    *(_asset(name, media_type) for name, media_type in _TYPES.items()),
)
