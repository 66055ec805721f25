"""Where the values of sealed records stand in their bytes, found by arithmetic over all of them at once.

A record that the ledger sealed has its fields in their order, with nothing between them but commas. So the
names of its fields, found by their closing quotes, tell where its values begin and end, and no record has to
be parsed. That takes less than parsing, and the interpreter is free meanwhile.

Nothing is believed. What stands between two values is compared, byte by byte, with what must stand there; so
if each value is JSON by itself, the whole is the records that it is taken for. Whatever is not sealed like
that (an erased call, a record with other fields, a damaged one) is left to whoever parses.
"""

from itertools import pairwise
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from calltally.calls.model import CALL_FIELDS

Places: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]
_Bytes: TypeAlias = npt.NDArray[np.uint8]

_FIELDS: Final = len(CALL_FIELDS)
_FIRST: Final = b'{"id":'
# What stands behind each value: the next one's name. Behind the last of a record the next record begins.
_GAPS: Final = (*(b',"%b":' % name.encode() for name in CALL_FIELDS[1:]), b"}\n" + _FIRST)
_GAP_BYTES: Final = np.array([len(gap) for gap in _GAPS])
# A value's last bytes and the longest gap, as words of 8: what is looked at of each value.
_LAST_BYTES: Final = 4
_LOOK_BYTES: Final = 24
_QUOTE, _COLON, _LINE, _BRACE, _N, _SPACE = b'":\n{n '
_NULL: Final = b"null"
_KEY_TO_VALUE: Final = len(b'":')
_LINE_TO_KEY: Final = len(_FIRST) - 1
# How many names of their own the objects have that stand among a record's values. What metadata has, nobody
# knows: fields behind it are counted from the record's end.
_NAMES_IN: Final = {"escalation": 3, "transfer": 2, "cost": 2}
_NESTED: Final = (*_NAMES_IN, "metadata")
_STRETCHES: Final = tuple(pairwise((0, *(CALL_FIELDS.index(name) + 1 for name in _NESTED), _FIELDS)))


class Cuts(NamedTuple):
    """The values of some records, a row a call and a column a field: `plain[begins:ends]` is one's JSON.

    `plain` is the records, escaped quotes and backslashes blanked, and something behind them. What is text
    or null is proved to be; a text has no quote within. All else has yet to be read, and has so many quotes.
    """

    plain: bytes
    begins: Places
    ends: Places
    is_text: Flags
    is_null: Flags
    quotes: int


def cut(records: bytes) -> Cuts | None:
    """The cuts of records that are joined by a line feed; None for those that are not sealed as usual."""
    plain = records
    if b"\\" in records:
        plain = records.replace(rb"\\", b"..").replace(rb"\"", b"..")
    each = np.frombuffer(plain, np.uint8)
    is_quote = each == _QUOTE
    keys = np.flatnonzero(is_quote[:-1] & (each[1:] == _COLON))
    if len(keys) < _FIELDS or not plain.startswith(_FIRST) or not plain.endswith(b"}"):
        return None
    places = _begins(each, keys)
    if places is None:
        return None
    # As if another record followed: so there is a gap behind the last value too.
    plain = b"%b\n%b%b" % (plain, _FIRST, bytes(_LOOK_BYTES))
    quotes = int(np.count_nonzero(is_quote))
    return _proved(plain, places, np.append(places[1:], len(each) + 1 + len(_FIRST)), quotes)


def _begins(each: _Bytes, keys: Places) -> Places | None:
    """Where the values begin, if the quotes at `keys` close the names before them; else it is anywhere."""
    # A record's first name stands behind a line feed, of which there is no other.
    firsts = np.concatenate(([0], 1 + np.flatnonzero(each[keys[1:] - _LINE_TO_KEY] == _LINE)))
    if np.count_nonzero(each < _SPACE) != len(firsts) - 1:
        return None
    if len(keys) != len(firsts) * _FIELDS:
        keys = keys.take(_names(each, keys, firsts), mode="clip")
    return keys.reshape(-1) + _KEY_TO_VALUE


def _names(each: _Bytes, keys: Places, firsts: Places) -> Places:
    """Which of the names are those of fields, where some are those of the objects that stand in fields."""
    places = np.empty((len(firsts), _FIELDS), np.int64)
    at = firsts
    for name, (begin, end) in zip((*_NESTED, ""), _STRETCHES, strict=True):
        at = at if name else np.append(firsts[1:], len(keys)) - _FIELDS
        places[:, begin:end] = at[:, None] + np.arange(begin, end)
        if name in _NAMES_IN:
            values = keys.take(places[:, end - 1], mode="clip") + _KEY_TO_VALUE
            at = at + _NAMES_IN[name] * (each.take(values, mode="clip") == _BRACE)
    return places


def _proved(plain: bytes, begins: Places, following: Places, quotes: int) -> Cuts | None:
    """The cuts, if behind each value there is what must be up to the following one."""
    shape = (-1, _FIELDS)
    begins, following = begins.reshape(shape), following.reshape(shape)
    ends = following - _GAP_BYTES
    looks = _looks(plain, ends - _LAST_BYTES)
    if not ((looks & _MASKS) == _WANTED).all():
        return None
    last = looks.view(np.uint8).reshape(*begins.shape, _LOOK_BYTES)[..., _LAST_BYTES - 1]
    first = np.frombuffer(plain, np.uint8).take(begins, mode="clip")
    sizes = ends - begins
    is_text = (first == _QUOTE) & (last == _QUOTE) & (sizes > 1)
    is_null = (looks.view(np.uint32).reshape(*begins.shape, -1)[..., 0] == _word(_NULL)) & (
        sizes == len(_NULL)
    )
    left = quotes - 2 * (begins.size + int(np.count_nonzero(is_text)))
    return Cuts(plain, begins, ends, is_text, is_null, left) if (sizes > 0).all() else None


def _looks(plain: bytes, places: Places) -> npt.NDArray[np.uint64]:
    """So many bytes from each place on, as words."""
    # No copy, and no alignment: the bytes as they lie, once from each of them on.
    every = np.ndarray((len(plain) - _LOOK_BYTES + 1,), f"V{_LOOK_BYTES}", plain, 0, (1,))
    return every[places].view(np.uint64).reshape(*places.shape, -1)


def _word(text: bytes) -> int:
    return int.from_bytes(text, "little")


def _as_looked_at(texts: list[bytes]) -> npt.NDArray[np.uint64]:
    each = [bytes(_LAST_BYTES) + text.ljust(_LOOK_BYTES - _LAST_BYTES, b"\0") for text in texts]
    return np.frombuffer(b"".join(each), np.uint64).reshape(len(texts), -1)


_WANTED: Final = _as_looked_at([*_GAPS])
_MASKS: Final = _as_looked_at([b"\xff" * len(gap) for gap in _GAPS])
