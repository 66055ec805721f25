"""Links from a measured value to the list of its calls."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import urlencode

from calltally.web.request.query import Pairs

# Keys with a list filter of the same name.
_LIST_FILTERS: Final = frozenset({"route", "provider", "agent", "direction"})
# Filter of the calls in the numerator of a rate.
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
    """Return the list's filters for a group's calls; None if a key has no filter."""
    if any(name not in _LIST_FILTERS or value is None for name, value in key.items()):
        return None
    other_pairs = [pair for pair in filters if pair[0] not in key]
    return (*other_pairs, *((name, value) for name, value in key.items() if value is not None))


def calls_url(calls: Pairs, from_: str, to: str) -> str:
    """Return the URL of the list for a window."""
    return f"/calls?{_group_part(calls)}from={_instant(from_)}&to={_instant(to)}"


@lru_cache(maxsize=256)
def _group_part(calls: Pairs) -> str:
    """Return the group's part of the URL. A page has hundreds of links with the same part."""
    return f"{urlencode(calls)}&" if calls else ""


def _instant(text: str) -> str:
    return text.replace(":", "%3A")
