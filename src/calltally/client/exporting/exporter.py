"""Export of a window, from the first request to the manifest."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from calltally.client.exporting import checkpoint as checkpoints
from calltally.client.exporting.assembly import assemble
from calltally.client.exporting.capabilities import probe_server
from calltally.client.exporting.checkpoint import Checkpoint, SlicesPosition, SnapshotPosition
from calltally.client.exporting.errors import DamagedExport
from calltally.client.exporting.files import FOLDER_MODE, check_installed
from calltally.client.exporting.manifest import Manifest, build_manifest, find_damage, write_manifest
from calltally.client.exporting.output import ExportFolder, ExportWriter, ProgressListener, remove_leftovers
from calltally.client.exporting.raw_responses import RawResponses
from calltally.client.exporting.request import ExportPlan
from calltally.client.exporting.sliced_window import SlicedExport
from calltally.client.exporting.slices import cut_window
from calltally.client.exporting.snapshot_window import ExportSource, SnapshotExport


def export(
    source: ExportSource, plan: ExportPlan, folder: ExportFolder, progress: ProgressListener
) -> Manifest:
    """Export the window into the folder, starting from its checkpoint, and return the manifest.

    Raises OtherExport if the folder belongs to another export, DamagedExport, NotExportable, and ClientError.
    """
    check_installed(plan.format)
    folder.out.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
    checkpoint = _load_or_create_checkpoint(source, plan, folder, progress)
    if not checkpoint.is_done:
        _read_window(source, checkpoint, folder, progress)
    return _finish(folder, progress)


def _load_or_create_checkpoint(
    source: ExportSource, plan: ExportPlan, folder: ExportFolder, progress: ProgressListener
) -> Checkpoint:
    """Return the checkpoint to resume from, or a new one."""
    found = checkpoints.load(folder.checkpoint)
    if found:
        plan.check_same(found.plan, str(folder.checkpoint))
        progress.notify(f"resuming after {found.tally.rows:,} calls")
        return found
    first = _first_checkpoint(source, plan, progress)
    checkpoints.save(folder.checkpoint, first)
    return first


def _first_checkpoint(source: ExportSource, plan: ExportPlan, progress: ProgressListener) -> Checkpoint:
    """Return the checkpoint of a new export, by snapshot or by slices, as the server permits."""
    server = probe_server(source.sender, plan)
    if server.snapshot_position:
        return Checkpoint(plan, server.snapshot_position)
    if not plan.distrusts:
        progress.notify("the server has no snapshots, so every call is read at least twice and compared")
    slices = cut_window(plan)
    return Checkpoint(plan, SlicesPosition(slices, server.limit, due=tuple(range(len(slices)))))


def _read_window(
    source: ExportSource, checkpoint: Checkpoint, folder: ExportFolder, progress: ProgressListener
) -> None:
    with _open_writer(checkpoint, folder) as (writer, raw):
        if isinstance(checkpoint.position, SnapshotPosition):
            SnapshotExport(source, writer, raw).run(progress)
            return
        SlicedExport(source, folder, writer, raw).run(progress)
        progress.begin("writing files", None)
        assemble(source, folder, writer)


@contextmanager
def _open_writer(
    checkpoint: Checkpoint, folder: ExportFolder
) -> Iterator[tuple[ExportWriter, RawResponses | None]]:
    with ExitStack() as stack:
        writer = ExportWriter(folder, checkpoint)
        stack.callback(writer.close)
        raw = RawResponses(folder.out, checkpoint.raw) if checkpoint.plan.keeps_raw else None
        if raw:
            stack.callback(raw.close)
        yield writer, raw


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
