"""Telnyx's detail records of calls, page by page, and one call by its id.

Source: Telnyx's pages "Search detail records" (filters by started_at, pages by number) and "Retrieve a call
status".
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlencode

from calltally.calls.errors import NotUnderstood
from calltally.calls.events import Fact
from calltally.providers import rest
from calltally.providers.callback import Refusal
from calltally.providers.list_requests import Access, Ask, Fetch, Fetching, Listing, Started
from calltally.providers.telnyx.resources import SHAPE, fact_of
from calltally.providers.values import at

SECRET_NAMES: Final = ("api_key", "account_id")
PAGE_SIZE: Final = 50

_TITLE: Final = "Telnyx"
_RECORDS: Final = "/v2/detail_records"
_API: Final = rest.Api(
    title=_TITLE,
    sign_in="api_key has to be a key of the API v2",
    shape=SHAPE,
    fact_of=fact_of,
    complaints=("errors.0.detail", "errors.0.title"),
)


def account_of(secrets: Mapping[str, str]) -> str:
    """Whose calls are listed: what the tenant calls its account, or '' where it says nothing of it."""
    rest.need_secret(secrets, "api_key", _TITLE)
    return secrets.get("account_id", "")


def list_page(access: Access, started: Started, place: str | None) -> Fetching[Listing]:
    """One page of the calls that started in a stretch of time; `place` is the number of the page."""
    number = int(place or 1)
    document = _API.read((yield _get(access, f"{_RECORDS}?{_query(started, number)}")))
    page = _API.page_of(document, "data")
    facts = list(_API.facts(document, access, account_of(access.secrets)))
    return Listing(facts, _following(page, number))


def one_call(access: Access, call_sid: str) -> Fetching[list[Fact | Refusal]]:
    """What Telnyx says of one call now: its record, else whether it is alive; nothing if it knows none."""
    account = account_of(access.secrets)
    query = urlencode({"filter[record_type]": "call-control", "filter[call_control_id]": call_sid})
    records = _API.read((yield _get(access, f"{_RECORDS}?{query}")))
    found = list(_API.facts(records, access, account))
    if found:
        return found
    answered = yield _get(access, f"/v2/calls/{quote(call_sid, safe='')}")
    if answered.status in _UNKNOWN:
        return []
    return list(_API.facts(_API.read(answered), access, account))


FETCH: Final = Fetch(SECRET_NAMES, account_of, list_page, one_call)

# It says 422 of an id that is none of its own.
_UNKNOWN: Final = frozenset({rest.NOT_FOUND, 422})


def _query(started: Started, number: int) -> str:
    return urlencode(
        {
            "filter[record_type]": "call-control",
            "filter[started_at][gte]": rest.second(started.from_us),
            "filter[started_at][lte]": rest.second_after(started.to_us),
            "sort": "started_at",
            "page[number]": number,
            "page[size]": PAGE_SIZE,
        }
    )


def _get(access: Access, target: str) -> Ask:
    return rest.get(access, target, rest.bearer(rest.need_secret(access.secrets, "api_key", _TITLE)))


def _following(page: Mapping[str, object], number: int) -> str | None:
    total = at(page, "meta.total_pages")
    if not isinstance(total, int):
        raise NotUnderstood("Telnyx's page does not say how many there are (meta.total_pages)")
    return str(number + 1) if number < total else None
