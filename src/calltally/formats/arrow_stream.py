"""The Arrow IPC stream format: record batches one after the other, readable as they come."""

from typing import Any

import pyarrow as pa

from calltally.formats.arrow_columns import ArrowReader
from calltally.formats.arrow_schema import SCHEMA
from calltally.formats.sink import Sink


class ArrowStream:
    """Writes a batch a chunk, uncompressed: the transport compresses where the client asks for it."""

    def __init__(self) -> None:
        self._reader = ArrowReader()
        self._sink = Sink()
        self._writer: Any = pa.ipc.new_stream(self._sink, SCHEMA)

    def begin(self) -> bytes:
        """The schema."""
        return self._sink.taken()

    def add(self, records: bytes) -> bytes:
        """Return the batch of the records. Raises DamagedStore for what is no record."""
        self._writer.write_batch(self._reader.read(records))
        return self._sink.taken()

    def end(self) -> bytes:
        """Return the mark of the end, without which the stream is cut."""
        self._writer.close()
        return self._sink.taken()
