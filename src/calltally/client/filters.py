"""Conversion of filters from keywords to query parameters (contract, section 1)."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, TypeAlias, TypedDict

from calltally.calls.times import instant_us, utc_text
from calltally.client.errors import InvalidArgument, UnknownArgument
from calltally.client.literals import CallDirection, CallStatus, ListOrder
from calltally.client.wire import QueryParams

# Aware datetimes, dates (midnight UTC), or RFC 3339 text.
Moment: TypeAlias = datetime | date | str


class SelectedCalls(TypedDict, total=False):
    """Filters of calls. None is equal to an absent filter.

    `from_` and `updated_from` are inclusive, `to` and `updated_to` exclusive.
    """

    status: CallStatus | Sequence[CallStatus] | None
    direction: CallDirection | None
    from_: Moment | None
    to: Moment | None
    route: str | None
    provider: str | None
    agent: str | None
    call_sid: str | None
    call_sid_prefix: str | None
    number: str | None
    from_number: str | None
    to_number: str | None
    parent_call_sid: str | None
    updated_from: Moment | None
    updated_to: Moment | None
    escalated: bool | None
    q: str | None


class TotalsFilters(SelectedCalls, total=False):
    """Filters of calls, for totals. With `tenant`, the client sends the key as an administrator's."""

    tenant: str | None


class Filters(TotalsFilters, total=False):
    """Filters, order and snapshot of a list of calls.

    `order` is `desc` (newest first, the default) or `asc`. `snapshot` comes from an earlier page, `hold` is a
    name that pins a snapshot.
    """

    order: ListOrder | None
    snapshot: str | None
    hold: str | None


class Window(Filters, total=False):
    """Filters with one page: `limit` calls (1 to 1,000) from `offset` on."""

    limit: int | None
    offset: int | None


class StreamOptions(Window, total=False):
    """Filters of a stream, with the time zone (an IANA name) of the times in CSV."""

    tz: str | None


TOTALS_PARAMS: Final = frozenset(TotalsFilters.__annotations__)
FILTER_PARAMS: Final = frozenset(Filters.__annotations__)
WINDOW_PARAMS: Final = frozenset(Window.__annotations__)
STREAM_PARAMS: Final = frozenset(StreamOptions.__annotations__)


def query_params(filters: Mapping[str, Any], allowed: frozenset[str]) -> QueryParams:
    """Return the query parameters in the order of the keywords.

    Raises UnknownArgument for an unknown name: a misspelt filter must not select all calls. Raises
    InvalidArgument for a value that cannot be sent.
    """
    check_known(filters, allowed)
    return [
        (name.rstrip("_"), text)
        for name, value in filters.items()
        if value is not None
        for text in _FORMATTERS.get(name, _format_text)(name, value)
    ]


def check_known(given: Iterable[str], known: Collection[str]) -> None:
    """Raise UnknownArgument for the first keyword that does not exist."""
    if unknown := sorted(set(given) - set(known)):
        name = unknown[0]
        raise UnknownArgument.of(
            name, f"unknown keyword {name!r}; the keywords are {', '.join(sorted(known))}"
        )


def _format_text(name: str, value: object) -> Iterable[str]:
    if not isinstance(value, str) or not value:
        raise InvalidArgument.of(name, f"{name} must be a non-empty text, not {value!r}")
    return (value,)


def _format_texts(name: str, value: object) -> Iterable[str]:
    if isinstance(value, str):
        return _format_text(name, value)
    if not isinstance(value, Iterable):
        raise InvalidArgument.of(name, f"{name} must be one text or several, not {value!r}")
    texts = [text for each in value for text in _format_text(name, each)]
    if not texts:
        raise InvalidArgument.of(name, f"{name} is an empty list, which matches no call; omit it to get all")
    return texts


def time_text(name: str, value: object) -> str:
    """Return a time as the text of the contract. Raises InvalidArgument."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise InvalidArgument.of(name, f"{name} has no time zone: {value.isoformat()}")
        return utc_text(instant_us(value))
    if isinstance(value, date):
        return value.isoformat()
    return next(iter(_format_text(name, value)))


def _format_time(name: str, value: object) -> Iterable[str]:
    return (time_text(name, value),)


def _format_flag(name: str, value: object) -> Iterable[str]:
    if not isinstance(value, bool):
        raise InvalidArgument.of(name, f"{name} must be True or False, not {value!r}")
    return ("true" if value else "false",)


def _format_number(name: str, value: object) -> Iterable[str]:
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidArgument.of(name, f"{name} must be a whole number, not {value!r}")
    return (str(value),)


_FORMATTERS: Final[dict[str, Callable[[str, object], Iterable[str]]]] = {
    "status": _format_texts,
    "from_": _format_time,
    "to": _format_time,
    "since": _format_time,
    "updated_from": _format_time,
    "updated_to": _format_time,
    "escalated": _format_flag,
    "limit": _format_number,
    "offset": _format_number,
}
