"""Query of the launch view: the launched route or agent, its time, and its baseline."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from calltally.analytics.query import UTC, window_value, zone_value
from calltally.calls.errors import Fault
from calltally.calls.list_query import PARAMETERS
from calltally.calls.parameters import Parameter, instant_value, raise_faults, read_all, text_value
from calltally.calls.times import DAY_US

# The period before a launch in which the baseline is searched.
BASELINE_US: Final = 28 * DAY_US
# The longest window of a launch.
MAX_LAUNCH_US: Final = 180 * DAY_US
_OF_LIST: Final = {each.name: each for each in PARAMETERS}
_ROUTE: Final = "The route that was launched or changed."
_AGENT: Final = "The voice agent, or its version, that was launched."
_SINCE: Final = "The time of the launch; default: the hour of the first call."
_TO: Final = "The end of the window; default: now."
_BASELINE: Final = (
    "The baseline: the name of another route, or of another agent. Default: the predecessor. The predecessor"
    " of an agent is the agent with most calls of the same routes in the 28 days before. The predecessor of a"
    " route is the route itself in those days."
)
_WINDOW: Final = "The window of the baseline, as `<from>..<to>`; default: the 28 days before the launch."
_TZ: Final = "The IANA time zone of the hours; default: UTC."


class LaunchQuery(msgspec.Struct, frozen=True):
    """Query for either a route or an agent; times in microseconds."""

    route: str | None = None
    agent: str | None = None
    since_us: int | None = None
    to_us: int | None = None
    baseline: str | None = None
    window: tuple[int, int] | None = None
    zone: str = UTC
    tenant: str | None = None

    @property
    def facet(self) -> str:
        """The kind of the launched item: `route` or `agent`."""
        return "route" if self.route is not None else "agent"

    @property
    def name(self) -> str:
        return self.route or self.agent or ""


LAUNCH_PARAMETERS: Final = (
    Parameter("route", "route", _ROUTE, _OF_LIST["route"].schema, "appointments", text_value),
    Parameter("agent", "agent", _AGENT, _OF_LIST["agent"].schema, "scheduler-v2", text_value),
    Parameter("since", "since_us", _SINCE, _OF_LIST["from"].schema, "2026-10-01T09:00:00Z", instant_value),
    Parameter("to", "to_us", _TO, _OF_LIST["to"].schema, "2026-10-03T09:00:00Z", instant_value),
    Parameter("baseline", "baseline", _BASELINE, _OF_LIST["agent"].schema, "scheduler", text_value),
    Parameter(
        "baseline_window",
        "window",
        _WINDOW,
        {"type": "string", "maxLength": 80, "pattern": r"^[0-9].*\.\.[0-9].*$"},
        "2026-09-01..2026-10-01",
        window_value,
    ),
    Parameter("tz", "zone", _TZ, _OF_LIST["tz"].schema, "Europe/Berlin", zone_value),
    _OF_LIST["tenant"],
)


def parse_launch_query(pairs: Sequence[tuple[str, str]], *, is_admin: bool) -> LaunchQuery:
    """Return the query of decoded pairs; raises InvalidInput with every error in them."""
    parameters = {each.name: each for each in LAUNCH_PARAMETERS if is_admin or not each.is_for_admin}
    values, faults = read_all(pairs, parameters)
    raise_faults([*faults, *_contradictions(values)])
    return LaunchQuery(**values)


def _contradictions(values: Mapping[str, Any]) -> Iterable[Fault]:
    if ("route" in values) == ("agent" in values):
        yield Fault("route", "name either the route or the agent that was launched")
    if "since_us" in values and "to_us" in values and values["since_us"] >= values["to_us"]:
        yield Fault("since", "since must be earlier than to")
