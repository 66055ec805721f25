"""What one run does: begin, go on, or write what has changed since."""

import shutil
from collections.abc import Iterable
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

from calltally.calls.errors import SnapshotGone
from calltally.client.exporting import checkpoint as checkpoints
from calltally.client.exporting.amending import amend, check_same
from calltally.client.exporting.asking import Plan
from calltally.client.exporting.checkpoint import FileState
from calltally.client.exporting.errors import DamagedExport, SnapshotLost
from calltally.client.exporting.exporter import export
from calltally.client.exporting.held_window import Source
from calltally.client.exporting.known import AMENDMENTS, Layer, layers_of
from calltally.client.exporting.manifest import MANIFEST, Manifest
from calltally.client.exporting.raw_answers import FOLDER as RAW
from calltally.client.exporting.writing import Folder, Watcher, sweep


class Again(StrEnum):
    """What to do where an export is there already: write what changed since, begin anew, or leave it."""

    AMEND = "amend"
    RESTART = "restart"
    KEEP = "keep"


def run_job(
    source: Source, plan: Plan, folder: Folder, watcher: Watcher, *, again: Again = Again.AMEND
) -> Layer:
    """Do what is to be done in the folder; returns the export, or the amendment where one was written.

    Raises OtherExport, InUse, DamagedExport, NotExportable, SnapshotLost and ClientError.
    """
    with checkpoints.locked(folder.checkpoint):
        if again is Again.RESTART:
            _remove(folder)
        layers = [] if folder.checkpoint.exists() else layers_of(folder.out)
        if not layers:
            return Layer(folder.out, "", _export(source, plan, folder, watcher))
        check_same(plan, folder.out, layers[0].manifest)
        if again is Again.KEEP:
            return layers[0]
        watcher.say(f"{folder.out} holds this window already; looking for what has changed in it since")
        return amend(source, plan, folder, layers, watcher)


def _export(source: Source, plan: Plan, folder: Folder, watcher: Watcher) -> Manifest:
    try:
        return export(source, plan, folder, watcher)
    except SnapshotGone as fault:
        message = "the snapshot is no longer kept, so this export cannot go on"
        raise SnapshotLost(f"{message}: --restart begins anew ({fault.detail})") from fault


def _remove(folder: Folder) -> None:
    """All that earlier runs made, and nothing else that lies there."""
    out = folder.out
    # What cannot be read any more is what somebody begins anew for.
    with suppress(DamagedExport):
        for layer in layers_of(out)[:1]:
            _remove_files(out, layer.manifest.files)
    with suppress(DamagedExport):
        if found := checkpoints.load(folder.checkpoint):
            _remove_files(out, found.files)
    for path in (folder.checkpoint, out / MANIFEST):
        path.unlink(missing_ok=True)
    for made in (AMENDMENTS, RAW):
        shutil.rmtree(out / made, ignore_errors=True)
    sweep(out)


def _remove_files(out: Path, files: Iterable[FileState]) -> None:
    for file in files:
        (out / file.name).unlink(missing_ok=True)
