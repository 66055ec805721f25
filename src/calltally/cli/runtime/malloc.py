"""Settings of the C library's memory allocator, where it is glibc's."""

import ctypes
import os
from typing import Final

# From <malloc.h>: blocks from this size on are mapped one by one; free memory above this goes back at once;
# and of so many heaps at most threads take theirs, each of which keeps what is free in it for itself.
_M_MMAP_THRESHOLD: Final = -3
_M_TRIM_THRESHOLD: Final = -1
_M_ARENA_MAX: Final = -8
_MMAP_BYTES: Final = 8 * 1024 * 1024
_KEPT_BYTES: Final = 16 * 1024 * 1024
# One for the loop, one for the threads beside it, of which the interpreter mostly lets one on at a time: with
# a heap each a stream took 20 MB more, and was no faster.
_HEAPS: Final = 2
_SETTINGS: Final = (
    (_M_MMAP_THRESHOLD, _MMAP_BYTES),
    (_M_TRIM_THRESHOLD, _KEPT_BYTES),
    (_M_ARENA_MAX, _HEAPS),
)


def keep_freed_memory() -> bool:
    """Let the allocator keep some megabytes for the next answer; returns whether it could be told.

    A page of 1,000 calls is 0.8 MB. By default each of its buffers is taken from the system anew and given
    back, and to have them zeroed costs three times as much as everything else that the answer takes.
    Arrow, once loaded, uses it too: what its own allocator keeps is 40 MB more while a stream is written.
    """
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return all(mallopt(name, value) for name, value in _SETTINGS)
