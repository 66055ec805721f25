"""The change feed: what changed since a point, for copies that follow."""

from typing import Final

from calltally.client.config import Plan
from calltally.client.records import Change, ChangePage
from calltally.client.response_parsing import read_changes, unexpected
from calltally.client.retries import send_within
from calltally.client.sans_io import Items, Talk, Walk, flattened
from calltally.client.wire import Answer, Request

CHANGES: Final = "/api/v1/changes"
WAIT_S: Final = 30


def changes(plan: Plan, after: str | int = 0, *, limit: int = 100, wait_s: int = 0) -> Talk[ChangePage]:
    """What changed after a point: the `next` of the stretch before, a `snapshot`, or 0 for the beginning.

    With `wait_s` (at most 30) a server that has nothing yet holds its answer back for up to so long. Raises
    SnapshotGone where `after` cannot be told any more (copy anew), and ClientError.
    """
    _, page = yield from _stretch(plan, after, limit, wait_s)
    return page


def iter_change_pages(
    plan: Plan, after: str | int = 0, *, follow: bool = False, limit: int = 1_000, wait_s: int = WAIT_S
) -> Walk[ChangePage]:
    """Stretch after stretch, until the copy is what the source was; with `follow` on and on.

    Store `next` with what was applied of a stretch, and a follower that was stopped goes on where it was.
    While it follows, a stretch may be empty. Raises as `changes` does.
    """
    goes_on = True
    while goes_on:
        waits = wait_s if follow else 0
        answer, page = yield from _stretch(plan, after, limit, waits)
        yield Items((page,))
        if page.has_more and str(page.next) == str(after):
            raise unexpected(answer, f"the feed has more after {after} and does not go on")
        after, goes_on = page.next, page.has_more or follow


def iter_changes(
    plan: Plan, after: str | int = 0, *, follow: bool = False, limit: int = 1_000, wait_s: int = WAIT_S
) -> Walk[Change]:
    """Change by change, for those who need no place to go on from. Raises as `changes` does."""
    return flattened(
        iter_change_pages(plan, after, follow=follow, limit=limit, wait_s=wait_s), lambda page: page.data
    )


def _stretch(plan: Plan, after: str | int, limit: int, wait_s: int) -> Talk[tuple[Answer, ChangePage]]:
    params = [("after", str(after)), ("limit", str(limit)), *([("wait", str(wait_s))] if wait_s else [])]
    answer = yield from send_within(plan, Request("GET", CHANGES, params), patience_s=wait_s)
    return answer, read_changes(answer)
