"""Vonage's list of an application's calls, page by page, and one call by its id.

Source: Vonage's page "Voice API: get details of calls".
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

from calltally.calls.events import Fact
from calltally.providers import rest
from calltally.providers.callback import Refusal
from calltally.providers.list_requests import Access, Ask, Fetch, Fetching, Listing, Started
from calltally.providers.vonage.resources import SHAPE, fact_of

ACCOUNT: Final = "application_id"
SECRET_NAMES: Final = (ACCOUNT, "private_key")
PAGE_SIZE: Final = 100

_TITLE: Final = "Vonage"
_PATH: Final = "/v1/calls"
_API: Final = rest.Api(
    title=_TITLE,
    sign_in="application_id and private_key have to be of one application",
    shape=SHAPE,
    fact_of=fact_of,
    complaints=("detail", "title", "error_title"),
)


def account_of(secrets: Mapping[str, str]) -> str:
    """The application whose calls are listed; raises Misconfigured where it is not said."""
    return rest.need_secret(secrets, ACCOUNT, _TITLE)


def list_page(access: Access, started: Started, place: str | None) -> Fetching[Listing]:
    """One page of the calls that started in a stretch of time; `place` is the index of its first one."""
    index = int(place or 0)
    document = _API.read((yield _get(access, f"{_PATH}?{_query(started, index)}")))
    page = _API.page_of(document, "_embedded.calls")
    listed = len(page["_embedded"]["calls"])
    facts = list(_API.facts(document, access, account_of(access.secrets)))
    return Listing(facts, str(index + listed) if _goes_on(page, index, listed) else None)


def one_call(access: Access, call_sid: str) -> Fetching[list[Fact | Refusal]]:
    """What Vonage says of one call now; nothing where it knows none of that id."""
    answered = yield _get(access, f"{_PATH}/{quote(call_sid, safe='')}")
    # It says 400 of what is no UUID.
    if answered.status in {rest.NOT_FOUND, 400}:
        return []
    return list(_API.facts(_API.read(answered), access, account_of(access.secrets)))


FETCH: Final = Fetch(SECRET_NAMES, account_of, list_page, one_call)


def _goes_on(page: Mapping[str, Any], index: int, listed: int) -> bool:
    """Whether there can be more: a full page, by the size that the server says, or fewer than it counts."""
    size, count = page.get("page_size"), page.get("count")
    is_full = listed >= (size if isinstance(size, int) and size > 0 else PAGE_SIZE)
    return listed > 0 and (is_full or (isinstance(count, int) and index + listed < count))


def _query(started: Started, index: int) -> str:
    return urlencode(
        {
            "date_start": rest.second(started.from_us),
            "date_end": rest.second_after(started.to_us),
            "page_size": PAGE_SIZE,
            "record_index": index,
            "order": "asc",
        }
    )


def _get(access: Access, target: str) -> Ask:
    from calltally.providers.vonage.token import token_of  # deferred: signing by RSA takes 6 MB

    return rest.get(access, target, rest.bearer(token_of(access, account_of(access.secrets))))
