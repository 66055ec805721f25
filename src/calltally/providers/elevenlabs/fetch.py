"""List of ElevenLabs conversations, page by page, and one conversation by its id.

Source: ElevenLabs' SDK: "List conversations" (by the second of the start, at most 100 a page, by a cursor),
and "Get conversation details", which alone contains the telephone call and the transcript.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

from calltally.calls.errors import NotUnderstood
from calltally.calls.events import Fact
from calltally.calls.times import SECOND_US
from calltally.providers import rest
from calltally.providers.call_fetcher import (
    ApiAccess,
    ApiRequest,
    CallFetcher,
    FetchedPage,
    FetchGenerator,
    StartWindow,
)
from calltally.providers.callback import UnreadableRecord
from calltally.providers.elevenlabs.normalise import SHAPE, conversation_fact

SECRET_NAMES: Final = ("api_key",)
PAGE_SIZE: Final = 100

_TITLE: Final = "ElevenLabs"
_PATH: Final = "/v1/convai/conversations"
_API: Final = rest.RestApi(
    title=_TITLE,
    auth_hint="api_key must be a key of the workspace with permission to read conversations",
    shape=SHAPE,
    fact_of=conversation_fact,
    error_paths=("detail.message", "detail"),
)
# ElevenLabs answers 422 for an id in a foreign format.
_UNKNOWN_ID_STATUSES: Final = frozenset({rest.NOT_FOUND, 422})


def account_of(secrets: Mapping[str, str]) -> str:
    """Return '': a key belongs to one workspace, which its conversations do not name."""
    rest.require_secret(secrets, "api_key", _TITLE)
    return ""


def list_page(access: ApiAccess, window: StartWindow, cursor: str | None) -> FetchGenerator[FetchedPage]:
    """Fetch one page of the conversations that start in a window; `cursor` is the page's cursor."""
    query = {
        # The bounds may be inclusive or not, so the query adds a second on each side.
        "call_start_after_unix": window.from_us // SECOND_US - 1,
        "call_start_before_unix": -(-window.to_us // SECOND_US) + 1,
        "page_size": PAGE_SIZE,
        "summary_mode": "include",
        **({"cursor": cursor} if cursor else {}),
    }
    request = _get(access, f"{_PATH}?{urlencode(query)}")
    return _API.fetch_page(access, request, "conversations", _next_cursor)


def one_call(access: ApiAccess, call_sid: str) -> FetchGenerator[list[Fact | UnreadableRecord]]:
    """Fetch one whole conversation; nothing if ElevenLabs has no such id."""
    request = _get(access, f"{_PATH}/{quote(call_sid, safe='')}")
    return _API.fetch_call(access, request, absent=_UNKNOWN_ID_STATUSES)


FETCHER: Final = CallFetcher(SECRET_NAMES, account_of, list_page, one_call)


def _get(access: ApiAccess, target: str) -> ApiRequest:
    key = rest.require_secret(access.secrets, "api_key", _TITLE)
    return ApiRequest(access.base_url.rstrip("/") + target, {"xi-api-key": key, "accept": "application/json"})


def _next_cursor(page: Mapping[str, Any]) -> str | None:
    if page.get("has_more") is not True:
        return None
    next_cursor = _API.next_page(page, "next_cursor")
    if next_cursor is None:
        raise NotUnderstood("ElevenLabs' page announces more conversations, but has no next_cursor")
    return next_cursor
