"""Detection of a server's capabilities by a few small requests, before the export writes anything.

The reference page guarantees limit, offset, status and direction, and from and to "where supported". All else
is probed, and a capability that cannot be probed counts as absent.
"""

from contextlib import suppress
from typing import Final, NamedTuple

from calltally.calls.times import utc_text
from calltally.client.errors import BadRequestError, NotFoundError
from calltally.client.exporting.checkpoint import SnapshotPosition
from calltally.client.exporting.errors import NotExportable
from calltally.client.exporting.pages import ExportPage, RequestSender, fetch_page
from calltally.client.exporting.request import ExportPlan
from calltally.client.wire import QueryParams

# Days without calls: the first day of 1970, and a day in 2200.
_BEFORE_US: Final = (0, 86_400_000_000)
_AFTER_US: Final = (7_258_118_400_000_000, 7_258_204_800_000_000)
_INSTANT_CHARS: Final = len("2026-10-01T00:00:00.000000Z")
# Page sizes to try one after the other if the server refuses a longer page.
_SMALLER_LIMITS: Final = (500, 250, 100, 50, 25, 10, 5, 1)
_FAR_OFFSET: Final = 10**9
_PAGE_FILTERS: Final = frozenset({"status", "direction"})


class ServerCapabilities(NamedTuple):
    """Capabilities of a server.

    `snapshot_position` is the window under a snapshot, if its pages have totals and the order of time.
    `limit` is the longest page of the server.
    """

    snapshot_position: SnapshotPosition | None
    limit: int


def probe_server(sender: RequestSender, plan: ExportPlan) -> ServerCapabilities:
    """Probe a server. Raises NotExportable if it may ignore the window or a filter, and ClientError."""
    first = _fetch_first_call(sender, plan)
    snapshot_position = None if plan.distrusts else _snapshot_position(sender, plan, first)
    if snapshot_position:
        return ServerCapabilities(snapshot_position, plan.limit)
    _check_window_applied(sender, plan)
    _check_offset_applied(sender, plan)
    limit, page = _longest_page(sender, plan)
    _check_filters_verifiable(plan, page)
    return ServerCapabilities(None, limit)


def _fetch_first_call(sender: RequestSender, plan: ExportPlan) -> ExportPage:
    """Fetch one call of the window with the parameters of the reference page."""
    try:
        return fetch_page(sender, [*_window_params(plan), ("limit", "1"), ("offset", "0")])
    except BadRequestError as fault:
        if plan.window.params and _is_accepted(sender, [("limit", "1"), ("offset", "0"), *plan.filters]):
            detail = f"the server refuses from and to ({fault.detail})"
            raise NotExportable(f"{detail}; {_WHOLE_EXPORT_REMEDY}") from fault
        raise


_WHOLE_EXPORT_REMEDY: Final = "export all calls of such a server with --all"


def _snapshot_position(sender: RequestSender, plan: ExportPlan, first: ExportPage) -> SnapshotPosition | None:
    """Return the window under a snapshot if the server has snapshots, totals and the order of time."""
    if first.snapshot is None or first.total is None:
        return None
    params = [("order", "asc"), ("snapshot", first.snapshot), ("limit", "2"), ("offset", "0")]
    try:
        page = fetch_page(sender, [*_window_params(plan), *params])
    except (BadRequestError, NotFoundError):
        return None
    order = [(call.created_at or "", call.id) for call in page.calls]
    has_times = all(len(created) == _INSTANT_CHARS and created[-1] == "Z" for created, _ in order)
    is_same = (page.snapshot, page.total) == (first.snapshot, first.total)
    return (
        SnapshotPosition(first.snapshot, first.total)
        if is_same and has_times and order == sorted(order)
        else None
    )


def _check_window_applied(sender: RequestSender, plan: ExportPlan) -> None:
    """Raise NotExportable if the server returns calls for days without calls: it ignores from and to."""
    if not plan.window.params:
        return
    for from_us, to_us in (_BEFORE_US, _AFTER_US):
        ends = [("from", utc_text(from_us)), ("to", utc_text(to_us))]
        page = fetch_page(sender, [*ends, ("limit", "1"), ("offset", "0")])
        if page.records:
            detail = f"a request for calls from {utc_text(from_us)} on returned others"
            raise NotExportable(f"the server ignores from and to: {detail}; {_WHOLE_EXPORT_REMEDY}")


def _check_offset_applied(sender: RequestSender, plan: ExportPlan) -> None:
    """Raise NotExportable if the server returns calls at a far offset. A refusal of it is correct too."""
    with suppress(BadRequestError):
        if fetch_page(sender, [*_window_params(plan), ("limit", "1"), ("offset", str(_FAR_OFFSET))]).records:
            raise NotExportable(f"the server ignores offset: it returns calls at {_FAR_OFFSET}")


def _longest_page(sender: RequestSender, plan: ExportPlan) -> tuple[int, ExportPage]:
    """Return the longest page size of the server, at most the plan's, and the first page of it."""
    *longer, shortest = (plan.limit, *(each for each in _SMALLER_LIMITS if each < plan.limit))
    for limit in longer:
        with suppress(BadRequestError):
            return limit, fetch_page(sender, [*_window_params(plan), ("limit", str(limit)), ("offset", "0")])
    return shortest, fetch_page(sender, [*_window_params(plan), ("limit", str(shortest)), ("offset", "0")])


def _check_filters_verifiable(plan: ExportPlan, page: ExportPage) -> None:
    """Raise NotExportable for filters that the server may ignore unnoticed."""
    unsure = sorted({name for name, _ in plan.filters} - _PAGE_FILTERS)
    if unsure and page.records:
        detail = f"the server has no snapshots and may ignore {', '.join(unsure)}"
        raise NotExportable(f"{detail}; export without it, and filter the calls yourself")


def check_filters_applied(plan: ExportPlan, page: ExportPage) -> None:
    """Raise NotExportable if a page has calls that the filters on status or direction exclude."""
    for name in _PAGE_FILTERS:
        filters = {value for filtered, value in plan.filters if filtered == name}
        allowed = {each for value in filters for each in value.split(",")}
        others = {getattr(call, name) for call in page.calls} - allowed if allowed else set()
        if others:
            detail = f"a request for {name} {' or '.join(sorted(allowed))} returned {others.pop()} too"
            raise NotExportable(f"the server ignores {name}: {detail}; export without it")


def _window_params(plan: ExportPlan) -> list[tuple[str, str]]:
    return [*plan.window.params, *plan.filters]


def _is_accepted(sender: RequestSender, params: QueryParams) -> bool:
    try:
        fetch_page(sender, params)
    except BadRequestError:
        return False
    return True
