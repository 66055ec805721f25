"""List of a Vonage application's calls, page by page, and one call by its id.

Source: Vonage's page "Voice API: get details of calls".
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

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
from calltally.providers.vonage.resources import SHAPE, fact_of

ACCOUNT: Final = "application_id"
SECRET_NAMES: Final = (ACCOUNT, "private_key")
PAGE_SIZE: Final = 100

_TITLE: Final = "Vonage"
_PATH: Final = "/v1/calls"
# Vonage answers 400 for an id that is not a UUID.
_UNKNOWN_ID_STATUSES: Final = frozenset({rest.NOT_FOUND, 400})
_API: Final = rest.RestApi(
    title=_TITLE,
    auth_hint="application_id and private_key must belong to one application",
    shape=SHAPE,
    fact_of=fact_of,
    error_paths=("detail", "title", "error_title"),
)


def account_of(secrets: Mapping[str, str]) -> str:
    """Return the application whose calls are listed; raise Misconfigured without one."""
    return rest.require_secret(secrets, ACCOUNT, _TITLE)


def list_page(access: ApiAccess, window: StartWindow, cursor: str | None) -> FetchGenerator[FetchedPage]:
    """Fetch one page of the calls that start in a window; `cursor` is the index of its first call."""
    index = int(cursor or 0)

    def next_index(page: Mapping[str, Any]) -> str | None:
        listed = len(page["_embedded"]["calls"])
        return str(index + listed) if _has_more(page, index, listed) else None

    request = _get(access, f"{_PATH}?{_query(window, index)}")
    return _API.fetch_page(access, request, "_embedded.calls", next_index, account_of(access.secrets))


def one_call(access: ApiAccess, call_sid: str) -> FetchGenerator[list[Fact | UnreadableRecord]]:
    """Fetch the current record of one call; nothing if Vonage has no such id."""
    request = _get(access, f"{_PATH}/{quote(call_sid, safe='')}")
    return _API.fetch_call(access, request, account_of(access.secrets), _UNKNOWN_ID_STATUSES)


FETCHER: Final = CallFetcher(SECRET_NAMES, account_of, list_page, one_call)


def _has_more(page: Mapping[str, Any], index: int, listed: int) -> bool:
    """Return whether there can be more: the page is full, or the total count is not reached."""
    size, count = page.get("page_size"), page.get("count")
    is_full = listed >= (size if isinstance(size, int) and size > 0 else PAGE_SIZE)
    return listed > 0 and (is_full or (isinstance(count, int) and index + listed < count))


def _query(window: StartWindow, index: int) -> str:
    return urlencode(
        {
            "date_start": rest.rfc3339_floor(window.from_us),
            "date_end": rest.rfc3339_ceil(window.to_us),
            "page_size": PAGE_SIZE,
            "record_index": index,
            "order": "asc",
        }
    )


def _get(access: ApiAccess, target: str) -> ApiRequest:
    from calltally.providers.vonage.token import token_of  # deferred: signing with RSA takes 6 MB

    return rest.get_request(access, target, rest.bearer_auth(token_of(access, account_of(access.secrets))))
