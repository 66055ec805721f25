"""Our calls from a folder that `calltally export` wrote: the files that its manifest names."""

import csv
from collections.abc import Callable, Iterator, Mapping
from io import TextIOWrapper
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from calltally.calls.errors import InvalidInput
from calltally.calls.times import parse_instant
from calltally.calls.windows import Window
from calltally.client.exporting.manifest import MANIFEST, Manifest, read_manifest
from calltally.reconcile.calls_side import CallState, Record, state_of

_OPTION: Final = "calls"
_CALLS: Final = "calls"
# What `calltally.formats.csv_lines` puts before a text that a spreadsheet would run; such texts begin so.
_GUARD: Final = "'"
_FORMULA_BEGINS: Final = frozenset("=+-@\t\r")
_line: Final = msgspec.json.Decoder(Record)
# As a CSV has them: text, which is read into what the field is.
_TEXTS: Final = tuple(Record.__struct_fields__)


class Exported(NamedTuple):
    """An export: its window, and the revision of the ledger that it shows, where the server told it."""

    folder: Path
    manifest: Manifest

    @property
    def window(self) -> Window | None:
        """From when to when its calls were created; None where it has no such bounds."""
        ends = [self.manifest.window.get(name) for name in ("from", "to")]
        if None in ends:
            return None
        from_us, to_us = (parse_instant(str(end)) for end in ends)
        return Window(from_us, to_us)

    def states(self) -> Iterator[CallState]:
        """The states of all its calls. Raises InvalidInput for a file that is not what it should be."""
        for each in self.manifest.files:
            # What does not begin so is of calls that are gone.
            if each.name.startswith(_CALLS):
                yield from _states(self.folder / each.name)


def open_export(folder: Path) -> Exported:
    """The export in a folder. Raises InvalidInput where there is none that can be compared."""
    manifest = read_manifest(folder)
    if manifest is None:
        raise InvalidInput.of(_OPTION, f"{folder} has no {MANIFEST}; name the folder of `calltally export`")
    if not manifest.complete:
        raise InvalidInput.of(_OPTION, f"the export in {folder} is not complete; run it again")
    if manifest.amends is not None:
        raise InvalidInput.of(_OPTION, f"{folder} amends another export; export the window anew")
    if any(manifest.filters.values()):
        named = ", ".join(manifest.filters)
        message = f"the export in {folder} leaves out calls ({named}): each would be found to be unknown"
        raise InvalidInput.of(_OPTION, message)
    return Exported(folder, manifest)


def _states(path: Path) -> Iterator[CallState]:
    if path.suffix not in _READERS:
        readable = ", ".join(_READERS)
        raise InvalidInput.of(_OPTION, f"{path.name} cannot be read here; export as one of {readable}")
    try:
        for record in _READERS[path.suffix](path):
            if (state := state_of(record)) is not None:
                yield state
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
