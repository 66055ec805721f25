"""Twilio's list of calls, page by page, and one call by its SID.

Source: Twilio's pages "Call resource" (read multiple, fetch), "REST API: responses" (paging), "API keys" and
"Error 20429".
"""

import re
from collections.abc import Mapping
from typing import Final

from calltally.calls.errors import Misconfigured
from calltally.providers import rest
from calltally.providers.list_requests import Access, Fetch
from calltally.providers.twilio.resources import fact_of
from calltally.providers.twiml_list import TwimlList
from calltally.providers.twiml_resources import SHAPE

# Beside the auth token, which callbacks are verified with. It opens the API too, unless there is a key.
ACCOUNT: Final = "account_sid"
SECRET_NAMES: Final = (ACCOUNT, "api_key_sid", "api_key_secret")

_ACCOUNT_SID: Final = re.compile(r"AC[0-9a-f]{32}", re.ASCII | re.IGNORECASE)
_API: Final = rest.Api(
    title="Twilio",
    sign_in="account_sid and auth_token, or the API key, have to be of one account",
    shape=SHAPE,
    fact_of=fact_of,
)


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


def _calls_path(access: Access) -> str:
    return f"/2010-04-01/Accounts/{account_of(access.secrets)}/Calls"


def _sign_in(access: Access) -> str:
    """The API key if there is one, else the account's own token."""
    secrets = access.secrets
    key_sid, key_secret = secrets.get("api_key_sid"), secrets.get("api_key_secret")
    if bool(key_sid) != bool(key_secret):
        raise Misconfigured("of Twilio's API key, api_key_sid and api_key_secret go together: put both")
    if key_sid and key_secret:
        return rest.basic(key_sid, key_secret)
    return rest.basic(account_of(secrets), secrets.get("auth_token", ""))


_LIST: Final = TwimlList(_API, _calls_path, _sign_in)
FETCH: Final = Fetch(SECRET_NAMES, account_of, _LIST.page, _LIST.call)
