"""Writer of both kinds of export: the files one after the other, their tally and the checkpoint."""

import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from msgspec.structs import replace

from calltally.client.exporting import checkpoint as checkpoints
from calltally.client.exporting.checkpoint import (
    Checkpoint,
    Drift,
    ExportTally,
    FileState,
    HighestCall,
    SlicesPosition,
    SnapshotPosition,
)
from calltally.client.exporting.files import SPOOL_SUFFIX, UNFINISHED_SUFFIX, OutputFile, open_output
from calltally.client.exporting.pages import CallFields
from calltally.client.exporting.request import ExportPlan
from calltally.formats.table import FORMATS

# Folder of the readings of a server without snapshots.
READINGS: Final = ".readings"
# Status of a call in the tally if the server sends none.
UNKNOWN_STATUS: Final = "unknown"


class ProgressListener(Protocol):
    """Receiver of progress, for display to a person."""

    def begin(self, what: str, total: int | None, done: int = 0) -> None:
        """Start a phase with `total` calls, of which `done` are complete."""
        ...

    def advance(self, rows: int) -> None:
        """Add to the number of complete calls."""
        ...

    def notify(self, text: str) -> None:
        """Display a message."""
        ...


class ExportFolder(NamedTuple):
    """Folder of an export, and the path of its checkpoint."""

    out: Path
    checkpoint: Path


class CallBatch(NamedTuple):
    """Calls for one file. `label` is the file's day or month, or empty."""

    label: str
    records: Sequence[Any]
    calls: Sequence[CallFields]


class ExportWriter:
    """Writer of the files of one export. `save` writes the checkpoint that makes added calls count."""

    def __init__(self, folder: ExportFolder, checkpoint: Checkpoint) -> None:
        self._folder = folder
        self._checkpoint = checkpoint
        self._plan: ExportPlan = checkpoint.plan
        self._tally = checkpoint.tally
        self._files = list(checkpoint.files)
        self._finished: list[OutputFile] = []
        state = checkpoint.open
        self._name = state.name if state else ""
        self._output = open_output(folder.out, state.name, self._plan.format, state) if state else None

    @property
    def rows(self) -> int:
        """Number of written calls."""
        return self._tally.rows

    @property
    def checkpoint(self) -> Checkpoint:
        """Checkpoint as last saved."""
        return self._checkpoint

    def add(self, batch: CallBatch) -> None:
        """Write calls. A new label starts a new file."""
        self._switch_file(file_name(self._plan, batch.label))
        assert self._output  # noqa: S101 (just opened)
        self._output.add(batch.records)
        self._tally = add_to_tally(self._tally, batch.calls)

    def _switch_file(self, name: str) -> None:
        if name == self._name:
            return
        self._finish_open()
        self._name, self._output = name, open_output(self._folder.out, name, self._plan.format)

    def _finish_open(self) -> None:
        if self._output is not None:
            self._files.append(self._output.finish())
            self._finished.append(self._output)
            self._output = None

    def save(self, position: SnapshotPosition | SlicesPosition, **others: Any) -> None:  # noqa: ANN401 (fields of a checkpoint)
        """Save a checkpoint that includes all added calls."""
        state = self._output.state() if self._output else None
        self._checkpoint = replace(
            self._checkpoint,
            position=position,
            tally=self._tally,
            files=tuple(self._files),
            open=state,
            **others,
        )
        checkpoints.save(self._folder.checkpoint, self._checkpoint)
        for output in self._finished:
            output.remove_spool()
        self._finished = []

    def finish(self, position: SnapshotPosition | SlicesPosition, drift: Drift | None = None) -> None:
        """Finish the last file. Without a partition there is one file even if there are no calls."""
        if not self._files and self._output is None and self._plan.partition == "none":
            self._switch_file(file_name(self._plan, ""))
        self._finish_open()
        self.save(position, is_done=True, drift=drift or Drift())

    def close(self) -> None:
        """Close the open file, which may be ahead of the checkpoint."""
        if self._output is not None:
            self._output.close()


def file_name(plan: ExportPlan, label: str) -> str:
    """Return a file name such as `calls.csv` or `calls-2026-10-01.csv`."""
    return "-".join(["calls", *([label] if label else [])]) + FORMATS[plan.format].suffix


def add_to_tally(tally: ExportTally, calls: Sequence[CallFields]) -> ExportTally:
    """Return the tally with these calls added."""
    if not calls:
        return tally
    counts = Counter(tally.by_status)
    counts.update([call.status or UNKNOWN_STATUS for call in calls])
    return ExportTally(
        tally.rows + len(calls),
        dict(sorted(counts.items())),
        _highest(tally.highest, calls),
        max([tally.revision or 0, *[call.revision or 0 for call in calls]]) or None,
    )


def _highest(before: HighestCall | None, calls: Sequence[CallFields]) -> HighestCall | None:
    last = calls[-1]
    candidates = [(call.created_at, call.id) for call in (calls[0], last) if call.created_at]
    if before:
        candidates.append((before.created_at, before.id))
    return HighestCall(*max(candidates)) if candidates else None


def remove_leftovers(folder: Path, files: Sequence[FileState]) -> None:
    """Remove temporary files of the export, also those that a kill left beside its `files`."""
    for file in files:
        for suffix in (UNFINISHED_SUFFIX, SPOOL_SUFFIX):
            (folder / (file.name + suffix)).unlink(missing_ok=True)
    shutil.rmtree(folder / READINGS, ignore_errors=True)
