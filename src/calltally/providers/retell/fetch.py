"""List of Retell calls, page by page, and one call by its id.

Source: Retell's SDK: "List calls" of its third version (a POST; by `start_timestamp`, at most 1,000 a page),
and "Get call", which alone contains the transcript.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import msgspec

from calltally.calls.errors import NotUnderstood
from calltally.calls.events import Fact
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
from calltally.providers.retell.normalise import SHAPE, call_fact

# The key that signs webhooks also opens the API.
SECRET_NAMES: Final = ("api_key",)
PAGE_SIZE: Final = 1_000

_TITLE: Final = "Retell"
_LIST: Final = "/v3/list-calls"
_ONE: Final = "/v2/get-call/"
_API: Final = rest.RestApi(
    title=_TITLE,
    auth_hint="api_key must be a key of the workspace",
    shape=SHAPE,
    fact_of=call_fact,
    error_paths=("message", "error_message"),
)
# Retell answers 422 for an id in a foreign format.
_UNKNOWN_ID_STATUSES: Final = frozenset({rest.NOT_FOUND, 422})
_MS_US: Final = 1_000


def account_of(secrets: Mapping[str, str]) -> str:
    """Return '': a key belongs to one workspace, which its calls do not name."""
    rest.require_secret(secrets, "api_key", _TITLE)
    return ""


def list_page(access: ApiAccess, window: StartWindow, cursor: str | None) -> FetchGenerator[FetchedPage]:
    """Fetch one page of the calls that start in a window; `cursor` is the pagination key."""
    range_ms = [window.from_us // _MS_US, -(-window.to_us // _MS_US)]
    criteria: dict[str, Any] = {
        "filter_criteria": {"start_timestamp": {"type": "range", "op": "bt", "value": range_ms}},
        "sort_order": "ascending",
        "limit": PAGE_SIZE,
        **({"pagination_key": cursor} if cursor else {}),
    }
    request = _get(access, _LIST)
    headers = {**request.headers, "content-type": "application/json"}
    query = ApiRequest(request.url, headers, msgspec.json.encode(criteria))
    return _API.fetch_page(access, query, "items", _next_cursor)


def one_call(access: ApiAccess, call_sid: str) -> FetchGenerator[list[Fact | UnreadableRecord]]:
    """Fetch the current record of one call with its transcript; nothing if Retell has no such id."""
    request = _get(access, _ONE + quote(call_sid, safe=""))
    return _API.fetch_call(access, request, absent=_UNKNOWN_ID_STATUSES)


FETCHER: Final = CallFetcher(SECRET_NAMES, account_of, list_page, one_call)


def _get(access: ApiAccess, target: str) -> ApiRequest:
    return rest.get_request(
        access, target, rest.bearer_auth(rest.require_secret(access.secrets, "api_key", _TITLE))
    )


def _next_cursor(page: Mapping[str, Any]) -> str | None:
    if page.get("has_more") is not True:
        return None
    next_cursor = _API.next_page(page, "pagination_key")
    if next_cursor is None:
        raise NotUnderstood("Retell's page announces more calls, but has no pagination_key")
    return next_cursor
