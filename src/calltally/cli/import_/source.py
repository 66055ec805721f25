"""The files of an import, line by line: plain, gzip or Zstandard by their first bytes, or standard input."""

import gzip
import re
import sys
import zlib
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, cast

from calltally.calls.errors import InvalidInput
from calltally.reconcile.zst_file import ZstFile

STDIN: Final = "-"
_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
# A page of a list may be one line of some megabytes; nothing that is read is longer.
_MOST_LINE_BYTES: Final = 64 * 1024 * 1024
_BUFFER_BYTES: Final = 256 * 1024
# More than a reader looks ahead: for what is refused, its line is still at hand.
_MAX_RECENT_LINES: Final = 400
_LINE: Final = re.compile(r"line (\d+)")


class Lines:
    """Iterates over a file's lines. What breaks on the way ends them, and is then `fault`."""

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
            self.fault = f"the file cannot be read on behind line {self._last}: {fault}"
            return b""
        if len(line) == _MOST_LINE_BYTES and not line.endswith(b"\n"):
            self.fault = f"line {self._last + 1} is longer than {_MOST_LINE_BYTES} bytes"
            return b""
        return line

    def at(self, position: str) -> bytes:
        """The line that a position names, as it came; empty where it names none, or one long ago."""
        found = _LINE.match(position)
        back = self._last - int(found[1]) if found else -1
        return self._recent[-1 - back] if 0 <= back < len(self._recent) else b""


class FirstBytes:
    """So many bytes of a file, line by line, however long it becomes meanwhile."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._left = size

    def readline(self, most: int) -> bytes:
        """The next line, of at most so many bytes; empty at the end."""
        line = self._file.readline(min(most, self._left))
        self._left -= len(line)
        return line


def name_of(path: Path) -> str:
    """Return the name of a file in messages."""
    return "standard input" if str(path) == STDIN else path.name


def opened(path: Path) -> BinaryIO:
    """A file, or standard input. Raises InvalidInput."""
    if str(path) == STDIN:
        return sys.stdin.buffer
    try:
        return path.open("rb", buffering=_BUFFER_BYTES)
    except OSError as fault:
        message = f"{str(path)!r} cannot be read: {fault.strerror}"
        raise InvalidInput.of("files", message) from fault


def unpacked(file: BinaryIO) -> BinaryIO:
    """Return the content of a file, unpacked if it is compressed, whatever its name."""
    peek = getattr(file, "peek", None)
    start = bytes(peek(4)[:4]) if peek else b""
    if start.startswith(_GZIP):
        return cast("BinaryIO", gzip.GzipFile(fileobj=file, mode="rb"))
    if start == _ZSTD:
        return cast("BinaryIO", ZstFile(file))
    return file
