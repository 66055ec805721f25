"""Findings as files of a job: a line of JSON each, and where each begins and of which call it is."""

import struct
from collections.abc import Sequence
from contextlib import ExitStack
from hashlib import sha256
from types import TracebackType
from typing import BinaryIO, Final, Self

import msgspec

from calltally.calls.errors import Misconfigured
from calltally.calls.identity import call_uuid, parse_uuid
from calltally.exports.rows import ID_BYTES
from calltally.reconcile.findings import Finding
from calltally.reconcile.jobs.spec import FINDINGS_NAME, Kept
from calltally.store.jobs.folders import JobFolder, told_apart
from calltally.store.jobs.jobs import JobFile

_START: Final = struct.Struct(">Q")
_NDJSON: Final = "application/x-ndjson"
_encode: Final = msgspec.json.Encoder().encode


class FindingsFile:
    """The files of one run, written as findings come. A context manager. Raises Misconfigured.

    `stem` is what their names begin with: no other run has it, so a worker that was held up for too long
    writes into none but its own.
    """

    def __init__(self, folder: JobFolder, tenant: str, stem: str) -> None:
        self._folder = folder
        self._tenant = tenant
        self._names = Kept(stem)
        self._stack = ExitStack()
        self._digest = sha256()
        self._unplaced = self._rows = self._size = 0

    def __enter__(self) -> Self:
        with ExitStack() as stack, told_apart():
            names = (self._names.lines, self._names.starts, self._names.ids)
            self._lines, self._starts, self._ids = (self._opened(stack, name) for name in names)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        with told_apart():
            self._stack.close()

    def add(self, finding: Finding) -> None:
        """Write one more."""
        line = _encode(finding) + b"\n"
        ids = self._ids_of(finding)
        with told_apart():
            self._starts.write(_START.pack(self._size))
            self._lines.write(line)
            self._ids.write(b"".join(each[:ID_BYTES] for each in ids))
        self._digest.update(line)
        self._size += len(line)
        self._rows += 1
        self._unplaced += not ids

    def finish(self) -> tuple[Kept, JobFile]:
        """Have all of it on the disk; what is to be remembered of it."""
        self.__exit__(None, None, None)
        names = self._names
        self._folder.sync(names.lines, names.starts, names.ids)
        kept = Kept(names.stem, self._unplaced)
        written = (self._rows, self._size, self._digest.digest())
        return kept, JobFile(0, FINDINGS_NAME, names.lines, _NDJSON, *written)

    def _opened(self, stack: ExitStack, name: str) -> BinaryIO:
        self._folder.cut(name, 0)
        return stack.enter_context(self._folder.path_of(name).open("r+b"))

    def _ids_of(self, finding: Finding) -> list[bytes]:
        """The ids of the call that it names: also the one that its SID leads to, though it may come later."""
        told = parse_uuid(finding.call_id) if finding.call_id else None
        of_sid = call_uuid(self._tenant, finding.call_sid) if finding.call_sid else None
        return [each for each in (told, of_sid) if each is not None]


def read_lines(folder: JobFolder, kept: Kept, file: JobFile, *, limit: int, offset: int) -> Sequence[bytes]:
    """A page of findings as they are stored; costs the same anywhere. Raises Misconfigured.

    Waits for the disk, so it is for a thread.
    """
    most = min(limit, file.rows - offset)
    if most <= 0:
        return ()
    starts = _part(folder, kept.starts, offset * _START.size, (most + 1) * _START.size)
    begins = [start for (start,) in _START.iter_unpack(starts)]
    end = begins[most] if len(begins) > most else file.size
    lines = _part(folder, kept.lines, begins[0], end - begins[0]).splitlines() if begins else []
    if len(lines) != most:
        raise Misconfigured("the findings are not in this node's CALLTALLY_FILES_FOLDER as they were written")
    return lines


def _part(folder: JobFolder, name: str, at: int, size: int) -> bytes:
    with told_apart(), folder.path_of(name).open("rb") as file:
        file.seek(at)
        return file.read(size)
