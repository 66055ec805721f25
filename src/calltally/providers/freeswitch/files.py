"""Facts from files of FreeSWITCH.

Consecutive JSON or XML records, and tables with a header (mod_cdr_csv).
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, repeat
from typing import Any, Final

from calltally.calls.errors import NotUnderstood
from calltally.calls.events import Fact
from calltally.providers import json_documents, tables
from calltally.providers.callback import RecordSource, UnreadableRecord
from calltally.providers.freeswitch.records import ID_NAMES, fact_of
from calltally.providers.freeswitch.xml_text import parse_cdr

_END_TAG: Final = b"</cdr>"
_MAX_RECORD_BYTES: Final = 1024 * 1024
_RECORD_FIELDS: Final = ("hangup_cause", "end_epoch", "end_uepoch", "end_stamp")


def list_facts(lines: Iterable[bytes], source: RecordSource) -> Iterator[Fact | UnreadableRecord]:
    """Yield each record of a file as a fact."""
    numbered = iter(lines)
    empty, first = _skip_empty_lines(numbered)
    # Positions are line numbers, so the empty lines before the first record count.
    complete, start = chain(repeat(b"\n", empty), [first], numbered), first.lstrip(b"\xef\xbb\xbf \t")[:1]
    if start == b"<":
        yield from _xml_facts(complete, source)
    elif start in (b"{", b"["):
        yield from json_documents.list_facts(complete, source, SHAPE, fact_of)
    else:
        yield from _table_facts(complete, source)


def _skip_empty_lines(lines: Iterator[bytes]) -> tuple[int, bytes]:
    """Return the number of leading empty lines, and the first line after them."""
    empty = 0
    for line in lines:
        if line.strip():
            return empty, line
        empty += 1
    return empty, b""


def _xml_facts(lines: Iterable[bytes], source: RecordSource) -> Iterator[Fact | UnreadableRecord]:
    """Yield a record per end tag: a record may have several lines, and a line several records."""
    record, first_line = b"", 1
    for number, line in enumerate(lines, start=1):
        record += line
        while _END_TAG in record:
            complete, _, record = record.partition(_END_TAG)
            yield _xml_fact(f"line {first_line}", complete + _END_TAG, source)
            first_line = number
        if not record.strip():
            record, first_line = b"", number + 1
        elif len(record) > _MAX_RECORD_BYTES:
            yield UnreadableRecord(
                f"line {first_line}", f"more than {_MAX_RECORD_BYTES} bytes without the end of a record"
            )
            record, first_line = b"", number + 1
    if record.strip():
        yield UnreadableRecord(f"line {first_line}", "the record has no end tag: it is truncated")


def _xml_fact(position: str, text: bytes, source: RecordSource) -> Fact | UnreadableRecord:
    try:
        return fact_of(parse_cdr(text.strip()), source)
    except NotUnderstood as fault:
        return UnreadableRecord(position, fault.detail)


def _table_facts(lines: Iterable[bytes], source: RecordSource) -> Iterator[Fact | UnreadableRecord]:
    columns = [name.strip().lower() for name in source.columns]
    for row in tables.rows(lines, tables.TableLayout(encoding=source.encoding)):
        if isinstance(row, UnreadableRecord):
            yield row
        elif not ID_NAMES.isdisjoint(named := [cell.strip().lower() for cell in row.cells]):
            columns = columns if source.columns else named
        elif len(row.cells) != len(columns):
            problem = (
                f"not {len(columns)}: the row is truncated"
                if columns
                else "but the columns have no names: name them with --columns"
            )
            yield UnreadableRecord(f"line {row.line}", f"has {len(row.cells)} fields, {problem}")
        else:
            yield _table_fact(f"line {row.line}", dict(zip(columns, row.cells, strict=True)), source)


def _table_fact(position: str, row: Mapping[str, str], source: RecordSource) -> Fact | UnreadableRecord:
    try:
        return fact_of(row, source)
    except NotUnderstood as fault:
        return UnreadableRecord(position, fault.detail)


def _is_record(value: Mapping[str, Any]) -> bool:
    return isinstance(value.get("variables"), Mapping) or any(key in value for key in _RECORD_FIELDS)


SHAPE: Final = json_documents.RecordShape("call detail record", ("records",), _is_record)
