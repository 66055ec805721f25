"""What an export has to know of sealed records beside their bytes: when, which state, which id."""

from collections import Counter
from itertools import takewhile
from typing import Final, NamedTuple

from calltally.exports.window import created_text
from calltally.store.listing import SEPARATOR

ERASED: Final = "erased"
# Of the text of a time: its day, its month.
KEY_CHARS: Final = {None: 0, "day": 10, "month": 7}
ID_BYTES: Final = 8
# A sealed record begins with its id, and that of an erased call ends with the mark of it.
_ID: Final = slice(len(b'{"id":"'), len(b'{"id":"') + 36)
_ERASED: Final = b'"erased":true}'
_STATUS: Final = b'"status":"'


class Facts(NamedTuple):
    """Of some records: how many are in each state, and the first 8 bytes of the ids of those not erased."""

    by_status: Counter[str]
    ids: bytes


def facts_of(records: bytes) -> Facts:
    """Look at each record once."""
    each = records.split(SEPARATOR)
    words = Counter(_status(record) for record in each)
    ids = b"".join(_short_id(record) for record in each)
    return Facts(words, ids)


def key_of(record: bytes, chars: int) -> str:
    """The day or month of a record, as so many characters of when it was created."""
    return created_text(record)[:chars].decode()


def same_key(records: bytes, key: str) -> bytes:
    """The records at the beginning that are of a day or month."""
    if not key:
        return records
    each: list[bytes] = records.split(SEPARATOR)
    if key_of(each[-1], len(key)) == key:
        return records
    return SEPARATOR.join(takewhile(lambda record: key_of(bytes(record), len(key)) == key, each))


def _status(record: bytes) -> str:
    if record.endswith(_ERASED):
        return ERASED
    return record.partition(_STATUS)[2].partition(b'"')[0].decode()


def _short_id(record: bytes) -> bytes:
    # Nothing is kept of a call that was erased before it was written.
    return (
        b"" if record.endswith(_ERASED) else bytes.fromhex(record[_ID].decode().replace("-", ""))[:ID_BYTES]
    )
