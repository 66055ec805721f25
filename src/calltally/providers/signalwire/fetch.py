"""List of SignalWire calls, page by page, and one call by its SID, at the address of the tenant's space.

Source: SignalWire's pages "Calls: list all calls" and "Space and authentication" of the Compatibility API.
"""

import re
from collections.abc import Mapping
from typing import Final

from calltally.calls.errors import Misconfigured
from calltally.providers import rest
from calltally.providers.call_fetcher import ApiAccess, CallFetcher
from calltally.providers.signalwire.resources import fact_of
from calltally.providers.twiml_list import TwimlList
from calltally.providers.twiml_resources import SHAPE

SECRET_NAMES: Final = ("project_id", "api_token", "space")

_TITLE: Final = "SignalWire"
_SPACE: Final = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+", re.ASCII)
_PROJECT: Final = re.compile(r"[0-9A-Za-z-]{1,64}", re.ASCII)
_API: Final = rest.RestApi(
    title=_TITLE,
    auth_hint="project_id and api_token must belong to one project, and the token needs the scope Voice",
    shape=SHAPE,
    fact_of=fact_of,
)


def account_of(secrets: Mapping[str, str]) -> str:
    """Return the project whose calls are listed; raise Misconfigured without a valid one."""
    project = rest.require_secret(secrets, "project_id", _TITLE)
    if not _PROJECT.fullmatch(project):
        raise Misconfigured("project_id is not the id of a SignalWire project: store it again")
    return project


def base_url_of(access: ApiAccess) -> str:
    """Return the address of the tenant's space, unless a setting defines one address for all tenants."""
    if access.base_url:
        return access.base_url
    space = rest.require_secret(access.secrets, "space", _TITLE)
    if not _SPACE.fullmatch(space):
        raise Misconfigured(
            "space must be the host name of your SignalWire space, such as example.signalwire.com"
        )
    return f"https://{space}"


def _calls_path(access: ApiAccess) -> str:
    return f"/api/laml/2010-04-01/Accounts/{account_of(access.secrets)}/Calls"


def _sign_in(access: ApiAccess) -> str:
    secrets = access.secrets
    return rest.basic_auth(account_of(secrets), rest.require_secret(secrets, "api_token", _TITLE))


_LIST: Final = TwimlList(_API, _calls_path, _sign_in, base_url_of)
FETCHER: Final = CallFetcher(SECRET_NAMES, account_of, _LIST.page, _LIST.call)
