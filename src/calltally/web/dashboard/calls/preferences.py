"""The forms of the list that its browser remembers: which columns it has, and saved views."""

from typing import Any, Final

from litestar import post

from calltally.web.dashboard.calls.columns import COLUMNS_COOKIE, as_cookie
from calltally.web.dashboard.calls.links import only
from calltally.web.dashboard.calls.saved_views import (
    VIEWS_COOKIE,
    read_views,
    with_view,
    without_view,
    written,
)
from calltally.web.dashboard.error_page import answer_page
from calltally.web.dashboard.forms import back, checked_form
from calltally.web.dashboard.operations import of_page
from calltally.web.dashboard.rendering import redirect
from calltally.web.dashboard.sign_in.visitor import cookie_of, set_cookie
from calltally.web.request.context import AnyRequest
from calltally.web.response.response import Response

_YEAR_S: Final = 365 * 86_400
_HANDLING: Final[Any] = {Exception: answer_page}


@post("/calls-columns", operation=of_page("/calls-columns"), status_code=200, exception_handlers=_HANDLING)
async def choose_columns(request: AnyRequest) -> Response:
    """Which columns the list has in this browser; the usual ones where none is chosen."""
    _visitor, pairs = await checked_form(request)
    value = as_cookie(value for name, value in pairs if name == "column")
    return redirect(back(pairs), set_cookie(request, COLUMNS_COOKIE, value, lasts_s=_YEAR_S))


@post("/calls-views", operation=of_page("/calls-views"), status_code=200, exception_handlers=_HANDLING)
async def keep_view(request: AnyRequest) -> Response:
    """One more saved view, or one less."""
    _visitor, pairs = await checked_form(request)
    views = read_views(cookie_of(request, VIEWS_COOKIE))
    if removed := only(pairs, "remove"):
        kept = without_view(views, removed)
    else:
        kept = with_view(views, only(pairs, "name"), only(pairs, "query"))
    return redirect(back(pairs), set_cookie(request, VIEWS_COOKIE, written(kept), lasts_s=_YEAR_S))
