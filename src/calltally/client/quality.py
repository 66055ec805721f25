"""Operations for launch quality and for single launches."""

from collections.abc import Sequence
from typing import Any, Final, TypeAlias, TypedDict, Unpack

import msgspec

from calltally.client.filters import TOTALS_PARAMS, Moment, TotalsFilters, query_params
from calltally.client.response_parsing import decode_record
from calltally.client.retries import send
from calltally.client.transport import Session
from calltally.client.wire import Request

QUALITY_PATH: Final = "/api/v1/analytics/launch-quality"
LAUNCH_PATH: Final = "/api/v1/analytics/launch"
# The server's own JSON, because it may add metrics.
QualityResult: TypeAlias = dict[str, Any]
_result_decoder: Final = msgspec.json.Decoder(QualityResult)


async def launch_quality(
    session: Session,
    *,
    group_by: str | Sequence[str] = (),
    compare: str | None = None,
    tz: str | None = None,
    percentiles: bool = True,
    **filters: Unpack[TotalsFilters],
) -> QualityResult:
    """Return counts, rates and times of the matching calls: `data` by group, and `total`.

    `group_by` has up to three keys: `"route"`, `"route,day"` or a list. `compare` is `previous`,
    `same_weekday` or `<from>..<to>`. Raises InvalidArgument for a value that cannot be sent,
    UnknownArgument for a filter of pages only, and ClientError.
    """
    keys = group_by if isinstance(group_by, str) else ",".join(group_by)
    more = {"group_by": keys or None, "compare": compare, "tz": tz}
    pairs = [
        *query_params(filters, TOTALS_PARAMS),
        *((name, value) for name, value in more.items() if value is not None),
        ("percentiles", str(percentiles).lower()),
    ]
    return decode_record(await send(session, Request("GET", QUALITY_PATH, pairs)), _result_decoder)


class LaunchOptions(TypedDict, total=False):
    """Launch, its start and its baseline. `baseline_window` is `<from>..<to>`."""

    route: str | None
    agent: str | None
    since: Moment | None
    to: Moment | None
    baseline: str | None
    baseline_window: str | None
    tz: str | None
    tenant: str | None


_LAUNCH_PARAMS: Final = frozenset(LaunchOptions.__annotations__)


async def view_launch(session: Session, **options: Unpack[LaunchOptions]) -> QualityResult:
    """Return the quality of a route or an agent since its launch: `verdict`, `evidence`, `hours`.

    Raises InvalidArgument, NotFoundError, and ClientError.
    """
    request = Request("GET", LAUNCH_PATH, query_params(options, _LAUNCH_PARAMS))
    return decode_record(await send(session, request), _result_decoder)
