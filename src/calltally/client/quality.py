"""Launch quality and launches, asked of a server that measures them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias, TypedDict, Unpack

import msgspec

from calltally.client.config import Plan
from calltally.client.filters import FILTERS, Filters, pairs_of
from calltally.client.response_parsing import read
from calltally.client.retries import send
from calltally.client.sans_io import Talk
from calltally.client.wire import Request

QUALITY: Final = "/api/v1/analytics/launch-quality"
LAUNCH: Final = "/api/v1/analytics/launch"
# A page's order and state mean nothing to a sum.
_ASKED: Final = FILTERS - {"order", "snapshot", "hold"}
# As the server's reference has it: what a metric is may grow, and stays readable.
Measured: TypeAlias = dict[str, Any]
_measured: Final = msgspec.json.Decoder(Measured)


def launch_quality(
    plan: Plan,
    *,
    group_by: Sequence[str] = (),
    compare: str | None = None,
    tz: str | None = None,
    percentiles: bool = True,
    **filters: Unpack[Filters],
) -> Talk[Measured]:
    """Counts, rates and times of the calls that match: `data` by group, and `total`.

    `group_by` has up to three keys; `compare` is `previous`, `same_weekday` or `<from>..<to>`. Raises
    InvalidInput for a value that cannot be sent, and ClientError; TypeError for a filter of pages alone.
    """
    more = {"group_by": ",".join(group_by) or None, "compare": compare, "tz": tz}
    pairs = [*pairs_of(filters, _ASKED), *_pairs(more), ("percentiles", str(percentiles).lower())]
    answer = yield from send(plan, Request("GET", QUALITY, pairs))
    return read(answer, _measured)


class LaunchOptions(TypedDict, total=False):
    """What was launched, since when, and what to hold it against: texts; times in RFC 3339, or a date."""

    route: str | None
    agent: str | None
    since: str | None
    to: str | None
    baseline: str | None
    baseline_window: str | None
    tz: str | None
    tenant: str | None


_OF_LAUNCH: Final = frozenset(LaunchOptions.__annotations__)


def view_launch(plan: Plan, **options: Unpack[LaunchOptions]) -> Talk[Measured]:
    """A route or an agent since its launch, hour by hour: `verdict`, `evidence`, `hours`.

    Raises InvalidInput, NotFound, ClientError; TypeError for an option that there is not.
    """
    answer = yield from send(plan, Request("GET", LAUNCH, pairs_of(options, _OF_LAUNCH)))
    return read(answer, _measured)


def _pairs(values: Mapping[str, str | None]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in values.items() if value is not None]
