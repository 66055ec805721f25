"""Formatted progress and paging of jobs."""

from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from calltally.calls.parameters import Parameter, read_values
from calltally.store.jobs.jobs import OPEN_STATES, JobState
from calltally.web.dashboard.calls.links import url
from calltally.web.dashboard.english.messages import text
from calltally.web.dashboard.number_format import grouped, minute
from calltally.web.request.query import Pairs

LISTED: Final = 25
_OPEN: Final = frozenset(state.value for state in OPEN_STATES)
_UNITS: Final = ("B", "kB", "MB", "GB")
_STEP: Final = 1_000


class JobProgress(NamedTuple):
    """State of a job as text; `done` and `of` for a progress bar."""

    state: str
    is_open: bool
    done: int
    of: int
    label: str


def progress_of(state: str, done: int, of: int | None) -> JobProgress:
    """Return the progress of an export; without a bar until its calls are counted."""
    if of is None:
        return JobProgress(state, state in _OPEN, 0, 0, "")
    label = (
        text("rows_of", done=grouped(done), of=grouped(of)) if done < of else text("rows", rows=grouped(of))
    )
    return JobProgress(state, state in _OPEN, done, of, label)


def window_text(begin: str | None, end: str | None, zone: ZoneInfo) -> str:
    """Format a window; a missing end is open."""
    since = text("always") if begin is None else minute(begin, zone)
    until = text("ever") if end is None else minute(end, zone)
    return text("window", since=since, until=until)


def size_text(count: int) -> str:
    """Format a size in bytes with its unit."""
    size = float(count)
    for unit in _UNITS[:-1]:
        if size < _STEP:
            return f"{size:.0f} {unit}"
        size /= _STEP
    return f"{size:.1f} {_UNITS[-1]}"


def parse_page(pairs: Pairs, parameters: tuple[Parameter, ...]) -> dict[str, int]:
    """Return limit and offset of the requested page."""
    by_name = {each.name: each for each in parameters}
    paging = [pair for pair in pairs if pair[0] in by_name]
    return {"limit": LISTED, "offset": 0, **read_values(paging, by_name)}


def adjacent_pages(path: str, page: dict[str, int], total: int) -> dict[str, Any]:
    """Return the links to the previous and next page; None for a missing one."""
    limit, offset = page["limit"], page["offset"]
    before, after = max(offset - limit, 0), offset + limit

    def at(offset_: int) -> str:
        return url([("limit", str(limit)), ("offset", str(offset_))], path)

    return {"previous": at(before) if offset else None, "next": at(after) if after < total else None}


def is_done(state: str) -> bool:
    """Return whether the job is complete."""
    return state == JobState.COMPLETE
