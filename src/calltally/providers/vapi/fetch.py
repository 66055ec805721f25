"""List of a Vapi organisation's calls, page by page, and one call by its id.

Source: Vapi's API reference, "List calls" (newest first, at most 1,000 a page, bounded by `createdAt`) and
"Get call".
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

from calltally.calls.errors import NotUnderstood
from calltally.calls.events import Fact
from calltally.calls.times import utc_text
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
from calltally.providers.json_documents import JsonDocument
from calltally.providers.vapi.normalise import SHAPE, call_fact

SECRET_NAMES: Final = ("api_key", "org_id")
PAGE_SIZE: Final = 1_000

_TITLE: Final = "Vapi"
_PATH: Final = "/call"
_API: Final = rest.RestApi(
    title=_TITLE,
    auth_hint="api_key must be a private key of the organisation",
    shape=SHAPE,
    fact_of=call_fact,
    error_paths=("message", "error"),
)
# Vapi answers 400 for an id that is not a UUID.
_UNKNOWN_ID_STATUSES: Final = frozenset({rest.NOT_FOUND, 400})


def account_of(secrets: Mapping[str, str]) -> str:
    """Return the organisation's id, or '' if the tenant stores none."""
    rest.require_secret(secrets, "api_key", _TITLE)
    return secrets.get("org_id", "")


def list_page(access: ApiAccess, window: StartWindow, cursor: str | None) -> FetchGenerator[FetchedPage]:
    """Fetch one page of the calls that are created in a window; `cursor` is the last call's creation time."""
    query = {
        "limit": PAGE_SIZE,
        "createdAtGe": utc_text(window.from_us),
        "createdAtLe": cursor or utc_text(window.to_us),
    }
    document = _API.read((yield _get(access, f"{_PATH}?{urlencode(query)}")))
    calls = _calls(document)
    return FetchedPage(list(_API.facts(document, access)), _next_cursor(calls))


def one_call(access: ApiAccess, call_sid: str) -> FetchGenerator[list[Fact | UnreadableRecord]]:
    """Fetch the current record of one call; nothing if Vapi has no such id."""
    request = _get(access, f"{_PATH}/{quote(call_sid, safe='')}")
    return _API.fetch_call(access, request, absent=_UNKNOWN_ID_STATUSES)


FETCHER: Final = CallFetcher(SECRET_NAMES, account_of, list_page, one_call)


def _get(access: ApiAccess, target: str) -> ApiRequest:
    return rest.get_request(
        access, target, rest.bearer_auth(rest.require_secret(access.secrets, "api_key", _TITLE))
    )


def _calls(document: JsonDocument) -> list[Any]:
    if not isinstance(document.value, list):
        raise NotUnderstood("Vapi's response is not an array of calls; check the address of its API")
    return document.value


def _next_cursor(calls: list[Any]) -> str | None:
    """Return the time of the last call. The next page starts there, so it repeats some calls."""
    if len(calls) < PAGE_SIZE:
        return None
    last = calls[-1].get("createdAt") if isinstance(calls[-1], dict) else None
    if not isinstance(last, str) or not last:
        raise NotUnderstood("Vapi's list contains a call without a creation time (createdAt)")
    return last
