"""Messages of kinds that a provider's folder does not read.

A provider adds kinds when it likes, and most of them are of no call's record. Such a message is kept and
counted. It is a dead letter, of which there is an alert, only if it names a call's state.
"""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Final

from calltally.calls.errors import NotUnderstood, UnknownKind

OTHER: Final = "other"


def unread(kind: str, detail: str, *, names_state: bool) -> NotUnderstood:
    """Return the error to raise for a message of a kind that is in no table."""
    return NotUnderstood(detail) if names_state else UnknownKind(kind, detail)


def counted_as(kind: str, known: Iterable[str]) -> str:
    """Return the pattern of `known` that a kind is of: what comes over the wire never names a time series."""
    return next((pattern for pattern in known if fnmatchcase(kind, pattern)), OTHER)
