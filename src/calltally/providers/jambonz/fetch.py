"""Recent calls of jambonz, page by page, and one call by its id.

Source: jambonz's page "Recent calls" (page, count, start, end, filter) and its API server. A setting
defines the address of a self-hosted system.
"""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from calltally.calls.errors import Misconfigured, NotUnderstood
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
from calltally.providers.jambonz.resources import SHAPE, fact_of
from calltally.providers.values import value_at

ACCOUNT: Final = "account_sid"
SECRET_NAMES: Final = (ACCOUNT, "api_key")
PAGE_SIZE: Final = 500

_TITLE: Final = "jambonz"
_ACCOUNT_SID: Final = re.compile(r"[0-9A-Za-z-]{1,64}", re.ASCII)
# Minimum page size, and the number of days for a query without a window.
_MIN_PAGE_SIZE: Final = 25
_DAYS: Final = 90
_API: Final = rest.RestApi(
    title=_TITLE,
    auth_hint="api_key must belong to the account that account_sid names",
    shape=SHAPE,
    fact_of=fact_of,
    error_paths=("msg", "message"),
)


def account_of(secrets: Mapping[str, str]) -> str:
    """Return the account whose calls are listed; raise Misconfigured without a valid one."""
    account = rest.require_secret(secrets, ACCOUNT, _TITLE)
    if not _ACCOUNT_SID.fullmatch(account):
        raise Misconfigured("account_sid is not the id of a jambonz account: store it again")
    return account


def list_page(access: ApiAccess, window: StartWindow, cursor: str | None) -> FetchGenerator[FetchedPage]:
    """Fetch one page of the calls that are attempted in a window; `cursor` is the page number."""
    number = int(cursor or 1)
    query = {
        "page": number,
        "count": PAGE_SIZE,
        "start": rest.rfc3339_floor(window.from_us),
        "end": rest.rfc3339_ceil(window.to_us),
    }

    def next_number(page: Mapping[str, Any]) -> str | None:
        total = value_at(page, "total")
        if not isinstance(total, int):
            raise NotUnderstood("jambonz's page lacks the number of calls (total)")
        return str(number + 1) if number * PAGE_SIZE < total else None

    account = account_of(access.secrets)
    return _API.fetch_page(access, _get(access, query), "data", next_number, account)


def one_call(access: ApiAccess, call_sid: str) -> FetchGenerator[list[Fact | UnreadableRecord]]:
    """Fetch the record of one ended call; nothing if jambonz has no such id."""
    query = {"page": 1, "count": _MIN_PAGE_SIZE, "days": _DAYS, "filter": call_sid}
    document = _API.read((yield _get(access, query)))
    facts = _API.facts(document, access, account_of(access.secrets))
    # The filter also matches parts of numbers.
    return [fact for fact in facts if not isinstance(fact, Fact) or fact.call_sid == call_sid]


FETCHER: Final = CallFetcher(SECRET_NAMES, account_of, list_page, one_call)


def _get(access: ApiAccess, query: Mapping[str, object]) -> ApiRequest:
    path = f"/v1/Accounts/{account_of(access.secrets)}/RecentCalls"
    key = rest.require_secret(access.secrets, "api_key", _TITLE)
    return rest.get_request(access, f"{path}?{urlencode(query)}", rest.bearer_auth(key))
