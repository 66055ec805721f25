"""Window of the admin operations that read all tenants: a day by default, a month at most."""

from typing import Final

from calltally.calls.errors import InvalidInput
from calltally.calls.parameters import Parameter, instant_parameter, read_values
from calltally.calls.times import DAY_US
from calltally.calls.windows import TimeWindow
from calltally.web.request.context import AnyRequest
from calltally.web.request.query import query_pairs

_MAX_DAYS: Final = 31

WINDOW_PARAMETERS: Final[tuple[Parameter, ...]] = (
    instant_parameter(
        *("from", "from_us", "Calls created at or after this time; default: one day before `to`."),
        "2026-10-01T00:00:00Z",
    ),
    instant_parameter(
        *("to", "to_us"),
        f"Calls created before this time; default: now. The window is at most {_MAX_DAYS} days.",
        "2026-10-02T00:00:00Z",
    ),
)
_BY_NAME: Final = {each.name: each for each in WINDOW_PARAMETERS}


def requested_window(request: AnyRequest, now_us: int) -> TimeWindow:
    """Return the window of the query. Raises InvalidInput."""
    values = read_values(query_pairs(request.scope["query_string"]), _BY_NAME)
    to_us = values.get("to_us", now_us)
    window = TimeWindow(values.get("from_us", to_us - DAY_US), to_us)
    if not 0 < window.to_us - window.from_us <= _MAX_DAYS * DAY_US:
        message = f"from must be earlier than to, by {_MAX_DAYS} days at most"
        raise InvalidInput.of("from", message)
    return window
