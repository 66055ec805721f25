"""Jobs as the pages write them."""

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
    """Where a job is: in a word, and how far of what is known; `done` and `of` for a bar."""

    state: str
    is_open: bool
    done: int
    of: int
    said: str


def progress_of(state: str, done: int, of: int | None) -> JobProgress:
    """How far an export is; what is not counted yet has no bar."""
    if of is None:
        return JobProgress(state, state in _OPEN, 0, 0, "")
    said = (
        text("rows_of", done=grouped(done), of=grouped(of)) if done < of else text("rows", rows=grouped(of))
    )
    return JobProgress(state, state in _OPEN, done, of, said)


def window_text(begin: str | None, end: str | None, zone: ZoneInfo) -> str:
    """From when to when; an end that is not named is open."""
    since = text("always") if begin is None else minute(begin, zone)
    until = text("ever") if end is None else minute(end, zone)
    return text("window", since=since, until=until)


def size_text(count: int) -> str:
    """Bytes as people say them."""
    size = float(count)
    for unit in _UNITS[:-1]:
        if size < _STEP:
            return f"{size:.0f} {unit}"
        size /= _STEP
    return f"{size:.1f} {_UNITS[-1]}"


def parse_page(pairs: Pairs, parameters: tuple[Parameter, ...]) -> dict[str, int]:
    """Which page of a list is asked for."""
    known = {each.name: each for each in parameters}
    asked = [pair for pair in pairs if pair[0] in known]
    return {"limit": LISTED, "offset": 0, **read_values(asked, known)}


def adjacent_pages(path: str, shown: dict[str, int], total: int) -> dict[str, Any]:
    """The pages before and after, None where there is none."""
    limit, offset = shown["limit"], shown["offset"]
    before, after = max(offset - limit, 0), offset + limit

    def at(place: int) -> str:
        return url([("limit", str(limit)), ("offset", str(place))], path)

    return {"previous": at(before) if offset else None, "next": at(after) if after < total else None}


def is_done(state: str) -> bool:
    """Whether what it was to make is there."""
    return state == JobState.COMPLETE
