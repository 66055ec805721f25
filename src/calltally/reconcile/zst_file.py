"""Lines of a file that Zstandard packed: by the standard library (from 3.14 on), else its backport."""

import sys
from typing import BinaryIO

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


class ZstFile(zstd.ZstdFile):
    """Raises OSError for what is damaged, as files of gzip do."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file, "rb")

    def readline(self, size: int | None = -1, /) -> bytes:
        """Up to the end of the line, and no more than `size` bytes."""
        try:
            return super().readline(size)
        except zstd.ZstdError as fault:
            raise OSError(str(fault)) from fault
