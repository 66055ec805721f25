"""Parquet: columns, compressed, in row groups of bounded size, with the footer at the end."""

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

import pyarrow as pa
from pyarrow import parquet

from calltally.formats.arrow import SCHEMA, ArrowReader, Sink

# Whichever comes first: readers like large groups, and memory must stay flat where summaries are long. Two of
# them are in it at once.
GROUP_ROWS: Final = 49_152
GROUP_BYTES: Final = 32 * 1024 * 1024
_COMPRESSION: Final = "zstd"
# Columns of few different values. In the others a dictionary is tried in vain, at half of the rate.
_REPEATED: Final = (
    *("direction", "status", "route", "agent", "provider", "provider_account"),
    *("end_reason", "error_code", "answered_by"),
)


class ParquetFile:
    """Writer of row groups. A thread encodes one, without the interpreter, while the next is parsed."""

    def __init__(self) -> None:
        self._reader = ArrowReader()
        self._sink = Sink()
        self._writer: Any = parquet.ParquetWriter(
            self._sink, SCHEMA, compression=_COMPRESSION, use_dictionary=list(_REPEATED)
        )
        # Its thread ends with the writer, also with one that a cut stream leaves unfinished.
        self._encoding = ThreadPoolExecutor(1, "calltally-parquet")
        self._encoded_group: Future[None] | None = None
        self._batches: list[Any] = []
        self._rows = self._bytes = 0

    def begin(self) -> bytes:
        return self._sink.take()

    def add(self, records: bytes) -> bytes:
        """Add records. Returns the previous row group when one is full, else nothing. Raises DamagedStore."""
        batch = self._reader.read(records)
        self._batches.append(batch)
        self._rows += batch.num_rows
        self._bytes += batch.nbytes
        is_full = self._rows >= GROUP_ROWS or self._bytes >= GROUP_BYTES
        return self._next_group() if is_full else b""

    def end(self) -> bytes:
        """Return the last row groups and the footer, which every reader needs."""
        written = (self._next_group() if self._batches else b"") + self._finish_group()
        self._writer.close()
        self._encoding.shutdown()
        # What Arrow keeps for the next table is the next request's to ask for.
        pa.default_memory_pool().release_unused()
        return written + self._sink.take()

    def _next_group(self) -> bytes:
        """Encode the collected rows; return the bytes of the group before."""
        written = self._finish_group()
        table = pa.Table.from_batches(self._batches)
        self._batches, self._rows, self._bytes = [], 0, 0
        self._encoded_group = self._encoding.submit(self._writer.write_table, table, table.num_rows)
        return written

    def _finish_group(self) -> bytes:
        """Wait for the running encoding, and return its bytes. No thread uses the sink then."""
        if self._encoded_group:
            self._encoded_group.result()
            self._encoded_group = None
        return self._sink.take()
