"""Pruning of history that no snapshot needs, in small batches, based on marks of past ledger heads.

A snapshot S is valid while S >= `kept_from`, and needs the rows that ended after S (`valid_to` > S). So rows
that ended at `kept_from` or before can be deleted. `kept_from` advances in a commit of its own before the
rows are deleted: a reader that misses a row sees in the same state that its snapshot is gone.
"""

from typing import Final

from calltally.calls.times import SECOND_US
from calltally.store.db.operation import Statement, StoreOperation
from calltally.store.snapshots.ledger_head import read_ledger_head
from calltally.store.snapshots.tokens import LedgerHead

# Precision of a snapshot's age: it may be kept for so much longer than configured, never for less.
MARK_EVERY_US: Final = 300 * SECOND_US


def mark_head(tenant: str, now_us: int) -> StoreOperation[int | None]:
    """Record the head for `advance_kept_from`; return its revision, None if the last mark is recent."""
    ledger_head = yield from read_ledger_head(tenant)
    if not (yield from _wants_mark(ledger_head, now_us)):
        return None
    mark = {"tenant": tenant, "now_us": now_us, "revision": ledger_head.revision}
    return ledger_head.revision if (yield Statement("put_mark", mark)) else None


def advance_kept_from(tenant: str, now_us: int, keep_us: int) -> StoreOperation[int | None]:
    """Move `kept_from` to the newest mark that is older than `keep_us`.

    Returns the new value, or None if it did not move: without such a mark everything is kept.
    """
    marked = yield from _mark_before(tenant, now_us - keep_us)
    if marked is None:
        return None
    moved = yield Statement("advance_kept_from", {"tenant": tenant, "revision": marked[1]})
    return marked[1] if moved else None


def is_pruning_due(tenant: str, now_us: int, keep_us: int) -> StoreOperation[bool]:
    """Decide whether marking, advancing or pruning would change anything: cheaper than trying them."""
    ledger_head = yield from read_ledger_head(tenant)
    marked = yield from _mark_before(tenant, now_us - keep_us)
    if marked is not None and marked[1] > ledger_head.kept_from:
        return True
    if (yield from _wants_mark(ledger_head, now_us)):
        return True
    [has_ended] = yield Statement("has_ended", _expired_holds(ledger_head, now_us, keep_us))
    return any(has_ended)


def prune_history(tenant: str, most: int) -> StoreOperation[int]:
    """Delete up to about `most` rows that no snapshot needs. Returns their number, 0 when none is left.

    Far fewer texts are deleted at once, since their words are deleted one by one.
    """
    kept_from = (yield from read_ledger_head(tenant)).kept_from
    gone = 0
    for prune_table in (_prune_versions, _prune_counts, _prune_texts):
        if gone < most:
            gone += yield from prune_table(tenant, kept_from, most - gone)
    if gone < most:
        marks = {"tenant": tenant, "kept_from": kept_from, "most": most - gone}
        gone += len((yield Statement("prune_marks", marks)))
    return gone


# An expired hold stays for a while, so that a client in the middle of its pages gets the error.
_HOLD_AGES: Final = 2


def prune_holds(tenant: str, now_us: int, keep_us: int, most: int) -> StoreOperation[int]:
    """Delete up to `most` expired holds that were pinned over twice `keep_us` ago. Returns their number."""
    params = _expired_holds((yield from read_ledger_head(tenant)), now_us, keep_us)
    return len((yield Statement("prune_holds", {**params, "most": most})))


def _expired_holds(head: LedgerHead, now_us: int, keep_us: int) -> dict[str, object]:
    return {"tenant": head.tenant, "kept_from": head.kept_from, "pinned_us": now_us - _HOLD_AGES * keep_us}


def _wants_mark(ledger_head: LedgerHead, now_us: int) -> StoreOperation[bool]:
    # A mark in the future, from a wrong clock, must not prevent further marks.
    marked = yield from _mark_before(ledger_head.tenant, now_us)
    if marked is None:
        return ledger_head.revision > ledger_head.kept_from
    return now_us - marked[0] >= MARK_EVERY_US and ledger_head.revision > marked[1]


def _mark_before(tenant: str, at_us: int) -> StoreOperation[tuple[int, int] | None]:
    """Return the time and the revision of the newest mark up to an instant."""
    rows = yield Statement("newest_mark", {"tenant": tenant, "at_us": at_us})
    return (rows[0][0], rows[0][1]) if rows else None


def _prune_versions(tenant: str, kept_from: int, most: int) -> StoreOperation[int]:
    ended = yield Statement("ended_versions", {"tenant": tenant, "kept_from": kept_from, "most": most})
    if ended:
        yield Statement("prune_versions", {"tenant": tenant, "lowest": ended[0][0], "highest": ended[-1][0]})
    return len(ended)


def _prune_counts(tenant: str, kept_from: int, most: int) -> StoreOperation[int]:
    ended = yield Statement("ended_counts", {"tenant": tenant, "kept_from": kept_from, "most": most})
    if ended:
        key = dict(zip(("valid_to", "facet", "width_s", "bucket_s"), ended[-1], strict=True))
        yield Statement("prune_counts", {"tenant": tenant, "lowest": ended[0][0], **key})
    return len(ended)


# SQLite removes each word of a text from its index, which takes milliseconds; a row takes microseconds.
_ROWS_A_TEXT: Final = 250


def _prune_texts(tenant: str, kept_from: int, most: int) -> StoreOperation[int]:
    few = -(-most // _ROWS_A_TEXT)
    ended = yield Statement("ended_texts", {"tenant": tenant, "kept_from": kept_from, "most": few})
    # One by one, so that other tasks can run between them.
    for (valid_to,) in ended:
        yield Statement("prune_texts", {"tenant": tenant, "valid_to": valid_to})
    return len(ended)
