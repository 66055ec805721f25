"""Facts that an export reads from finished records, and the search of its files for erased calls."""

import sys
from collections import Counter
from collections.abc import Set as AbstractSet
from itertools import takewhile
from typing import Final, NamedTuple

from calltally.exports.window import created_text
from calltally.store.jobs.folders import JobFolder
from calltally.store.listing.seek import LINE_FEED

ERASED: Final = "erased"
# The lengths of the day and of the month in the text of a time.
KEY_CHARS: Final = {None: 0, "day": 10, "month": 7}
ID_BYTES: Final = 8
_READ_BYTES: Final = ID_BYTES * 128 * 1024
# A finished record begins with its id (`{"id":"`). The record of an erased call ends with its mark.
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


def contains_any(folder: JobFolder, ids_name: str, ids: AbstractSet[bytes]) -> bool:
    """Return true if the file of ids contains one of these calls. Reads the whole file: call it in a thread.

    A missing file counts as true, because its content is unknown.
    """
    if not ids:
        return False
    wanted = {int.from_bytes(call_id[:ID_BYTES], sys.byteorder) for call_id in ids}
    try:
        with folder.path_of(ids_name).open("rb") as file:
            while block := file.read(_READ_BYTES):
                # A comparison of numbers creates no Python object for each id.
                if not wanted.isdisjoint(memoryview(block[: len(block) // ID_BYTES * ID_BYTES]).cast("Q")):
                    return True
    except FileNotFoundError:
        return True
    return False
