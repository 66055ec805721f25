"""Detection of a server's capabilities by a few small requests, before the export writes anything.

The reference page guarantees limit, offset, status and direction, and from and to "where supported". All else
is probed, and a capability that cannot be probed counts as absent.
"""

from contextlib import suppress
from typing import Final, NamedTuple

from msgspec.structs import replace

from calltally.calls.times import utc_text
from calltally.client.errors import BadRequestError, NotFoundError
from calltally.client.exporting.checkpoint import SnapshotPosition
from calltally.client.exporting.errors import NotExportable
from calltally.client.exporting.pages import ExportPage, ExportSource
from calltally.client.exporting.request import ExportPlan, ExportWindow, filter_words

# Days without calls: the first day of 1970, and a day in 2200.
_BEFORE_US: Final = (0, 86_400_000_000)
_AFTER_US: Final = (7_258_118_400_000_000, 7_258_204_800_000_000)
_INSTANT_CHARS: Final = len("2026-10-01T00:00:00.000000Z")
# Page sizes to try one after the other if the server refuses a longer page.
_SMALLER_LIMITS: Final = (500, 250, 100, 50, 25, 10, 5, 1)
_FAR_OFFSET: Final = 10**9
_UNBOUNDED: Final = ExportWindow("all", None, None)
_WHOLE_EXPORT_REMEDY: Final = "export all calls of such a server with --all"
_PAGE_FILTERS: Final = frozenset({"status", "direction"})


class ServerCapabilities(NamedTuple):
    """Capabilities of a server.

    `snapshot_position` is the window under a snapshot, if its pages have totals and the order of time.
    `limit` is the longest page of the server. `hint` is its remark on an empty window.
    """

    snapshot_position: SnapshotPosition | None
    limit: int
    hint: str | None = None


def probe_server(source: ExportSource, plan: ExportPlan) -> ServerCapabilities:
    """Probe a server. Raises NotExportable if it may ignore the window or a filter, and ClientError."""
    first = _fetch_first_call(source, plan)
    snapshot_position = None if plan.double_checks else _snapshot_position(source, plan, first)
    if snapshot_position:
        return ServerCapabilities(snapshot_position, plan.limit, first.hint)
    _check_window_applied(source, plan)
    _check_offset_applied(source, plan)
    limit, page = _longest_page(source, plan)
    _check_filters_verifiable(plan, page)
    return ServerCapabilities(None, limit)


def _fetch_first_call(source: ExportSource, plan: ExportPlan) -> ExportPage:
    """Fetch one call of the window with the parameters of the reference page."""
    try:
        return source.fetch(plan, 1)
    except BadRequestError as fault:
        if plan.window.params:
            with suppress(BadRequestError):
                source.fetch(replace(plan, window=_UNBOUNDED), 1)
                detail = f"the server refuses from and to ({fault.detail})"
                raise NotExportable(f"{detail}; {_WHOLE_EXPORT_REMEDY}") from fault
        raise


def _snapshot_position(source: ExportSource, plan: ExportPlan, first: ExportPage) -> SnapshotPosition | None:
    """Return the window under a snapshot if the server has snapshots, totals and the order of time."""
    if first.snapshot is None or first.total is None:
        return None
    try:
        page = source.fetch(plan, 2, order="asc", snapshot=first.snapshot)
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


def _check_window_applied(source: ExportSource, plan: ExportPlan) -> None:
    """Raise NotExportable if the server returns calls for days without calls: it ignores from and to."""
    if not plan.window.params:
        return
    for from_us, to_us in (_BEFORE_US, _AFTER_US):
        empty = replace(plan, window=ExportWindow("", from_us, to_us), filters=())
        if source.fetch(empty, 1).records:
            detail = f"a request for calls from {utc_text(from_us)} on returned others"
            raise NotExportable(f"the server ignores from and to: {detail}; {_WHOLE_EXPORT_REMEDY}")


def _check_offset_applied(source: ExportSource, plan: ExportPlan) -> None:
    """Raise NotExportable if the server returns calls at a far offset. A refusal of it is correct too."""
    with suppress(BadRequestError):
        if source.fetch(plan, 1, _FAR_OFFSET).records:
            raise NotExportable(f"the server ignores offset: it returns calls at {_FAR_OFFSET}")


def _longest_page(source: ExportSource, plan: ExportPlan) -> tuple[int, ExportPage]:
    """Return the longest page size of the server, at most the plan's, and the first page of it."""
    *longer, shortest = (plan.limit, *(each for each in _SMALLER_LIMITS if each < plan.limit))
    for limit in longer:
        with suppress(BadRequestError):
            return limit, source.fetch(plan, limit)
    return shortest, source.fetch(plan, shortest)


def _check_filters_verifiable(plan: ExportPlan, page: ExportPage) -> None:
    """Raise NotExportable for filters that the server may silently ignore: the pages do not show it."""
    unsure = sorted({name for name, _ in plan.filters} - _PAGE_FILTERS)
    if unsure and page.records:
        detail = f"the server has no snapshots and may ignore {', '.join(unsure)}"
        raise NotExportable(f"{detail}; export without it, and filter the calls yourself")


def check_filters_applied(plan: ExportPlan, page: ExportPage) -> None:
    """Raise NotExportable if a page has calls that the filters on status or direction exclude."""
    for name in _PAGE_FILTERS:
        allowed = filter_words(plan.filters).get(name, set())
        others = {getattr(call, name) for call in page.calls} - allowed if allowed else set()
        if others:
            detail = f"a request for {name} {' or '.join(sorted(allowed))} returned {others.pop()} too"
            raise NotExportable(f"the server ignores {name}: {detail}; export without it")
