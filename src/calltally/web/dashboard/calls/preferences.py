"""The forms of the list that its browser remembers: which columns it has, and saved views."""

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
    """Which columns the list has in this browser; the usual ones where none is chosen."""
    _visitor, pairs = await checked_form(request)
    value = columns_cookie_value(value for name, value in pairs if name == "column")
    return redirect(return_path(pairs), set_cookie(request, COLUMNS_COOKIE, value, lasts_s=_YEAR_S))


@post("/calls-views", operation=page_operation("/calls-views"), status_code=200, exception_handlers=_HANDLING)
async def change_views(request: AnyRequest) -> Response:
    """One more saved view, or one less."""
    _visitor, pairs = await checked_form(request)
    views = read_views(cookie_of(request, VIEWS_COOKIE))
    if removed := first_value(pairs, "remove"):
        kept = without_view(views, removed)
    else:
        kept = with_view(views, first_value(pairs, "name"), first_value(pairs, "query"))
    return redirect(
        return_path(pairs), set_cookie(request, VIEWS_COOKIE, views_cookie_value(kept), lasts_s=_YEAR_S)
    )
