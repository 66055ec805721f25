"""Query of the change feed, declared as the list's query is."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from calltally.calls.list_query import MAX_LIMIT
from calltally.calls.parameters import (
    POINT_PATTERN,
    Parameter,
    quote_value,
    range_schema,
    read_values,
    token_value,
    whole_number,
)

FEED_LIMIT: Final = 100
MAX_WAIT_S: Final = 30
_MAX_REVISION: Final = 10**18 - 1
_AFTER: Final = (
    "Start after this position: `next` of the previous response, the `snapshot` of a list, or a revision."
    " It takes precedence over `since`."
)
_SINCE: Final = (
    "The start of a run, in the same form as `after`, such as the last revision of the run before. A client"
    " that sends it with every page of a run needs no other state. 0, the default, is the beginning."
)
_WAIT: Final = "Seconds to wait for a change if there is none yet."
_TOKEN: Final = {"type": "string", "pattern": f"^(?:[0-9]{{1,18}}|{POINT_PATTERN})$"}


class FeedQuery(msgspec.Struct, frozen=True):
    """Page of the feed: start revision or token, number of changes, and seconds to wait."""

    after: int | str = 0
    limit: int = FEED_LIMIT
    wait_s: int = 0


def _after(text: str) -> int | str:
    if text.isdecimal():
        return whole_number(0, _MAX_REVISION)(text)
    try:
        return token_value(text)
    except ValueError:
        known = "`next` of an earlier response, the `snapshot` of a list, or a revision, 0 for the beginning"
        raise ValueError(f"must be {known}, not {quote_value(text)}") from None


FEED_PARAMETERS: Final = (
    Parameter("after", "after", _AFTER, _TOKEN, "0", _after),
    Parameter("since", "since", _SINCE, _TOKEN, "0", _after),
    Parameter(
        "limit",
        "limit",
        "Maximum number of changes to return.",
        range_schema(1, MAX_LIMIT, FEED_LIMIT),
        "100",
        whole_number(1, MAX_LIMIT),
    ),
    Parameter("wait", "wait_s", _WAIT, range_schema(0, MAX_WAIT_S, 0), "30", whole_number(0, MAX_WAIT_S)),
)


def parse_feed_query(pairs: Sequence[tuple[str, str]]) -> FeedQuery:
    """Parse the query from decoded name and value pairs; raises InvalidInput with all faults."""
    values: dict[str, Any] = read_values(pairs, {each.name: each for each in FEED_PARAMETERS})
    since = values.pop("since", 0)
    return FeedQuery(**{"after": since, **values})
