"""Tokens: a revision of one ledger, as text that clients send back.

A snapshot token names the last revision of a commit, since pages exist only as of those; a position of the
change feed may be any revision. Both contain the version of the fold, a fingerprint of the ledger's epoch,
and a seal over these and the tenant, so that a token cannot be made up or used for another tenant.
"""

import re
from base64 import b32decode, b32encode
from functools import lru_cache
from hashlib import blake2b
from typing import Final, NamedTuple

from calltally.calls.errors import InvalidInput, SnapshotGone
from calltally.calls.fold import FOLD_VERSION

SNAPSHOT: Final = "s"
POSITION: Final = "p"
_NUMBERS_BYTES: Final = 9
_FINGERPRINT_BYTES: Final = 3
_SEAL_BYTES: Final = 8
_BODY_CHARS: Final = 32
_BODY: Final = re.compile(f"[a-z2-7]{{{_BODY_CHARS}}}")
_AGAIN: Final = "begin again without it, and continue with the snapshot in the response"


class LedgerHead(NamedTuple):
    """Current state of a tenant's ledger.

    `kept_from` is the oldest revision as of which pages can still be read. `erasures` counts the erased
    calls, and the calls whose words were indexed later: both change results as of past revisions too.
    """

    tenant: str
    revision: int
    epoch: str
    kept_from: int
    erasures: int


@lru_cache(maxsize=1_024)
def make_token(kind: str, ledger_head: LedgerHead, revision: int) -> str:
    """Return the token of a revision of this ledger, of one of the two kinds."""
    numbers = FOLD_VERSION.to_bytes(1) + revision.to_bytes(_NUMBERS_BYTES - 1)
    body = numbers + _fingerprint(ledger_head.epoch) + _seal(kind, ledger_head, numbers)
    return kind + b32encode(body).decode().lower()


def read_snapshot(ledger_head: LedgerHead, token: str, parameter: str = "snapshot") -> int:
    """Return the revision in a snapshot token. Raises InvalidInput or SnapshotGone."""
    if token[:1] == POSITION:
        raise InvalidInput.of(parameter, f"{parameter} is a position of the change feed, not a snapshot")
    revision = _read(SNAPSHOT, ledger_head, token, parameter)
    if revision < ledger_head.kept_from:
        # Its superseded versions are pruned.
        raise SnapshotGone(f"the snapshot has expired; {_AGAIN}")
    return revision


def read_position(ledger_head: LedgerHead, token: str) -> int:
    """Return the revision in a token of either kind, for the change feed."""
    kind = SNAPSHOT if token[:1] == SNAPSHOT else POSITION
    return _read(kind, ledger_head, token, "after")


def _read(kind: str, ledger_head: LedgerHead, token: str, parameter: str) -> int:
    body = token[1:]
    if token[:1] != kind or not _BODY.fullmatch(body):
        raise InvalidInput.of(
            parameter, f"{parameter} is not a valid token; send it exactly as the response contained it"
        )
    data = b32decode(body.upper())
    numbers, rest = data[:_NUMBERS_BYTES], data[_NUMBERS_BYTES:]
    if rest[:_FINGERPRINT_BYTES] != _fingerprint(ledger_head.epoch):
        raise SnapshotGone(
            f"{parameter} belongs to another ledger, or to this one before it was restored; {_AGAIN}"
        )
    if rest[_FINGERPRINT_BYTES:] != _seal(kind, ledger_head, numbers):
        raise InvalidInput.of(
            parameter, f"{parameter} is damaged or belongs to another tenant; send it exactly as received"
        )
    if numbers[0] != FOLD_VERSION:
        raise SnapshotGone(f"{parameter} comes from an earlier version of the service; {_AGAIN}")
    revision = int.from_bytes(numbers[1:])
    if revision > ledger_head.revision:
        # A read replica may only lag behind: then the primary is read.
        raise SnapshotGone(f"{parameter} names a state that this ledger has lost or not reached; {_AGAIN}")
    return revision


@lru_cache(maxsize=1_024)
def _fingerprint(epoch: str) -> bytes:
    return blake2b(epoch.encode(), digest_size=_FINGERPRINT_BYTES, person=b"epoch").digest()


def _seal(kind: str, ledger_head: LedgerHead, numbers: bytes) -> bytes:
    """Return a hash keyed by the epoch, which is secret: it guards against mistakes and made-up revisions."""
    content = f"{kind}\0{ledger_head.tenant}\0".encode() + numbers
    return blake2b(content, digest_size=_SEAL_BYTES, key=ledger_head.epoch.encode()[:64]).digest()
