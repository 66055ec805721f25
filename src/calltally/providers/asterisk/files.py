"""Asterisk's records in files.

Tables with and without a header, and AMI's events as they stand in its stream.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

from calltally.calls.errors import NotUnderstood
from calltally.calls.events import Fact
from calltally.providers import tables
from calltally.providers.asterisk import words
from calltally.providers.asterisk.rows import fact_of
from calltally.providers.callback import Refusal, Source
from calltally.providers.local_time import local_stamp

_MOST_EVENT_LINES: Final = 200
_AMI_STARTS: Final = (b"Event:", b"Response:", b"Asterisk Call Manager")
_HEADER_NAMES: Final = frozenset({"src", "dst", "disposition"})


def list_facts(lines: Iterable[bytes], source: Source) -> Iterator[Fact | Refusal]:
    """Each row or `Cdr` event of a file as a fact; other events of AMI are passed over."""
    numbered = iter(lines)
    first = next((line for line in numbered if line.strip()), b"")
    whole = chain([first], numbered)
    if first.startswith(_AMI_STARTS):
        yield from _ami_facts(whole, source)
    else:
        yield from _table_facts(whole, source)


def _table_facts(lines: Iterable[bytes], source: Source) -> Iterator[Fact | Refusal]:
    columns: Sequence[str] = tuple(name.strip().lower() for name in source.columns)
    for row in tables.rows(lines, tables.Layout(encoding=source.encoding, ends_lines=True)):
        if isinstance(row, Refusal):
            yield row
            continue
        named = [cell.strip().lower() for cell in row.cells]
        if len(_HEADER_NAMES.intersection(named)) == len(_HEADER_NAMES):
            # Files that were put together have it in their middle too.
            columns = columns if source.columns else named
            continue
        names = columns or _columns_of(row.cells, source)
        yield _read(f"line {row.line}", row.cells, names, source)


def _columns_of(cells: Sequence[str], source: Source) -> Sequence[str]:
    """Whose layout a row without a header has: told by the column in which its start stands."""
    # In this order: where the one has its start, the other has an answer or what was dialled.
    for names in (words.CUSTOM, words.MASTER):
        at = names.index("start")
        if len(cells) > at and _is_time(cells[at], source):
            return names
    return words.MASTER


def _is_time(text: str, source: Source) -> bool:
    try:
        local_stamp(text, source.time_zone)
    except (ValueError, OverflowError):
        return False
    return True


def _read(position: str, cells: Sequence[str], names: Sequence[str], source: Source) -> Fact | Refusal:
    least = words.MASTER_LEAST if names in (words.MASTER, words.CUSTOM) else len(names)
    if not least <= len(cells) <= len(names):
        wanted = f"{least}" if least == len(names) else f"{least} to {len(names)}"
        return Refusal(
            position, f"has {len(cells)} fields, not {wanted}: the row was cut, or is of another table"
        )
    try:
        return fact_of(dict(zip(names, cells, strict=False)), source)
    except NotUnderstood as fault:
        return Refusal(position, fault.detail)


def _ami_facts(lines: Iterable[bytes], source: Source) -> Iterator[Fact | Refusal]:
    event: dict[str, str] = {}
    began = 0
    for number, line in enumerate(lines, start=1):
        text = line.decode(source.encoding, "replace").strip()
        if text and len(event) < _MOST_EVENT_LINES:
            began = began if event else number
            name, _, value = text.partition(":")
            event[name.strip().lower()] = value.strip()
        elif not text and event:
            if event.get("event", "").lower() == "cdr":
                yield _ami_fact(f"line {began}", event, source)
            event = {}
    if event.get("event", "").lower() == "cdr":
        yield Refusal(f"line {began}", "the event has no blank line behind it: it was cut")


def _ami_fact(position: str, event: dict[str, str], source: Source) -> Fact | Refusal:
    row = {words.AMI_NAMES[name]: value for name, value in event.items() if name in words.AMI_NAMES}
    try:
        _check_whole(row)
        return fact_of(row, source)
    except NotUnderstood as fault:
        return Refusal(position, fault.detail)


def _check_whole(row: dict[str, str]) -> None:
    if "\0" in "".join(row.values()) or "\ufffd" in "".join(row.values()):
        raise NotUnderstood("holds bytes that are no text")
    if "uniqueid" not in row:
        raise NotUnderstood("UniqueID is missing: the event was cut")
