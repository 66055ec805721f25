"""Zstandard files by lines, with the standard library (from 3.14) or its backport."""

import sys
from typing import BinaryIO

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


class ZstFile(zstd.ZstdFile):
    """Reader of a Zstandard file. Raises OSError for damaged data, as gzip files do."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file, "rb")

    def readline(self, size: int | None = -1, /) -> bytes:
        """Return the bytes up to the end of the line, at most `size`."""
        try:
            return super().readline(size)
        except zstd.ZstdError as fault:
            raise OSError(str(fault)) from fault
