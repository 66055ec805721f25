"""Operations on export jobs: the server writes the files, the client fetches them."""

from collections.abc import AsyncGenerator
from typing import Any, Final, Unpack

import msgspec

from calltally.calls.list_query import DEFAULT_LIMIT
from calltally.client.errors import ExportFailed, InvalidArgument
from calltally.client.filters import SelectedCalls, check_known, time_text
from calltally.client.json_bodies import creating_request, given_fields
from calltally.client.literals import (
    ExportPartition,
    ListOrder,
    StreamFormat,
)
from calltally.client.paging import item_path, iterate_rows, list_request
from calltally.client.records import Page
from calltally.client.response_parsing import decode_page, decode_record
from calltally.client.retries import send
from calltally.client.transport import Session
from calltally.client.wire import Request

EXPORTS_PATH: Final = "/api/v1/exports"
# The largest page of exports.
_PAGE_SIZE: Final = 100
_UNFINISHED: Final = frozenset({"queued", "running"})


class ExportFields(SelectedCalls, total=False):
    """Filters of an export, as of a list, and the form of its files."""

    order: ListOrder | None
    snapshot: str | None
    hold: str | None
    tz: str | None
    format: StreamFormat | None
    partition: ExportPartition | None
    name: str | None


class ExportedFile(msgspec.Struct, frozen=True):
    """Complete file of an export. `sha256` is hexadecimal."""

    name: str
    rows: int
    bytes: int
    sha256: str


class ExportError(msgspec.Struct, frozen=True):
    """Reason of a failed export."""

    slug: str
    detail: str


class ExportRecord(msgspec.Struct, frozen=True):
    """One export. `rows` is the number of calls, None until counted; `rows_done` the number written."""

    id: str
    state: str
    format: str
    snapshot: str
    rows_done: int
    created_at: str
    updated_at: str
    window: dict[str, str | None]
    filters: dict[str, list[str]]
    rows: int | None = None
    files: tuple[ExportedFile, ...] = ()
    name: str | None = None
    order: str | None = None
    tz: str | None = None
    partition: str | None = None
    expires_at: str | None = None
    error: ExportError | None = None

    @property
    def is_ended(self) -> bool:
        """True if the state does not change any more, except to `expired`."""
        return self.state not in _UNFINISHED


ExportPage = Page[ExportRecord]
_EXPORT_FIELDS: Final = frozenset(ExportFields.__annotations__)
_export_decoder: Final = msgspec.json.Decoder(ExportRecord)
_export_page_decoder: Final = msgspec.json.Decoder(ExportPage)
_manifest_decoder: Final = msgspec.json.Decoder(dict[str, Any])


async def start_export(
    session: Session, *, idempotency_key: str | None = None, **fields: Unpack[ExportFields]
) -> ExportRecord:
    """Start an export of the matching calls, as of now or of a `snapshot` or `hold`.

    A repetition with the same `idempotency_key` returns the same export. Raises InvalidArgument,
    BadRequestError, SnapshotGoneError and ClientError.
    """
    check_known(fields, _EXPORT_FIELDS)
    body = given_fields(fields)
    for name in ("from", "to"):
        if name in body:
            body[name] = time_text(name, body[name])
    request = creating_request(EXPORTS_PATH, body, idempotency_key)
    return decode_record(await send(session, request), _export_decoder)


async def list_exports(session: Session, *, limit: int = DEFAULT_LIMIT, offset: int = 0) -> ExportPage:
    """Return a page of exports, newest first. `limit` is at most 100. Raises ClientError."""
    return decode_page(
        await send(session, list_request(EXPORTS_PATH, (), limit, offset)), _export_page_decoder
    )


def iter_exports(session: Session, *, page_size: int = _PAGE_SIZE) -> AsyncGenerator[ExportRecord, None]:
    """Iterate over all exports, newest first. Raises ClientError."""
    return iterate_rows(session, list_request(EXPORTS_PATH, (), page_size), _export_page_decoder)


async def get_export(session: Session, export_id: str) -> ExportRecord:
    """Return one export with its progress and its files. Raises NotFoundError, ClientError."""
    return decode_record(await send(session, Request("GET", export_path(export_id))), _export_decoder)


async def wait_for_export(
    session: Session, export_id: str, *, poll_s: float = 1.0, timeout_s: float = 3_600.0
) -> ExportRecord:
    """Wait until an export is complete, and return it.

    Raises ExportFailed if it ends otherwise, or takes more than `timeout_s`; then it continues on the server.
    Raises NotFoundError, ClientError.
    """
    if not poll_s > 0:
        raise InvalidArgument.of("poll_s", f"poll_s must be a number of seconds above 0, not {poll_s}")
    ends_s = session.config.surroundings.now_s() + timeout_s
    while True:
        export = await get_export(session, export_id)
        if export.state == "complete":
            return export
        if export.is_ended:
            reason = export.error.detail if export.error else "start it again with another idempotency key"
            raise ExportFailed(f"the export {export_id} is {export.state}: {reason}")
        if session.config.surroundings.now_s() + poll_s > ends_s:
            raise ExportFailed(f"the export {export_id} is still {export.state} after {timeout_s:g} s")
        await session.transport.sleep(poll_s)


async def get_export_manifest(session: Session, export_id: str) -> dict[str, Any]:
    """Return the manifest of an export, the server's JSON. Raises NotFoundError, ClientError."""
    request = Request("GET", f"{export_path(export_id)}/manifest.json")
    return decode_record(await send(session, request), _manifest_decoder)


async def delete_export(session: Session, export_id: str) -> None:
    """Cancel an export, or delete its files. Safe to repeat. Raises NotFoundError, ClientError."""
    await send(session, Request("DELETE", export_path(export_id), is_idempotent=True))


def export_path(export_id: str) -> str:
    return item_path(EXPORTS_PATH, export_id, "export_id", "the id of an export")
