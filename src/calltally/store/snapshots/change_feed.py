"""Change feed: each call once in its newest state, ordered by its last revision, and tombstones.

Revisions are gapless and commit in order, so a client that has all up to a position misses nothing after it.
"""

from typing import Any, Final, NamedTuple

import msgspec

from calltally.calls.errors import SnapshotGone
from calltally.calls.identity import uuid_text
from calltally.calls.model import check_documents
from calltally.calls.times import utc_text
from calltally.store.db.operation import Row, Statement, StoreOperation
from calltally.store.snapshots.ledger_head import read_ledger_head
from calltally.store.snapshots.tokens import POSITION, LedgerHead, make_token, read_position

_encoder: Final = msgspec.json.Encoder()


class ChangeFeedPage(NamedTuple):
    """A page of the feed: documents in order, the last revision that it covers, and the ledger head."""

    documents: list[bytes]
    reached: int
    ledger_head: LedgerHead

    @property
    def position(self) -> str:
        """Token to send as `after` for the next page."""
        return make_token(POSITION, self.ledger_head, self.reached)

    @property
    def has_more(self) -> bool:
        return self.reached < self.ledger_head.revision


def changes_after(tenant: str, after: int | str, limit: int) -> StoreOperation[ChangeFeedPage]:
    """Return up to `limit` changes after a revision, or after a token of a snapshot or of the feed itself.

    Raises InvalidInput for an invalid token, and SnapshotGone for one of another epoch: the client has to
    begin again, since the ledger may have lost commits.
    """
    ledger_head = yield from read_ledger_head(tenant)
    revision = after if isinstance(after, int) else read_position(ledger_head, after)
    if revision > ledger_head.revision:
        # The tenant's own number may be from before a restore that lost it.
        message = (
            f"the ledger is at revision {ledger_head.revision} and has not reached {revision}; begin at 0"
        )
        raise SnapshotGone(message)
    params = {"tenant": tenant, "after": revision, "most": limit}
    calls = yield Statement("calls_changed", params)
    ends = yield Statement("calls_ended", params)
    changed = ((revision, _call_change(record)) for revision, record in calls)
    rows = sorted([*changed, *((row[0], tombstone(*row)) for row in ends)])[:limit]
    # Revisions of calls that have a later one have no rows and are skipped.
    reached = rows[-1][0] if len(rows) == limit else max(revision, ledger_head.revision)
    return ChangeFeedPage([document for _revision, document in rows], reached, ledger_head)


def _call_change(record: bytes) -> bytes:
    """Return the document of a call: with `tombstone` in every row, a copier has one column for it."""
    return check_documents(record)[:-1] + b',"tombstone":null}'


def tombstone(revision: int, call_id: bytes, reason: str, merged_into: bytes | None, ended_us: int) -> bytes:
    """Return the document of an id that was erased, expired or merged into another call."""
    document: dict[str, Any] = {
        "id": uuid_text(call_id),
        "tombstone": reason,
        "merged_into": uuid_text(merged_into) if merged_into else None,
        "revision": revision,
        "updated_at": utc_text(ended_us),
    }
    return _encoder.encode(document)


def lags_of(tenant: str, most: int) -> StoreOperation[list[Row]]:
    """Return, for the calls that changed last, the provider and the time since creation in microseconds."""
    return (yield Statement("lags_of_calls", {"tenant": tenant, "most": most}))
