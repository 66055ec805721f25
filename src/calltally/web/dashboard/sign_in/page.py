"""`/sign-in`, `/sign-out` and `/preferences`: forms that set cookies."""

from typing import Final
from urllib.parse import quote, urlsplit

from calltally.calls.errors import Forbidden, NotFound, Unauthorized
from calltally.calls.export_query import zone_of
from calltally.web.dashboard.english.messages import text
from calltally.web.dashboard.pages import HOME, form, form_pairs, local_path, public_page, return_path
from calltally.web.dashboard.rendering import redirect, render_page
from calltally.web.dashboard.sign_in.session_cookie import DashboardSession
from calltally.web.dashboard.sign_in.visitor import (
    THEME_COOKIE,
    THEMES,
    ZONE_COOKIE,
    Visitor,
    WrongTenant,
    authenticate,
    is_own_form,
    session_cookie_name,
    session_header,
    set_cookie,
    theme_of,
)
from calltally.web.request.context import AnyRequest, context_of, dependencies_of
from calltally.web.request.paths import service_url
from calltally.web.request.query import Pairs, query_pairs
from calltally.web.response.response import Headers, Response

_YEAR_S: Final = 365 * 86_400
# Public form: limited to the size of a key and a page URL.
_MAX_FORM_BYTES: Final = 16 * 1024
_EMPTY_FORM: Final = {"key": "", "tenant": "", "next": HOME, "fault": "", "hint": ""}


@public_page("/sign-in")
async def show_sign_in(request: AnyRequest) -> Response:
    wanted = dict(query_pairs(request.scope["query_string"])).get("next", HOME)
    values = {"next": local_path(wanted), "hint": _hint(request), "theme": theme_of(request)}
    return render_page("sign_in.html", None, _EMPTY_FORM | values)


@public_page("/sign-in", is_form=True, max_bytes=_MAX_FORM_BYTES)
async def sign_in(request: AnyRequest) -> Response:
    """Exchange a key for a session cookie. A wrong and a revoked key get the same message."""
    fields, deps = dict(await form_pairs(request)), dependencies_of(request)
    key, tenant = fields.get("key", "").strip(), fields.get("tenant", "").strip()
    path = local_path(fields.get("next", HOME))
    fault = await _fault(request, key, tenant)
    if fault:
        values = {"tenant": tenant, "next": path, "fault": fault, "theme": theme_of(request)}
        return render_page("sign_in.html", None, _EMPTY_FORM | values, status=403)
    session = DashboardSession.start(key, tenant, deps.clock())
    return redirect(path, session_header(request, session))


@form("/sign-out")
async def sign_out(request: AnyRequest, _visitor: Visitor, _pairs: Pairs) -> Response:
    return redirect("/sign-in", set_cookie(request, session_cookie_name(request), "", lasts_s=0))


@form("/preferences")
async def set_preferences(request: AnyRequest, _visitor: Visitor, pairs: Pairs) -> Response:
    fields = dict(pairs)
    zone, theme = fields.get("zone", ""), fields.get("theme", "")
    headers: Headers = ()
    if zone_of(zone) is not None:
        headers += set_cookie(request, ZONE_COOKIE, quote(zone, safe=""), lasts_s=_YEAR_S)
    if theme in THEMES:
        headers += set_cookie(request, THEME_COOKIE, theme, lasts_s=_YEAR_S)
    return redirect(return_path(pairs), headers)


def _hint(request: AnyRequest) -> str:
    """Name CALLTALLY_PUBLIC_URL where the request has another Host: the cookie may be for https only.

    Only a hint, because many proxies send the Host of the service behind them.
    """
    host = context_of(request.scope).headers.get(b"host", b"").decode("latin-1")
    url = service_url(request)
    return "" if urlsplit(url).netloc == host else text("other_address", url=url)


async def _fault(request: AnyRequest, key: str, tenant: str) -> str:
    if not is_own_form(request):
        return text("other_site")
    try:
        await authenticate(dependencies_of(request), key, tenant)
    except (WrongTenant, NotFound):
        return text("wrong_tenant")
    except (Unauthorized, Forbidden):
        return text("wrong_key")
    return ""
