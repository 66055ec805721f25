"""One run of an export: start, resume, or amend."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from typing import Final

from calltally.calls.errors import SnapshotGone
from calltally.client.exporting import checkpoint as checkpoints
from calltally.client.exporting.amendments import amend, check_same_export
from calltally.client.exporting.cleanup import check_no_conflicts, remove_earlier_export
from calltally.client.exporting.errors import SnapshotLost
from calltally.client.exporting.exported_state import ExportLayer, read_layers
from calltally.client.exporting.exporter import export
from calltally.client.exporting.manifest import Manifest
from calltally.client.exporting.output import ExportFolder, ProgressListener
from calltally.client.exporting.request import ExportPlan
from calltally.client.exporting.snapshot_window import ExportSource

# The lock file is `.export.lock`.
_LOCK_NAME: Final = "export"


class RerunMode(StrEnum):
    """Action for an existing export: write an amendment, start again, or leave it unchanged."""

    AMEND = "amend"
    RESTART = "restart"
    KEEP = "keep"


@contextmanager
def exclusive_access(folder: ExportFolder) -> Iterator[None]:
    """Hold the locks of the folder and of its checkpoint during the block. Raises ExportInUse."""
    with ExitStack() as stack:
        stack.enter_context(checkpoints.exclusive_lock(folder.out / _LOCK_NAME))
        # A checkpoint outside the folder can be used together with another folder.
        if folder.checkpoint.parent.resolve() != folder.out.resolve():
            stack.enter_context(checkpoints.exclusive_lock(folder.checkpoint))
        yield


def run_export(
    source: ExportSource,
    plan: ExportPlan,
    folder: ExportFolder,
    progress: ProgressListener,
    *,
    rerun: RerunMode = RerunMode.AMEND,
) -> ExportLayer:
    """Start, resume or amend the export in a folder, and return its last layer.

    The caller holds `exclusive_access`. Raises OtherExport, DamagedExport, NotExportable, SnapshotLost and
    ClientError.
    """
    if rerun is RerunMode.RESTART:
        remove_earlier_export(folder)
    layers = [] if folder.checkpoint.exists() else read_layers(folder.out)
    if not layers:
        if checkpoints.read_plan(folder.checkpoint) is None:
            check_no_conflicts(folder.out)
        return ExportLayer(folder.out, "", _export_window(source, plan, folder, progress))
    check_same_export(plan, folder.out, layers[0].manifest, is_resumed=rerun is RerunMode.KEEP)
    if rerun is RerunMode.KEEP:
        return layers[0]
    progress.notify(f"{folder.out} already contains this window; checking it for changes")
    return amend(source, plan, folder, layers, progress)


def _export_window(
    source: ExportSource, plan: ExportPlan, folder: ExportFolder, progress: ProgressListener
) -> Manifest:
    try:
        return export(source, plan, folder, progress)
    except SnapshotGone as fault:
        message = "the snapshot has expired, so this export cannot resume"
        raise SnapshotLost(f"{message}; start again with --restart ({fault.detail})") from fault
