"""Download of the files of an export job into a folder, each checked by its SHA-256."""

import hashlib
from pathlib import Path
from typing import IO, Final
from urllib.parse import quote

from calltally.client.errors import InvalidArgument, StreamCut
from calltally.client.exports import ExportedFile, export_path, get_export
from calltally.client.retries import send_with
from calltally.client.transport import Session
from calltally.client.wire import Answer, Request

# Suffix of an incomplete file, so that nobody takes it for a complete one.
_UNFINISHED_SUFFIX: Final = ".part"


async def download_export(session: Session, export_id: str, folder: str | Path) -> list[Path]:
    """Download all files of a complete export into a folder, and return their paths.

    A file that is already there with the same SHA-256 is not downloaded again. Raises InvalidArgument if the
    export is not complete, StreamCut if a file differs from its SHA-256, GoneError if the files have expired,
    and OSError if a file cannot be written.
    """
    export = await get_export(session, export_id)
    if export.state != "complete":
        raise InvalidArgument.of("export_id", f"the export {export_id} is {export.state}, not complete")
    target = _created_folder(folder)
    return [await _download(session, export_id, file, target) for file in export.files]


def _created_folder(folder: str | Path) -> Path:
    Path(folder).mkdir(parents=True, exist_ok=True)
    return Path(folder)


async def _download(session: Session, export_id: str, file: ExportedFile, folder: Path) -> Path:
    if Path(file.name).name != file.name:
        raise StreamCut(f"the export names the file {file.name!r}, which is not a name of a file")
    path = folder / file.name
    if path.is_file() and _sha256_of(path) == file.sha256:
        return path
    unfinished = path.with_name(path.name + _UNFINISHED_SUFFIX)
    request = Request("GET", f"{export_path(export_id)}/files/{quote(file.name, safe='')}")
    with unfinished.open("wb") as opened:
        sink = _DigestSink(opened)
        await send_with(session, request, sink=sink)
    if sink.sha256 != file.sha256:
        raise StreamCut(f"{file.name} differs from its SHA-256 in the export; download it again")
    return unfinished.replace(path)


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _DigestSink:
    """Sink that writes to a file and computes its SHA-256."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._digest = file, hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def open(self, answer: Answer) -> None:
        """Accept any media type: the digest decides."""

    def write(self, piece: bytes) -> None:
        self._file.write(piece)
        self._digest.update(piece)
        self.size += len(piece)
