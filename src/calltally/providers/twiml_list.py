"""Call lists in the format of Twilio's API: `Calls.json`, `next_page_uri`, one call by its SID."""

from collections.abc import Callable
from typing import Final, NamedTuple
from urllib.parse import quote, urlencode

from calltally.calls.events import Fact
from calltally.providers import rest
from calltally.providers.call_fetcher import ApiAccess, ApiRequest, FetchedPage, FetchGenerator, StartWindow
from calltally.providers.callback import UnreadableRecord

PAGE_SIZE: Final = 1_000
_NEXT: Final = "next_page_uri"


def _configured_url(access: ApiAccess) -> str:
    return access.base_url


class TwimlList(NamedTuple):
    """Call list of one provider: its path and authentication. Each function may raise Misconfigured.

    `base_url_of` is for providers whose address differs between tenants.
    """

    api: rest.RestApi
    path_of: Callable[[ApiAccess], str]
    authorization: Callable[[ApiAccess], str]
    base_url_of: Callable[[ApiAccess], str] = _configured_url

    def page(self, access: ApiAccess, window: StartWindow, cursor: str | None) -> FetchGenerator[FetchedPage]:
        """Fetch one page of the calls that start in a window, whose bounds are inclusive seconds."""
        path = f"{self.path_of(access)}.json"
        target = self.api.check_target(cursor or f"{path}?{_query(window)}", path)
        request = self._get(access, target)
        return self.api.fetch_page(access, request, "calls", lambda page: self.api.next_page(page, _NEXT))

    def call(self, access: ApiAccess, call_sid: str) -> FetchGenerator[list[Fact | UnreadableRecord]]:
        """Fetch the current record of one call; nothing if the provider has no such SID."""
        target = f"{self.path_of(access)}/{quote(call_sid, safe='')}.json"
        return self.api.fetch_call(access, self._get(access, target))

    def _get(self, access: ApiAccess, target: str) -> ApiRequest:
        located = access._replace(base_url=self.base_url_of(access))
        return rest.get_request(located, target, self.authorization(access))


def _query(window: StartWindow) -> str:
    # As in Twilio's SDK: `StartTime>=…` is the parameter `StartTime>`.
    return urlencode(
        {
            "StartTime>": rest.rfc3339_floor(window.from_us),
            "StartTime<": rest.rfc3339_ceil(window.to_us),
            "PageSize": PAGE_SIZE,
        }
    )
