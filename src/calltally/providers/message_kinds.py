"""Messages of kinds that a provider's folder does not read.

Providers add kinds at any time, and most of them do not concern the record of a call. Such a message is
stored and counted. It becomes a dead letter, which raises an alert, only if it names the state of a call.
"""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Final

from calltally.calls.errors import NotUnderstood, UnknownKind

OTHER: Final = "other"
# Label of messages that are acknowledged unread because of their length.
TOO_LONG: Final = "too_long"


def unread_kind_error(kind: str, detail: str, *, names_state: bool) -> NotUnderstood:
    """Return the error for a message of an unknown kind."""
    return NotUnderstood(detail) if names_state else UnknownKind(kind, detail)


def metric_kind(kind: str, patterns: Iterable[str]) -> str:
    """Return the pattern that matches a kind, else `other`: values from the wire never name a time series."""
    return next((pattern for pattern in patterns if fnmatchcase(kind, pattern)), OTHER)
