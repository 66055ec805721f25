"""Operations for launch quality and for single launches."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias, TypedDict, Unpack

import msgspec

from calltally.client.config import ClientConfig
from calltally.client.filters import FILTER_PARAMS, Filters, query_params
from calltally.client.response_parsing import decode_record
from calltally.client.retries import send
from calltally.client.sans_io import ClientOperation
from calltally.client.wire import Request

QUALITY_PATH: Final = "/api/v1/analytics/launch-quality"
LAUNCH_PATH: Final = "/api/v1/analytics/launch"
# Order, snapshot and hold belong to pages, not to totals.
_QUALITY_FILTERS: Final = FILTER_PARAMS - {"order", "snapshot", "hold"}
# The server's own JSON, because it may add metrics.
QualityResult: TypeAlias = dict[str, Any]
_result_decoder: Final = msgspec.json.Decoder(QualityResult)


def launch_quality(
    config: ClientConfig,
    *,
    group_by: Sequence[str] = (),
    compare: str | None = None,
    tz: str | None = None,
    percentiles: bool = True,
    **filters: Unpack[Filters],
) -> ClientOperation[QualityResult]:
    """Return counts, rates and times of the matching calls: `data` by group, and `total`.

    `group_by` has up to three keys. `compare` is `previous`, `same_weekday` or `<from>..<to>`. Raises
    InvalidInput for a value that cannot be sent, TypeError for a filter of pages only, and ClientError.
    """
    more = {"group_by": ",".join(group_by) or None, "compare": compare, "tz": tz}
    pairs = [
        *query_params(filters, _QUALITY_FILTERS),
        *_set_params(more),
        ("percentiles", str(percentiles).lower()),
    ]
    answer = yield from send(config, Request("GET", QUALITY_PATH, pairs))
    return decode_record(answer, _result_decoder)


class LaunchOptions(TypedDict, total=False):
    """Launch, its start and its baseline. All are texts; times are RFC 3339 or dates."""

    route: str | None
    agent: str | None
    since: str | None
    to: str | None
    baseline: str | None
    baseline_window: str | None
    tz: str | None
    tenant: str | None


_LAUNCH_PARAMS: Final = frozenset(LaunchOptions.__annotations__)


def view_launch(config: ClientConfig, **options: Unpack[LaunchOptions]) -> ClientOperation[QualityResult]:
    """Return the quality of a route or an agent since its launch: `verdict`, `evidence`, `hours`.

    Raises InvalidInput, NotFound, ClientError, and TypeError for an unknown option.
    """
    answer = yield from send(config, Request("GET", LAUNCH_PATH, query_params(options, _LAUNCH_PARAMS)))
    return decode_record(answer, _result_decoder)


def _set_params(values: Mapping[str, str | None]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in values.items() if value is not None]
