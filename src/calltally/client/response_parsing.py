"""From the bytes of a good answer to records, or to an error that says what is not of the contract."""

import re
from collections.abc import Iterator
from typing import Any, Final, TypeVar

import msgspec

from calltally.client.errors import Told, UnexpectedAnswer
from calltally.client.records import CallRecord, Change, ChangePage, Page, Tombstone
from calltally.client.wire import Answer

T = TypeVar("T")

_ATTRIBUTE: Final = r'\s*;\s*([\w!#$&*+.^`|~-]+)\s*(?:=\s*(?:"([^"]*)"|([^\s",;]+)))?'
_ATTRIBUTES: Final = re.compile(_ATTRIBUTE)
_LINK: Final = re.compile(rf"<([^<>]*)>((?:{_ATTRIBUTE})*)")
_SHOWN_CHARS: Final = 200


class _Probe(msgspec.Struct):
    """Enough of a change to see which of the two it is."""

    tombstone: str | msgspec.UnsetType = msgspec.UNSET


class _Stretch(msgspec.Struct, frozen=True):
    """A stretch of the feed whose changes are not read yet."""

    data: list[msgspec.Raw]
    next: str
    has_more: bool
    revision: int
    watermark: str | None = None


_probe: Final = msgspec.json.Decoder(_Probe)
_call: Final = msgspec.json.Decoder(CallRecord)
_tombstone: Final = msgspec.json.Decoder(Tombstone)
_stretch: Final = msgspec.json.Decoder(_Stretch)


def unexpected(answer: Answer, why: str) -> UnexpectedAnswer:
    """The error of an answer that is good by its status and not by what it holds."""
    request = f", request {answer.request_id}" if answer.request_id else ""
    told = Told(answer.status, "", answer.request_id)
    return UnexpectedAnswer(f"the answer is not of the contract: {why} ({answer.status}{request})", told=told)


def read(answer: Answer, decoder: msgspec.json.Decoder[T]) -> T:
    """The record in a body; raises UnexpectedAnswer."""
    try:
        return decoder.decode(answer.body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as fault:
        kind = answer.media_type or "no media type"
        raise unexpected(answer, f"{str(fault)[:_SHOWN_CHARS]}, in a body of {kind}") from fault


def read_page(answer: Answer, decoder: msgspec.json.Decoder[Page[T]]) -> Page[T]:
    """A page with the links of its header."""
    page = read(answer, decoder)
    header = answer.headers.get("link", "")
    return msgspec.structs.replace(page, links=links_in(header)) if header else page


def links_in(header: str) -> dict[str, str]:
    """The targets of a Link header by their relation (RFC 8288, section 3); the first one counts.

    What cannot be read is passed over: a server may link to more than pages.
    """
    found: dict[str, str] = {}
    for link in _LINK.finditer(header):
        for relation in _relations(link[2]):
            found.setdefault(relation, link[1])
    return found


def _relations(attributes: str) -> Iterator[str]:
    for name, quoted, plain in _ATTRIBUTES.findall(attributes):
        if name.lower() == "rel":
            yield from (quoted or plain).lower().split()


def read_changes(answer: Answer) -> ChangePage:
    """A stretch of the feed, each change as what it is."""
    stretch = read(answer, _stretch)
    fields = msgspec.structs.asdict(stretch)
    try:
        return ChangePage(**{**fields, "data": tuple(map(_change, stretch.data))})
    except msgspec.MsgspecError as fault:
        raise unexpected(answer, str(fault)[:_SHOWN_CHARS]) from fault


def _change(raw: msgspec.Raw) -> Change:
    decoder: Any = _call if _probe.decode(raw).tombstone is msgspec.UNSET else _tombstone
    change: Change = decoder.decode(raw)
    return change
