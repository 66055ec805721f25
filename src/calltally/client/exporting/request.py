"""What is asked for: window, filters, format. Everything that must be the same for an export to go on."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec

from calltally.calls.errors import InvalidInput
from calltally.calls.times import DAY_US, EPOCH, SECOND_US, instant_us, parse_instant, utc_text
from calltally.client.exporting.errors import OtherExport

FORMATS: Final = ("ndjson", "csv", "parquet")
PARTITIONS: Final = ("none", "day", "month")
MAX_LIMIT: Final = 1_000
_UNITS_US: Final[Mapping[str, int]] = {
    "s": SECOND_US,
    "m": 60 * SECOND_US,
    "h": 3_600 * SECOND_US,
    "d": DAY_US,
    "w": 7 * DAY_US,
}
_DURATION: Final = re.compile(r"([0-9]{1,6})([smhdw])", re.ASCII)
_MONTH: Final = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])", re.ASCII)
_MONTHS: Final = 12
_LAST_MONTH: Final = "9999-12"
# What is not called as its option is.
_OPTIONS: Final[Mapping[str, str]] = {
    "base_url": "--base-url",
    "slice_us": "--slice",
    "keeps_raw": "--raw",
    "distrusts": "--distrust",
}
# Further back lies no call, and somewhere there the calendar ends.
_LONGEST_US: Final = 36_525 * DAY_US
_DAY: Final = timedelta(days=1)


class Window(msgspec.Struct, frozen=True):
    """From when to when calls were created, in microseconds: from <= created_at < to; None is without end.

    `asked` is how it was asked for: `the last 7d` is another window each time, and still the same export.
    """

    asked: str
    from_us: int | None
    to_us: int | None

    @property
    def texts(self) -> dict[str, str | None]:
        """Its two ends as the manifest has them."""
        ends = {"from": self.from_us, "to": self.to_us}
        return {name: None if end is None else utc_text(end) for name, end in ends.items()}

    @property
    def params(self) -> list[tuple[str, str]]:
        """Its ends as parameters of a request."""
        return [(name, text) for name, text in self.texts.items() if text is not None]


class Asked(NamedTuple):
    """The words that name a window. `settle_us` is how far its end stays behind now."""

    from_: str | None = None
    to: str | None = None
    last: str | None = None
    month: str | None = None
    is_all: bool = False
    settle_us: int = 0

    def window(self, now_us: int, *, follows: bool = False) -> Window:
        """The window as of now. Raises InvalidInput where the words are too few, too many or wrong."""
        self._check(follows=follows)
        if self.is_all:
            return Window("all", None, None)
        from_us, to_us = self._ends(now_us)
        ends_us = None if follows else min(to_us, now_us - self.settle_us)
        if ends_us is not None and from_us >= ends_us:
            raise InvalidInput.of("from", f"the window is empty: {utc_text(from_us)} to {utc_text(ends_us)}")
        return Window(self._words(), from_us, ends_us)

    def _check(self, *, follows: bool) -> None:
        named = [
            name for name in ("from_", "last", "month", "is_all") if getattr(self, name) not in (None, False)
        ]
        if len(named) != 1:
            message = "say which window: --from (and --to), --last 7d, --month 2026-10, or --all"
            raise InvalidInput.of("from", message if not named else f"only one of these at a time; {message}")
        if self.to is not None and self.from_ is None:
            raise InvalidInput.of("to", "--to goes with --from")
        if follows and (self.to is not None or self.month is not None):
            raise InvalidInput.of(
                "follow", "what is followed has no end: --follow goes without --to and --month"
            )

    def _ends(self, now_us: int) -> tuple[int, int]:
        if self.last is not None:
            ends_us = now_us - self.settle_us
            return ends_us - duration_us("last", self.last), ends_us
        if self.month is not None:
            return _month(self.month)
        return _instant("from", self.from_ or ""), now_us if self.to is None else _instant("to", self.to)

    def _words(self) -> str:
        told = {"from": self.from_, "to": self.to, "last": self.last, "month": self.month}
        words = [f"{name} {text}" for name, text in told.items() if text is not None]
        return " ".join([*words, *([f"settle {self.settle_us // SECOND_US}s"] if self.settle_us else [])])


class Plan(msgspec.Struct, frozen=True):
    """An export.

    `filters` are parameters of the list; `slice_us` is how wide the slices of a server without snapshots
    are; `distrusts` reads one with snapshots as if it had none.
    """

    base_url: str
    window: Window
    filters: tuple[tuple[str, str], ...] = ()
    format: str = "ndjson"
    partition: str = "none"
    limit: int = MAX_LIMIT
    slice_us: int = DAY_US
    keeps_raw: bool = False
    distrusts: bool = False

    def check_same(self, other: "Plan", place: str) -> None:
        """Raises OtherExport naming what differs from `other`, which `place` holds."""
        mine, theirs = _comparable(self), _comparable(other)
        differing = [name for name, value in mine.items() if value != theirs[name]]
        if differing:
            told = ", ".join(f"{name} was {theirs[name]} and is {mine[name]} now" for name in differing)
            raise OtherExport(
                f"{place} is of another export: {told}; ask for the same, or name another folder",
            )


def _comparable(plan: Plan) -> dict[str, Any]:
    told = {_OPTIONS.get(name, name): _shown(getattr(plan, name)) for name in plan.__struct_fields__}
    return told | {
        _OPTIONS["slice_us"]: f"{plan.slice_us // SECOND_US}s",
        "window": plan.window.asked,
        "filters": " ".join(f"{name}={value}" for name, value in plan.filters) or "none",
    }


def _shown(value: object) -> object:
    """As one says of an option that is given or not."""
    return {True: "given", False: "not given"}[value] if isinstance(value, bool) else value


def duration_us(name: str, text: str) -> int:
    """`90s`, `15m`, `12h`, `7d` or `2w` in microseconds. Raises InvalidInput naming the option."""
    found = _DURATION.fullmatch(text)
    if found and int(found[1]) * _UNITS_US[found[2]] > _LONGEST_US:
        raise InvalidInput.of(name, f"--{name} {text!r} is more than a hundred years")
    if not found:
        raise InvalidInput.of(name, f"--{name} {text!r} is no duration; write 90s, 15m, 12h, 7d or 2w")
    return int(found[1]) * _UNITS_US[found[2]]


def _instant(name: str, text: str) -> int:
    try:
        return parse_instant(text)
    except ValueError as fault:
        raise InvalidInput.of(name, f"--{name} {text!r}: {fault}") from None


def _month(text: str) -> tuple[int, int]:
    """The first instant of a month in UTC, and that of the next."""
    found = _MONTH.fullmatch(text)
    # The month after the calendar's last has no beginning.
    if not found or not int(found[1]) or text == _LAST_MONTH:
        raise InvalidInput.of("month", f"--month {text!r} is no month; write it as 2026-10")
    year, month = int(found[1]), int(found[2])
    first = datetime(year, month, 1, tzinfo=UTC)
    after = datetime(year + month // _MONTHS, month % _MONTHS + 1, 1, tzinfo=UTC)
    return instant_us(first), instant_us(after)


def partition_of(created_us: int, partition: str) -> str:
    """The part of a file's name that says which day or month (UTC) it is of; empty for `none`."""
    day = (EPOCH + (created_us // DAY_US) * _DAY).date().isoformat()
    return {"none": "", "day": day, "month": day[:7]}[partition]
