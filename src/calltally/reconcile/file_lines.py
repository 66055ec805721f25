"""Lines of a possibly compressed file. An unreadable line is returned with its number and reason."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import BinaryIO, Final, NamedTuple, Protocol

# The longest event that our own API accepts (contract, section 4).
MAX_LINE_BYTES: Final = 5 * 1024 * 1024
_READ_ERRORS: Final = (EOFError, OSError, zlib.error)
_BOM: Final = b"\xef\xbb\xbf"


class FileLine(NamedTuple):
    """Line and its number in the file, from 1; `fault` is why the line or the rest is unreadable."""

    number: int
    text: bytes
    fault: str | None = None


class Readable(Protocol):
    """File or stream with lines."""

    def readline(self, size: int, /) -> bytes:
        """Return the bytes up to the end of the line, at most `size`."""
        ...


def decompressed(file: BinaryIO, suffix: str) -> AbstractContextManager[Readable]:
    """Return the file, decompressed if its name ends in `.gz` or `.zst`. The file itself stays open."""
    if suffix == ".gz":
        return gzip.GzipFile(fileobj=file, mode="rb")
    if suffix == ".zst":
        from calltally.reconcile.zst_file import (
            ZstFile,
        )  # deferred: before Python 3.14 its package may be missing

        return ZstFile(file)
    return nullcontext(file)


def lines_of(file: Readable) -> Iterator[FileLine]:
    """Yield the lines that are not blank."""
    number = 0
    try:
        while text := file.readline(MAX_LINE_BYTES):
            number += 1
            if len(text) == MAX_LINE_BYTES and not text.endswith(b"\n"):
                yield FileLine(number, b"", f"longer than {MAX_LINE_BYTES:,} bytes")
                _skip_line(file)
            elif stripped := text.removeprefix(_BOM).strip():
                yield FileLine(number, stripped)
    except _READ_ERRORS as fault:
        yield FileLine(number + 1, b"", f"the file ends here: {fault}")


def _skip_line(file: Readable) -> None:
    while (text := file.readline(MAX_LINE_BYTES)) and not text.endswith(b"\n"):
        pass
