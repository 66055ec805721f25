"""What an export holds by now: its own files, and those of all its amendments, one over the other."""

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from calltally.client.exporting.exported_rows import rows_in
from calltally.client.exporting.manifest import Manifest, read_manifest
from calltally.external_sort import Spill

AMENDMENTS: Final = "amendments"
GONE_FILE: Final = "gone.ndjson"
_IN: Final = b"+"
_OUT: Final = b"-"


class Layer(NamedTuple):
    """An export or an amendment: where it lies, by which name, and its manifest."""

    folder: Path
    name: str
    manifest: Manifest


class Gone(msgspec.Struct, frozen=True):
    """A call that is no longer in the window.

    `reason` is the tombstone's word, or `left` where it only moved.
    """

    id: str
    reason: str
    merged_into: str | None = None
    revision: int | None = None


_gone: Final = msgspec.json.Decoder(Gone)


def layers_of(out: Path) -> list[Layer]:
    """The export in a folder and its amendments, in their order; nothing where there is none."""
    base = read_manifest(out)
    if base is None:
        return []
    folders = sorted((out / AMENDMENTS).glob("[0-9]*"))
    amendments = [
        Layer(folder, f"{AMENDMENTS}/{folder.name}", found)
        for folder in folders
        if (found := read_manifest(folder))
    ]
    return [Layer(out, "", base), *amendments]


def known_rows(layers: list[Layer], scratch: Path) -> Iterator[tuple[bytes, bytes]]:
    """Each call that the export holds, by its id in the order of bytes, with the digest of its record."""
    with Spill(scratch) as spill:
        for layer in layers:
            _add(spill, layer)
        for key, pairs in groupby(spill.sorted(), key=itemgetter(0)):
            *_, (_, last) = pairs
            if last[:1] == _IN:
                yield key, last[1:]


def _add(spill: Spill, layer: Layer) -> None:
    for file in layer.manifest.files:
        path = layer.folder / file.name
        if file.name.startswith("calls"):
            for call_id, digest in rows_in(path, layer.manifest.format):
                spill.add(call_id.encode(), _IN + digest)
        elif file.name == GONE_FILE:
            for line in path.read_bytes().splitlines():
                spill.add(_gone.decode(line).id.encode(), _OUT)
