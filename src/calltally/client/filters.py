"""Filters as keywords, and the parameters that they become (contract, section 1)."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, TypedDict

from calltally.calls.errors import InvalidInput
from calltally.calls.times import instant_us, utc_text
from calltally.client.wire import Pairs

Moment = datetime | date | str


class Filters(TypedDict, total=False):
    """Which calls, in which order, and as of when. None is as if it was left out.

    `from_` is included, `to` is not: aware datetimes, dates (midnight UTC), or text in RFC 3339. `order` is
    `desc` (newest first, if left out) or `asc`. `snapshot` is that of an earlier page, `hold` a name that
    pins one. Whoever names a `tenant` is an administrator, and the key is sent as an administrator's.
    """

    status: str | Sequence[str] | None
    direction: str | None
    from_: Moment | None
    to: Moment | None
    route: str | None
    provider: str | None
    agent: str | None
    call_sid: str | None
    number: str | None
    escalated: bool | None
    q: str | None
    order: str | None
    snapshot: str | None
    hold: str | None
    tenant: str | None


class Window(Filters, total=False):
    """The same, and which page: 1 to 1,000 calls, from `offset` on."""

    limit: int | None
    offset: int | None


class StreamOptions(Window, total=False):
    """The same, and the time zone (an IANA name) that CSV writes its times in."""

    tz: str | None


FILTERS: Final = frozenset(Filters.__annotations__)
WINDOW: Final = frozenset(Window.__annotations__)
STREAMED: Final = frozenset(StreamOptions.__annotations__)


def pairs_of(filters: Mapping[str, Any], allowed: frozenset[str]) -> Pairs:
    """The parameters of a request, in the order in which they were given.

    Raises TypeError for a name that there is not, as Python does, for a misspelt filter must not bring
    everything; InvalidInput for a value that cannot be sent.
    """
    unknown = sorted(set(filters) - allowed)
    if unknown:
        raise TypeError(f"there is no filter {unknown[0]!r}; there are {', '.join(sorted(allowed))}")
    return [pair for name, value in filters.items() if value is not None for pair in _pairs(name, value)]


def _pairs(name: str, value: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 (checked in each writer)
    write = _WRITERS.get(name, _one)
    for text in write(name, value):
        yield name.rstrip("_"), text


def _one(name: str, value: object) -> Iterable[str]:
    if not isinstance(value, str) or not value:
        raise InvalidInput.of(name, f"{name} must be a text that is not empty, not {value!r}")
    return (value,)


def _any_of(name: str, value: object) -> Iterable[str]:
    if isinstance(value, str):
        return _one(name, value)
    if not isinstance(value, Iterable):
        raise InvalidInput.of(name, f"{name} must be a text or several, not {value!r}")
    texts = [text for each in value for text in _one(name, each)]
    if not texts:
        raise InvalidInput.of(name, f"{name} is an empty list, which nothing matches; leave it out for all")
    return texts


def _moment(name: str, value: object) -> Iterable[str]:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise InvalidInput.of(name, f"{name} is a time without a time zone: {value.isoformat()}")
        return (utc_text(instant_us(value)),)
    if isinstance(value, date):
        return (value.isoformat(),)
    return _one(name, value)


def _flag(name: str, value: object) -> Iterable[str]:
    if not isinstance(value, bool):
        raise InvalidInput.of(name, f"{name} must be True or False, not {value!r}")
    return ("true" if value else "false",)


def _number(name: str, value: object) -> Iterable[str]:
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidInput.of(name, f"{name} must be a whole number, not {value!r}")
    return (str(value),)


_WRITERS: Final[dict[str, Callable[[str, object], Iterable[str]]]] = {
    "status": _any_of,
    "from_": _moment,
    "to": _moment,
    "escalated": _flag,
    "limit": _number,
    "offset": _number,
}
