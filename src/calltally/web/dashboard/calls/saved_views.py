"""Lists that somebody wants to see again, under names of their own: kept by the browser, in a cookie."""

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
# Browsers keep 4,096 bytes of a cookie with its name and its attributes (RFC 6265, section 6.1).
_MOST_CHARS: Final = 3_800
_SEALED: Final = re.compile(r"[A-Za-z0-9_-]+")


class SavedView(NamedTuple):
    """One list: what it is called, and the query of its URL."""

    name: str
    query: str

    @property
    def path(self) -> str:
        """Where it is."""
        return f"{LIST}?{self.query}" if self.query else LIST


def read_views(cookie: str | None) -> list[SavedView]:
    """The views of a cookie's value; none where it cannot be read."""
    if cookie is None or not _SEALED.fullmatch(cookie):
        return []
    try:
        return msgspec.json.decode(urlsafe_b64decode(cookie + "=" * (-len(cookie) % 4)), type=list[SavedView])
    except (NoBase64, ValueError):
        return []


def views_cookie_value(views: Sequence[SavedView]) -> str:
    """As a cookie's value."""
    return urlsafe_b64encode(msgspec.json.encode(views)).decode().rstrip("=")


def with_view(views: Sequence[SavedView], name: str, query: str) -> list[SavedView]:
    """The views with one more, in place of an older one of the same name.

    Raises InvalidInput for a name that cannot be, and where the browser would not keep so many.
    """
    called = " ".join(name.split())
    if not 0 < len(called) <= MAX_NAME_CHARS or not called.isprintable():
        raise InvalidInput.of("name", text("view_name_fault", chars=MAX_NAME_CHARS))
    more = sorted([*without_view(views, called), SavedView(called, query)])
    if len(views_cookie_value(more)) > _MOST_CHARS:
        raise InvalidInput.of("name", text("views_full"))
    return more


def without_view(views: Sequence[SavedView], name: str) -> list[SavedView]:
    """The views but the one of that name."""
    return [view for view in views if view.name != name]
