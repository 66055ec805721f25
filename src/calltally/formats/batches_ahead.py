"""Record batches made of records in a thread, a few ahead of whoever writes them, in their order."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

from calltally.formats.arrow_columns import ArrowReader

# To make a batch takes as long as to read its records and to encode it, which others do meanwhile: so two
# processors are busy. A second thread takes more of their time than it saves.
_THREADS: Final = 1
# One is made; to have another wait took memory and was no faster. By number, not by what happens to be done:
# so the same records give the same row groups.
_UNDER_WAY: Final = 1


class BatchesAhead:
    """Takes records, and gives the batches of those before. Its thread ends with it."""

    def __init__(self) -> None:
        self._reader = ArrowReader()
        self._making = ThreadPoolExecutor(_THREADS, "calltally-columns")
        self._under_way: deque[Future[Any]] = deque()

    def put(self, records: bytes) -> Iterator[Any]:
        """Begin with these; the batches that are to be taken now. Raises DamagedStore for what is none."""
        self._under_way.append(self._making.submit(self._reader.read, records))
        while len(self._under_way) > _UNDER_WAY:
            yield self._under_way.popleft().result()

    def rest(self) -> Iterator[Any]:
        """The batches that are left."""
        while self._under_way:
            yield self._under_way.popleft().result()
        self._making.shutdown()
