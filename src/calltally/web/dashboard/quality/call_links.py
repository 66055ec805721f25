"""From a figure to its calls: which list shows them, where the list can."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import urlencode

from calltally.web.request.query import Pairs

# Keys that the list filters by under the same name.
_LISTED: Final = frozenset({"route", "provider", "agent", "direction"})
# What narrows the list to the calls that a rate counts above its line.
NARROWED: Final[Mapping[str, tuple[str, str]]] = {
    "completion_rate": ("status", "completed"),
    "no_answer_rate": ("status", "no-answer"),
    "busy_rate": ("status", "busy"),
    "cancel_rate": ("status", "canceled"),
    "failure_rate": ("status", "failed"),
    "provider_failure_rate": ("status", "failed"),
    "escalation_rate": ("escalated", "true"),
}


def calls_of(key: Mapping[str, str | None], filters: Pairs) -> Pairs | None:
    """The list's filters for a group's calls; None where the list has none for one of its keys."""
    if any(name not in _LISTED or value is None for name, value in key.items()):
        return None
    stays = [pair for pair in filters if pair[0] not in key]
    return (*stays, *((name, value) for name, value in key.items() if value is not None))


def calls_url(calls: Pairs, from_: str, to: str) -> str:
    """The list of such calls of a window."""
    return f"/calls?{_begun(calls)}from={_instant(from_)}&to={_instant(to)}"


@lru_cache(maxsize=256)
def _begun(calls: Pairs) -> str:
    """A group's part: the same for each step of time, of which a page has hundreds."""
    return f"{urlencode(calls)}&" if calls else ""


def _instant(text: str) -> str:
    return text.replace(":", "%3A")
