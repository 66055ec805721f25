"""ElevenLabs' list of conversations, page by page, and one conversation by its id.

Source: ElevenLabs' SDK: "List conversations" (by the second of the start, at most 100 a page, by a cursor),
and "Get conversation details", which alone has the telephone call and what was said.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

from calltally.calls.errors import NotUnderstood
from calltally.calls.events import Fact
from calltally.calls.times import SECOND_US
from calltally.providers import rest
from calltally.providers.callback import Refusal
from calltally.providers.elevenlabs.normalise import SHAPE, conversation_fact
from calltally.providers.list_requests import Access, Ask, Fetch, Fetching, Listing, Started

SECRET_NAMES: Final = ("api_key",)
PAGE_SIZE: Final = 100

_TITLE: Final = "ElevenLabs"
_PATH: Final = "/v1/convai/conversations"
_API: Final = rest.Api(
    title=_TITLE,
    sign_in="api_key has to be a key of the workspace that may read conversations",
    shape=SHAPE,
    fact_of=conversation_fact,
    complaints=("detail.message", "detail"),
)
# It says 422 of what cannot be an id.
_UNKNOWN: Final = frozenset({rest.NOT_FOUND, 422})


def account_of(secrets: Mapping[str, str]) -> str:
    """A key is of one workspace, which its conversations do not name."""
    rest.need_secret(secrets, "api_key", _TITLE)
    return ""


def list_page(access: Access, started: Started, place: str | None) -> Fetching[Listing]:
    """One page of the conversations that began in a stretch of time; `place` is the cursor of the page."""
    asked = {
        # Its bounds may be of the stretch or not: a second more on each side is.
        "call_start_after_unix": started.from_us // SECOND_US - 1,
        "call_start_before_unix": -(-started.to_us // SECOND_US) + 1,
        "page_size": PAGE_SIZE,
        "summary_mode": "include",
        **({"cursor": place} if place else {}),
    }
    document = _API.read((yield _ask(access, f"{_PATH}?{urlencode(asked)}")))
    page = _API.page_of(document, "conversations")
    return Listing(list(_API.facts(document, access)), _following(page))


def one_call(access: Access, call_sid: str) -> Fetching[list[Fact | Refusal]]:
    """What ElevenLabs says of one conversation now, whole; nothing where it knows none of that id."""
    answered = yield _ask(access, f"{_PATH}/{quote(call_sid, safe='')}")
    if answered.status in _UNKNOWN:
        return []
    return list(_API.facts(_API.read(answered), access))


FETCH: Final = Fetch(SECRET_NAMES, account_of, list_page, one_call)


def _ask(access: Access, target: str) -> Ask:
    key = rest.need_secret(access.secrets, "api_key", _TITLE)
    return Ask(access.base_url.rstrip("/") + target, {"xi-api-key": key, "accept": "application/json"})


def _following(page: Mapping[str, Any]) -> str | None:
    if page.get("has_more") is not True:
        return None
    following = _API.next_page(page, "next_cursor")
    if following is None:
        raise NotUnderstood("ElevenLabs' page has more behind it, and no next_cursor that leads there")
    return following
