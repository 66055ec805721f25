"""Detail records of Telnyx calls, page by page, and one call by its id.

Source: Telnyx's pages "Search detail records" (filters by started_at, pages by number) and "Retrieve a call
status".
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlencode

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
from calltally.providers.telnyx.resources import SHAPE, fact_of
from calltally.providers.values import value_at

SECRET_NAMES: Final = ("api_key", "account_id")
PAGE_SIZE: Final = 50

_TITLE: Final = "Telnyx"
_RECORDS: Final = "/v2/detail_records"
_API: Final = rest.RestApi(
    title=_TITLE,
    auth_hint="api_key must be a key of the API v2",
    shape=SHAPE,
    fact_of=fact_of,
    error_paths=("errors.0.detail", "errors.0.title"),
)


def account_of(secrets: Mapping[str, str]) -> str:
    """Return the tenant's name for its account, or '' if it stores none."""
    rest.require_secret(secrets, "api_key", _TITLE)
    return secrets.get("account_id", "")


def list_page(access: ApiAccess, window: StartWindow, cursor: str | None) -> FetchGenerator[FetchedPage]:
    """Fetch one page of the calls that start in a window; `cursor` is the page number."""
    number = int(cursor or 1)
    request = _get(access, f"{_RECORDS}?{_query(window, number)}")
    account = account_of(access.secrets)
    return _API.fetch_page(access, request, "data", lambda page: _next_cursor(page, number), account)


def one_call(access: ApiAccess, call_sid: str) -> FetchGenerator[list[Fact | UnreadableRecord]]:
    """Fetch the record of one call, else its live status; nothing if Telnyx has no such id."""
    account = account_of(access.secrets)
    query = urlencode({"filter[record_type]": "call-control", "filter[call_control_id]": call_sid})
    records = _API.read((yield _get(access, f"{_RECORDS}?{query}")))
    found = list(_API.facts(records, access, account))
    if found:
        return found
    request = _get(access, f"/v2/calls/{quote(call_sid, safe='')}")
    return (yield from _API.fetch_call(access, request, account, _UNKNOWN_ID_STATUSES))


FETCHER: Final = CallFetcher(SECRET_NAMES, account_of, list_page, one_call)

# Telnyx answers 422 for an id in a foreign format.
_UNKNOWN_ID_STATUSES: Final = frozenset({rest.NOT_FOUND, 422})


def _query(window: StartWindow, number: int) -> str:
    return urlencode(
        {
            "filter[record_type]": "call-control",
            "filter[started_at][gte]": rest.rfc3339_floor(window.from_us),
            "filter[started_at][lte]": rest.rfc3339_ceil(window.to_us),
            "sort": "started_at",
            "page[number]": number,
            "page[size]": PAGE_SIZE,
        }
    )


def _get(access: ApiAccess, target: str) -> ApiRequest:
    return rest.get_request(
        access, target, rest.bearer_auth(rest.require_secret(access.secrets, "api_key", _TITLE))
    )


def _next_cursor(page: Mapping[str, object], number: int) -> str | None:
    total = value_at(page, "meta.total_pages")
    if not isinstance(total, int):
        raise NotUnderstood("Telnyx's page lacks the number of pages (meta.total_pages)")
    return str(number + 1) if number < total else None
