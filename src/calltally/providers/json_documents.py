"""JSON of providers: one document, a page, an array, NDJSON, or any nesting of these."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from calltally.calls.errors import NotUnderstood
from calltally.calls.events import Channel, Fact
from calltally.providers.callback import Callback, RecordSource, UnreadableRecord

_MAX_DEPTH: Final = 6
_QUOTED_CHARS: Final = 80

_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder()

# Raises NotUnderstood with the name and value of the field.
FactOf: TypeAlias = Callable[[Mapping[str, Any], RecordSource], Fact]


class JsonDocument(NamedTuple):
    """JSON value with its position in the input."""

    position: str
    value: Any


class RecordShape(NamedTuple):
    """Shape of a provider's records.

    `noun` is the provider's word for a record. `list_names` are the keys under which its pages list records:
    each item of such a list counts as a record, so that none is lost. `is_record` decides for objects
    elsewhere. Records for which `is_other` is true concern no call, and are left out.
    """

    noun: str
    list_names: tuple[str, ...]
    is_record: Callable[[Mapping[str, Any]], bool]
    is_other: Callable[[Mapping[str, Any]], bool] | None = None


def list_facts(
    lines: Iterable[bytes], source: RecordSource, shape: RecordShape, fact_of: FactOf
) -> Iterator[Fact | UnreadableRecord]:
    """Yield each record in the lines as a fact.

    Streams if each line is a document. An unreadable record is yielded with its position, and the others
    follow.
    """
    for document in read_documents(lines):
        # Most documents are one record. The search for records in a page costs half as much as reading one.
        if isinstance(document, JsonDocument) and _is_single_record(document.value, shape):
            if not _is_other(document.value, shape):
                yield _fact_or_unreadable(document, source, shape, fact_of)
        else:
            yield from document_facts(document, source, shape, fact_of)


def document_facts(
    document: JsonDocument | UnreadableRecord, source: RecordSource, shape: RecordShape, fact_of: FactOf
) -> Iterator[Fact | UnreadableRecord]:
    """Yield the records of one document; nothing for a page without records."""
    if isinstance(document, UnreadableRecord):
        yield document
        return
    is_empty = True
    is_listed = isinstance(document.value, list)
    for position, value in _records(document, shape, is_listed=is_listed, depth=_MAX_DEPTH):
        is_empty = False
        if _is_other(value, shape):
            continue
        yield _fact_or_unreadable(JsonDocument(position, value), source, shape, fact_of)
    if is_empty and not is_listed and not _has_page(document.value, shape, _MAX_DEPTH):
        yield UnreadableRecord(document.position, f"contains no {shape.noun}")


def _is_single_record(value: object, shape: RecordShape) -> bool:
    """Return whether a document is one record and not a page."""
    return isinstance(value, dict) and not _list_name(value, shape) and shape.is_record(value)


def _is_other(value: object, shape: RecordShape) -> bool:
    return shape.is_other is not None and isinstance(value, dict) and shape.is_other(value)


def _fact_or_unreadable(
    document: JsonDocument, source: RecordSource, shape: RecordShape, fact_of: FactOf
) -> Fact | UnreadableRecord:
    try:
        return fact_of(_require_object(document.value, shape), source)
    except NotUnderstood as fault:
        return UnreadableRecord(document.position, fault.detail)


def callback_facts(callback: Callback, shape: RecordShape, fact_of: FactOf) -> list[Fact]:
    """Return all records of a signed body.

    Raise NotUnderstood if one of them is unreadable, so that a replay finds the whole body.
    """
    source = RecordSource(Channel.CALLBACK, callback.received_us, callback.account)
    items = list(document_facts(decode(callback.body, "the body"), source, shape, fact_of))
    unreadable = [item for item in items if isinstance(item, UnreadableRecord)]
    if unreadable:
        raise NotUnderstood(f"{unreadable[0].position}: {unreadable[0].reason}")
    return [item for item in items if isinstance(item, Fact)]


def parse_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object of a body; raise NotUnderstood otherwise."""
    document = decode(body, "the body")
    if isinstance(document, UnreadableRecord):
        raise NotUnderstood(f"{document.position}: {document.reason}")
    if not isinstance(document.value, dict):
        raise NotUnderstood(f"the body must be a JSON object, but is {_excerpt(document.value)}")
    return document.value


def decode(text: bytes, position: str) -> JsonDocument | UnreadableRecord:
    """Decode one JSON document."""
    try:
        return JsonDocument(position, _decoder.decode(text))
    except (ValueError, RecursionError) as fault:
        return UnreadableRecord(position, f"not JSON: {fault}")


def encode(value: object) -> bytes:
    """Encode a value as JSON: the raw body of one record of several."""
    return _encoder.encode(value)


def _require_object(value: object, shape: RecordShape) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise NotUnderstood(f"must be a {shape.noun}, but is {_excerpt(value)}")
    return value


def _excerpt(value: object) -> str:
    return encode(value)[:_QUOTED_CHARS].decode(errors="replace")


def _records(
    document: JsonDocument, shape: RecordShape, *, is_listed: bool, depth: int
) -> Iterator[JsonDocument]:
    position, value = document
    if depth == 0:
        return
    if isinstance(value, list):
        children = [
            (JsonDocument(f"{position}[{index}]", child), is_listed) for index, child in enumerate(value)
        ]
    elif name := _list_name(value, shape):
        children = [(JsonDocument(f"{position} {name}", value[name]), True)]
    elif is_listed or (isinstance(value, dict) and shape.is_record(value)):
        yield document
        return
    else:
        nested = value.items() if isinstance(value, dict) else ()
        children = [(JsonDocument(f"{position} {name}", child), False) for name, child in nested]
    for child, is_child_listed in children:
        yield from _records(child, shape, is_listed=is_child_listed, depth=depth - 1)


def _list_name(value: object, shape: RecordShape) -> str:
    """Return the key of a page's list; empty if the value is no page."""
    if not isinstance(value, dict):
        return ""
    for name in shape.list_names:
        if isinstance(value.get(name), list):
            return name
    return ""


def _has_page(value: object, shape: RecordShape, depth: int) -> bool:
    if not isinstance(value, dict) or depth == 0:
        return False
    return bool(_list_name(value, shape)) or any(
        _has_page(child, shape, depth - 1) for child in value.values()
    )


def read_documents(lines: Iterable[bytes]) -> Iterator[JsonDocument | UnreadableRecord]:
    """Yield a document per line if the first line is complete, else one document over all lines."""
    numbered = ((number, line) for number, line in enumerate(lines, start=1) if line.strip())
    first = next(numbered, None)
    if first is None:
        return
    if _is_complete(first[1]):
        for number, line in chain([first], numbered):
            yield decode(line, f"line {number}")
        return
    rest = list(numbered)
    document = decode(b"".join([first[1], *(line for _, line in rest)]), "the document")
    # A broken first line must not cost the rest of an NDJSON file.
    if isinstance(document, UnreadableRecord) and any(_is_complete(line) for _, line in rest):
        yield from (decode(line, f"line {number}") for number, line in [first, *rest])
    else:
        yield document


def _is_complete(line: bytes) -> bool:
    """Return whether a line opens and closes an object or a list, valid inside or not."""
    text = line.strip()
    return (text[:1], text[-1:]) in {(b"{", b"}"), (b"[", b"]")} and len(text) > len(b"{}")
