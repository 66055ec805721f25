"""The query of the change feed, declared as the list's is."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from calltally.calls.filters import MAX_LIMIT
from calltally.calls.parameters import (
    POINT_PATTERN,
    Parameter,
    range_schema,
    read_values,
    token_value,
    whole_number,
)

FEED_LIMIT: Final = 100
MAX_WAIT_S: Final = 30
_MAX_REVISION: Final = 10**18 - 1
_AFTER: Final = (
    "From where on: `next` of the answer before, the `snapshot` of a list, or a revision; 0, or nothing, is"
    " the beginning."
)
_WAIT: Final = "How many seconds to wait for a change where there is none yet."
_TOKEN: Final = {"type": "string", "pattern": f"^(?:[0-9]{{1,18}}|{POINT_PATTERN})$"}


class FeedQuery(msgspec.Struct, frozen=True):
    """A stretch of the feed: after which revision or token, how many changes, how many seconds to wait."""

    after: int | str = 0
    limit: int = FEED_LIMIT
    wait_s: int = 0


def _after(text: str) -> int | str:
    return whole_number(0, _MAX_REVISION)(text) if text.isdecimal() else token_value(text)


FEED_PARAMETERS: Final = (
    Parameter("after", "after", _AFTER, _TOKEN, "0", _after),
    Parameter(
        "limit",
        "limit",
        "The most changes to return.",
        range_schema(1, MAX_LIMIT, FEED_LIMIT),
        "100",
        whole_number(1, MAX_LIMIT),
    ),
    Parameter("wait", "wait_s", _WAIT, range_schema(0, MAX_WAIT_S, 0), "30", whole_number(0, MAX_WAIT_S)),
)


def parse_feed_query(pairs: Sequence[tuple[str, str]]) -> FeedQuery:
    """The query that decoded name and value pairs ask for; raises InvalidInput with every fault in it."""
    values: dict[str, Any] = read_values(pairs, {each.name: each for each in FEED_PARAMETERS})
    return FeedQuery(**values)
