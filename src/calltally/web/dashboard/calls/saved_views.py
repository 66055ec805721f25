"""Saved views: lists with a name, stored in a cookie of the browser."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NoBase64
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from calltally.calls.errors import InvalidInput
from calltally.web.dashboard.calls.links import LIST
from calltally.web.dashboard.english.messages import text

VIEWS_COOKIE: Final = "calltally_views"
MAX_NAME_CHARS: Final = 60
# Browsers store 4,096 bytes per cookie with its name and attributes (RFC 6265, section 6.1).
_MAX_COOKIE_CHARS: Final = 3_800
_SEALED: Final = re.compile(r"[A-Za-z0-9_-]+")


class SavedView(NamedTuple):
    """One saved list: its name, and the query of its URL."""

    name: str
    query: str

    @property
    def path(self) -> str:
        """Return the path of the list."""
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
    """Encode views as a cookie value."""
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
    """Remove the view of that name."""
    return [view for view in views if view.name != name]
