"""List of ended Plivo calls, page by page, and one call by its id.

Source: Plivo's pages "List all calls" (filters by end_time, 20 a page at most) and "Retrieve a call".
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote, urlencode

from calltally.calls.errors import Misconfigured
from calltally.calls.events import Fact
from calltally.calls.times import DAY_US, EPOCH, SECOND_US
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
from calltally.providers.plivo.resources import SHAPE, fact_of

ACCOUNT: Final = "auth_id"
# The same token verifies callbacks.
SECRET_NAMES: Final = (ACCOUNT,)
PAGE_SIZE: Final = 20

_TITLE: Final = "Plivo"
_AUTH_ID: Final = re.compile(r"[MS]A[0-9A-Z]{18}", re.ASCII)
# The filter applies to the end of a call in the account's zone. A call lasts a day at most.
_ZONES_US: Final = 14 * 3_600 * SECOND_US
_LONGEST_US: Final = DAY_US
_API: Final = rest.RestApi(
    title=_TITLE,
    auth_hint="auth_id and auth_token must belong to one account",
    shape=SHAPE,
    fact_of=fact_of,
    error_paths=("error", "message"),
)


def account_of(secrets: Mapping[str, str]) -> str:
    """Return the account whose calls are listed; raise Misconfigured without a valid one."""
    auth_id = rest.require_secret(secrets, ACCOUNT, _TITLE)
    if not _AUTH_ID.fullmatch(auth_id):
        raise Misconfigured("auth_id must be MA or SA and 18 letters and digits: store it again")
    return auth_id


def list_page(access: ApiAccess, window: StartWindow, cursor: str | None) -> FetchGenerator[FetchedPage]:
    """Fetch one page of the calls that may start in a window, and of some others."""
    path = _path(access)
    target = _API.check_target(cursor or f"{path}?{_query(window)}", path)
    account = account_of(access.secrets)
    return _API.fetch_page(access, _get(access, target), "objects", _next_cursor, account)


def one_call(access: ApiAccess, call_sid: str) -> FetchGenerator[list[Fact | UnreadableRecord]]:
    """Fetch the record of one ended call; nothing if Plivo has no such id."""
    request = _get(access, f"{_path(access)}{quote(call_sid, safe='')}/")
    return _API.fetch_call(access, request, account_of(access.secrets))


FETCHER: Final = CallFetcher(SECRET_NAMES, account_of, list_page, one_call)


def _next_cursor(page: Mapping[str, Any]) -> str | None:
    link = _API.next_page(page, "meta.next")
    return None if link is None else rest.path_and_query(link)


def _path(access: ApiAccess) -> str:
    return f"/v1/Account/{account_of(access.secrets)}/Call/"


def _query(window: StartWindow) -> str:
    return urlencode(
        {
            "end_time__gte": _stamp(window.from_us - _ZONES_US),
            "end_time__lte": _stamp(window.to_us + _LONGEST_US + _ZONES_US),
            "limit": PAGE_SIZE,
            "offset": 0,
        }
    )


def _stamp(instant_us: int) -> str:
    return (EPOCH + timedelta(seconds=instant_us // SECOND_US)).strftime("%Y-%m-%d %H:%M:%S")


def _get(access: ApiAccess, target: str) -> ApiRequest:
    token = rest.require_secret(access.secrets, "auth_token", _TITLE)
    return rest.get_request(access, target, rest.basic_auth(account_of(access.secrets), token))
