"""Facts that an export reads from sealed records: creation time, status and id."""

from collections import Counter
from itertools import takewhile
from typing import Final, NamedTuple

from calltally.exports.window import created_text
from calltally.store.listing.list_calls import LINE_FEED

ERASED: Final = "erased"
# The lengths of the day and of the month in the text of a time.
KEY_CHARS: Final = {None: 0, "day": 10, "month": 7}
ID_BYTES: Final = 8
# A sealed record begins with its id (`{"id":"`). The record of an erased call ends with its mark.
_GROUPS: Final = (slice(7, 15), slice(16, 20), slice(21, 25))
_ERASED: Final = b'"erased":true}'
_STATUS: Final = b'"status":"'


class RecordFacts(NamedTuple):
    """Number of records per status, and the first 8 bytes of the id of each record that is not erased."""

    by_status: Counter[str]
    ids: bytes


def facts_of(records: bytes) -> RecordFacts:
    """Return the facts of the records. Reads each record once."""
    each = records.split(LINE_FEED)
    words = Counter(_status(record) for record in each)
    # A call that was erased before the export leaves no id.
    digits = b"".join([_digits(record) for record in each if not record.endswith(_ERASED)])
    return RecordFacts(words, bytes.fromhex(digits.decode()))


def key_of(record: bytes, chars: int) -> str:
    """Return the first `chars` characters of the creation time: the day or the month of a record."""
    return created_text(record)[:chars].decode()


def same_key(records: bytes, key: str) -> bytes:
    """Return the leading records of the same day or month."""
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
    """Return the first 16 hexadecimal digits of the record's id, which are in three groups."""
    return record[_GROUPS[0]] + record[_GROUPS[1]] + record[_GROUPS[2]]
