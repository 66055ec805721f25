"""jambonz's recent calls, page by page, and one call by its id.

Source: jambonz's page "Recent calls" (page, count, start, end, filter) and its API server. Self-hosted
systems set the address by a setting.
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from calltally.calls.errors import Misconfigured, NotUnderstood
from calltally.calls.events import Fact
from calltally.providers import rest
from calltally.providers.callback import Refusal
from calltally.providers.jambonz.resources import SHAPE, fact_of
from calltally.providers.list_requests import Access, Ask, Fetch, Fetching, Listing, Started
from calltally.providers.values import at

ACCOUNT: Final = "account_sid"
SECRET_NAMES: Final = (ACCOUNT, "api_key")
PAGE_SIZE: Final = 500

_TITLE: Final = "jambonz"
_ACCOUNT_SID: Final = re.compile(r"[0-9A-Za-z-]{1,64}", re.ASCII)
# It takes no fewer a page, and looks back by days where no window is said.
_LEAST: Final = 25
_DAYS: Final = 90
_API: Final = rest.Api(
    title=_TITLE,
    sign_in="api_key has to be of the account account_sid",
    shape=SHAPE,
    fact_of=fact_of,
    complaints=("msg", "message"),
)


def account_of(secrets: Mapping[str, str]) -> str:
    """The account whose calls are listed; raises Misconfigured where it is not said, or is none."""
    account = rest.need_secret(secrets, ACCOUNT, _TITLE)
    if not _ACCOUNT_SID.fullmatch(account):
        raise Misconfigured("account_sid is not the id of a jambonz account: put it again")
    return account


def list_page(access: Access, started: Started, place: str | None) -> Fetching[Listing]:
    """One page of the calls that were attempted in a stretch of time; `place` is the number of the page."""
    number = int(place or 1)
    asked = {
        "page": number,
        "count": PAGE_SIZE,
        "start": rest.second(started.from_us),
        "end": rest.second_after(started.to_us),
    }
    document = _API.read((yield _get(access, asked)))
    page = _API.page_of(document, "data")
    facts = list(_API.facts(document, access, account_of(access.secrets)))
    total = at(page, "total")
    if not isinstance(total, int):
        raise NotUnderstood("jambonz's page does not say how many calls there are (total)")
    return Listing(facts, str(number + 1) if number * PAGE_SIZE < total else None)


def one_call(access: Access, call_sid: str) -> Fetching[list[Fact | Refusal]]:
    """What jambonz says of one call that is over; nothing where it lists none of that id."""
    asked = {"page": 1, "count": _LEAST, "days": _DAYS, "filter": call_sid}
    document = _API.read((yield _get(access, asked)))
    facts = _API.facts(document, access, account_of(access.secrets))
    # The filter finds parts of numbers too.
    return [fact for fact in facts if not isinstance(fact, Fact) or fact.call_sid == call_sid]


FETCH: Final = Fetch(SECRET_NAMES, account_of, list_page, one_call)


def _get(access: Access, asked: Mapping[str, object]) -> Ask:
    path = f"/v1/Accounts/{account_of(access.secrets)}/RecentCalls"
    key = rest.need_secret(access.secrets, "api_key", _TITLE)
    return rest.get(access, f"{path}?{urlencode(asked)}", rest.bearer(key))
