"""Times of the contract as datetimes."""

from datetime import datetime, timedelta

from calltally.calls.times import EPOCH, parse_instant
from calltally.client.errors import InvalidArgument


def parse_time(text: str) -> datetime:
    """Return a time of the contract (RFC 3339 text) as an aware datetime in UTC. Raises InvalidArgument."""
    try:
        return EPOCH + timedelta(microseconds=parse_instant(text))
    except ValueError as fault:
        raise InvalidArgument.of("text", f"{text!r} is not a time: {fault}") from fault


def parse_optional_time(text: str | None) -> datetime | None:
    return None if text is None else parse_time(text)
