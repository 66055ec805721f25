"""`/sign-in`, `/sign-out` and `/preferences`: forms that set cookies."""

from typing import Any, Final
from urllib.parse import quote

from litestar import get, post

from calltally.calls.errors import Forbidden, NotFound, Unauthorized
from calltally.calls.export_query import zone_of
from calltally.web.dashboard.english.messages import text
from calltally.web.dashboard.error_page import handle_page_exception
from calltally.web.dashboard.forms import HOME, checked_form, form_pairs, local_path, return_path
from calltally.web.dashboard.operations import page_operation
from calltally.web.dashboard.rendering import redirect, render_page
from calltally.web.dashboard.sign_in.session_cookie import IDLE_US, MAX_SESSION_US, DashboardSession
from calltally.web.dashboard.sign_in.visitor import (
    THEME_COOKIE,
    THEMES,
    ZONE_COOKIE,
    WrongTenant,
    authenticate,
    is_own_form,
    session_cookie_name,
    set_cookie,
)
from calltally.web.request.context import AnyRequest, dependencies_of
from calltally.web.request.query import query_pairs
from calltally.web.response.response import Headers, Response

_SESSION_S: Final = min(IDLE_US, MAX_SESSION_US) // 1_000_000
_YEAR_S: Final = 365 * 86_400
# Public form: limited to the size of a key and a page URL.
_MAX_FORM_BYTES: Final = 16 * 1024
_EMPTY_FORM: Final = {"key": "", "tenant": "", "next": HOME, "fault": ""}
_HANDLING: Final[Any] = {Exception: handle_page_exception}


@get("/sign-in", operation=page_operation("/sign-in"), exception_handlers=_HANDLING)
async def show_sign_in(request: AnyRequest) -> Response:
    """Show the sign-in form."""
    wanted = dict(query_pairs(request.scope["query_string"])).get("next", HOME)
    return render_page("sign_in.html", None, _EMPTY_FORM | {"next": local_path(wanted)})


@post(
    "/sign-in",
    operation=page_operation("POST /sign-in"),
    request_max_body_size=_MAX_FORM_BYTES,
    status_code=200,
    exception_handlers=_HANDLING,
)
async def sign_in(request: AnyRequest) -> Response:
    """Exchange a key for a session cookie. A wrong and a revoked key get the same message."""
    form = dict(await form_pairs(request))
    deps = dependencies_of(request)
    key, tenant = form.get("key", "").strip(), form.get("tenant", "").strip()
    fault = await _fault(request, key, tenant)
    if fault:
        values = {"tenant": tenant, "next": local_path(form.get("next", HOME)), "fault": fault}
        return render_page("sign_in.html", None, _EMPTY_FORM | values, status=403)
    session = DashboardSession.start(key, tenant, deps.clock())
    return redirect(local_path(form.get("next", HOME)), session_header(request, session))


@post("/sign-out", operation=page_operation("/sign-out"), status_code=200, exception_handlers=_HANDLING)
async def sign_out(request: AnyRequest) -> Response:
    """Delete the session cookie."""
    await checked_form(request)
    return redirect("/sign-in", set_cookie(request, session_cookie_name(request), "", lasts_s=0))


@post("/preferences", operation=page_operation("/preferences"), status_code=200, exception_handlers=_HANDLING)
async def set_preferences(request: AnyRequest) -> Response:
    """Set the time zone and the theme of all pages."""
    _visitor, pairs = await checked_form(request)
    form = dict(pairs)
    zone, theme = form.get("zone", ""), form.get("theme", "")
    headers: Headers = ()
    if zone_of(zone) is not None:
        headers += set_cookie(request, ZONE_COOKIE, quote(zone, safe=""), lasts_s=_YEAR_S)
    if theme in THEMES:
        headers += set_cookie(request, THEME_COOKIE, theme, lasts_s=_YEAR_S)
    return redirect(return_path(pairs), headers)


def session_header(request: AnyRequest, session: DashboardSession) -> Headers:
    """Return the cookie header of a session."""
    sealed = session.seal(dependencies_of(request).vault)
    return set_cookie(request, session_cookie_name(request), sealed, lasts_s=_SESSION_S)


async def _fault(request: AnyRequest, key: str, tenant: str) -> str:
    """Return the reason for a refused sign-in; empty if it is accepted."""
    if not is_own_form(request):
        return text("other_site")
    try:
        await authenticate(dependencies_of(request), key, tenant)
    except (WrongTenant, NotFound):
        return text("wrong_tenant")
    except (Unauthorized, Forbidden):
        return text("wrong_key")
    return ""
