"""Values that the pages of exports and reconciliations share: progress, window, paging."""

from typing import Any, Final
from zoneinfo import ZoneInfo

from calltally.store.jobs.jobs import OPEN_STATES
from calltally.web.api.exports.schemas import ExportJob
from calltally.web.api.reconciliations.schemas import ReconciliationJob
from calltally.web.dashboard.calls.links import adjacent_pages
from calltally.web.dashboard.english.messages import text
from calltally.web.dashboard.formats import grouped, minute, period
from calltally.web.dashboard.sign_in.visitor import Visitor
from calltally.web.request.access import EXPORTS_WRITE
from calltally.web.request.context import AnyRequest, dependencies_of
from calltally.web.response.paging import PageWindow

_OPEN: Final = frozenset(state.value for state in OPEN_STATES)
_UNITS: Final = ("B", "kB", "MB", "GB")
_STEP: Final = 1_000


def progress_of(state: str, done: int, of: int | None) -> dict[str, Any]:
    """Format the state of a job; `done` and `of` are for a bar, which begins once the calls are counted."""
    label = ""
    if of is not None:
        count = {"done": grouped(done), "of": grouped(of)}
        label = text("rows_of", **count) if done < of else text("total", count=grouped(of))
    is_counted = of is not None
    return {
        "state": state,
        "is_open": state in _OPEN,
        "done": done if is_counted else 0,
        "of": of or 0,
        "label": label,
    }


def _window_text(begin: str | None, end: str | None, zone: ZoneInfo) -> str:
    """Format a window; a missing end is open."""
    if begin is not None and end is not None:
        return period(begin, end, zone)
    since = text("always") if begin is None else minute(begin, zone)
    until = text("ever") if end is None else minute(end, zone)
    return text("window", since=since, until=until)


def size_text(count: int) -> str:
    size = float(count)
    for unit in _UNITS[:-1]:
        if size < _STEP:
            return f"{size:.0f} {unit}"
        size /= _STEP
    return f"{size:.1f} {_UNITS[-1]}"


def list_values(
    request: AnyRequest, visitor: Visitor, path: str, paging: dict[str, int], total: int
) -> dict[str, Any]:
    return {
        "total": total,
        **adjacent_pages(
            [("limit", str(paging["limit"]))], path, PageWindow(paging["limit"], paging["offset"], total)
        ),
        "may_write": visitor.access.has_scope(EXPORTS_WRITE),
        "has_folder": dependencies_of(request).folders is not None,
    }


def job_line(visitor: Visitor, path: str, job: ExportJob | ReconciliationJob) -> dict[str, Any]:
    return {
        "id": job.id,
        "path": f"{path}/{job.id}",
        "window": _window_text(job.window.from_, job.window.to, visitor.zone),
        "created": minute(job.created_at, visitor.zone),
        "expires": minute(job.expires_at, visitor.zone),
    }
