"""Call resources of Twilio's REST API as facts: from an export, its list, or a signed JSON body.

Source: Twilio's "Call resource" page. Times are RFC 2822, `duration` is a string of seconds, `price`
is negative for what is charged.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, Final, NamedTuple

import msgspec

from calltally.calls.errors import NotUnderstood
from calltally.calls.events import Door, Fact, Said, content_digest
from calltally.calls.model import Cost
from calltally.providers.callback import Refusal
from calltally.providers.twilio import words
from calltally.providers.twilio.words import Field

_FIELDS: Final = (
    Field("status", "status", words.one_of(words.STATUSES)),
    Field("direction", "direction", words.one_of(words.DIRECTIONS)),
    Field("from", "from_number", words.number),
    Field("to", "to_number", words.number),
    Field("parent_call_sid", "parent_call_sid", words.sid),
    Field("account_sid", "provider_account", words.sid),
    Field("answered_by", "answered_by", words.word),
)
# When the resource was true: the first of these that it has.
_OCCURRED: Final = ("end_time", "start_time", "date_updated", "date_created")
# Links, which change with the API's version and say nothing about the call.
_VOLATILE: Final = frozenset({"subresource_uris", "uri"})
_OTHER_SID: Final = re.compile(r"(?!CA)[A-Z]{2}[0-9a-f]{32}", re.ASCII | re.IGNORECASE)
_PRICE: Final = re.compile(r"[+-]?(\d{1,12}(?:\.\d{1,12})?)", re.ASCII)
_CURRENCY: Final = re.compile(r"[A-Za-z]{3}", re.ASCII)
_MAX_DEPTH: Final = 6

_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder()


class Document(NamedTuple):
    """A JSON value, and where it stands in what was handed over."""

    position: str
    value: Any


def list_facts(lines: Iterable[bytes], door: Door, received_us: int) -> Iterator[Fact | Refusal]:
    """Each call of a resource, a page `{"calls": […]}`, an array, NDJSON, or any nest of those.

    Streams where each line is a document of its own. What cannot be read is a refusal with its
    position, and the others go on.
    """
    for document in _documents(lines):
        yield from document_facts(document, door, received_us)


def document_facts(document: Document | Refusal, door: Door, received_us: int) -> Iterator[Fact | Refusal]:
    """Each call in one JSON document, or why it cannot be read; a page without calls gives nothing."""
    if isinstance(document, Refusal):
        yield document
        return
    is_empty = True
    for position, resource in _resources(document, is_listed=_is_listing(document.value), depth=_MAX_DEPTH):
        is_empty = False
        try:
            yield fact_of(resource, door, received_us)
        except NotUnderstood as fault:
            yield Refusal(position, fault.detail)
    if is_empty and not _is_listing(document.value):
        yield Refusal(document.position, "holds no Call resource")


def decode(text: bytes, position: str) -> Document | Refusal:
    """One JSON document, whatever it holds."""
    try:
        return Document(position, _decoder.decode(text))
    except (ValueError, RecursionError) as fault:
        return Refusal(position, f"not JSON: {fault}")


def fact_of(resource: object, door: Door, received_us: int) -> Fact:
    """One Call resource as a fact; raises NotUnderstood that names the field and its value."""
    if not isinstance(resource, dict):
        raise NotUnderstood(
            f"not a Call resource but {_encoder.encode(resource)[:80].decode(errors='replace')}"
        )
    content = _texts(resource)
    call_sid = words.value_of(content, "sid", _call_sid)
    if call_sid is None:
        raise NotUnderstood("sid is missing: the resource does not say which call it is")
    instants = {name: words.instant_of(content, name, received_us) for name in _OCCURRED}
    said = _said(content, instants)
    return Fact(
        call_sid=call_sid,
        door=door,
        provider=words.NAME,
        account=said.get("provider_account", ""),
        event_id="",
        sequence=None,
        occurred_us=next((instant for instant in instants.values() if instant is not None), received_us),
        received_us=received_us,
        digest=_digest(resource),
        said=said,
        raw=_encoder.encode(resource),
        is_carrier=True,
    )


def _texts(resource: Mapping[str, Any]) -> dict[str, str]:
    """The plain values as text: exporters are of two minds about numbers. Null and nests are unsaid."""
    plain = (str, int, float)
    return {
        name: str(value)
        for name, value in resource.items()
        if isinstance(value, plain) and not isinstance(value, bool)
    }


def _call_sid(text: str) -> str:
    if _OTHER_SID.fullmatch(text):
        raise ValueError("the id of something else than a call")
    return str(words.sid(text))


def _said(content: Mapping[str, str], instants: Mapping[str, int | None]) -> Said:
    said = words.said_of(content, _FIELDS, duration="duration")
    said["provider"] = words.NAME
    started_us, ended_us = instants["start_time"], instants["end_time"]
    if started_us is not None:
        said["started_us"] = started_us
    if ended_us is not None:
        said["ended_us"] = ended_us
    amount = words.value_of(content, "price", _amount)
    if amount is not None:
        said["cost"] = msgspec.to_builtins(Cost(amount, words.value_of(content, "price_unit", _currency)))
    return said


def _amount(text: str) -> str:
    """A price without its sign: a charge is written as a negative amount."""
    found = _PRICE.fullmatch(text)
    if not found:
        raise ValueError("not a decimal number")
    return found[1]


def _currency(text: str) -> str:
    if not _CURRENCY.fullmatch(text):
        raise ValueError("not an ISO 4217 code")
    return text.upper()


def _digest(resource: Mapping[str, Any]) -> bytes:
    return content_digest({name: value for name, value in resource.items() if name not in _VOLATILE})


def _resources(document: Document, *, is_listed: bool, depth: int) -> Iterator[Document]:
    """The calls in a document. What stands in a list of calls is taken for one, so that none is lost."""
    position, value = document
    if depth == 0:
        return
    if isinstance(value, list):
        parts = [(Document(f"{position}[{index}]", part), is_listed) for index, part in enumerate(value)]
    elif _is_page(value):
        parts = [(Document(f"{position} calls", value["calls"]), True)]
    elif is_listed or _is_call(value):
        yield document
        return
    else:
        nested = value.items() if isinstance(value, dict) else ()
        parts = [(Document(f"{position} {name}", part), False) for name, part in nested]
    for part, is_part_listed in parts:
        yield from _resources(part, is_listed=is_part_listed, depth=depth - 1)


def _is_page(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("calls"), list)


def _is_listing(value: object) -> bool:
    return isinstance(value, list) or _is_page(value)


def _is_call(value: object) -> bool:
    """Whether a nest looks like a Call resource: recordings and messages have other ids."""
    if not isinstance(value, dict) or not ({"status", "direction"} & value.keys()):
        return False
    sid = value.get("sid")
    return isinstance(sid, str) and "call_sid" not in value and not _OTHER_SID.fullmatch(sid)


def _documents(lines: Iterable[bytes]) -> Iterator[Document | Refusal]:
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
