"""What an export has to know of sealed records beside their bytes: when, which state, which id."""

from collections import Counter
from itertools import takewhile
from typing import Final, NamedTuple

from calltally.exports.window import created_text
from calltally.store.listing.list_calls import LINE_FEED

ERASED: Final = "erased"
# Of the text of a time: its day, its month.
KEY_CHARS: Final = {None: 0, "day": 10, "month": 7}
ID_BYTES: Final = 8
# A sealed record begins with its id (`{"id":"`), and that of an erased call ends with the mark of it.
_GROUPS: Final = (slice(7, 15), slice(16, 20), slice(21, 25))
_ERASED: Final = b'"erased":true}'
_STATUS: Final = b'"status":"'


class Facts(NamedTuple):
    """Of some records: how many are in each state, and the first 8 bytes of the ids of those not erased."""

    by_status: Counter[str]
    ids: bytes


def facts_of(records: bytes) -> Facts:
    """Look at each record once."""
    each = records.split(LINE_FEED)
    words = Counter(_status(record) for record in each)
    # Nothing is kept of a call that was erased before it was written.
    digits = b"".join([_digits(record) for record in each if not record.endswith(_ERASED)])
    return Facts(words, bytes.fromhex(digits.decode()))


def key_of(record: bytes, chars: int) -> str:
    """The day or month of a record, as so many characters of when it was created."""
    return created_text(record)[:chars].decode()


def same_key(records: bytes, key: str) -> bytes:
    """The records at the beginning that are of a day or month."""
    if not key:
        return records
    each: list[bytes] = records.split(LINE_FEED)
    if key_of(each[-1], len(key)) == key:
        return records
    return LINE_FEED.join(takewhile(lambda record: key_of(bytes(record), len(key)) == key, each))


def _status(record: bytes) -> str:
    if record.endswith(_ERASED):
        return ERASED
    return record.partition(_STATUS)[2].partition(b'"')[0].decode()


def _digits(record: bytes) -> bytes:
    """The first 16 hexadecimal digits of a record's id, which are in three groups."""
    return record[_GROUPS[0]] + record[_GROUPS[1]] + record[_GROUPS[2]]
