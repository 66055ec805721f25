"""Readers of exported files in any format, as ids with digests of the records."""

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from calltally.client.exporting.pages import CallFields, join_records
from calltally.formats.table import FORMATS

DigestRow = tuple[str, bytes]
_DIGEST_BYTES: Final = 16
_BATCH: Final = 1_000
# No limit in practice: the export held each cell in memory.
_MAX_CELL_BYTES: Final = 2**31 - 1
_fields_decoder: Final = msgspec.json.Decoder(CallFields)
_encoder: Final = msgspec.json.Encoder()


def read_rows(path: Path, form: str) -> Iterator[DigestRow]:
    """Yield the calls of a file in its order."""
    if form == "csv":
        with path.open(encoding="utf-8", newline="") as file:
            yield from _csv_rows(file)
    elif form == "parquet":
        from pyarrow import parquet  # deferred: pyarrow takes 40 MB, most never need it

        for batch in parquet.ParquetFile(path).iter_batches(_BATCH):
            yield from _packed_rows(batch)
    else:
        with path.open("rb") as file:
            yield from (_digest_row(line[:-1]) for line in file)


def rows_of_records(records: Sequence[bytes], form: str) -> Iterator[DigestRow]:
    """Return the rows of `read_rows` for records from a server, as if they had been exported."""
    if form == "csv":
        writer = FORMATS[form].new_writer(None)
        text = (writer.begin() + writer.add(join_records(records))).decode()
        return _csv_rows(io.StringIO(text, newline=""))
    if form == "parquet":
        from calltally.formats.arrow import ArrowReader  # deferred: the same

        return _packed_rows(ArrowReader().read(join_records(records)))
    return (_digest_row(record) for record in records)


def _csv_rows(lines: Iterable[str]) -> Iterator[DigestRow]:
    csv.field_size_limit(_MAX_CELL_BYTES)
    reader = csv.reader(lines)
    next(reader, None)
    for cells in reader:
        yield cells[0], _digest(_encoder.encode(cells))


def _packed_rows(batch: Any) -> Iterator[DigestRow]:  # noqa: ANN401 (pyarrow has no types of its own)
    for values in batch.to_pylist():
        yield values["id"], _digest(_encoder.encode(values))


def _digest_row(record: bytes) -> DigestRow:
    return _fields_decoder.decode(record).id, _digest(record)


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_DIGEST_BYTES).digest()
