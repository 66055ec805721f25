"""Plivo's list of ended calls, page by page, and one call by its id.

Source: Plivo's pages "List all calls" (filters by end_time, 20 a page at most) and "Retrieve a call".
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from urllib.parse import quote, urlencode

from calltally.calls.errors import Misconfigured
from calltally.calls.events import Fact
from calltally.calls.times import DAY_US, EPOCH, SECOND_US
from calltally.providers import rest
from calltally.providers.callback import Refusal
from calltally.providers.list_requests import Access, Ask, Fetch, Fetching, Listing, Started
from calltally.providers.plivo.resources import SHAPE, fact_of

ACCOUNT: Final = "auth_id"
# The token is the one that callbacks are verified with.
SECRET_NAMES: Final = (ACCOUNT,)
PAGE_SIZE: Final = 20

_TITLE: Final = "Plivo"
_AUTH_ID: Final = re.compile(r"[MS]A[0-9A-Z]{18}", re.ASCII)
# The filter is on a call's end, in the account's own zone; a call lasts for a day at most.
_ZONES_US: Final = 14 * 3_600 * SECOND_US
_LONGEST_US: Final = DAY_US
_API: Final = rest.Api(
    title=_TITLE,
    sign_in="auth_id and auth_token have to be of one account",
    shape=SHAPE,
    fact_of=fact_of,
    complaints=("error", "message"),
)


def account_of(secrets: Mapping[str, str]) -> str:
    """The account whose calls are listed; raises Misconfigured where it is not said, or is none."""
    auth_id = rest.need_secret(secrets, ACCOUNT, _TITLE)
    if not _AUTH_ID.fullmatch(auth_id):
        raise Misconfigured("auth_id is not MA or SA and 18 letters and digits: put it again")
    return auth_id


def list_page(access: Access, started: Started, place: str | None) -> Fetching[Listing]:
    """One page of the calls that can have started in a stretch of time, and some more."""
    path = _path(access)
    target = _API.check_target(place or f"{path}?{_query(started)}", path)
    document = _API.read((yield _get(access, target)))
    page = _API.page_of(document, "objects")
    facts = list(_API.facts(document, access, account_of(access.secrets)))
    following = _API.next_page(page, "meta.next")
    return Listing(facts, None if following is None else rest.local_part(following))


def one_call(access: Access, call_sid: str) -> Fetching[list[Fact | Refusal]]:
    """What Plivo says of one call that is over; nothing where it knows none of that id."""
    answered = yield _get(access, f"{_path(access)}{quote(call_sid, safe='')}/")
    if answered.status == rest.NOT_FOUND:
        return []
    return list(_API.facts(_API.read(answered), access, account_of(access.secrets)))


FETCH: Final = Fetch(SECRET_NAMES, account_of, list_page, one_call)


def _path(access: Access) -> str:
    return f"/v1/Account/{account_of(access.secrets)}/Call/"


def _query(started: Started) -> str:
    return urlencode(
        {
            "end_time__gte": _stamp(started.from_us - _ZONES_US),
            "end_time__lte": _stamp(started.to_us + _LONGEST_US + _ZONES_US),
            "limit": PAGE_SIZE,
            "offset": 0,
        }
    )


def _stamp(instant_us: int) -> str:
    return (EPOCH + timedelta(seconds=instant_us // SECOND_US)).strftime("%Y-%m-%d %H:%M:%S")


def _get(access: Access, target: str) -> Ask:
    token = rest.need_secret(access.secrets, "auth_token", _TITLE)
    return rest.get(access, target, rest.basic(account_of(access.secrets), token))
