"""Pages of the call list as the exporter reads them: the bytes of each record and a few decoded fields."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from calltally.client.errors import UnexpectedAnswer
from calltally.client.wire import Answer, QueryParams, Request

CALL_LIST_PATH: Final = "/api/v1/call-logs"
LINE_FEED: Final = b"\n"


class RequestSender(Protocol):
    """Client of the exporter. It returns successful responses and raises ClientError for others."""

    def send(self, request: Request) -> Answer:
        """Send a request, with retries."""
        ...


class CallFields(msgspec.Struct, gc=False):
    """Decoded fields of a record. The reference page guarantees the first two."""

    id: str
    status: str | None = None
    direction: str | None = None
    created_at: str | None = None
    revision: int | None = None


class _RawPage(msgspec.Struct, gc=False):
    data: list[msgspec.Raw]
    total: int | None = None
    snapshot: str | None = None


class _FieldsPage(msgspec.Struct, gc=False):
    data: list[CallFields]


_raw_page_decoder: Final = msgspec.json.Decoder(_RawPage)
_fields_page_decoder: Final = msgspec.json.Decoder(_FieldsPage)


class ExportPage(NamedTuple):
    """Records as received, decoded fields of each, and the page's total and snapshot."""

    records: Sequence[msgspec.Raw]
    calls: Sequence[CallFields]
    total: int | None
    snapshot: str | None
    body: bytes

    @property
    def call_ids(self) -> list[str]:
        """Ids of the calls in the order of the page."""
        return [call.id for call in self.calls]


def fetch_page(sender: RequestSender, params: QueryParams, *, is_local: bool = False) -> ExportPage:
    """Request one page, uncompressed if `is_local`: there compression costs more than the transfer.

    Raises ClientError, and UnexpectedAnswer for a body that is not a page of the reference page's shape.
    """
    headers = {"accept": "application/json", **({"accept-encoding": "identity"} if is_local else {})}
    return decode_page(sender.send(Request("GET", CALL_LIST_PATH, params, headers)).body)


def decode_page(body: bytes) -> ExportPage:
    """Decode the page in a body. Raises UnexpectedAnswer."""
    try:
        raw, fields = _raw_page_decoder.decode(body), _fields_page_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        message = f"the response to GET {CALL_LIST_PATH} is not a page of calls ({fault})"
        raise UnexpectedAnswer(message) from fault
    return ExportPage(raw.data, fields.data, raw.total, raw.snapshot, body)


def join_records(records: Sequence[Any]) -> bytes:
    """Return records in the form of the file writers: one line each, joined by a line feed."""
    whole = LINE_FEED.join(records)
    return whole if whole.count(b"\n") == len(records) - 1 else LINE_FEED.join(map(_on_one_line, records))


def ndjson_lines(records: Sequence[Any]) -> bytes:
    """Return records as NDJSON."""
    whole = b"\n".join([*records, b""])
    return whole if whole.count(b"\n") == len(records) else b"\n".join([*map(_on_one_line, records), b""])


def _on_one_line(record: Any) -> bytes:  # noqa: ANN401 (bytes, or what has their buffer)
    """Return an indented record on one line. JSON has line feeds only in its layout."""
    return msgspec.json.format(bytes(record), indent=-1)
