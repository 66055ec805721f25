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
from calltally.client.exporting.files import (
    FOLDER_MODE,
    SPOOL_SUFFIX,
    UNFINISHED_SUFFIX,
    AppendFile,
    OutputFile,
    open_output,
)
from calltally.client.exporting.names import RAW_FOLDER
from calltally.client.exporting.pages import CallFields, ExportSource
from calltally.client.exporting.request import ExportPlan, file_name

_CHECKSUM_FILE: Final = "SHA256SUMS"
# Folder of the readings of a server without snapshots.
READINGS: Final = ".readings"
# Status of a call in the tally if the server sends none.
UNKNOWN_STATUS: Final = "unknown"


class ProgressListener(Protocol):
    """Receiver of progress, for display to a person."""

    def begin(self, what: str, total: int | None, done: int = 0) -> None:
        """Start a phase with `total` calls, of which `done` are complete."""

    def advance(self, rows: int) -> None:
        """Add to the number of complete calls."""

    def notify(self, text: str) -> None:
        """Display a message."""


class ExportFolder(NamedTuple):
    """Folder of an export, and the path of its checkpoint."""

    out: Path
    checkpoint: Path


class ExportRun(NamedTuple):
    """One run: the server, the parameters, the folder, and the receiver of progress."""

    source: ExportSource
    plan: ExportPlan
    folder: ExportFolder
    progress: ProgressListener


class CallBatch(NamedTuple):
    """Calls for one file. `label` is the file's day or month, or empty."""

    label: str
    records: Sequence[Any]
    calls: Sequence[CallFields]


class RawResponses:
    """Unchanged responses for `--raw`: one numbered file each, and a list of checksums for `sha256sum -c`."""

    def __init__(self, out: Path, state: FileState | None) -> None:
        self._folder = (out / state.name).parent if state else out / RAW_FOLDER
        self._folder.mkdir(FOLDER_MODE, exist_ok=True)
        self._answers = state.rows if state else 0
        self._sums = AppendFile(self._folder / _CHECKSUM_FILE, state)

    def add(self, body: bytes) -> FileState:
        """Write one response and return the state of the list, which counts the responses."""
        name = f"{self._answers:09d}.json"
        file = AppendFile(self._folder / name)
        file.write(body)
        file.close()
        self._sums.write(f"{file.state(name, 1).sha256}  {name}\n".encode())
        self._answers += 1
        return self._sums.state(f"{self._folder.name}/{_CHECKSUM_FILE}", self._answers)

    def close(self) -> None:
        self._sums.close()


class ExportWriter:
    """Writer of the files of one export. `save` writes the checkpoint that makes added calls count."""

    def __init__(self, folder: ExportFolder, checkpoint: Checkpoint) -> None:
        self.folder = folder
        self._checkpoint = checkpoint
        self._plan: ExportPlan = checkpoint.plan
        self._tally = checkpoint.tally
        self._files = list(checkpoint.files)
        self._finished: list[OutputFile] = []
        state = checkpoint.open
        self._name = state.name if state else ""
        self._output = open_output(folder.out, state.name, self._plan.format, state) if state else None
        self._raw = RawResponses(folder.out, checkpoint.raw) if self._plan.keeps_raw else None

    @property
    def rows(self) -> int:
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
        self._name, self._output = name, open_output(self.folder.out, name, self._plan.format)

    def _finish_open(self) -> None:
        if self._output is not None:
            self._files.append(self._output.finish())
            self._finished.append(self._output)
            self._output = None

    def save(
        self,
        position: SnapshotPosition | SlicesPosition,
        body: bytes | None = None,
        **others: Any,  # noqa: ANN401 (fields of a checkpoint)
    ) -> None:
        """Save a checkpoint that includes all added calls, and the response `body` that they came in."""
        if self._raw and body is not None:
            others["raw"] = self._raw.add(body)
        state = self._output.state() if self._output else None
        self._checkpoint = replace(
            self._checkpoint,
            position=position,
            tally=self._tally,
            files=tuple(self._files),
            open=state,
            **others,
        )
        checkpoints.save(self.folder.checkpoint, self._checkpoint)
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
        """Close the open files, which may be ahead of the checkpoint."""
        for file in (self._output, self._raw):
            if file is not None:
                file.close()


def add_to_tally(tally: ExportTally, calls: Sequence[CallFields]) -> ExportTally:
    if not calls:
        return tally
    before = [(tally.highest.created_at, tally.highest.id)] if tally.highest else []
    ends = [(call.created_at, call.id) for call in (calls[0], calls[-1]) if call.created_at]
    candidates = [*before, *ends]
    counts = Counter(tally.by_status)
    counts.update([call.status or UNKNOWN_STATUS for call in calls])
    return ExportTally(
        tally.rows + len(calls),
        dict(sorted(counts.items())),
        HighestCall(*max(candidates)) if candidates else None,
        max([tally.revision or 0, *[call.revision or 0 for call in calls]]) or None,
    )


def remove_leftovers(folder: Path, files: Sequence[FileState]) -> None:
    """Remove temporary files of the export, also those that a kill left beside its `files`."""
    for file in files:
        for suffix in (UNFINISHED_SUFFIX, SPOOL_SUFFIX):
            (folder / (file.name + suffix)).unlink(missing_ok=True)
    shutil.rmtree(folder / READINGS, ignore_errors=True)
