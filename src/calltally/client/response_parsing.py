"""Decoder of successful responses. A body that breaks the contract is an UnexpectedAnswer."""

import re
from typing import Any, Final, TypeVar

import msgspec

from calltally.client.errors import ErrorResponse, UnexpectedAnswer
from calltally.client.records import CallRecord, Change, ChangePage, Page, Tombstone
from calltally.client.wire import Answer

T = TypeVar("T")

_LINK_PARAMETER: Final = r'\s*;\s*([\w!#$&*+.^`|~-]+)\s*(?:=\s*(?:"([^"]*)"|([^\s",;]+)))?'
_LINK_PARAMETERS: Final = re.compile(_LINK_PARAMETER)
_LINK: Final = re.compile(rf"<([^<>]*)>((?:{_LINK_PARAMETER})*)")
_MAX_REASON_CHARS: Final = 200


class _TombstoneProbe(msgspec.Struct):
    """Field that distinguishes a tombstone from a call."""

    tombstone: str | None = None


class _RawChangePage(msgspec.Struct, frozen=True):
    """Page of the change feed with undecoded changes."""

    data: list[msgspec.Raw]
    next: str
    has_more: bool
    revision: int
    watermark: str | None = None


_probe_decoder: Final = msgspec.json.Decoder(_TombstoneProbe)
_call_decoder: Final = msgspec.json.Decoder(CallRecord)
_tombstone_decoder: Final = msgspec.json.Decoder(Tombstone)
_change_page_decoder: Final = msgspec.json.Decoder(_RawChangePage)


def unexpected_answer(answer: Answer, why: str) -> UnexpectedAnswer:
    """Return the error for a response that has a successful status and an invalid body."""
    request = f", request {answer.request_id}" if answer.request_id else ""
    response = ErrorResponse(answer.status, "", answer.request_id)
    detail = f"the response does not match the contract: {why} ({answer.status}{request})"
    return UnexpectedAnswer(detail, response=response)


def decode_record(answer: Answer, decoder: msgspec.json.Decoder[T]) -> T:
    try:
        return decoder.decode(answer.body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as fault:
        kind = answer.media_type or "no media type"
        reason = str(fault)[:_MAX_REASON_CHARS]
        raise unexpected_answer(answer, f"{reason}, in a body of {kind}") from fault


def decode_page(answer: Answer, decoder: msgspec.json.Decoder[Page[T]]) -> Page[T]:
    """Decode a page and the links of its Link header. Raises UnexpectedAnswer."""
    page = decode_record(answer, decoder)
    header = answer.headers.get("link", "")
    return msgspec.structs.replace(page, links=parse_link_header(header)) if header else page


def parse_link_header(header: str) -> dict[str, str]:
    """Return the targets of a Link header by relation (RFC 8288, section 3). The first of each counts.

    Unreadable links are skipped: a server may link to more than pages.
    """
    targets: dict[str, str] = {}
    for link in _LINK.finditer(header):
        for name, quoted, plain in _LINK_PARAMETERS.findall(link[2]):
            if name.lower() == "rel":
                for relation in (quoted or plain).lower().split():
                    targets.setdefault(relation, link[1])
    return targets


def decode_change_page(answer: Answer) -> ChangePage:
    """Decode a page of the change feed, each change as a call or a tombstone. Raises UnexpectedAnswer."""
    page = decode_record(answer, _change_page_decoder)
    fields = msgspec.structs.asdict(page)
    try:
        return ChangePage(**{**fields, "data": tuple(map(_decode_change, page.data))})
    except msgspec.MsgspecError as fault:
        raise unexpected_answer(answer, str(fault)[:_MAX_REASON_CHARS]) from fault


def _decode_change(raw: msgspec.Raw) -> Change:
    decoder: Any = _tombstone_decoder if _probe_decoder.decode(raw).tombstone else _call_decoder
    change: Change = decoder.decode(raw)
    return change
