"""The calls of files that were exported before, in any format: each one's id, and a digest of the rest."""

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from calltally.client.exporting.pages import Glimpse, joined
from calltally.formats.table import FORMATS

Row = tuple[str, bytes]
_DIGEST_BYTES: Final = 16
_BATCH: Final = 1_000
# No cell is too long: who exported it had it in memory.
_LONGEST: Final = 2**31 - 1
_glimpse: Final = msgspec.json.Decoder(Glimpse)
_encoder: Final = msgspec.json.Encoder()


def rows_in(path: Path, form: str) -> Iterator[Row]:
    """The calls of a file, in its order."""
    if form == "csv":
        with path.open(encoding="utf-8", newline="") as file:
            yield from _csv_rows(file)
    elif form == "parquet":
        from pyarrow import parquet  # deferred: pyarrow takes 40 MB, most never need it

        for batch in parquet.ParquetFile(path).iter_batches(_BATCH):
            yield from _packed_rows(batch)
    else:
        with path.open("rb") as file:
            yield from (_row(line[:-1]) for line in file)


def rows_of(records: Sequence[bytes], form: str) -> Iterator[Row]:
    """The same for records that a server tells now, as if they had been exported."""
    if form == "csv":
        writer = FORMATS[form].new_writer(None)
        text = (writer.begin() + writer.add(joined(records))).decode()
        return _csv_rows(io.StringIO(text, newline=""))
    if form == "parquet":
        from calltally.formats.arrow_columns import ArrowReader  # deferred: the same

        return _packed_rows(ArrowReader().read(joined(records)))
    return (_row(record) for record in records)


def _csv_rows(lines: Iterable[str]) -> Iterator[Row]:
    csv.field_size_limit(_LONGEST)
    reader = csv.reader(lines)
    next(reader, None)
    for cells in reader:
        yield cells[0], _digest(_encoder.encode(cells))


def _packed_rows(batch: Any) -> Iterator[Row]:  # noqa: ANN401 (pyarrow has no types of its own)
    for values in batch.to_pylist():
        yield values["id"], _digest(_encoder.encode(values))


def _row(record: bytes) -> Row:
    return _glimpse.decode(record).id, _digest(record)


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_DIGEST_BYTES).digest()
