"""Our side of a reconciliation from an export folder: the files in its manifest."""

import csv
from collections.abc import Callable, Iterator, Mapping
from io import TextIOWrapper
from itertools import groupby, pairwise
from operator import itemgetter
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from calltally.calls.errors import InvalidInput
from calltally.calls.export_formats import PARQUET
from calltally.calls.times import parse_instant
from calltally.calls.windows import TimeWindow
from calltally.client.exporting.exported_state import ExportLayer, RemovedCall, read_layers
from calltally.client.exporting.files import check_installed, file_sha256
from calltally.client.exporting.manifest import find_damage, manifest_path
from calltally.client.exporting.names import GONE_FILE, MANIFEST
from calltally.external_sort import ExternalSorter
from calltally.formats.csv_lines import unguard
from calltally.reconcile.call_states import CallState, ExportedRecord, state_of

_OPTION: Final = "calls"
_CALLS: Final = "calls"
_ENDS: Final = ("from", "to")
# Stands for the state of a deleted call.
_GONE: Final = b""
_pack: Final = msgspec.msgpack.Encoder().encode
_unpack: Final = msgspec.msgpack.Decoder(CallState).decode
_gone: Final = msgspec.json.Decoder(RemovedCall)
_line: Final = msgspec.json.Decoder(ExportedRecord)
# CSV fields are text and are converted to the types of the record.
_TEXTS: Final = tuple(ExportedRecord.__struct_fields__)


class AmendedExport(NamedTuple):
    """Export with its amendments in their order; the last layer with a call counts."""

    layers: tuple[ExportLayer, ...]

    @property
    def window(self) -> TimeWindow | None:
        """The window of its calls' creation times; None if an end is open."""
        from_us, to_us = self._ends()
        return None if from_us is None or to_us is None else TimeWindow(from_us, to_us)

    @property
    def revision(self) -> int | None:
        """The ledger revision of the export, if the server sent it."""
        return self.layers[-1].manifest.revision

    def check_window(self, window: TimeWindow) -> TimeWindow:
        """Return the window. Raises InvalidInput if the export does not cover it."""
        from_us, to_us = self._ends()
        is_before = from_us is not None and window.from_us < from_us
        if is_before or (to_us is not None and window.to_us > to_us):
            ends = self.layers[-1].manifest.window
            span = f"from {ends.get('from') or 'the first call'} to {ends.get('to') or 'the last call'}"
            message = f"the export in {self.layers[0].folder} is {span}; choose a window inside of it"
            raise InvalidInput.of("window", message)
        return window

    def states(self) -> Iterator[CallState]:
        """Yield the states of all calls. Raises InvalidInput for a damaged file."""
        if len(self.layers) > 1:
            yield from _amended_states(self.layers)
            return
        for record in _records(self.layers[0]):
            if (state := state_of(record)) is not None:
                yield state

    def _ends(self) -> tuple[int | None, int | None]:
        ends = self.layers[-1].manifest.window
        from_us, to_us = (None if (end := ends.get(name)) is None else parse_instant(end) for name in _ENDS)
        return from_us, to_us


def open_export(folder: Path) -> AmendedExport:
    """Open the export in a folder. Raises InvalidInput if the folder has no comparable export."""
    layers = read_layers(folder)
    if not layers:
        raise InvalidInput.of(_OPTION, f"{folder} has no {MANIFEST}; use a folder of `calltally export`")
    manifest = layers[0].manifest
    if not all(layer.manifest.complete for layer in layers):
        raise InvalidInput.of(_OPTION, f"the export in {folder} is not complete; run it again")
    if manifest.amends is not None:
        message = f"{folder} only amends another export; use the folder of that export"
        raise InvalidInput.of(_OPTION, message)
    if any(manifest.filters.values()):
        named = ", ".join(manifest.filters)
        message = (
            f"the export in {folder} is filtered ({named}), so events of other calls would be reported as"
            " unknown; export the window without filters"
        )
        raise InvalidInput.of(_OPTION, message)
    _check_unchanged(layers)
    return AmendedExport(tuple(layers))


def _check_unchanged(layers: list[ExportLayer]) -> None:
    """Raise InvalidInput for changed files, and for a missing amendment in the chain."""
    for layer in layers:
        if faults := list(find_damage(layer.folder, layer.manifest)):
            message = f"{layer.folder} was changed after the export: {'; '.join(faults)}; export it again"
            raise InvalidInput.of(_OPTION, message)
    for former, layer in pairwise(layers):
        amends = layer.manifest.amends
        if amends is None or amends.base.sha256 != file_sha256(manifest_path(former.folder)):
            message = f"{layer.folder} does not amend the previous export; export the window again"
            raise InvalidInput.of(_OPTION, message)


def _amended_states(layers: tuple[ExportLayer, ...]) -> Iterator[CallState]:
    """Yield the last state of each call, unless the last layer deletes it."""
    with ExternalSorter() as sorter:
        for layer in layers:
            for record in _records(layer):
                state = state_of(record)
                sorter.add(record.id.encode(), _GONE if state is None else _pack(state))
            for gone in _gone_in(layer):
                sorter.add(gone.id.encode(), _GONE)
        for _, versions in groupby(sorter.sorted(), itemgetter(0)):
            *_, (_, last) = versions
            if last != _GONE:
                yield _unpack(last)


def _records(layer: ExportLayer) -> Iterator[ExportedRecord]:
    for each in layer.manifest.files:
        # Files with another name contain deleted calls.
        if each.name.startswith(_CALLS):
            yield from _read(layer.folder / each.name)


def _gone_in(layer: ExportLayer) -> Iterator[RemovedCall]:
    """Yield the calls that an amendment deletes. An export's own file is only a record of changes."""
    is_there = any(each.name == GONE_FILE for each in layer.manifest.files)
    if layer.manifest.amends is not None and is_there:
        with (layer.folder / GONE_FILE).open("rb") as file:
            yield from map(_gone.decode, file)


def _read(path: Path) -> Iterator[ExportedRecord]:
    if path.suffix not in _READERS:
        readable = ", ".join(_READERS)
        raise InvalidInput.of(
            _OPTION, f"{path.name} has a format that cannot be compared; export as one of {readable}"
        )
    try:
        yield from _READERS[path.suffix](path)
    except (OSError, ValueError, csv.Error) as fault:
        message = f"{path} was changed after the export: {fault}"
        raise InvalidInput.of(_OPTION, message) from fault


def _ndjson(path: Path) -> Iterator[ExportedRecord]:
    with path.open("rb") as file:
        for line in file:
            yield _line.decode(line)


def _csv(path: Path) -> Iterator[ExportedRecord]:
    with path.open("rb") as file:
        rows = csv.DictReader(TextIOWrapper(file, "utf-8", newline=""), strict=True)
        for row in rows:
            fields = {name: unguard(row[name]) for name in _TEXTS if row.get(name)}
            yield msgspec.convert(fields, ExportedRecord, strict=False)


def _parquet(path: Path) -> Iterator[ExportedRecord]:
    check_installed(PARQUET.name)
    from pyarrow import parquet  # deferred: takes 40 MB, most never need it

    with parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(columns=list(_TEXTS)):
            yield from msgspec.convert(batch.to_pylist(), list[ExportedRecord])


_READERS: Final[Mapping[str, Callable[[Path], Iterator[ExportedRecord]]]] = {
    ".ndjson": _ndjson,
    ".csv": _csv,
    ".parquet": _parquet,
}
