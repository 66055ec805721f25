"""Interface of the writers of files."""

from typing import Protocol


class Writer(Protocol):
    """Turns sealed records into the bytes of one file, a chunk at a time, and keeps no more than it must.

    Its methods are called one after the other, not always in one thread.
    """

    def begin(self) -> bytes:
        """Return the bytes before the first call."""
        ...

    def add(self, records: bytes) -> bytes:
        """The next calls: at least one, as sealed JSON joined by a line feed.

        What comes back may be empty, where the writer waits for more. Raises DamagedStore for what is no
        record.
        """
        ...

    def end(self) -> bytes:
        """Return the remaining bytes and those after the last call."""
        ...
