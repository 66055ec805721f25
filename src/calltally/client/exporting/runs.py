"""What one run does: begin, go on, or write what has changed since."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from typing import Final

from calltally.calls.errors import SnapshotGone
from calltally.client.exporting import checkpoint as checkpoints
from calltally.client.exporting.amendments import amend, check_same
from calltally.client.exporting.cleanup import check_vacant, remove_earlier
from calltally.client.exporting.errors import SnapshotLost
from calltally.client.exporting.exported_state import Layer, layers_of
from calltally.client.exporting.exporter import export
from calltally.client.exporting.held_window import Source
from calltally.client.exporting.manifest import Manifest
from calltally.client.exporting.output import Folder, Watcher
from calltally.client.exporting.request import Plan

# Its lock is the file `.export.lock`.
_LOCK: Final = "export"


class Again(StrEnum):
    """What to do where an export is there already: write what changed since, begin anew, or leave it."""

    AMEND = "amend"
    RESTART = "restart"
    KEEP = "keep"


@contextmanager
def held(folder: Folder) -> Iterator[None]:
    """Nobody else writes to the folder, or goes by its checkpoint, while the block runs. Raises InUse."""
    with ExitStack() as stack:
        stack.enter_context(checkpoints.locked(folder.out / _LOCK))
        # One that lies elsewhere can be named together with another folder.
        if folder.checkpoint.parent.resolve() != folder.out.resolve():
            stack.enter_context(checkpoints.locked(folder.checkpoint))
        yield


def run_job(
    source: Source, plan: Plan, folder: Folder, watcher: Watcher, *, again: Again = Again.AMEND
) -> Layer:
    """Do what is to be done in a folder that is `held`; returns the export, or the amendment written.

    Raises OtherExport, DamagedExport, NotExportable, SnapshotLost and ClientError.
    """
    if again is Again.RESTART:
        remove_earlier(folder)
    layers = [] if folder.checkpoint.exists() else layers_of(folder.out)
    if not layers:
        if checkpoints.plan_in(folder.checkpoint) is None:
            check_vacant(folder.out)
        return Layer(folder.out, "", _export(source, plan, folder, watcher))
    check_same(plan, folder.out, layers[0].manifest, goes_on=again is Again.KEEP)
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
