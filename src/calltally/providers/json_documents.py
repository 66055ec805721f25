"""JSON as providers send and export it: one document, a page, an array, NDJSON, or any nest of those."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from calltally.calls.errors import NotUnderstood
from calltally.calls.events import Door, Fact
from calltally.providers.callback import Callback, Refusal, Source

_MAX_DEPTH: Final = 6
_QUOTED_CHARS: Final = 80

_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder()

# Raises NotUnderstood that names the field and its value.
FactOf: TypeAlias = Callable[[Mapping[str, Any], Source], Fact]


class Document(NamedTuple):
    """A JSON value, and where it stands in what was handed over."""

    position: str
    value: Any


class Shape(NamedTuple):
    """What a provider's records look like.

    `noun` is its word for one, `list_names` are the names under which its pages have lists of them, and
    `is_record` says whether a nest that stands elsewhere is one. What stands in such a list is taken for
    a record, so that none is lost.
    """

    noun: str
    list_names: tuple[str, ...]
    is_record: Callable[[Mapping[str, Any]], bool]


def list_facts(
    lines: Iterable[bytes], source: Source, shape: Shape, fact_of: FactOf
) -> Iterator[Fact | Refusal]:
    """Each record in the lines as a fact, by whatever shape they have.

    Streams where each line is a document of its own. What cannot be read is a refusal with its
    position, and the others go on.
    """
    for document in read_documents(lines):
        # Most are a record each: to look for those of a page costs half as much as to read one.
        if isinstance(document, Document) and _is_one(document.value, shape):
            yield _fact_or_refusal(document, source, shape, fact_of)
        else:
            yield from document_facts(document, source, shape, fact_of)


def document_facts(
    document: Document | Refusal, source: Source, shape: Shape, fact_of: FactOf
) -> Iterator[Fact | Refusal]:
    """Each record in one document, or why it cannot be read; a page without records gives nothing."""
    if isinstance(document, Refusal):
        yield document
        return
    is_empty = True
    is_listed = isinstance(document.value, list)
    for position, value in _records(document, shape, is_listed=is_listed, depth=_MAX_DEPTH):
        is_empty = False
        yield _fact_or_refusal(Document(position, value), source, shape, fact_of)
    if is_empty and not is_listed and not _has_page(document.value, shape, _MAX_DEPTH):
        yield Refusal(document.position, f"holds no {shape.noun}")


def _is_one(value: object, shape: Shape) -> bool:
    """Whether a document is a record, and no page of them."""
    return isinstance(value, dict) and not _list_name(value, shape) and shape.is_record(value)


def _fact_or_refusal(document: Document, source: Source, shape: Shape, fact_of: FactOf) -> Fact | Refusal:
    try:
        return fact_of(_object(document.value, shape), source)
    except NotUnderstood as fault:
        return Refusal(document.position, fault.detail)


def callback_facts(callback: Callback, shape: Shape, fact_of: FactOf) -> list[Fact]:
    """The records of a signed body: all of them, or NotUnderstood, so that a replay finds the body whole."""
    source = Source(Door.CALLBACK, callback.received_us, callback.account)
    told = list(document_facts(decode(callback.body, "the body"), source, shape, fact_of))
    refused = [item for item in told if isinstance(item, Refusal)]
    if refused:
        raise NotUnderstood(f"{refused[0].position}: {refused[0].reason}")
    return [item for item in told if isinstance(item, Fact)]


def object_of(body: bytes) -> dict[str, Any]:
    """The JSON object that a body is; raises NotUnderstood."""
    document = decode(body, "the body")
    if isinstance(document, Refusal):
        raise NotUnderstood(f"{document.position} is {document.reason}")
    if not isinstance(document.value, dict):
        raise NotUnderstood(f"the body is no JSON object but {_start(document.value)}")
    return document.value


def decode(text: bytes, position: str) -> Document | Refusal:
    """One JSON document, whatever it holds."""
    try:
        return Document(position, _decoder.decode(text))
    except (ValueError, RecursionError) as fault:
        return Refusal(position, f"not JSON: {fault}")


def encode(value: object) -> bytes:
    """A value as JSON: the raw body of a record that came among others."""
    return _encoder.encode(value)


def _object(value: object, shape: Shape) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise NotUnderstood(f"not a {shape.noun} but {_start(value)}")
    return value


def _start(value: object) -> str:
    return encode(value)[:_QUOTED_CHARS].decode(errors="replace")


def _records(document: Document, shape: Shape, *, is_listed: bool, depth: int) -> Iterator[Document]:
    position, value = document
    if depth == 0:
        return
    if isinstance(value, list):
        parts = [(Document(f"{position}[{index}]", part), is_listed) for index, part in enumerate(value)]
    elif name := _list_name(value, shape):
        parts = [(Document(f"{position} {name}", value[name]), True)]
    elif is_listed or (isinstance(value, dict) and shape.is_record(value)):
        yield document
        return
    else:
        nested = value.items() if isinstance(value, dict) else ()
        parts = [(Document(f"{position} {name}", part), False) for name, part in nested]
    for part, is_part_listed in parts:
        yield from _records(part, shape, is_listed=is_part_listed, depth=depth - 1)


def _list_name(value: object, shape: Shape) -> str:
    """Under which name a page has its list; empty for what is no page."""
    if not isinstance(value, dict):
        return ""
    for name in shape.list_names:
        if isinstance(value.get(name), list):
            return name
    return ""


def _has_page(value: object, shape: Shape, depth: int) -> bool:
    if not isinstance(value, dict) or depth == 0:
        return False
    return bool(_list_name(value, shape)) or any(_has_page(part, shape, depth - 1) for part in value.values())


def read_documents(lines: Iterable[bytes]) -> Iterator[Document | Refusal]:
    """A document a line where the first line is whole, else one document over all the lines."""
    numbered = ((number, line) for number, line in enumerate(lines, start=1) if line.strip())
    first = next(numbered, None)
    if first is None:
        return
    if _is_whole(first[1]):
        for number, line in chain([first], numbered):
            yield decode(line, f"line {number}")
        return
    rest = list(numbered)
    document = decode(b"".join([first[1], *(line for _, line in rest)]), "the document")
    # NDJSON whose first line is broken must not lose the rest.
    if isinstance(document, Refusal) and any(_is_whole(line) for _, line in rest):
        yield from (decode(line, f"line {number}") for number, line in [first, *rest])
    else:
        yield document


def _is_whole(line: bytes) -> bool:
    """Whether a line opens and closes an object or a list, broken inside or not."""
    text = line.strip()
    return (text[:1], text[-1:]) in {(b"{", b"}"), (b"[", b"]")} and len(text) > len(b"{}")
