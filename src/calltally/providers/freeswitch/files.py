"""FreeSWITCH's records in files.

JSON or XML one after another, and tables with a header (FusionPBX, mod_cdr_csv).
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, repeat
from typing import Any, Final

from calltally.calls.errors import NotUnderstood
from calltally.calls.events import Fact
from calltally.providers import json_documents, tables
from calltally.providers.callback import Refusal, Source
from calltally.providers.freeswitch.records import fact_of
from calltally.providers.freeswitch.xml_text import read_cdr

_END: Final = b"</cdr>"
_MOST_RECORD_BYTES: Final = 1024 * 1024
_KEYS: Final = ("hangup_cause", "end_epoch", "end_uepoch", "end_stamp")


def list_facts(lines: Iterable[bytes], source: Source) -> Iterator[Fact | Refusal]:
    """Each record of a file as a fact."""
    numbered = iter(lines)
    empty, first = _first(numbered)
    # Places are told by the numbers of lines, so those in front count.
    whole, start = chain(repeat(b"\n", empty), [first], numbered), first.lstrip(b"\xef\xbb\xbf \t")[:1]
    if start == b"<":
        yield from _xml_facts(whole, source)
    elif start in (b"{", b"["):
        yield from json_documents.list_facts(whole, source, SHAPE, fact_of)
    else:
        yield from _table_facts(whole, source)


def _first(lines: Iterator[bytes]) -> tuple[int, bytes]:
    """How many lines are empty, and the one behind them."""
    empty = 0
    for line in lines:
        if line.strip():
            return empty, line
        empty += 1
    return empty, b""


def _xml_facts(lines: Iterable[bytes], source: Source) -> Iterator[Fact | Refusal]:
    """A record ends with its last tag, whether there is a line for each or one for all."""
    record, began = b"", 1
    for number, line in enumerate(lines, start=1):
        record += line
        while _END in record:
            whole, _, record = record.partition(_END)
            yield _xml_fact(f"line {began}", whole + _END, source)
            began = number
        if not record.strip():
            record, began = b"", number + 1
        elif len(record) > _MOST_RECORD_BYTES:
            yield Refusal(
                f"line {began}", f"more than {_MOST_RECORD_BYTES} bytes without the end of a record"
            )
            record, began = b"", number + 1
    if record.strip():
        yield Refusal(f"line {began}", "the record has no end: it was cut")


def _xml_fact(position: str, text: bytes, source: Source) -> Fact | Refusal:
    try:
        return fact_of(read_cdr(text.strip()), source)
    except NotUnderstood as fault:
        return Refusal(position, fault.detail)


def _table_facts(lines: Iterable[bytes], source: Source) -> Iterator[Fact | Refusal]:
    columns = [name.strip().lower() for name in source.columns]
    for row in tables.rows(lines, tables.Layout(encoding=source.encoding)):
        if isinstance(row, Refusal):
            yield row
        elif "uuid" in (named := [cell.strip().lower() for cell in row.cells]):
            columns = columns if source.columns else named
        elif len(row.cells) != len(columns):
            expected = f"{len(columns)}: the row was cut" if columns else "known: name them with --columns"
            yield Refusal(f"line {row.line}", f"has {len(row.cells)} fields, not {expected}")
        else:
            yield _table_fact(f"line {row.line}", dict(zip(columns, row.cells, strict=True)), source)


def _table_fact(position: str, row: Mapping[str, str], source: Source) -> Fact | Refusal:
    try:
        return fact_of(row, source)
    except NotUnderstood as fault:
        return Refusal(position, fault.detail)


def _is_record(value: Mapping[str, Any]) -> bool:
    return isinstance(value.get("variables"), Mapping) or any(key in value for key in _KEYS)


SHAPE: Final = json_documents.Shape("call detail record", ("records",), _is_record)
