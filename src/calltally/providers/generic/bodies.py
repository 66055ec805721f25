"""Requests and files by a mapping: the events in them, each by itself."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from calltally.calls.errors import InvalidInput, NotUnderstood
from calltally.calls.events import Door, Fact
from calltally.providers import json_documents, tables
from calltally.providers.callback import Callback, Refusal, Source
from calltally.providers.form import need_form
from calltally.providers.freeswitch.xml_text import read_xml
from calltally.providers.generic.compiling import compile_mapping
from calltally.providers.generic.mapping import Format, Mapped
from calltally.providers.generic.paths import find
from calltally.providers.generic.records import fact_of

MAX_EVENTS: Final = 1_000


def facts_of(callback: Callback) -> list[Fact]:
    """What a request tells by its mapping. Raises NotUnderstood; then nothing of it counts."""
    mapped = _mapped(callback.mapping)
    source = Source(Door.CALLBACK, callback.received_us, callback.account, mapping=callback.mapping)
    told = list(body_facts(callback.body, mapped, source))
    refused = next((item for item in told if isinstance(item, Refusal)), None)
    if refused:
        raise NotUnderstood(f"{refused.position}: {refused.reason}")
    if len(told) > MAX_EVENTS:
        raise NotUnderstood(f"the body has {len(told)} events, more than {MAX_EVENTS}")
    return [item for item in told if isinstance(item, Fact)]


def list_facts(lines: Iterable[bytes], source: Source) -> Iterator[Fact | Refusal]:
    """The events or rows of a file by its mapping."""
    mapped = _mapped(source.mapping)
    if mapped.format is Format.CSV:
        yield from _table_facts(lines, mapped, source)
    elif mapped.format is Format.JSON:
        for document in json_documents.read_documents(lines):
            yield from _document_facts(document, mapped, source)
    else:
        yield from body_facts(b"".join(lines), mapped, source)


def body_facts(body: bytes, mapped: Mapped, source: Source) -> Iterator[Fact | Refusal]:
    """The events of one body, whatever its format."""
    if mapped.format is Format.CSV:
        yield from _table_facts(body.splitlines(keepends=True), mapped, source)
        return
    try:
        document = json_documents.Document("the body", _decoded(body, mapped.format))
    except NotUnderstood as fault:
        yield Refusal("the body", fault.detail)
        return
    yield from _document_facts(document, mapped, source)


def _mapped(text: str) -> Mapped:
    if not text:
        raise NotUnderstood("no mapping is stored for this provider: store one with `calltally provider put`")
    try:
        return compile_mapping(text)
    except InvalidInput as fault:
        raise NotUnderstood(f"the stored mapping is not good: {fault.detail}") from fault


def _decoded(body: bytes, form: Format) -> Any:  # noqa: ANN401 (whatever was sent)
    if form is Format.FORM:
        return dict(need_form(body))
    if form is Format.XML:
        return read_xml(body)
    document = json_documents.decode(body, "the body")
    if isinstance(document, Refusal):
        raise NotUnderstood(document.reason)
    return document.value


def _document_facts(
    document: json_documents.Document | Refusal, mapped: Mapped, source: Source
) -> Iterator[Fact | Refusal]:
    if isinstance(document, Refusal):
        yield document
        return
    for position, event in _events(document, mapped):
        yield from _fact(json_documents.Document(position, event), document.value, mapped, source)


def _events(document: json_documents.Document, mapped: Mapped) -> Iterator[json_documents.Document]:
    """What stands at `events`: one, or each of a list; a body that has nothing there tells nothing."""
    found = find(document.value, mapped.events.steps) if mapped.events else document.value
    if isinstance(found, list):
        for index, event in enumerate(found):
            yield json_documents.Document(f"{document.position}[{index}]", event)
    elif found is not None or mapped.events is None:
        yield json_documents.Document(document.position, found)


def _fact(
    event: json_documents.Document,
    body: Any,  # noqa: ANN401 (whatever was sent)
    mapped: Mapped,
    source: Source,
) -> Iterator[Fact | Refusal]:
    try:
        fact = fact_of(event.value, body, mapped, source)
    except NotUnderstood as fault:
        yield Refusal(event.position, fault.detail)
        return
    if fact is not None:
        yield fact


def _table_facts(lines: Iterable[bytes], mapped: Mapped, source: Source) -> Iterator[Fact | Refusal]:
    table = mapped.table
    layout = tables.Layout(table.encoding, table.delimiter, table.quote)
    columns: Sequence[str] = table.columns
    header: Sequence[str] = ()
    for row in tables.rows(lines, layout):
        if isinstance(row, Refusal):
            yield row
        elif not columns:
            header = columns = [cell.strip() for cell in row.cells]
        elif len(row.cells) != len(columns):
            yield Refusal(
                f"line {row.line}", f"has {len(row.cells)} fields, not {len(columns)}: the row was cut"
            )
        elif not header or row.cells != header:
            # Files that were put together have the header in their middle too.
            event = dict(zip(columns, row.cells, strict=True))
            yield from _fact(json_documents.Document(f"line {row.line}", event), event, mapped, source)
