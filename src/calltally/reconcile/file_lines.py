"""Lines of files that may be compressed: what cannot be read is told with its place, and never a stop."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import BinaryIO, Final, NamedTuple, Protocol

# No event is longer: what is sent to us has this limit too (contract, section 4).
MAX_LINE_BYTES: Final = 5 * 1024 * 1024
_DAMAGES: Final = (EOFError, OSError, zlib.error)
_BOM: Final = b"\xef\xbb\xbf"


class Line(NamedTuple):
    """One line and its number in the file, from 1; `fault` says why it, or the rest, cannot be read."""

    number: int
    text: bytes
    fault: str | None = None


class Readable(Protocol):
    """A file, or what stands for one."""

    def readline(self, size: int, /) -> bytes:
        """Up to the end of the line, and no more than `size` bytes."""
        ...


def unpacked(file: BinaryIO, suffix: str) -> AbstractContextManager[Readable]:
    """A file's bytes, unpacked where its name ends in `.gz` or `.zst`. The file itself stays open."""
    if suffix == ".gz":
        return gzip.GzipFile(fileobj=file, mode="rb")
    if suffix == ".zst":
        from calltally.reconcile.zst_file import (
            ZstFile,
        )  # deferred: before Python 3.14 its package may be missing

        return ZstFile(file)
    return nullcontext(file)


def lines_of(file: Readable) -> Iterator[Line]:
    """Its lines that are not blank."""
    number = 0
    try:
        while text := file.readline(MAX_LINE_BYTES):
            number += 1
            if len(text) == MAX_LINE_BYTES and not text.endswith(b"\n"):
                yield Line(number, b"", f"longer than {MAX_LINE_BYTES:,} bytes")
                _pass_line(file)
            elif stripped := text.removeprefix(_BOM).strip():
                yield Line(number, stripped)
    except _DAMAGES as fault:
        yield Line(number + 1, b"", f"the file ends here: {fault}")


def _pass_line(file: Readable) -> None:
    while (text := file.readline(MAX_LINE_BYTES)) and not text.endswith(b"\n"):
        pass
