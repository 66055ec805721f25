"""Twilio's list of calls, page by page, and one call by its SID.

Source: Twilio's pages "Call resource" (read multiple, fetch), "REST API: responses" (paging), "API keys" and
"Error 20429".
"""

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec

from calltally.calls.errors import Misconfigured, NotUnderstood, Unavailable
from calltally.calls.events import Door, Fact
from calltally.calls.times import EPOCH, SECOND_US
from calltally.providers.callback import Refusal, Source
from calltally.providers.documents import Document, decode, document_facts
from calltally.providers.fetching import Access, Answered, Fetch, Fetching, Get, Listing, Started
from calltally.providers.twilio.resources import SHAPE, fact_of

# Beside the auth token, which callbacks are verified with. It opens the API too, unless there is a key.
ACCOUNT: Final = "account_sid"
SECRET_NAMES: Final = (ACCOUNT, "api_key_sid", "api_key_secret")
PAGE_SIZE: Final = 1_000

_ACCOUNT_SID: Final = re.compile(r"AC[0-9a-f]{32}", re.ASCII | re.IGNORECASE)
_OK: Final = 200
_NOT_FOUND: Final = 404
_REFUSED: Final = frozenset({401, 403})
_TOO_MANY: Final = 429
_FAILING: Final = 500
_QUOTED_CHARS: Final = 200


def account_of(secrets: Mapping[str, str]) -> str:
    """The account whose calls are listed; raises Misconfigured where it is not said, or is none."""
    account = secrets.get(ACCOUNT, "")
    if not _ACCOUNT_SID.fullmatch(account):
        wrong = "is missing" if not account else "is not AC and 32 hexadecimal digits"
        raise Misconfigured(
            f"to ask Twilio for its calls takes the account's SID, and {ACCOUNT} {wrong}:"
            " put it with `calltally provider put`, beside auth_token"
        )
    return account


def list_page(access: Access, started: Started, place: str | None) -> Fetching[Listing]:
    """One page of the calls that started in a stretch of time; both its ends belong to it, by the second."""
    path = f"{_calls_path(access)}.json"
    target = place or f"{path}?{_query(started)}"
    if target.partition("?")[0] != path:
        # The sign-in goes with each request, so a page must not lead to another place.
        raise NotUnderstood(f"Twilio's list goes on at {target[:_QUOTED_CHARS]!r}, which is not that list")
    document = _read((yield _get(access, target)))
    if not isinstance(document.value, dict) or not isinstance(document.value.get("calls"), list):
        raise NotUnderstood("Twilio's list is no page of calls; see that the address is that of its API")
    return Listing(list(_facts(document, access)), _following(document.value))


def one_call(access: Access, call_sid: str) -> Fetching[list[Fact | Refusal]]:
    """What Twilio says of one call now; nothing where it knows none of that SID."""
    answered = yield _get(access, f"{_calls_path(access)}/{quote(call_sid, safe='')}.json")
    if answered.status == _NOT_FOUND:
        return []
    return list(_facts(_read(answered), access))


FETCH: Final = Fetch(SECRET_NAMES, account_of, list_page, one_call)


def _calls_path(access: Access) -> str:
    return f"/2010-04-01/Accounts/{account_of(access.secrets)}/Calls"


def _query(started: Started) -> str:
    # The SDK's own spelling: `StartTime>=…` is the parameter `StartTime>`.
    return urlencode(
        {
            "StartTime>": _second(started.from_us),
            "StartTime<": _second(started.to_us + SECOND_US - 1),
            "PageSize": PAGE_SIZE,
        }
    )


def _second(instant_us: int) -> str:
    return (EPOCH + timedelta(seconds=instant_us // SECOND_US)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _get(access: Access, target: str) -> Get:
    credentials = b64encode(":".join(_sign_in(access.secrets)).encode()).decode()
    headers = {"authorization": f"Basic {credentials}", "accept": "application/json"}
    return Get(access.base_url.rstrip("/") + target, headers)


def _sign_in(secrets: Mapping[str, str]) -> tuple[str, str]:
    """The API key if there is one, else the account's own token."""
    key_sid, key_secret = secrets.get("api_key_sid"), secrets.get("api_key_secret")
    if bool(key_sid) != bool(key_secret):
        raise Misconfigured("of Twilio's API key, api_key_sid and api_key_secret go together: put both")
    if key_sid and key_secret:
        return key_sid, key_secret
    return account_of(secrets), secrets.get("auth_token", "")


def _read(answered: Answered) -> Document:
    """The document of an answer that has one."""
    if answered.status != _OK:
        raise _fault(answered)
    document = decode(answered.body, "Twilio's answer")
    if isinstance(document, Refusal):
        raise NotUnderstood(f"{document.position}: {document.reason}")
    return document


def _fault(answered: Answered) -> Exception:
    said = f"Twilio answered {answered.status}{_message(answered.body)}"
    if answered.status in _REFUSED:
        return Misconfigured(f"{said}: account_sid and auth_token, or the API key, have to be of one account")
    if answered.status == _TOO_MANY or answered.status >= _FAILING:
        return Unavailable(f"{said}; what was done is kept, so run it again later")
    return NotUnderstood(f"{said}; see that the address is that of its API")


def _message(body: bytes) -> str:
    """What Twilio's own error says; it holds no secret."""
    try:
        document: Any = msgspec.json.decode(body)
    except ValueError:
        return ""
    message = document.get("message") if isinstance(document, dict) else None
    return f" ({message[:_QUOTED_CHARS]})" if isinstance(message, str) else ""


def _facts(document: Document, access: Access) -> Iterator[Fact | Refusal]:
    return document_facts(document, Source(Door.PROVIDER_LIST, access.received_us), SHAPE, fact_of)


def _following(page: Mapping[str, Any]) -> str | None:
    following = page.get("next_page_uri")
    if following is not None and not isinstance(following, str):
        raise NotUnderstood("Twilio's page does not say by a text where the next one is (next_page_uri)")
    return following or None
