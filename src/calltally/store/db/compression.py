"""Zstandard with a shared dictionary: from the standard library (Python 3.14 or later), else its backport."""

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
    """Codec for short bodies that resemble one another. Thread-safe.

    A dictionary must never be lost or changed: frames refer to it by its id. New dictionaries are added
    beside the old ones.
    """

    def __init__(self, dictionary: bytes) -> None:
        self._dictionary = zstd.ZstdDict(dictionary).as_digested_dict
        self._thread = local()

    def compress(self, body: bytes) -> bytes:
        """Return one frame. Each thread reuses its compressor: making one costs ten times the compression."""
        try:
            compressor = self._thread.compressor
        except AttributeError:
            compressor = self._thread.compressor = zstd.ZstdCompressor(
                level=_LEVEL, zstd_dict=self._dictionary
            )
        frame: bytes = compressor.compress(body, zstd.ZstdCompressor.FLUSH_FRAME)
        return frame

    def decompress(self, frame: bytes) -> bytes:
        """Return the body of a frame. Raises DamagedStore for a frame that `compress` cannot have written."""
        try:
            body: bytes = zstd.decompress(frame, zstd_dict=self._dictionary)
        except zstd.ZstdError as fault:
            message = "a stored body cannot be read; run `calltally verify`, and restore it from a backup"
            raise DamagedStore(message) from fault
        return body
