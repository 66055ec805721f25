"""Facts from files of Asterisk.

Tables with and without a header, and AMI's events in the format of its stream.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

from calltally.calls.errors import NotUnderstood
from calltally.calls.events import Fact
from calltally.providers import tables
from calltally.providers.asterisk import words
from calltally.providers.asterisk.rows import fact_of
from calltally.providers.callback import RecordSource, UnreadableRecord
from calltally.providers.local_time import local_stamp

_MAX_EVENT_LINES: Final = 200
_AMI_STARTS: Final = (b"Event:", b"Response:", b"Asterisk Call Manager")
_HEADER_NAMES: Final = frozenset({"src", "dst", "disposition"})


def list_facts(lines: Iterable[bytes], source: RecordSource) -> Iterator[Fact | UnreadableRecord]:
    """Yield each row or `Cdr` event of a file as a fact; skip AMI's other events."""
    numbered = iter(lines)
    first = next((line for line in numbered if line.strip()), b"")
    complete = chain([first], numbered)
    if first.startswith(_AMI_STARTS):
        yield from _ami_facts(complete, source)
    else:
        yield from _table_facts(complete, source)


def _table_facts(lines: Iterable[bytes], source: RecordSource) -> Iterator[Fact | UnreadableRecord]:
    columns: Sequence[str] = tuple(name.strip().lower() for name in source.columns)
    for row in tables.rows(lines, tables.TableLayout(encoding=source.encoding, ends_lines=True)):
        if isinstance(row, UnreadableRecord):
            yield row
            continue
        named = [cell.strip().lower() for cell in row.cells]
        if len(_HEADER_NAMES.intersection(named)) == len(_HEADER_NAMES):
            # Concatenated files repeat the header in the middle.
            columns = columns if source.columns else named
            continue
        names = columns or _columns_of(row.cells, source)
        yield _row_fact(f"line {row.line}", row.cells, names, source)


def _columns_of(cells: Sequence[str], source: RecordSource) -> Sequence[str]:
    """Return the layout of a row without a header, by the column of its start time."""
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


def _row_fact(
    position: str, cells: Sequence[str], names: Sequence[str], source: RecordSource
) -> Fact | UnreadableRecord:
    minimum = (
        words.MASTER_MIN_COLUMNS if names in (words.MASTER_COLUMNS, words.CUSTOM_COLUMNS) else len(names)
    )
    if not minimum <= len(cells) <= len(names):
        wanted = f"{minimum}" if minimum == len(names) else f"{minimum} to {len(names)}"
        return UnreadableRecord(
            position, f"has {len(cells)} fields, not {wanted}: the row is cut, or belongs to another table"
        )
    try:
        return fact_of(dict(zip(names, cells, strict=False)), source)
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
            if event.get("event", "").lower() == "cdr":
                yield _ami_fact(f"line {first_line}", event, source)
            event = {}
    if event.get("event", "").lower() == "cdr":
        yield UnreadableRecord(f"line {first_line}", "the event does not end with a blank line: it is cut")


def _ami_fact(position: str, event: dict[str, str], source: RecordSource) -> Fact | UnreadableRecord:
    row = {words.AMI_NAMES[name]: value for name, value in event.items() if name in words.AMI_NAMES}
    try:
        _check_complete(row)
        return fact_of(row, source)
    except NotUnderstood as fault:
        return UnreadableRecord(position, fault.detail)


def _check_complete(row: dict[str, str]) -> None:
    if "\0" in "".join(row.values()) or "\ufffd" in "".join(row.values()):
        raise NotUnderstood("contains bytes that are not text")
    if "uniqueid" not in row:
        raise NotUnderstood("UniqueID is missing: the event is cut")
