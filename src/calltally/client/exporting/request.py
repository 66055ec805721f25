"""Parameters of an export, and the names of its files. Equal parameters are necessary to resume.

Manifests and checkpoints can come from elsewhere, such as a bucket, and the export writes, reads and removes
the files they name. So names that no export uses are refused.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from calltally.calls.export_formats import DEFAULT_FORMAT, FORMATS
from calltally.calls.list_query import MAX_LIMIT
from calltally.calls.times import DAY_US, EPOCH, SECOND_US, instant_us, parse_instant, utc_text
from calltally.client.errors import InvalidArgument
from calltally.client.exporting.errors import DamagedExport, OtherExport

PARTITIONS: Final = ("none", "day", "month")
_UNITS_US: Final[Mapping[str, int]] = {
    "s": SECOND_US,
    "m": 60 * SECOND_US,
    "h": 3_600 * SECOND_US,
    "d": DAY_US,
    "w": 7 * DAY_US,
}
_DURATION: Final = re.compile(r"([0-9]{1,6})([smhdw])", re.ASCII)
_MONTH: Final = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])", re.ASCII)
_MONTHS_PER_YEAR: Final = 12
_LAST_MONTH: Final = "9999-12"
# Fields whose command-line option has another name.
_OPTION_NAMES: Final[Mapping[str, str]] = {
    "base_url": "--base-url",
    "slice_us": "--slice",
    "keeps_raw": "--raw",
    "double_checks": "--double-check",
}
# A hundred years: no call is older, and a longer duration could leave the calendar's range.
_MAX_DURATION_US: Final = 36_525 * DAY_US
_DAY: Final = timedelta(days=1)
FILE_NAMES: Final = re.compile(
    r"calls(-[0-9A-Za-z-]+)?\.[a-z]+|_?drift\.ndjson|gone\.ndjson|_?raw/SHA256SUMS", re.ASCII
)
READING_NAMES: Final = re.compile(r"[0-9]{5,}-[0-9]+\.ndjson", re.ASCII)
RAW_NAMES: Final = re.compile(r"[0-9]{9,}\.json|SHA256SUMS", re.ASCII)
_LABEL_PATTERNS: Final = {"none": "", "day": r"-[0-9]{4}-[0-9]{2}-[0-9]{2}", "month": r"-[0-9]{4}-[0-9]{2}"}


class ExportWindow(msgspec.Struct, frozen=True):
    """Creation times of the exported calls: from_us <= created_at < to_us. None is unbounded.

    `label` is the window as the options name it: `last 7d` has other ends each time, but is the same export.
    """

    label: str = msgspec.field(name="asked")
    from_us: int | None
    to_us: int | None

    @property
    def texts(self) -> dict[str, str | None]:
        """Both ends as in the manifest."""
        ends = {"from": self.from_us, "to": self.to_us}
        return {name: None if end is None else utc_text(end) for name, end in ends.items()}

    @property
    def params(self) -> list[tuple[str, str]]:
        """Both ends as query parameters."""
        return [(name, text) for name, text in self.texts.items() if text is not None]


class WindowOptions(NamedTuple):
    """Options that name a window. `settle_us` is the distance of its end from the present."""

    from_: str | None = None
    to: str | None = None
    last: str | None = None
    month: str | None = None
    is_all: bool = False
    settle_us: int = 0

    def window(self, now_us: int, *, follows: bool = False) -> ExportWindow:
        """Return the window at `now_us`. Raises InvalidArgument for missing, mixed or invalid options."""
        self._check(follows=follows)
        if self.is_all:
            return ExportWindow("all", None, None)
        from_us, to_us = self._ends(now_us)
        ends_us = None if follows else min(to_us, now_us - self.settle_us)
        if ends_us is not None and from_us >= ends_us:
            why = (
                f"it begins at {utc_text(from_us)}, and no window ends later than"
                f" {utc_text(now_us - self.settle_us)}, the present less --settle"
                if from_us < to_us
                else f"{utc_text(from_us)} to {utc_text(to_us)}; set the later time as the end"
            )
            raise InvalidArgument.of("from", f"the window is empty: {why}")
        return ExportWindow(self._label(), from_us, ends_us)

    def _check(self, *, follows: bool) -> None:
        named = [
            name for name in ("from_", "last", "month", "is_all") if getattr(self, name) not in (None, False)
        ]
        if len(named) != 1:
            message = "choose a window: --from (and --to), --last 7d, --month 2026-10, or --all"
            raise InvalidArgument.of("from", message if not named else f"use only one of these; {message}")
        if self.to is not None and self.from_ is None:
            raise InvalidArgument.of("to", "--to requires --from")
        if follows and (self.to is not None or self.month is not None):
            raise InvalidArgument.of(
                "follow", "--follow has no end: it cannot be combined with --to or --month"
            )

    def _ends(self, now_us: int) -> tuple[int, int]:
        if self.last is not None:
            ends_us = now_us - self.settle_us
            return ends_us - duration_us("last", self.last), ends_us
        if self.month is not None:
            return _month_ends(self.month)
        return _parse_time("from", self.from_ or ""), now_us if self.to is None else _parse_time(
            "to", self.to
        )

    def _label(self) -> str:
        options = {"from": self.from_, "to": self.to, "last": self.last, "month": self.month}
        given = [f"{name} {text}" for name, text in options.items() if text is not None]
        return " ".join([*given, *([f"settle {self.settle_us // SECOND_US}s"] if self.settle_us else [])])


class ExportPlan(msgspec.Struct, frozen=True):
    """Parameters of one export.

    `filters` are query parameters of the list. `slice_us` is the width of the slices for a server without
    snapshots. `double_checks` treats a server with snapshots as one without.
    """

    base_url: str
    window: ExportWindow
    filters: tuple[tuple[str, str], ...] = ()
    format: str = DEFAULT_FORMAT
    partition: str = "none"
    limit: int = MAX_LIMIT
    slice_us: int = DAY_US
    keeps_raw: bool = False
    # Its name in the checkpoints of earlier versions.
    double_checks: bool = msgspec.field(default=False, name="distrusts")

    def check_same(self, other: "ExportPlan", location: str) -> None:
        """Raise OtherExport naming the differences from `other`, which is stored at `location`."""
        mine, theirs = _comparable_fields(self), _comparable_fields(other)
        differing = [name for name, value in mine.items() if value != theirs[name]]
        if differing:
            fields = ", ".join(f"{name} was {theirs[name]} and is now {mine[name]}" for name in differing)
            raise OtherExport(
                f"{location} belongs to another export: {fields}; use the same options, or another folder",
            )


def _comparable_fields(plan: ExportPlan) -> dict[str, Any]:
    texts: dict[object, str] = {True: "given", False: "not given"}
    values = {name: getattr(plan, name) for name in plan.__struct_fields__}
    fields = {
        _OPTION_NAMES.get(name, name): texts[value] if isinstance(value, bool) else value
        for name, value in values.items()
    }
    return fields | {
        _OPTION_NAMES["slice_us"]: f"{plan.slice_us // SECOND_US}s",
        "window": plan.window.label,
        "filters": " ".join(f"{name}={value}" for name, value in plan.filters) or "none",
    }


def filter_words(filters: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """Return the words of each filter: any of them may match."""
    words: dict[str, set[str]] = {}
    for name, value in filters:
        words.setdefault(name, set()).update(value.split(","))
    return words


def duration_us(name: str, text: str) -> int:
    """Parse `90s`, `15m`, `12h`, `7d` or `2w` to microseconds. Raises InvalidArgument naming the option."""
    found = _DURATION.fullmatch(text)
    if not found:
        raise InvalidArgument.of(name, f"--{name} {text!r} is not a duration; write 90s, 15m, 12h, 7d or 2w")
    span_us = int(found[1]) * _UNITS_US[found[2]]
    if span_us > _MAX_DURATION_US:
        raise InvalidArgument.of(name, f"--{name} {text!r} is more than a hundred years")
    return span_us


def _parse_time(name: str, text: str) -> int:
    try:
        return parse_instant(text)
    except ValueError as fault:
        raise InvalidArgument.of(name, f"--{name} {text!r}: {fault}") from None


def _month_ends(text: str) -> tuple[int, int]:
    """Return the start of a month in UTC and the start of the next month."""
    found = _MONTH.fullmatch(text)
    # The calendar's last month has no next month.
    if not found or not int(found[1]) or text == _LAST_MONTH:
        raise InvalidArgument.of("month", f"--month {text!r} is not a month; write it as 2026-10")
    year, month = int(found[1]), int(found[2])
    return instant_us(datetime(year, month, 1, tzinfo=UTC)), next_month_us(year, month)


def next_month_us(year: int, month: int) -> int:
    """Return the start of the month after a month, in UTC."""
    after = datetime(year + month // _MONTHS_PER_YEAR, month % _MONTHS_PER_YEAR + 1, 1, tzinfo=UTC)
    return instant_us(after)


def partition_label(created_us: int, partition: str) -> str:
    """Return the day or month (UTC) for a file's name, empty for the partition `none`."""
    day = (EPOCH + (created_us // DAY_US) * _DAY).date().isoformat()
    return {"none": "", "day": day, "month": day[:7]}[partition]


def check_names(location: Path, names: Iterable[str], pattern: re.Pattern[str] = FILE_NAMES) -> None:
    """Raise DamagedExport if the file at `location` contains a name that no export uses."""
    for name in names:
        if not pattern.fullmatch(name):
            raise DamagedExport(
                f"{location} contains the file name {name!r}, which no export uses, so it was changed or is "
                "not of an export; use another path, or remove it"
            )


def calls_file_pattern(partition: str, suffix: str, endings: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern for the file names of an export, with or without one of the `endings`."""
    ending = "|".join(map(re.escape, endings))
    return re.compile(rf"calls{_LABEL_PATTERNS[partition]}{re.escape(suffix)}({ending})?", re.ASCII)


def file_name(plan: ExportPlan, label: str) -> str:
    """Return a file name such as `calls.csv` or `calls-2026-10-01.csv`."""
    return "-".join(["calls", *([label] if label else [])]) + FORMATS[plan.format].suffix
