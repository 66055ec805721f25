"""Facts from files of Asterisk.

Tables of call detail records and of channel events, with and without a header, and AMI's events in the format
of its stream.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

from calltally.calls.errors import NotUnderstood
from calltally.calls.events import Fact
from calltally.providers import tables
from calltally.providers.asterisk import channel_events, words
from calltally.providers.asterisk.rows import Row, fact_of
from calltally.providers.callback import RecordSource, UnreadableRecord
from calltally.providers.local_time import local_stamp

_MAX_EVENT_LINES: Final = 200
_AMI_EVENTS: Final = {"cdr": words.AMI_NAMES, "cel": words.AMI_EVENT_NAMES}
_AMI_STARTS: Final = (b"Event:", b"Response:", b"Asterisk Call Manager")
_HEADERS: Final = (frozenset({"src", "dst", "disposition"}), frozenset({"eventtype", "linkedid"}))


def list_facts(lines: Iterable[bytes], source: RecordSource) -> Iterator[Fact | UnreadableRecord]:
    """Yield each call detail record and each transfer of a file as a fact; skip all other events."""
    numbered = iter(lines)
    first = next((line for line in numbered if line.strip()), b"")
    complete = chain([first], numbered)
    if first.startswith(_AMI_STARTS):
        yield from _ami_facts(complete, source)
    else:
        yield from _table_facts(complete, source)


def record_fact(row: Row, source: RecordSource) -> Fact:
    """Return one call detail record or transfer as a fact; raise NotUnderstood."""
    return channel_events.fact_of(row, source) if "eventtype" in row else fact_of(row, source)


def _table_facts(lines: Iterable[bytes], source: RecordSource) -> Iterator[Fact | UnreadableRecord]:
    columns: Sequence[str] = tuple(name.strip().lower() for name in source.columns)
    for row in tables.rows(lines, tables.TableLayout(encoding=source.encoding, ends_lines=True)):
        if isinstance(row, UnreadableRecord):
            yield row
            continue
        named = [cell.strip().lower() for cell in row.cells]
        if any(header.issubset(named) for header in _HEADERS):
            # Concatenated files repeat the header in the middle.
            columns = columns if source.columns else named
            continue
        names = columns or _columns_of(row.cells, source)
        yield from _row_facts(f"line {row.line}", row.cells, names, source)


def _columns_of(cells: Sequence[str], source: RecordSource) -> Sequence[str]:
    """Return the layout of a row without a header, by its event or the column of its start time."""
    if len(cells) == len(words.EVENT_COLUMNS) and cells[0].strip() in words.EVENT_TYPES:
        return words.EVENT_COLUMNS
    # In this order: at the start column of one layout, the other has the answer time or the dialled data.
    for names in (words.CUSTOM_COLUMNS, words.MASTER_COLUMNS):
        at = names.index("start")
        if len(cells) > at and _is_time(cells[at], source):
            return names
    return words.MASTER_COLUMNS


def _is_time(text: str, source: RecordSource) -> bool:
    try:
        local_stamp(text, source.time_zone)
    except (ValueError, OverflowError):
        return False
    return True


def _row_facts(
    position: str, cells: Sequence[str], names: Sequence[str], source: RecordSource
) -> Iterator[Fact | UnreadableRecord]:
    minimum = (
        words.MASTER_MIN_COLUMNS if names in (words.MASTER_COLUMNS, words.CUSTOM_COLUMNS) else len(names)
    )
    if not minimum <= len(cells) <= len(names):
        wanted = f"{minimum}" if minimum == len(names) else f"{minimum} to {len(names)}"
        reason = f"has {len(cells)} fields, not {wanted}: the row is truncated, or belongs to another table"
        yield UnreadableRecord(position, reason)
        return
    row = dict(zip(names, cells, strict=False))
    if "eventtype" not in row or channel_events.is_transfer(row):
        yield _fact(position, row, source)


def _fact(position: str, row: Row, source: RecordSource) -> Fact | UnreadableRecord:
    try:
        return record_fact(row, source)
    except NotUnderstood as fault:
        return UnreadableRecord(position, fault.detail)


def _ami_facts(lines: Iterable[bytes], source: RecordSource) -> Iterator[Fact | UnreadableRecord]:
    event: dict[str, str] = {}
    first_line = 0
    for number, line in enumerate(lines, start=1):
        text = line.decode(source.encoding, "replace").strip()
        if text and len(event) < _MAX_EVENT_LINES:
            first_line = first_line if event else number
            name, _, value = text.partition(":")
            event[name.strip().lower()] = value.strip()
        elif not text and event:
            yield from _ami_event_facts(f"line {first_line}", event, source)
            event = {}
    if event.get("event", "").lower() in _AMI_EVENTS:
        yield UnreadableRecord(
            f"line {first_line}", "the event does not end with a blank line: it is truncated"
        )


def _ami_event_facts(
    position: str, event: dict[str, str], source: RecordSource
) -> Iterator[Fact | UnreadableRecord]:
    kind = event.get("event", "").lower()
    names = _AMI_EVENTS.get(kind, {})
    row = {names[name]: value for name, value in event.items() if name in names}
    content = "".join(row.values())
    if "\0" in content or "\ufffd" in content:
        yield UnreadableRecord(position, "contains bytes that are not text")
    elif kind == "cdr" and "uniqueid" not in row:
        yield UnreadableRecord(position, "UniqueID is missing: the event is truncated")
    elif kind == "cdr" or channel_events.is_transfer(row):
        yield _fact(position, row, source)
