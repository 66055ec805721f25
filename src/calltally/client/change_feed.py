"""Operations on the change feed, for copies that follow the ledger."""

from typing import Final

from calltally.client.config import ClientConfig
from calltally.client.records import Change, ChangePage
from calltally.client.response_parsing import decode_change_page, unexpected_answer
from calltally.client.retries import send
from calltally.client.sans_io import ClientIteration, ClientOperation, FoundItems, flatten_pages
from calltally.client.wire import Answer, Request

CHANGES_PATH: Final = "/api/v1/changes"
FOLLOW_WAIT_S: Final = 30


def changes(
    config: ClientConfig, after: str | int = 0, *, limit: int = 100, wait_s: int = 0
) -> ClientOperation[ChangePage]:
    """Return the changes after a position: the `next` of the page before, a `snapshot`, or 0 for the start.

    `wait_s` (at most 30) makes the request a long poll. Raises SnapshotGone if `after` has expired (make a
    new copy), and ClientError.
    """
    _, page = yield from _fetch_changes(config, after, limit, wait_s)
    return page


def iter_change_pages(
    config: ClientConfig,
    after: str | int = 0,
    *,
    follow: bool = False,
    limit: int = 1_000,
    wait_s: int = FOLLOW_WAIT_S,
) -> ClientIteration[ChangePage]:
    """Iterate over the pages of the feed until there are no more changes, or without end with `follow`.

    Store `next` together with the applied changes of a page, so that a stopped follower continues there.
    With `follow`, a page may be empty. Raises as `changes` does.
    """
    has_next = True
    while has_next:
        long_poll_s = wait_s if follow else 0
        answer, page = yield from _fetch_changes(config, after, limit, long_poll_s)
        yield FoundItems((page,))
        if page.has_more and str(page.next) == str(after):
            raise unexpected_answer(answer, f"the feed has more after {after} but does not advance")
        after, has_next = page.next, page.has_more or follow


def iter_changes(
    config: ClientConfig,
    after: str | int = 0,
    *,
    follow: bool = False,
    limit: int = 1_000,
    wait_s: int = FOLLOW_WAIT_S,
) -> ClientIteration[Change]:
    """Iterate over single changes, for callers that need no position to resume. Raises as `changes` does."""
    return flatten_pages(
        iter_change_pages(config, after, follow=follow, limit=limit, wait_s=wait_s), lambda page: page.data
    )


def _fetch_changes(
    config: ClientConfig, after: str | int, limit: int, wait_s: int
) -> ClientOperation[tuple[Answer, ChangePage]]:
    params = [("after", str(after)), ("limit", str(limit)), *([("wait", str(wait_s))] if wait_s else [])]
    answer = yield from send(config, Request("GET", CHANGES_PATH, params), long_poll_s=wait_s)
    return answer, decode_change_page(answer)
