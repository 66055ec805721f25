"""A file as an answer: whole or one range of it, in constant memory, with what proves that it came whole."""

import asyncio
import os
from base64 import b64encode
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Final, NamedTuple

from calltally.calls.errors import Forbidden, Misconfigured
from calltally.store.jobs.jobs import JobFile
from calltally.web.request.access import PII_READ
from calltally.web.request.context import AnyRequest, access_of, context_of
from calltally.web.response.etags import etag_matches
from calltally.web.response.ranges import ByteRange, requested_range
from calltally.web.response.response import Headers, Response
from calltally.web.response.stream_response import StreamingResponse

FILE_HEADERS: Final = {
    "ETag": "Strong; the SHA-256 of the file. Send it as If-Range, so that parts are of one file.",
    "Accept-Ranges": "bytes: a part can be asked for by Range.",
    "Repr-Digest": "RFC 9530: the SHA-256 of the whole file, also with a part of it.",
    "Content-Disposition": "A name to save the file by.",
}
_PIECE_BYTES: Final = 256 * 1024


class StoredFile(NamedTuple):
    """A file on the disk, and what is known of it."""

    path: Path
    file: JobFile


def check_file_access(request: AnyRequest, *, has_them: bool) -> None:
    """Raises Forbidden for a file with whole numbers, and a key from which they are hidden.

    Its bytes are promised by a checksum, so that they cannot be hidden in it.
    """
    if has_them and access_of(request).is_masked:
        raise Forbidden(
            f"numbers are masked for this key, and this file has whole ones: it takes the scope {PII_READ}"
        )


async def file_response(request: AnyRequest, kept: StoredFile) -> Response | StreamingResponse:
    """The answer to GET or HEAD. Raises RangeNotSatisfiable, and Misconfigured where there is no file."""
    file = kept.file
    context = context_of(request.scope)
    tag = b'"%b"' % file.sha256.hex().encode()
    headers = _headers(file, tag)
    if etag_matches(context.headers.get(b"if-none-match"), tag):
        return Response(b"", status=304, media_type=b"", headers=headers)
    if await asyncio.to_thread(_size, kept.path) != file.size:
        raise Misconfigured("a file of a job is not in this node's CALLTALLY_FILES_FOLDER as it was written")
    # A range is of GET alone (RFC 9110, section 14.2).
    part = None if context.is_head else requested_range(context.headers, tag, file.size)
    span = part or ByteRange(0, file.size)
    length = (b"content-length", b"%d" % (span.end - span.first))
    place = (b"content-range", b"bytes %d-%d/%d" % (span.first, span.end - 1, file.size))
    return StreamingResponse(
        _pieces(kept.path, span),
        media_type=file.content_type.encode(),
        headers=(*headers, length, *((place,) if part else (_digest(b"content-digest", file),))),
        is_packed=True,
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


async def _pieces(path: Path, span: ByteRange) -> AsyncGenerator[bytes]:
    """Read by place, and from one opened file: one that is removed meanwhile is sent to its end."""
    handle = await asyncio.to_thread(os.open, path, os.O_RDONLY)
    try:
        at = span.first
        while at < span.end:
            piece = await asyncio.to_thread(os.pread, handle, min(_PIECE_BYTES, span.end - at), at)
            if not piece:
                raise Misconfigured("a file of a job is shorter than it was")
            yield piece
            at += len(piece)
    finally:
        os.close(handle)
