"""Zstandard with a shared dictionary, from the standard library where it has it (3.14), else its backport."""

import sys
from threading import local
from typing import Final

from calltally.calls.errors import DamagedStore

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_LEVEL: Final = 3


class ZstdCodec:
    """Compresses short bodies that resemble one another; usable from any thread.

    A dictionary must never be lost nor change: frames name it by its id, and new ones are added
    beside the old.
    """

    def __init__(self, dictionary: bytes) -> None:
        self._dictionary = zstd.ZstdDict(dictionary).as_digested_dict
        self._thread = local()

    def compress(self, body: bytes) -> bytes:
        """One frame. A compressor is kept per thread: making one costs ten times the compression."""
        try:
            compressor = self._thread.compressor
        except AttributeError:
            compressor = self._thread.compressor = zstd.ZstdCompressor(
                level=_LEVEL, zstd_dict=self._dictionary
            )
        frame: bytes = compressor.compress(body, zstd.ZstdCompressor.FLUSH_FRAME)
        return frame

    def decompress(self, frame: bytes) -> bytes:
        """The body of a frame; raises DamagedStore for one that `compress` cannot have written."""
        try:
            body: bytes = zstd.decompress(frame, zstd_dict=self._dictionary)
        except zstd.ZstdError as fault:
            message = "a stored body cannot be read; run `calltally verify`, and restore it from a backup"
            raise DamagedStore(message) from fault
        return body
