"""List of Twilio calls, page by page, and one call by its SID.

Source: Twilio's pages "Call resource" (read multiple, fetch), "REST API: responses" (paging), "API keys" and
"Error 20429".
"""

import re
from collections.abc import Mapping
from typing import Final

from calltally.calls.errors import Misconfigured
from calltally.providers import rest
from calltally.providers.call_fetcher import ApiAccess, CallFetcher
from calltally.providers.twilio.resources import fact_of
from calltally.providers.twiml_list import TwimlList
from calltally.providers.twiml_resources import SHAPE

# The auth token verifies callbacks. It also opens the API, unless an API key is stored.
ACCOUNT: Final = "account_sid"
SECRET_NAMES: Final = (ACCOUNT, "api_key_sid", "api_key_secret")

_ACCOUNT_SID: Final = re.compile(r"AC[0-9a-f]{32}", re.ASCII | re.IGNORECASE)
_API: Final = rest.RestApi(
    title="Twilio",
    auth_hint="account_sid and auth_token, or the API key, must belong to one account",
    shape=SHAPE,
    fact_of=fact_of,
)


def account_of(secrets: Mapping[str, str]) -> str:
    """Return the account whose calls are listed; raise Misconfigured without a valid one."""
    account = secrets.get(ACCOUNT, "")
    if not _ACCOUNT_SID.fullmatch(account):
        problem = "is missing" if not account else "is not AC and 32 hexadecimal digits"
        raise Misconfigured(
            f"{ACCOUNT} {problem}, and Twilio's list of calls needs it:"
            " store it with `calltally provider put`, together with auth_token"
        )
    return account


def _calls_path(access: ApiAccess) -> str:
    return f"/2010-04-01/Accounts/{account_of(access.secrets)}/Calls"


def _sign_in(access: ApiAccess) -> str:
    """Return the API key if there is one, else the account's own token."""
    secrets = access.secrets
    key_sid, key_secret = secrets.get("api_key_sid"), secrets.get("api_key_secret")
    if bool(key_sid) != bool(key_secret):
        raise Misconfigured("Twilio's API key needs both api_key_sid and api_key_secret: store both")
    if key_sid and key_secret:
        return rest.basic_auth(key_sid, key_secret)
    return rest.basic_auth(account_of(secrets), secrets.get("auth_token", ""))


_LIST: Final = TwimlList(_API, _calls_path, _sign_in)
FETCHER: Final = CallFetcher(SECRET_NAMES, account_of, _LIST.page, _LIST.call)
