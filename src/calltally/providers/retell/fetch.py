"""Retell's list of calls, page by page, and one call by its id.

Source: Retell's SDK: "List calls" of its third version (a POST; by `start_timestamp`, at most 1,000 a page),
and "Get call", which alone has what was said.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import msgspec

from calltally.calls.errors import NotUnderstood
from calltally.calls.events import Fact
from calltally.providers import rest
from calltally.providers.callback import Refusal
from calltally.providers.list_requests import Access, Ask, Fetch, Fetching, Listing, Started
from calltally.providers.retell.normalise import SHAPE, call_fact

# The key that signs its webhooks opens its API.
SECRET_NAMES: Final = ("api_key",)
PAGE_SIZE: Final = 1_000

_TITLE: Final = "Retell"
_LIST: Final = "/v3/list-calls"
_ONE: Final = "/v2/get-call/"
_API: Final = rest.Api(
    title=_TITLE,
    sign_in="api_key has to be a key of the workspace",
    shape=SHAPE,
    fact_of=call_fact,
    complaints=("message", "error_message"),
)
# It says 422 of an id that none of its calls can have.
_UNKNOWN: Final = frozenset({rest.NOT_FOUND, 422})
_MS_US: Final = 1_000


def account_of(secrets: Mapping[str, str]) -> str:
    """A key is of one workspace, which its calls do not name."""
    rest.need_secret(secrets, "api_key", _TITLE)
    return ""


def list_page(access: Access, started: Started, place: str | None) -> Fetching[Listing]:
    """One page of the calls that began in a stretch of time; `place` is the key of the page."""
    stretch = [started.from_us // _MS_US, -(-started.to_us // _MS_US)]
    asked: dict[str, Any] = {
        "filter_criteria": {"start_timestamp": {"type": "range", "op": "bt", "value": stretch}},
        "sort_order": "ascending",
        "limit": PAGE_SIZE,
        **({"pagination_key": place} if place else {}),
    }
    request = _ask(access, _LIST)
    headers = {**request.headers, "content-type": "application/json"}
    document = _API.read((yield Ask(request.url, headers, msgspec.json.encode(asked))))
    page = _API.page_of(document, "items")
    return Listing(list(_API.facts(document, access)), _following(page))


def one_call(access: Access, call_sid: str) -> Fetching[list[Fact | Refusal]]:
    """What Retell says of one call now, with what was said in it; nothing where it knows none of that id."""
    answered = yield _ask(access, _ONE + quote(call_sid, safe=""))
    if answered.status in _UNKNOWN:
        return []
    return list(_API.facts(_API.read(answered), access))


FETCH: Final = Fetch(SECRET_NAMES, account_of, list_page, one_call)


def _ask(access: Access, target: str) -> Ask:
    return rest.get(access, target, rest.bearer(rest.need_secret(access.secrets, "api_key", _TITLE)))


def _following(page: Mapping[str, Any]) -> str | None:
    if page.get("has_more") is not True:
        return None
    following = _API.next_page(page, "pagination_key")
    if following is None:
        raise NotUnderstood("Retell's page has more behind it, and no pagination_key that leads there")
    return following
