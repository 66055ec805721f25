"""Current content of an export: its own files with all amendments applied in order."""

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from calltally.calls.export_formats import CSV, PARQUET
from calltally.client.exporting.manifest import Manifest, read_manifest
from calltally.client.exporting.names import GONE_FILE, amendments_folder
from calltally.client.exporting.pages import decode_fields, join_records
from calltally.external_sort import ExternalSorter
from calltally.formats.writers import new_writer

_PRESENT: Final = b"+"
_REMOVED: Final = b"-"
_DIGEST_BYTES: Final = 16
_BATCH: Final = 1_000
# No limit in practice: the export held each cell in memory.
_MAX_CELL_BYTES: Final = 2**31 - 1
_encoder: Final = msgspec.json.Encoder()
DigestRow = tuple[str, bytes]


class ExportLayer(NamedTuple):
    """Export or amendment: its folder, its name (empty for the export) and its manifest."""

    folder: Path
    name: str
    manifest: Manifest


class RemovedCall(msgspec.Struct, frozen=True):
    """Call that is no longer in the window.

    `reason` is the tombstone's kind, or `left` if the call moved out of the window.
    """

    id: str
    reason: str
    merged_into: str | None = None
    revision: int | None = None


_removed_decoder: Final = msgspec.json.Decoder(RemovedCall)


def read_layers(out: Path) -> list[ExportLayer]:
    """Return the export in a folder and its amendments in order, or an empty list without an export."""
    base = read_manifest(out)
    if base is None:
        return []
    parent = amendments_folder(out)
    folders = sorted(parent.glob("[0-9]*"))
    amendments = [
        ExportLayer(folder, f"{parent.name}/{folder.name}", found)
        for folder in folders
        if (found := read_manifest(folder))
    ]
    return [ExportLayer(out, "", base), *amendments]


def current_rows(layers: list[ExportLayer], scratch: Path) -> Iterator[tuple[bytes, bytes]]:
    """Yield the id and the record's digest of each call of the export, in the byte order of the ids."""
    with ExternalSorter(scratch) as spill:
        for layer in layers:
            _add_layer(spill, layer)
        for key, values in spill.grouped():
            if values[-1][:1] == _PRESENT:
                yield key, values[-1][1:]


def _add_layer(spill: ExternalSorter, layer: ExportLayer) -> None:
    for file in layer.manifest.files:
        path = layer.folder / file.name
        if file.name.startswith("calls"):
            for call_id, digest in read_rows(path, layer.manifest.format):
                spill.add(call_id.encode(), _PRESENT + digest)
        elif file.name == GONE_FILE:
            for line in path.read_bytes().splitlines():
                spill.add(_removed_decoder.decode(line).id.encode(), _REMOVED)


def read_rows(path: Path, form: str) -> Iterator[DigestRow]:
    """Yield the calls of a file in any format, in its order, as ids with digests of the records."""
    if form == CSV.name:
        with path.open(encoding="utf-8", newline="") as file:
            yield from _csv_rows(file)
    elif form == PARQUET.name:
        from pyarrow import parquet  # deferred: pyarrow takes 40 MB, most never need it

        for batch in parquet.ParquetFile(path).iter_batches(_BATCH):
            yield from _packed_rows(batch)
    else:
        with path.open("rb") as file:
            yield from (_digest_row(line[:-1]) for line in file)


def rows_of_records(records: Sequence[bytes], form: str) -> Iterator[DigestRow]:
    """Return the rows of `read_rows` for records from a server, as if they had been exported."""
    if form == CSV.name:
        writer = new_writer(CSV)
        text = (writer.begin() + writer.add(join_records(records))).decode()
        return _csv_rows(io.StringIO(text, newline=""))
    if form == PARQUET.name:
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
        if values["cost"] is not None:
            # Earlier versions wrote amounts as text.
            values["cost"]["amount"] = f"{Decimal(values['cost']['amount']).normalize():f}"
        yield values["id"], _digest(_encoder.encode(values))


def _digest_row(record: bytes) -> DigestRow:
    return decode_fields(record).id, _digest(record)


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_DIGEST_BYTES).digest()
