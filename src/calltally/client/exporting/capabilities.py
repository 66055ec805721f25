"""What a server can do, found out before anything is written, by a few small questions.

The reference page promises limit, offset, status and direction, and from and to "where supported". All else
is looked for, and what cannot be looked for is not believed.
"""

from contextlib import suppress
from typing import Final, NamedTuple

from calltally.calls.times import utc_text
from calltally.client.errors import BadRequest, NotFound
from calltally.client.exporting.checkpoint import Held
from calltally.client.exporting.errors import NotExportable
from calltally.client.exporting.pages import Page, Sender, fetch_page
from calltally.client.exporting.request import Plan
from calltally.client.wire import Pairs

# When nobody called yet, and when nobody has called yet.
_BEFORE_US: Final = (0, 86_400_000_000)
_AFTER_US: Final = (7_258_118_400_000_000, 7_258_204_800_000_000)
_INSTANT_CHARS: Final = len("2026-10-01T00:00:00.000000Z")
# Tried in turn, where the server says that a page is too long.
_LIMITS: Final = (500, 250, 100, 50, 25, 10, 5, 1)
_FAR: Final = 10**9
_PAGE_FILTERS: Final = frozenset({"status", "direction"})


class Server(NamedTuple):
    """What was found out.

    `held` is the window under a snapshot, where pages under one are counted and in the order of time;
    `limit` is the longest page that the server gives.
    """

    held: Held | None
    limit: int


def probe(sender: Sender, plan: Plan) -> Server:
    """Ask. Raises NotExportable where the window or a filter cannot be trusted, and ClientError."""
    first = _first(sender, plan)
    held = None if plan.distrusts else _held(sender, plan, first)
    if held:
        return Server(held, plan.limit)
    _check_window(sender, plan)
    _check_offset(sender, plan)
    limit, page = _longest(sender, plan)
    _check_filters(plan, page)
    return Server(None, limit)


def _first(sender: Sender, plan: Plan) -> Page:
    """One call of the window, as the reference page asks for it."""
    try:
        return fetch_page(sender, [*_window(plan), ("limit", "1"), ("offset", "0")])
    except BadRequest as fault:
        if plan.window.params and _answers(sender, [("limit", "1"), ("offset", "0"), *plan.filters]):
            raise NotExportable(f"the server refuses from and to ({fault.detail}); {_WHOLE}") from fault
        raise


_WHOLE: Final = "such a server can only be exported as a whole, with --all"


def _held(sender: Sender, plan: Plan, first: Page) -> Held | None:
    """The window under the snapshot, where the server has any, counts, and lists in the order of time."""
    if first.snapshot is None or first.total is None:
        return None
    held = [("order", "asc"), ("snapshot", first.snapshot), ("limit", "2"), ("offset", "0")]
    try:
        page = fetch_page(sender, [*_window(plan), *held])
    except (BadRequest, NotFound):
        return None
    order = [(glimpse.created_at or "", glimpse.id) for glimpse in page.glimpses]
    has_times = all(len(created) == _INSTANT_CHARS and created[-1] == "Z" for created, _ in order)
    same = (page.snapshot, page.total) == (first.snapshot, first.total)
    return Held(first.snapshot, first.total) if same and has_times and order == sorted(order) else None


def _check_window(sender: Sender, plan: Plan) -> None:
    """Of a time in which there were no calls a server that heeds from and to has none."""
    if not plan.window.params:
        return
    for from_us, to_us in (_BEFORE_US, _AFTER_US):
        ends = [("from", utc_text(from_us)), ("to", utc_text(to_us))]
        page = fetch_page(sender, [*ends, ("limit", "1"), ("offset", "0")])
        if page.records:
            message = f"asked for calls from {utc_text(from_us)} on, the server tells of others"
            raise NotExportable(f"the server does not heed from and to: {message}; {_WHOLE}")


def _check_offset(sender: Sender, plan: Plan) -> None:
    """So far out there is no call, unless the offset is not heeded. To refuse it is to heed it."""
    with suppress(BadRequest):
        if fetch_page(sender, [*_window(plan), ("limit", "1"), ("offset", str(_FAR))]).records:
            raise NotExportable(f"the server does not heed offset: at {_FAR} it tells of calls")


def _longest(sender: Sender, plan: Plan) -> tuple[int, Page]:
    """The longest page that it gives, up to the one asked for, and that page."""
    *longer, shortest = (plan.limit, *(each for each in _LIMITS if each < plan.limit))
    for limit in longer:
        with suppress(BadRequest):
            return limit, fetch_page(sender, [*_window(plan), ("limit", str(limit)), ("offset", "0")])
    return shortest, fetch_page(sender, [*_window(plan), ("limit", str(shortest)), ("offset", "0")])


def _check_filters(plan: Plan, page: Page) -> None:
    """Raises NotExportable for a filter that nothing shows to be heeded."""
    unsure = sorted({name for name, _ in plan.filters} - _PAGE_FILTERS)
    if unsure and page.records:
        message = f"whether the server heeds {', '.join(unsure)} cannot be told, for it has no snapshots"
        raise NotExportable(f"{message}; leave it out, and choose among the calls yourself")


def check_heeded(plan: Plan, page: Page) -> None:
    """Raises NotExportable where calls came that a filter on status or direction leaves out."""
    for name in _PAGE_FILTERS:
        asked = {value for filtered, value in plan.filters if filtered == name}
        words = {word for value in asked for word in value.split(",")}
        others = {getattr(glimpse, name) for glimpse in page.glimpses} - words if words else set()
        if others:
            message = f"asked for {name} {' or '.join(sorted(words))}, it tells of {others.pop()} as well"
            raise NotExportable(f"the server does not heed {name}: {message}; leave it out")


def _window(plan: Plan) -> list[tuple[str, str]]:
    return [*plan.window.params, *plan.filters]


def _answers(sender: Sender, params: Pairs) -> bool:
    try:
        fetch_page(sender, params)
    except BadRequest:
        return False
    return True
