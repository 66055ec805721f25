"""Export of a window, from the first request to the manifest."""

from contextlib import closing

from calltally.calls.plurals import counted
from calltally.client.exporting import checkpoint as checkpoints
from calltally.client.exporting.assembly import assemble
from calltally.client.exporting.capabilities import probe_server
from calltally.client.exporting.checkpoint import Checkpoint, SlicesPosition
from calltally.client.exporting.errors import DamagedExport
from calltally.client.exporting.files import FOLDER_MODE, check_installed
from calltally.client.exporting.manifest import Manifest, build_manifest, find_damage, write_manifest
from calltally.client.exporting.output import (
    ExportFolder,
    ExportRun,
    ExportWriter,
    ProgressListener,
    remove_leftovers,
)
from calltally.client.exporting.sliced_window import SlicedExport
from calltally.client.exporting.slices import cut_window
from calltally.client.exporting.snapshot_window import SnapshotExport


def export(run: ExportRun) -> Manifest:
    """Export the window into the folder, starting from its checkpoint, and return the manifest.

    Raises OtherExport if the folder belongs to another export, DamagedExport, NotExportable, and ClientError.
    """
    check_installed(run.plan.format)
    run.folder.out.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
    checkpoint = _load_or_create_checkpoint(run)
    if not checkpoint.is_done:
        with closing(ExportWriter(run.folder, checkpoint)) as writer:
            position = checkpoint.position
            if isinstance(position, SlicesPosition):
                position = SlicedExport(run.source, writer, position).run(run.progress)
                run.progress.begin("writing files", None)
                assemble(run.source, writer, position)
            else:
                SnapshotExport(run.source, writer, position).run(run.progress)
    return _finish(run.folder, run.progress)


def _load_or_create_checkpoint(run: ExportRun) -> Checkpoint:
    """Return the checkpoint to resume from, or a new one by snapshot or by slices, as the server permits."""
    found = checkpoints.load(run.folder.checkpoint)
    if found:
        run.plan.check_same(found.plan, str(run.folder.checkpoint))
        run.progress.notify(f"resuming after {counted(found.tally.rows, 'call')}")
        return found
    server = probe_server(run.source, run.plan)
    if server.hint:
        run.progress.notify(server.hint)
    if server.snapshot_position:
        first = Checkpoint(run.plan, server.snapshot_position)
    else:
        if not run.plan.double_checks:
            message = "the server has no snapshots, so every call is read at least twice and compared"
            run.progress.notify(message)
        slices = cut_window(run.plan)
        due = tuple(range(len(slices)))
        first = Checkpoint(run.plan, SlicesPosition(slices, server.limit, due=due))
    checkpoints.save(run.folder.checkpoint, first)
    return first


def _finish(folder: ExportFolder, progress: ProgressListener) -> Manifest:
    """Verify the files, write the manifest, and only then remove the checkpoint."""
    checkpoint = checkpoints.load(folder.checkpoint)
    assert checkpoint  # noqa: S101 (just written)
    remove_leftovers(folder.out, checkpoint.files)
    manifest = build_manifest(checkpoint)
    progress.begin("verifying", None)
    faults = list(find_damage(folder.out, manifest))
    if faults:
        detail = f"the files differ from what was written: {'; '.join(faults)}"
        raise DamagedExport(f"{detail}; start again with --restart")
    write_manifest(folder.out, manifest)
    folder.checkpoint.unlink()
    return manifest
