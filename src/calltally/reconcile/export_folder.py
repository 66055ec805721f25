"""Our calls from a folder that `calltally export` wrote: the files that its manifest names."""

import csv
from collections.abc import Callable, Iterator, Mapping
from io import TextIOWrapper
from itertools import groupby, pairwise
from operator import itemgetter
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from calltally.calls.errors import InvalidInput
from calltally.calls.times import parse_instant
from calltally.calls.windows import Window
from calltally.client.exporting.exported_state import GONE_FILE, ExportLayer, RemovedCall, read_layers
from calltally.client.exporting.files import file_sha256
from calltally.client.exporting.manifest import MANIFEST, find_damage
from calltally.external_sort import Spill
from calltally.reconcile.call_states import CallState, Record, state_of

_OPTION: Final = "calls"
_CALLS: Final = "calls"
_ENDS: Final = ("from", "to")
# In place of the state of a call.
_GONE: Final = b""
# What `calltally.formats.csv_lines` puts before a text that a spreadsheet would run; such texts begin so.
_GUARD: Final = "'"
_FORMULA_BEGINS: Final = frozenset("=+-@\t\r")
_pack: Final = msgspec.msgpack.Encoder().encode
_unpack: Final = msgspec.msgpack.Decoder(CallState).decode
_gone: Final = msgspec.json.Decoder(RemovedCall)
_line: Final = msgspec.json.Decoder(Record)
# As a CSV has them: text, which is read into what the field is.
_TEXTS: Final = tuple(Record.__struct_fields__)


class Exported(NamedTuple):
    """An export and its amendments, in their order: the last one that tells of a call counts."""

    layers: tuple[ExportLayer, ...]

    @property
    def window(self) -> Window | None:
        """From when to when its calls were created; None where it has no such bounds."""
        from_us, to_us = self._ends()
        return None if from_us is None or to_us is None else Window(from_us, to_us)

    @property
    def revision(self) -> int | None:
        """The revision of the ledger that it shows, where the server told it."""
        return self.layers[-1].manifest.revision

    def part(self, window: Window) -> Window:
        """The same window. Raises InvalidInput where the export does not have all of it."""
        from_us, to_us = self._ends()
        is_before = from_us is not None and window.from_us < from_us
        if is_before or (to_us is not None and window.to_us > to_us):
            ends = self.layers[0].manifest.window
            told = f"from {ends.get('from') or 'the first call'} to {ends.get('to') or 'the last call'}"
            message = f"the export in {self.layers[0].folder} is {told}; the window must be a part of that"
            raise InvalidInput.of("window", message)
        return window

    def states(self) -> Iterator[CallState]:
        """The states of all its calls. Raises InvalidInput for a file that is not what it should be."""
        if len(self.layers) > 1:
            yield from _amended_states(self.layers)
            return
        for record in _records(self.layers[0]):
            if (state := state_of(record)) is not None:
                yield state

    def _ends(self) -> tuple[int | None, int | None]:
        ends = self.layers[0].manifest.window
        from_us, to_us = (None if (end := ends.get(name)) is None else parse_instant(end) for name in _ENDS)
        return from_us, to_us


def open_export(folder: Path) -> Exported:
    """The export in a folder. Raises InvalidInput where there is none that can be compared."""
    layers = read_layers(folder)
    if not layers:
        raise InvalidInput.of(_OPTION, f"{folder} has no {MANIFEST}; name the folder of `calltally export`")
    manifest = layers[0].manifest
    if not all(layer.manifest.complete for layer in layers):
        raise InvalidInput.of(_OPTION, f"the export in {folder} is not complete; run it again")
    if manifest.amends is not None:
        message = f"{folder} only amends another export; name the folder of that one"
        raise InvalidInput.of(_OPTION, message)
    if any(manifest.filters.values()):
        named = ", ".join(manifest.filters)
        message = f"the export in {folder} leaves out calls ({named}): each would be found to be unknown"
        raise InvalidInput.of(_OPTION, message)
    _check_whole(layers)
    return Exported(tuple(layers))


def _check_whole(layers: list[ExportLayer]) -> None:
    """Raises InvalidInput for files that were changed, and where an amendment of the chain is missing."""
    for layer in layers:
        if faults := list(find_damage(layer.folder, layer.manifest)):
            message = f"{layer.folder} is not as the export wrote it: {'; '.join(faults)}; export it anew"
            raise InvalidInput.of(_OPTION, message)
    for former, layer in pairwise(layers):
        amends = layer.manifest.amends
        if amends is None or amends.base.sha256 != file_sha256(former.folder / MANIFEST):
            message = f"{layer.folder} does not amend what is there before it; export the window anew"
            raise InvalidInput.of(_OPTION, message)


def _amended_states(layers: tuple[ExportLayer, ...]) -> Iterator[CallState]:
    """Of each call what the last layer says: its state, or that it is gone."""
    with Spill() as spill:
        for layer in layers:
            for record in _records(layer):
                state = state_of(record)
                spill.add(record.id.encode(), _GONE if state is None else _pack(state))
            for gone in _gone_in(layer):
                spill.add(gone.id.encode(), _GONE)
        for _, said in groupby(spill.sorted(), itemgetter(0)):
            *_, (_, last) = said
            if last != _GONE:
                yield _unpack(last)


def _records(layer: ExportLayer) -> Iterator[Record]:
    for each in layer.manifest.files:
        # What does not begin so is of calls that are gone.
        if each.name.startswith(_CALLS):
            yield from _read(layer.folder / each.name)


def _gone_in(layer: ExportLayer) -> Iterator[RemovedCall]:
    """What an amendment takes out; of an export itself it is only said what came and went meanwhile."""
    is_there = any(each.name == GONE_FILE for each in layer.manifest.files)
    if layer.manifest.amends is not None and is_there:
        with (layer.folder / GONE_FILE).open("rb") as file:
            yield from map(_gone.decode, file)


def _read(path: Path) -> Iterator[Record]:
    if path.suffix not in _READERS:
        readable = ", ".join(_READERS)
        raise InvalidInput.of(_OPTION, f"{path.name} cannot be read here; export as one of {readable}")
    try:
        yield from _READERS[path.suffix](path)
    except (OSError, ValueError, csv.Error) as fault:
        message = f"{path} is not as the export wrote it: {fault}"
        raise InvalidInput.of(_OPTION, message) from fault


def _ndjson(path: Path) -> Iterator[Record]:
    with path.open("rb") as file:
        for line in file:
            yield _line.decode(line)


def _csv(path: Path) -> Iterator[Record]:
    with path.open("rb") as file:
        rows = csv.DictReader(TextIOWrapper(file, "utf-8", newline=""), strict=True)
        for row in rows:
            known = {name: _unguarded(row[name]) for name in _TEXTS if row.get(name)}
            yield msgspec.convert(known, Record, strict=False)


def _unguarded(text: str) -> str:
    """Without the apostrophe that keeps a spreadsheet from taking it for a formula."""
    is_guarded = text.startswith(_GUARD) and text.lstrip(_GUARD)[:1] in _FORMULA_BEGINS
    return text[1:] if is_guarded else text


def _parquet(path: Path) -> Iterator[Record]:
    from pyarrow import parquet  # deferred: takes 40 MB, most never need it

    with parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(columns=list(_TEXTS)):
            yield from msgspec.convert(batch.to_pylist(), list[Record])


_READERS: Final[Mapping[str, Callable[[Path], Iterator[Record]]]] = {
    ".ndjson": _ndjson,
    ".csv": _csv,
    ".parquet": _parquet,
}
