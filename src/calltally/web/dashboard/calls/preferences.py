"""Preferences of the list in this browser, stored in cookies: columns and saved views."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NoBase64
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from calltally.calls.errors import InvalidInput
from calltally.web.dashboard.calls.links import LIST, first_value
from calltally.web.dashboard.calls.rows import COLUMNS_COOKIE, columns_cookie_value
from calltally.web.dashboard.english.messages import text
from calltally.web.dashboard.pages import form, return_path
from calltally.web.dashboard.rendering import redirect
from calltally.web.dashboard.sign_in.visitor import Visitor, cookie_of, set_cookie
from calltally.web.request.context import AnyRequest
from calltally.web.request.query import Pairs
from calltally.web.response.response import Response

_YEAR_S: Final = 365 * 86_400
VIEWS_COOKIE: Final = "calltally_views"
MAX_NAME_CHARS: Final = 60
# Browsers store 4,096 bytes per cookie with its name and attributes (RFC 6265, section 6.1).
_MAX_COOKIE_CHARS: Final = 3_800
_SEALED: Final = re.compile(r"[A-Za-z0-9_-]+")


@form("/calls-columns")
async def choose_columns(request: AnyRequest, _visitor: Visitor, pairs: Pairs) -> Response:
    """Set the columns of the list in this browser; the default ones if none is chosen."""
    value = columns_cookie_value(value for name, value in pairs if name == "column")
    return redirect(return_path(pairs), set_cookie(request, COLUMNS_COOKIE, value, lasts_s=_YEAR_S))


@form("/calls-views")
async def change_views(request: AnyRequest, _visitor: Visitor, pairs: Pairs) -> Response:
    views = read_views(cookie_of(request, VIEWS_COOKIE))
    if removed := first_value(pairs, "remove"):
        changed = without_view(views, removed)
    else:
        changed = with_view(views, first_value(pairs, "name"), first_value(pairs, "query"))
    return redirect(
        return_path(pairs), set_cookie(request, VIEWS_COOKIE, views_cookie_value(changed), lasts_s=_YEAR_S)
    )


class SavedView(NamedTuple):
    """One saved list: its name, and the query of its URL."""

    name: str
    query: str

    @property
    def path(self) -> str:
        return f"{LIST}?{self.query}" if self.query else LIST


def read_views(cookie: str | None) -> list[SavedView]:
    """Decode the views of a cookie; none if it is invalid."""
    if cookie is None or not _SEALED.fullmatch(cookie):
        return []
    try:
        return msgspec.json.decode(urlsafe_b64decode(cookie + "=" * (-len(cookie) % 4)), type=list[SavedView])
    except (NoBase64, ValueError):
        return []


def views_cookie_value(views: Sequence[SavedView]) -> str:
    return urlsafe_b64encode(msgspec.json.encode(views)).decode().rstrip("=")


def with_view(views: Sequence[SavedView], name: str, query: str) -> list[SavedView]:
    """Add a view; it replaces a view of the same name.

    Raises InvalidInput for an invalid name, and if the cookie would be too large.
    """
    view_name = " ".join(name.split())
    if not 0 < len(view_name) <= MAX_NAME_CHARS or not view_name.isprintable():
        raise InvalidInput.of("name", text("view_name_fault", chars=MAX_NAME_CHARS))
    more = sorted([*without_view(views, view_name), SavedView(view_name, query)])
    if len(views_cookie_value(more)) > _MAX_COOKIE_CHARS:
        raise InvalidInput.of("name", text("views_full"))
    return more


def without_view(views: Sequence[SavedView], name: str) -> list[SavedView]:
    return [view for view in views if view.name != name]
