"""File responses: a file or one range of it, in constant memory, with checksums."""

import asyncio
import os
from base64 import b64encode
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from calltally.calls.errors import Forbidden, Misconfigured
from calltally.store.jobs.jobs import JobFile
from calltally.web.openapi.operation import ResponseSpec, Schema
from calltally.web.request.access import PII_READ
from calltally.web.request.context import AnyRequest, access_of, context_of
from calltally.web.response.response import Headers, Response, StreamingResponse
from calltally.web.response.validators import ByteRange, etag_matches, requested_range

_FILE_HEADERS: Final = {
    "ETag": "Strong: the SHA-256 of the file. Send it as If-Range when you resume a download.",
    "Accept-Ranges": "bytes: the server supports Range requests.",
    "Repr-Digest": "RFC 9530: the SHA-256 of the whole file, also for a range.",
    "Content-Disposition": "A file name for the download.",
}
_RANGE_HEADERS: Final = {**_FILE_HEADERS, "Content-Range": "The range and the size of the file."}
_WHOLE_HEADERS: Final = {
    **_FILE_HEADERS,
    "Content-Digest": "RFC 9530: the SHA-256 of the content of this response.",
}
_CHUNK_BYTES: Final = 256 * 1024


def file_responses(
    description: str, media_type: str, schemas: Mapping[str, Schema]
) -> dict[int, ResponseSpec]:
    """Return the responses of a file download. `schemas` are those of all media types of such files."""
    form: Any = {"schema": schemas[media_type], "media_type": media_type, "alternatives": schemas}
    return {
        200: ResponseSpec(description=description, headers=_WHOLE_HEADERS, **form),
        206: ResponseSpec(description="The requested range.", headers=_RANGE_HEADERS, **form),
        304: ResponseSpec(description="The client's copy is current, by If-None-Match."),
    }


class StoredFile(NamedTuple):
    """File on disk with its metadata."""

    path: Path
    file: JobFile


def check_file_access(request: AnyRequest, *, has_full_numbers: bool) -> None:
    """Raise Forbidden for a file with full numbers and a key that must not see them.

    A checksum promises the bytes of the file, so masking them is impossible.
    """
    if has_full_numbers and access_of(request).is_masked:
        raise Forbidden(
            f"numbers are masked for this key, and this file has full numbers: it needs the scope {PII_READ}"
        )


async def file_response(request: AnyRequest, stored: StoredFile) -> Response | StreamingResponse:
    """Return the response to GET or HEAD.

    Raises RangeNotSatisfiable, and Misconfigured for a missing file.
    """
    file = stored.file
    context = context_of(request.scope)
    tag = b'"%b"' % file.sha256.hex().encode()
    headers = _headers(file, tag)
    if etag_matches(context.headers.get(b"if-none-match"), tag):
        return Response(b"", status=304, media_type=b"", headers=headers)
    if await asyncio.to_thread(_size, stored.path) != file.size:
        raise Misconfigured(
            "a job's file is missing or changed in CALLTALLY_FILES_FOLDER; all nodes must share that folder"
        )
    # Range applies to GET only (RFC 9110, section 14.2).
    part = None if context.is_head else requested_range(context.headers, tag, file.size)
    span = part or ByteRange(0, file.size)
    length = (b"content-length", b"%d" % (span.end - span.first))
    content_range = (b"content-range", b"bytes %d-%d/%d" % (span.first, span.end - 1, file.size))
    return StreamingResponse(
        _chunks(stored.path, span),
        media_type=file.content_type.encode(),
        headers=(*headers, length, *((content_range,) if part else (_digest(b"content-digest", file),))),
        is_compressed=True,
        status=206 if part else 200,
    )


def _headers(file: JobFile, tag: bytes) -> Headers:
    return (
        (b"etag", tag),
        (b"accept-ranges", b"bytes"),
        _digest(b"repr-digest", file),
        (b"content-disposition", b'attachment; filename="%b"' % file.name.encode()),
    )


def _digest(name: bytes, file: JobFile) -> tuple[bytes, bytes]:
    return name, b"sha-256=:%b:" % b64encode(file.sha256)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


async def _chunks(path: Path, span: ByteRange) -> AsyncGenerator[bytes]:
    """Yield chunks of one open file by position. A file that is removed meanwhile is still sent whole."""
    handle = await asyncio.to_thread(os.open, path, os.O_RDONLY)
    try:
        at = span.first
        while at < span.end:
            chunk = await asyncio.to_thread(os.pread, handle, min(_CHUNK_BYTES, span.end - at), at)
            if not chunk:
                raise Misconfigured(
                    "a job's file in CALLTALLY_FILES_FOLDER is shorter than recorded; run the job again"
                )
            yield chunk
            at += len(chunk)
    finally:
        os.close(handle)
