"""Items of the files of an import, read in this process or in a separate one.

A file is plain, gzip or Zstandard, as its first bytes show, or standard input.
"""

import gzip
import os
import re
import sys
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, cast

import msgspec

from calltally.calls.errors import InvalidInput, NotUnderstood
from calltally.calls.events import Fact
from calltally.ingest.imports import Chunk, Read, chunks_of
from calltally.ingest.routes import RouteTable
from calltally.providers.callback import RecordSource, UnreadableRecord
from calltally.providers.provider import ListFacts
from calltally.reconcile.zst_file import ZstFile

STDIN: Final = "-"
_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
# A page of a provider's list may be one line of some megabytes. Longer lines are refused.
_MOST_LINE_BYTES: Final = 64 * 1024 * 1024
_BUFFER_BYTES: Final = 256 * 1024
# More than a reader reads ahead, so that the line of a refused record is still here.
_MAX_RECENT_LINES: Final = 400
_LINE: Final = re.compile(r"line (\d+)")
# A smaller file takes less time to import than the start of another process.
_WORTH_A_PROCESS_BYTES: Final = 1024 * 1024
_EVERY: Final = 500


class Lines:
    """Iterator over the lines of a file. A read error ends it, and is then in `fault`."""

    def __init__(self, file: BinaryIO) -> None:
        self.fault = ""
        self._file = file
        self._recent: deque[bytes] = deque(maxlen=_MAX_RECENT_LINES)
        self._last = 0

    def __iter__(self) -> Iterator[bytes]:
        while line := self._next():
            self._last += 1
            self._recent.append(line)
            yield line

    def _next(self) -> bytes:
        try:
            line = self._file.readline(_MOST_LINE_BYTES)
        except (OSError, EOFError, zlib.error) as fault:
            self.fault = f"the file cannot be read after line {self._last}: {fault}"
            return b""
        if len(line) == _MOST_LINE_BYTES and not line.endswith(b"\n"):
            self.fault = f"line {self._last + 1} is longer than {_MOST_LINE_BYTES} bytes"
            return b""
        return line

    def at(self, position: str) -> bytes:
        """Return the unchanged line at a position; empty if there is none or it is not buffered any more."""
        found = _LINE.match(position)
        back = self._last - int(found[1]) if found else -1
        return self._recent[-1 - back] if 0 <= back < len(self._recent) else b""


class FirstBytes:
    """Reader of the lines in the first `size` bytes of a file, even if the file grows."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._left = size

    def readline(self, most: int) -> bytes:
        """Return the next line, at most `most` bytes; empty at the end."""
        line = self._file.readline(min(most, self._left))
        self._left -= len(line)
        return line


def name_of(path: Path) -> str:
    """Return the name of a file in messages."""
    return "standard input" if str(path) == STDIN else path.name


def opened(path: Path) -> BinaryIO:
    """Open a file, or standard input. Raises InvalidInput."""
    if str(path) == STDIN:
        return sys.stdin.buffer
    try:
        return path.open("rb", buffering=_BUFFER_BYTES)
    except OSError as fault:
        message = f"{str(path)!r} cannot be read: {fault.strerror}"
        raise InvalidInput.of("files", message) from fault


def unpacked(file: BinaryIO) -> BinaryIO:
    """Return the content of a file, decompressed if its first bytes show a compressed format."""
    peek = getattr(file, "peek", None)
    start = bytes(peek(4)[:4]) if peek else b""
    if start.startswith(_GZIP):
        return cast("BinaryIO", gzip.GzipFile(fileobj=file, mode="rb"))
    if start == _ZSTD:
        return cast("BinaryIO", ZstFile(file))
    return file


class Reading(NamedTuple):
    """Files to import, the reader of their records, and the file for refused lines.

    `provider` is the one whose coverage page lists the fields of the records; empty if there is none.
    """

    list_facts: ListFacts
    files: list[Path]
    refused: Path | None
    provider: str = ""

    def is_long(self) -> bool:
        """Return true if the files are large enough for a separate reading process."""
        return any(str(file) == STDIN for file in self.files) or (
            sum(file.stat().st_size for file in self.files) >= _WORTH_A_PROCESS_BYTES
        )

    def chunks(
        self, source: RecordSource, tenant: str, table: RouteTable, *, deliver: bool
    ) -> Iterator[Chunk]:
        """Yield chunks of prepared facts, each with the reading progress.

        Data that is appended to a plain file after this call is left to the next import.
        """
        sizes = [file.stat().st_size if _is_regular(file) else None for file in self.files]
        # multiprocessing closes the standard input of a forked process; this copy stays open.
        stdin = os.dup(sys.stdin.fileno()) if any(str(file) == STDIN for file in self.files) else None

        def chunks() -> Iterator[Chunk]:
            if stdin is not None:
                sys.stdin = os.fdopen(stdin)
            last = [Read(0, None, 0)]
            items = self._items(source, last.append, sizes)
            for chunk in chunks_of(items, tenant, table, deliver=deliver, provider=self.provider):
                del last[:-1]
                yield chunk._replace(read=last[0])

        return chunks()

    def _items(
        self, source: RecordSource, watch: Callable[[Read], None], sizes: list[int | None]
    ) -> Iterator[Fact | UnreadableRecord]:
        with ExitStack() as stack:
            kept = stack.enter_context(self.refused.open("wb")) if self.refused else None
            files = _Files(self.list_facts, source, watch, kept)
            for number, path in enumerate(self.files):
                yield from files.items(Read(number, sizes[number], 0), path)


def _is_regular(file: Path) -> bool:
    return str(file) != STDIN and file.is_file()


def _whole(raw: BinaryIO, size: int | None) -> BinaryIO:
    """Decompress a file. A plain one is read only up to `size`, even if it grows."""
    file = unpacked(raw)
    return file if size is None or file is not raw else cast("BinaryIO", FirstBytes(raw, size))


class _Files:
    """Reader of files. A refused record gets the name of its file, and its line is written to `kept`."""

    def __init__(
        self,
        list_facts: ListFacts,
        source: RecordSource,
        watch: Callable[[Read], None],
        kept: BinaryIO | None,
    ) -> None:
        self._list_facts = list_facts
        self._source = source
        self._watch = watch
        self._kept = kept

    def items(self, begin: Read, path: Path) -> Iterator[Fact | UnreadableRecord]:
        number, size, _ = begin
        name = name_of(path)
        self._watch(begin)
        with opened(path) as raw:
            lines = Lines(_whole(raw, size))
            for count, item in enumerate(self._read(lines)):
                if isinstance(item, Fact):
                    yield item
                else:
                    self._keep(lines.at(item.position))
                    yield msgspec.structs.replace(item, position=f"{name}: {item.position}")
                if size and not count % _EVERY:
                    self._watch(Read(number, size, raw.tell()))
            if lines.fault:
                yield UnreadableRecord(name, lines.fault)

    def _read(self, lines: Lines) -> Iterator[Fact | UnreadableRecord]:
        try:
            yield from self._list_facts(lines, self._source)
        except NotUnderstood as fault:
            yield UnreadableRecord("the file", fault.detail)

    def _keep(self, line: bytes) -> None:
        if self._kept is not None and line:
            self._kept.write(line if line.endswith(b"\n") else line + b"\n")
