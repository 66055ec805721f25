"""What both kinds of export write to: one file after the other, their tally, and the checkpoint."""

import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from msgspec.structs import replace

from calltally.client.exporting import checkpoint as checkpoints
from calltally.client.exporting.checkpoint import Checkpoint, Drift, FileState, Held, Highest, Sliced, Tally
from calltally.client.exporting.files import SPOOL, UNFINISHED, Output, opened
from calltally.client.exporting.pages import Glimpse
from calltally.client.exporting.request import Plan
from calltally.formats.table import FORMATS

# Where the readings of a server without snapshots lie.
READINGS: Final = ".readings"
# Stands for a call whose state the server does not tell.
UNTOLD: Final = "unknown"


class Watcher(Protocol):
    """Looks on, for a person."""

    def begin(self, what: str, total: int | None, done: int = 0) -> None:
        """A stretch of work begins, of which so much is done already."""
        ...

    def advance(self, rows: int) -> None:
        """So many calls more."""
        ...

    def say(self, text: str) -> None:
        """Something that whoever asked should know."""
        ...


class Folder(NamedTuple):
    """Where an export is written, and where its checkpoint is."""

    out: Path
    checkpoint: Path


class Portion(NamedTuple):
    """Calls that go into one file: `part` says of which day or month it is."""

    part: str
    records: Sequence[Any]
    glimpses: Sequence[Glimpse]


class Writing:
    """The files of one export. Nothing counts until `keep` has written the checkpoint."""

    def __init__(self, folder: Folder, checkpoint: Checkpoint) -> None:
        self._folder = folder
        self._checkpoint = checkpoint
        self._plan: Plan = checkpoint.plan
        self._tally = checkpoint.tally
        self._files = list(checkpoint.files)
        self._finished: list[Output] = []
        state = checkpoint.open
        self._name = state.name if state else ""
        self._output = opened(folder.out, state.name, self._plan.format, state) if state else None

    @property
    def rows(self) -> int:
        """How many calls are written."""
        return self._tally.rows

    @property
    def checkpoint(self) -> Checkpoint:
        """As it was kept last."""
        return self._checkpoint

    def add(self, portion: Portion) -> None:
        """Write calls; those of another part begin another file."""
        self._turn_to(file_name(self._plan, portion.part))
        assert self._output  # noqa: S101 (it was just opened)
        self._output.add(portion.records)
        self._tally = tallied(self._tally, portion.glimpses)

    def _turn_to(self, name: str) -> None:
        if name == self._name:
            return
        self._finish_open()
        self._name, self._output = name, opened(self._folder.out, name, self._plan.format)

    def _finish_open(self) -> None:
        if self._output is not None:
            self._files.append(self._output.finish())
            self._finished.append(self._output)
            self._output = None

    def keep(self, place: Held | Sliced, **others: Any) -> None:  # noqa: ANN401 (fields of a checkpoint)
        """Replace the checkpoint: all that was added is part of the export from here on."""
        state = self._output.state() if self._output else None
        self._checkpoint = replace(
            self._checkpoint, place=place, tally=self._tally, files=tuple(self._files), open=state, **others
        )
        checkpoints.save(self._folder.checkpoint, self._checkpoint)
        for output in self._finished:
            output.forget()
        self._finished = []

    def finish(self, place: Held | Sliced, drift: Drift | None = None) -> None:
        """Finish the last file; without parts there is one even where there are no calls."""
        if not self._files and self._output is None and self._plan.partition == "none":
            self._turn_to(file_name(self._plan, ""))
        self._finish_open()
        self.keep(place, is_done=True, drift=drift or Drift())

    def close(self) -> None:
        """Let go of the open file, as the checkpoint has it or later."""
        if self._output is not None:
            self._output.close()


def file_name(plan: Plan, part: str) -> str:
    """`calls.csv`, or `calls-2026-10-01.csv`."""
    return "-".join(["calls", *([part] if part else [])]) + FORMATS[plan.format].suffix


def tallied(tally: Tally, glimpses: Sequence[Glimpse]) -> Tally:
    """The tally with these calls."""
    if not glimpses:
        return tally
    counts = Counter(tally.by_status)
    counts.update([glimpse.status or UNTOLD for glimpse in glimpses])
    return Tally(
        tally.rows + len(glimpses),
        dict(sorted(counts.items())),
        _highest(tally.highest, glimpses),
        max([tally.revision or 0, *[glimpse.revision or 0 for glimpse in glimpses]]) or None,
    )


def _highest(before: Highest | None, glimpses: Sequence[Glimpse]) -> Highest | None:
    last = glimpses[-1]
    told = [(glimpse.created_at, glimpse.id) for glimpse in (glimpses[0], last) if glimpse.created_at]
    if before:
        told.append((before.created_at, before.id))
    return Highest(*max(told)) if told else None


def sweep(folder: Path, files: Sequence[FileState]) -> None:
    """Remove what only an export under way needs, and what a kill left of its `files`."""
    for file in files:
        for suffix in (UNFINISHED, SPOOL):
            (folder / (file.name + suffix)).unlink(missing_ok=True)
    shutil.rmtree(folder / READINGS, ignore_errors=True)
