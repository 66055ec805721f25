"""Forms of the list's preferences in this browser: columns and saved views."""

from typing import Any, Final

from litestar import post

from calltally.web.dashboard.calls.columns import COLUMNS_COOKIE, columns_cookie_value
from calltally.web.dashboard.calls.links import first_value
from calltally.web.dashboard.calls.saved_views import (
    VIEWS_COOKIE,
    read_views,
    views_cookie_value,
    with_view,
    without_view,
)
from calltally.web.dashboard.error_page import handle_page_exception
from calltally.web.dashboard.forms import checked_form, return_path
from calltally.web.dashboard.operations import page_operation
from calltally.web.dashboard.rendering import redirect
from calltally.web.dashboard.sign_in.visitor import cookie_of, set_cookie
from calltally.web.request.context import AnyRequest
from calltally.web.response.response import Response

_YEAR_S: Final = 365 * 86_400
_HANDLING: Final[Any] = {Exception: handle_page_exception}


@post(
    "/calls-columns",
    operation=page_operation("/calls-columns"),
    status_code=200,
    exception_handlers=_HANDLING,
)
async def choose_columns(request: AnyRequest) -> Response:
    """Set the columns of the list in this browser; the default ones if none is chosen."""
    _visitor, pairs = await checked_form(request)
    value = columns_cookie_value(value for name, value in pairs if name == "column")
    return redirect(return_path(pairs), set_cookie(request, COLUMNS_COOKIE, value, lasts_s=_YEAR_S))


@post("/calls-views", operation=page_operation("/calls-views"), status_code=200, exception_handlers=_HANDLING)
async def change_views(request: AnyRequest) -> Response:
    """Add or remove a saved view."""
    _visitor, pairs = await checked_form(request)
    views = read_views(cookie_of(request, VIEWS_COOKIE))
    if removed := first_value(pairs, "remove"):
        changed = without_view(views, removed)
    else:
        changed = with_view(views, first_value(pairs, "name"), first_value(pairs, "query"))
    return redirect(
        return_path(pairs), set_cookie(request, VIEWS_COOKIE, views_cookie_value(changed), lasts_s=_YEAR_S)
    )
