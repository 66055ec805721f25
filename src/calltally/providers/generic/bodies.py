"""Facts from requests and files that a mapping describes, event by event."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from calltally.calls.errors import InvalidInput, NotUnderstood
from calltally.calls.events import Channel, Fact
from calltally.providers import json_documents, tables
from calltally.providers.callback import Callback, RecordSource, UnreadableRecord
from calltally.providers.form import require_form
from calltally.providers.freeswitch.xml_text import parse_xml
from calltally.providers.generic.mapping import BodyFormat, CompiledMapping
from calltally.providers.generic.mapping_compiler import compile_mapping
from calltally.providers.generic.paths import find
from calltally.providers.generic.records import fact_of

MAX_EVENTS: Final = 1_000
_DEFAULT_ZONE: Final = "UTC"


def facts_of(callback: Callback) -> list[Fact]:
    """Return the facts of a request by its mapping; raise NotUnderstood if one event is unreadable."""
    mapping = _compiled(callback.mapping)
    source = RecordSource(Channel.CALLBACK, callback.received_us, callback.account, mapping=callback.mapping)
    items = list(body_facts(callback.body, mapping, source))
    unreadable = next((item for item in items if isinstance(item, UnreadableRecord)), None)
    if unreadable:
        raise NotUnderstood(f"{unreadable.position}: {unreadable.reason}")
    if len(items) > MAX_EVENTS:
        raise NotUnderstood(f"the body has {len(items)} events, more than {MAX_EVENTS}")
    return [item for item in items if isinstance(item, Fact)]


def list_facts(lines: Iterable[bytes], source: RecordSource) -> Iterator[Fact | UnreadableRecord]:
    """Yield the events or rows of a file by its mapping. The time zone of `source` precedes the mapping's."""
    mapping = _compiled(source.mapping)
    if source.time_zone != _DEFAULT_ZONE:
        mapping = mapping._replace(time_zone=source.time_zone)
    if mapping.format is BodyFormat.CSV:
        yield from _table_facts(lines, mapping, source)
    elif mapping.format is BodyFormat.JSON:
        for document in json_documents.read_documents(lines):
            yield from _document_facts(document, mapping, source)
    else:
        yield from body_facts(b"".join(lines), mapping, source)


def record_fact(event: Mapping[str, Any], source: RecordSource) -> Fact | None:
    """Return one event or row as a fact by its mapping; None if it ignores the event.

    Raises NotUnderstood. Values around the event are unknown: such facts have another digest.
    """
    return fact_of(event, event, _compiled(source.mapping), source)


def body_facts(
    body: bytes, mapping: CompiledMapping, source: RecordSource
) -> Iterator[Fact | UnreadableRecord]:
    """Yield the events of one body in the format of the mapping."""
    if mapping.format is BodyFormat.CSV:
        yield from _table_facts(body.splitlines(keepends=True), mapping, source)
        return
    try:
        document = json_documents.JsonDocument("the body", _decode(body, mapping.format))
    except NotUnderstood as fault:
        yield UnreadableRecord("the body", fault.detail)
        return
    yield from _document_facts(document, mapping, source)


def _compiled(text: str) -> CompiledMapping:
    if not text:
        raise NotUnderstood("no mapping is stored for this provider: store one with `calltally provider put`")
    try:
        return compile_mapping(text)
    except InvalidInput as fault:
        raise NotUnderstood(f"the stored mapping is invalid: {fault.detail}") from fault


def _decode(body: bytes, body_format: BodyFormat) -> Any:  # noqa: ANN401 (whatever was sent)
    if body_format is BodyFormat.FORM:
        return dict(require_form(body))
    if body_format is BodyFormat.XML:
        return parse_xml(body)
    document = json_documents.decode(body, "the body")
    if isinstance(document, UnreadableRecord):
        raise NotUnderstood(document.reason)
    return document.value


def _document_facts(
    document: json_documents.JsonDocument | UnreadableRecord, mapping: CompiledMapping, source: RecordSource
) -> Iterator[Fact | UnreadableRecord]:
    if isinstance(document, UnreadableRecord):
        yield document
        return
    for position, event in _events(document, mapping):
        yield from _event_fact(json_documents.JsonDocument(position, event), document.value, mapping, source)


def _events(
    document: json_documents.JsonDocument, mapping: CompiledMapping
) -> Iterator[json_documents.JsonDocument]:
    """Yield the event or the list of events at the path `events`; nothing if the body has none there."""
    found = find(document.value, mapping.events.steps) if mapping.events else document.value
    if isinstance(found, list):
        for index, event in enumerate(found):
            yield json_documents.JsonDocument(f"{document.position}[{index}]", event)
    elif found is not None or mapping.events is None:
        yield json_documents.JsonDocument(document.position, found)


def _event_fact(
    event: json_documents.JsonDocument,
    body: Any,  # noqa: ANN401 (whatever was sent)
    mapping: CompiledMapping,
    source: RecordSource,
) -> Iterator[Fact | UnreadableRecord]:
    try:
        fact = fact_of(event.value, body, mapping, source)
    except NotUnderstood as fault:
        yield UnreadableRecord(event.position, fault.detail)
        return
    if fact is not None:
        yield fact


def _table_facts(
    lines: Iterable[bytes], mapping: CompiledMapping, source: RecordSource
) -> Iterator[Fact | UnreadableRecord]:
    table = mapping.csv
    layout = tables.TableLayout(table.encoding, table.delimiter, table.quote)
    columns: Sequence[str] = table.columns
    header: Sequence[str] = ()
    for row in tables.rows(lines, layout):
        if isinstance(row, UnreadableRecord):
            yield row
        elif not columns:
            header = columns = [cell.strip() for cell in row.cells]
        elif len(row.cells) != len(columns):
            yield UnreadableRecord(
                f"line {row.line}", f"has {len(row.cells)} fields, not {len(columns)}: the row is truncated"
            )
        elif not header or row.cells != header:
            # Concatenated files repeat the header in the middle.
            event = dict(zip(columns, row.cells, strict=True))
            yield from _event_fact(
                json_documents.JsonDocument(f"line {row.line}", event), event, mapping, source
            )
