"""Current content of an export: its own files with all amendments applied in order."""

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from calltally.client.exporting.exported_rows import read_rows
from calltally.client.exporting.manifest import Manifest, read_manifest
from calltally.external_sort import ExternalSorter

AMENDMENTS: Final = "amendments"
GONE_FILE: Final = "gone.ndjson"
_PRESENT: Final = b"+"
_REMOVED: Final = b"-"


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
    folders = sorted((out / AMENDMENTS).glob("[0-9]*"))
    amendments = [
        ExportLayer(folder, f"{AMENDMENTS}/{folder.name}", found)
        for folder in folders
        if (found := read_manifest(folder))
    ]
    return [ExportLayer(out, "", base), *amendments]


def current_rows(layers: list[ExportLayer], scratch: Path) -> Iterator[tuple[bytes, bytes]]:
    """Yield the id and the record's digest of each call of the export, in the byte order of the ids."""
    with ExternalSorter(scratch) as spill:
        for layer in layers:
            _add_layer(spill, layer)
        for key, pairs in groupby(spill.sorted(), key=itemgetter(0)):
            *_, (_, last) = pairs
            if last[:1] == _PRESENT:
                yield key, last[1:]


def _add_layer(spill: ExternalSorter, layer: ExportLayer) -> None:
    for file in layer.manifest.files:
        path = layer.folder / file.name
        if file.name.startswith("calls"):
            for call_id, digest in read_rows(path, layer.manifest.format):
                spill.add(call_id.encode(), _PRESENT + digest)
        elif file.name == GONE_FILE:
            for line in path.read_bytes().splitlines():
                spill.add(_removed_decoder.decode(line).id.encode(), _REMOVED)
