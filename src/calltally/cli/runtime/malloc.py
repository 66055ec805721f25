"""Settings of the memory allocator of glibc."""

import ctypes
import os
from typing import Final

# From <malloc.h>: the size from which blocks are mapped one by one; the amount of free memory above which it
# is returned at once; and the maximum number of heaps of threads, each with free memory of its own.
_M_MMAP_THRESHOLD: Final = -3
_M_TRIM_THRESHOLD: Final = -1
_M_ARENA_MAX: Final = -8
_MMAP_BYTES: Final = 8 * 1024 * 1024
_TRIM_BYTES: Final = 16 * 1024 * 1024
# One heap for the event loop, one for all threads: the interpreter mostly runs one thread at a time. With a
# heap per thread a stream took 20 MB more and was no faster.
_HEAPS: Final = 2
_SETTINGS: Final = (
    (_M_MMAP_THRESHOLD, _MMAP_BYTES),
    (_M_TRIM_THRESHOLD, _TRIM_BYTES),
    (_M_ARENA_MAX, _HEAPS),
)


def keep_freed_memory() -> bool:
    """Let the allocator keep freed megabytes for the next response; return whether the settings took effect.

    A page of 1,000 calls is 0.8 MB. By default each of its buffers is requested from the system and returned,
    and zeroing them costs three times as much as all other work for the response. Arrow also uses this
    allocator: its own would hold 40 MB more while a stream is written.
    """
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return all(mallopt(name, value) for name, value in _SETTINGS)
