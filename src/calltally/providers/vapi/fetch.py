"""Vapi's list of an organisation's calls, page by page, and one call by its id.

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
from calltally.providers.callback import Refusal
from calltally.providers.json_documents import Document
from calltally.providers.list_requests import Access, Ask, Fetch, Fetching, Listing, Started
from calltally.providers.vapi.normalise import SHAPE, call_fact

SECRET_NAMES: Final = ("api_key", "org_id")
PAGE_SIZE: Final = 1_000

_TITLE: Final = "Vapi"
_PATH: Final = "/call"
_API: Final = rest.Api(
    title=_TITLE,
    sign_in="api_key has to be a private key of the organisation",
    shape=SHAPE,
    fact_of=call_fact,
    complaints=("message", "error"),
)
# It says 400 of an id that is no UUID.
_UNKNOWN: Final = frozenset({rest.NOT_FOUND, 400})


def account_of(secrets: Mapping[str, str]) -> str:
    """Whose calls are listed: the organisation's id, or '' where the tenant did not store it."""
    rest.need_secret(secrets, "api_key", _TITLE)
    return secrets.get("org_id", "")


def list_page(access: Access, started: Started, place: str | None) -> Fetching[Listing]:
    """One page of the calls that were made in a stretch of time; `place` is when the last one before was."""
    asked = {
        "limit": PAGE_SIZE,
        "createdAtGe": utc_text(started.from_us),
        "createdAtLe": place or utc_text(started.to_us),
    }
    document = _API.read((yield _ask(access, f"{_PATH}?{urlencode(asked)}")))
    calls = _calls(document)
    return Listing(list(_API.facts(document, access)), _following(calls))


def one_call(access: Access, call_sid: str) -> Fetching[list[Fact | Refusal]]:
    """What Vapi says of one call now; nothing where it knows none of that id."""
    answered = yield _ask(access, f"{_PATH}/{quote(call_sid, safe='')}")
    if answered.status in _UNKNOWN:
        return []
    return list(_API.facts(_API.read(answered), access))


FETCH: Final = Fetch(SECRET_NAMES, account_of, list_page, one_call)


def _ask(access: Access, target: str) -> Ask:
    return rest.get(access, target, rest.bearer(rest.need_secret(access.secrets, "api_key", _TITLE)))


def _calls(document: Document) -> list[Any]:
    if not isinstance(document.value, list):
        raise NotUnderstood("Vapi's list is no array of calls; see that the address is that of its API")
    return document.value


def _following(calls: list[Any]) -> str | None:
    """The next page begins in the instant of the last call here, so that some are told twice."""
    if len(calls) < PAGE_SIZE:
        return None
    last = calls[-1].get("createdAt") if isinstance(calls[-1], dict) else None
    if not isinstance(last, str) or not last:
        raise NotUnderstood("Vapi's list has a call that does not say when it was made (createdAt)")
    return last
