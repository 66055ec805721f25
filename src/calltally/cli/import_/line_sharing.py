"""What of a file one of several processes reads: stretches of its lines, where a line is a document."""

from collections.abc import Iterator
from typing import BinaryIO, Final

from calltally.cli.import_.source import Lines
from calltally.ingest.ahead import Share

# As many as a chunk has items, so that a stretch of records is a chunk.
STRETCH_LINES: Final = 2_000


class SharedLines(Lines):
    """A file's lines, those of others' shares as empty ones: so each stands where it does in the file.

    Whether a line is a document the first one tells, by beginning and ending as a JSON object does: then a
    stretch begins with a line that does so too, since from the first that it meets a reader learns what the
    file is. Any other file is the first process's alone.
    """

    def __init__(self, file: BinaryIO, share: Share) -> None:
        super().__init__(file)
        self._share = share
        self._left = self._stretch = 0
        self._is_begun = self._is_by_line = False
        self._is_ours = share.place == 0

    def __iter__(self) -> Iterator[bytes]:
        """All lines; to pass over one costs a fiftieth of reading its record."""
        for line in super().__iter__():
            self._left -= 1
            if self._left < 0:
                self._look(line)
            yield line if self._is_ours else b"\n"

    @property
    def turns(self) -> int:
        """How many of its turns this process has had when it comes to the current line."""
        return self._stretch // self._share.of

    def _look(self, line: bytes) -> None:
        """At the first line that is not empty, and at those with which a stretch may begin."""
        if not self._is_begun:
            self._is_begun, self._is_by_line = bool(line.strip()), _is_object(line)
        elif self._is_by_line and _is_object(line):
            self._stretch += 1
            self._is_ours = self._stretch % self._share.of == self._share.place
        else:
            return
        self._left = STRETCH_LINES - 1 if self._is_begun else 0


def _is_object(line: bytes) -> bool:
    """Whether a line begins and ends as a JSON object with a name in it does; no row of a table does."""
    text = line.strip()
    return text[:1] == b"{" and text[1:].lstrip()[:1] == b'"' and text[-1:] == b"}"
