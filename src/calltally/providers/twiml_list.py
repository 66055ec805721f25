"""The list of calls in the manner of Twilio's API: `Calls.json`, `next_page_uri`, one call by its SID."""

from collections.abc import Callable
from typing import Final, NamedTuple
from urllib.parse import quote, urlencode

from calltally.calls.events import Fact
from calltally.providers import rest
from calltally.providers.callback import Refusal
from calltally.providers.list_requests import Access, Ask, Fetching, Listing, Started

PAGE_SIZE: Final = 1_000


def _set(access: Access) -> str:
    return access.base_url


class TwimlList(NamedTuple):
    """Where one provider has its calls, and how it is signed in there. Each may raise Misconfigured.

    `base_url_of` is for providers whose address is not the same for all tenants.
    """

    api: rest.Api
    path_of: Callable[[Access], str]
    sign_in: Callable[[Access], str]
    base_url_of: Callable[[Access], str] = _set

    def page(self, access: Access, started: Started, place: str | None) -> Fetching[Listing]:
        """One page of the calls that started in a stretch of time; its ends belong to it, by the second."""
        path = f"{self.path_of(access)}.json"
        target = self.api.check_target(place or f"{path}?{_query(started)}", path)
        document = self.api.read((yield self._get(access, target)))
        page = self.api.page_of(document, "calls")
        return Listing(list(self.api.facts(document, access)), self.api.next_page(page, "next_page_uri"))

    def call(self, access: Access, call_sid: str) -> Fetching[list[Fact | Refusal]]:
        """What the provider says of one call now; nothing where it knows none of that SID."""
        answered = yield self._get(access, f"{self.path_of(access)}/{quote(call_sid, safe='')}.json")
        if answered.status == rest.NOT_FOUND:
            return []
        return list(self.api.facts(self.api.read(answered), access))

    def _get(self, access: Access, target: str) -> Ask:
        located = access._replace(base_url=self.base_url_of(access))
        return rest.get(located, target, self.sign_in(access))


def _query(started: Started) -> str:
    # The SDK's own spelling: `StartTime>=…` is the parameter `StartTime>`.
    return urlencode(
        {
            "StartTime>": rest.second(started.from_us),
            "StartTime<": rest.second_after(started.to_us),
            "PageSize": PAGE_SIZE,
        }
    )
