"""Findings as files of a job: the lines of JSON, their offsets, and the ids of their calls."""

import struct
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from contextlib import ExitStack
from hashlib import sha256
from types import TracebackType
from typing import BinaryIO, Final, Self

import msgspec

from calltally.calls.errors import Misconfigured
from calltally.calls.export_formats import NDJSON
from calltally.calls.identity import call_uuid, parse_uuid
from calltally.exports.rows import ID_BYTES, contains_any
from calltally.reconcile.findings import Finding
from calltally.reconcile.jobs.spec import FINDINGS_NAME, FindingFiles
from calltally.store.jobs.folders import JobFolder, translate_os_errors
from calltally.store.jobs.jobs import JobFile

_START: Final = struct.Struct(">Q")
_encode: Final = msgspec.json.Encoder().encode


class FindingsWriter:
    """Writer of one run's findings. A context manager. Raises Misconfigured.

    `stem` is the prefix of the file names. It is unique per run, so a worker that was delayed for too long
    writes into its own files only.
    """

    def __init__(self, folder: JobFolder, tenant: str, stem: str) -> None:
        self._folder = folder
        self._tenant = tenant
        self._names = FindingFiles(stem)
        self._stack = ExitStack()
        self._digest = sha256()
        self._unplaced = self._rows = self._size = 0

    def __enter__(self) -> Self:
        with ExitStack() as stack, translate_os_errors():
            names = (self._names.lines, self._names.starts, self._names.ids)
            self._lines, self._starts, self._ids = (self._opened(stack, name) for name in names)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        with translate_os_errors():
            self._stack.close()

    def add(self, finding: Finding) -> None:
        line = _encode(finding) + b"\n"
        # The ids of the named call, and of the call that its SID leads to now or later.
        named = parse_uuid(finding.call_id) if finding.call_id else None
        of_sid = call_uuid(self._tenant, finding.call_sid) if finding.call_sid else None
        ids = [each for each in (named, of_sid) if each is not None]
        with translate_os_errors():
            self._starts.write(_START.pack(self._size))
            self._lines.write(line)
            self._ids.write(b"".join(each[:ID_BYTES] for each in ids))
        self._digest.update(line)
        self._size += len(line)
        self._rows += 1
        self._unplaced += not ids

    def finish(self) -> tuple[FindingFiles, JobFile]:
        """Flush the files to the disk. Returns their names and the job's file."""
        self.__exit__(None, None, None)
        names = self._names
        self._folder.sync(names.lines, names.starts, names.ids)
        files = FindingFiles(names.stem, self._unplaced)
        written = (self._rows, self._size, self._digest.digest())
        return files, JobFile(0, FINDINGS_NAME, names.lines, NDJSON.media_type, *written)

    def _opened(self, stack: ExitStack, name: str) -> BinaryIO:
        self._folder.cut(name, 0)
        return stack.enter_context(self._folder.path_of(name).open("r+b"))


def read_findings(
    folder: JobFolder, files: FindingFiles, file: JobFile, *, limit: int, offset: int
) -> Sequence[bytes]:
    """Return a page of stored findings; the cost is the same for any offset. Raises Misconfigured.

    Waits for the disk: call it in a thread.
    """
    most = min(limit, file.rows - offset)
    if most <= 0:
        return ()
    starts = _read_at(folder, files.starts, offset * _START.size, (most + 1) * _START.size)
    begins = [start for (start,) in _START.iter_unpack(starts)]
    end = begins[most] if len(begins) > most else file.size
    lines = _read_at(folder, files.lines, begins[0], end - begins[0]).splitlines() if begins else []
    if len(lines) != most:
        raise Misconfigured("the findings in this node's CALLTALLY_FILES_FOLDER are missing or were changed")
    return lines


def _read_at(folder: JobFolder, name: str, at: int, size: int) -> bytes:
    with translate_os_errors(), folder.path_of(name).open("rb") as file:
        file.seek(at)
        return file.read(size)


def names_any(folder: JobFolder, files: FindingFiles | None, ids: AbstractSet[bytes]) -> bool:
    """Return true if the findings name one of these calls. Reads a file: call it in a thread.

    Findings without a call (an unreadable line) may name any call, so the result is then true.
    """
    if files is None or files.unplaced:
        return bool(ids)
    return contains_any(folder, files.ids, ids)
