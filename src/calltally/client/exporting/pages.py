"""Pages of the call list as the exporter reads them: the bytes of each record and a few decoded fields."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from calltally.client.errors import UnexpectedAnswer
from calltally.client.exporting.request import ExportPlan
from calltally.client.operations import CALLS_PATH
from calltally.client.wire import Answer, Request

_BATCH: Final = 1_000


class RequestSender(Protocol):
    """Client of the exporter. It returns successful responses and raises ClientError for others."""

    def send(self, request: Request) -> Answer:
        """Send a request, with retries."""


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
    hint: str | None = None


class _FieldsPage(msgspec.Struct, gc=False):
    data: list[CallFields]


_raw_page_decoder: Final = msgspec.json.Decoder(_RawPage)
_fields_page_decoder: Final = msgspec.json.Decoder(_FieldsPage)
decode_fields: Final = msgspec.json.Decoder(CallFields).decode


class ExportPage(NamedTuple):
    """Records as received, decoded fields of each, and the page's total and snapshot."""

    records: Sequence[msgspec.Raw]
    calls: Sequence[CallFields]
    total: int | None
    snapshot: str | None
    body: bytes
    hint: str | None = None

    @property
    def call_ids(self) -> list[str]:
        return [call.id for call in self.calls]


class ExportSource(NamedTuple):
    """Server of an export. `is_local` is True for a server on this machine."""

    sender: RequestSender
    is_local: bool = False

    def fetch(self, plan: ExportPlan, limit: int, offset: int = 0, **pins: str) -> ExportPage:
        """Request one page of the plan's window and filters. `pins` are an order and a snapshot.

        The page is uncompressed from a local server: there compression costs more than the transfer. Raises
        ClientError, and UnexpectedAnswer for a body that is not a page of the reference page's shape.
        """
        paging = {**pins, "limit": str(limit), "offset": str(offset)}
        headers = {"accept": "application/json", **({"accept-encoding": "identity"} if self.is_local else {})}
        request = Request("GET", CALLS_PATH, [*plan.window.params, *plan.filters, *paging.items()], headers)
        body = self.sender.send(request).body
        try:
            raw, fields = _raw_page_decoder.decode(body), _fields_page_decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as fault:
            message = f"the response to GET {CALLS_PATH} is not a page of calls ({fault})"
            raise UnexpectedAnswer(message) from fault
        return ExportPage(raw.data, fields.data, raw.total, raw.snapshot, body, raw.hint)


def read_batches(path: Path) -> Iterator[list[bytes]]:
    """Yield the records of an NDJSON file, some at a time."""
    with path.open("rb") as file:
        while lines := list(islice(file, _BATCH)):
            yield [line[:-1] for line in lines]


def join_records(records: Sequence[Any]) -> bytes:
    """Return records in the form of the file writers: one line each, joined by a line feed."""
    return ndjson_lines(records)[:-1]


def ndjson_lines(records: Sequence[Any]) -> bytes:
    whole = b"\n".join([*records, b""])
    return whole if whole.count(b"\n") == len(records) else b"\n".join([*map(_on_one_line, records), b""])


def _on_one_line(record: Any) -> bytes:  # noqa: ANN401 (bytes, or what has their buffer)
    """Return an indented record on one line. JSON has line feeds only in its layout."""
    return msgspec.json.format(bytes(record), indent=-1)
