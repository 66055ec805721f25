"""The Arrow IPC stream format: record batches one after the other, readable as they come."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from calltally.formats.arrow_schema import SCHEMA
from calltally.formats.batches_ahead import BatchesAhead
from calltally.formats.sink import Sink


class ArrowStream:
    """Writes a batch a chunk, uncompressed: the transport compresses where the client asks for it."""

    def __init__(self) -> None:
        self._ahead = BatchesAhead()
        self._sink = Sink()
        self._writer: Any = pa.ipc.new_stream(self._sink, SCHEMA)

    def begin(self) -> bytes:
        """The schema."""
        return self._sink.taken()

    def add(self, records: bytes) -> bytes:
        """Nothing at first, then the batch of some records before."""
        return self._written(self._ahead.put(records))

    def end(self) -> bytes:
        """The batches that are left, and the mark of the end, without which the stream is cut."""
        written = self._written(self._ahead.rest())
        self._writer.close()
        return written + self._sink.taken()

    def _written(self, batches: Iterator[Any]) -> bytes:
        for batch in batches:
            self._writer.write_batch(batch)
        return self._sink.taken()
