"""Operations on the change feed, for copies that follow the ledger."""

from collections.abc import AsyncGenerator
from typing import Final

from calltally.client.records import Change, ChangePage
from calltally.client.response_parsing import decode_change_page, unexpected_answer
from calltally.client.retries import send
from calltally.client.transport import Session
from calltally.client.wire import Answer, Request

CHANGES_PATH: Final = "/api/v1/changes"
FOLLOW_WAIT_S: Final = 30


async def changes(session: Session, after: str | int = 0, *, limit: int = 100, wait_s: int = 0) -> ChangePage:
    """Return the changes after a position: the `next` of the page before, a `snapshot`, or 0 for the start.

    `wait_s` (at most 30) makes the request a long poll. Raises SnapshotGoneError if `after` has expired
    (make a new copy), and ClientError.
    """
    _, page = await _fetch_changes(session, after, limit, wait_s)
    return page


async def iter_change_pages(
    session: Session,
    after: str | int = 0,
    *,
    follow: bool = False,
    limit: int = 1_000,
    wait_s: int = FOLLOW_WAIT_S,
) -> AsyncGenerator[ChangePage, None]:
    """Iterate over the pages of the feed until there are no more changes, or without end with `follow`.

    Store `next` together with the applied changes of a page, so that a stopped follower continues there.
    With `follow`, a page may be empty. Raises as `changes` does.
    """
    has_next = True
    while has_next:
        long_poll_s = wait_s if follow else 0
        answer, page = await _fetch_changes(session, after, limit, long_poll_s)
        yield page
        if page.has_more and str(page.next) == str(after):
            raise unexpected_answer(answer, f"the feed has more after {after} but does not advance")
        after, has_next = page.next, page.has_more or follow


async def iter_changes(
    session: Session,
    after: str | int = 0,
    *,
    follow: bool = False,
    limit: int = 1_000,
    wait_s: int = FOLLOW_WAIT_S,
) -> AsyncGenerator[Change, None]:
    """Iterate over single changes, for callers that need no position to resume. Raises as `changes` does."""
    async for page in iter_change_pages(session, after, follow=follow, limit=limit, wait_s=wait_s):
        for change in page.data:
            yield change


async def _fetch_changes(
    session: Session, after: str | int, limit: int, wait_s: int
) -> tuple[Answer, ChangePage]:
    params = [("after", str(after)), ("limit", str(limit)), *([("wait", str(wait_s))] if wait_s else [])]
    answer = await send(session, Request("GET", CHANGES_PATH, params), long_poll_s=wait_s)
    return answer, decode_change_page(answer)
