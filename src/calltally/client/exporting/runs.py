"""One run of an export: start, resume, amend, or start again without the files of an earlier export."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import Final

from calltally.calls.errors import SnapshotGone
from calltally.calls.export_formats import FORMATS
from calltally.client.exporting import checkpoint as checkpoints
from calltally.client.exporting import follow
from calltally.client.exporting.amendments import amend, check_same_export, continued
from calltally.client.exporting.errors import OtherExport, SnapshotLost
from calltally.client.exporting.exported_state import ExportLayer, read_layers
from calltally.client.exporting.exporter import export
from calltally.client.exporting.files import SPOOL_SUFFIX, UNFINISHED_SUFFIX
from calltally.client.exporting.manifest import manifest_path
from calltally.client.exporting.names import (
    AMENDMENTS,
    DRIFT_FILE,
    RAW_FOLDER,
)
from calltally.client.exporting.output import READINGS, ExportFolder, ExportRun
from calltally.client.exporting.request import RAW_NAMES, ExportPlan, calls_file_pattern

# The lock file is `.export.lock`.
_LOCK_NAME: Final = "export"
_MAX_NAMED: Final = 3


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


def run_export(run: ExportRun, rerun: RerunMode = RerunMode.AMEND) -> ExportLayer:
    """Start, resume or amend the export in a folder, and return its last layer.

    The caller holds `exclusive_access`. Raises OtherExport, DamagedExport, NotExportable, SnapshotLost and
    ClientError.
    """
    folder = run.folder
    if rerun is RerunMode.RESTART:
        remove_earlier_export(folder)
    layers = [] if folder.checkpoint.exists() else read_layers(folder.out)
    if not layers:
        if checkpoints.read_plan(folder.checkpoint) is None:
            # A new export must not overwrite or mix with other files.
            _check_none_foreign(folder.out, sorted(_files_at_export_paths(folder.out)))
        try:
            return ExportLayer(folder.out, "", export(run))
        except SnapshotGone as fault:
            message = "the snapshot has expired, so this export cannot resume"
            raise SnapshotLost(f"{message}; start again with --restart ({fault.detail})") from fault
    check_same_export(run.plan, folder.out, layers[0].manifest, is_resumed=rerun is RerunMode.KEEP)
    if rerun is RerunMode.KEEP:
        return layers[0]
    run.progress.notify(f"{folder.out} already contains this window; checking it for changes")
    plan = continued(run.plan, layers[0].manifest, layers[-1].manifest)
    return amend(run._replace(plan=plan), layers)


def remove_earlier_export(folder: ExportFolder) -> None:
    """Remove the files of earlier runs only. Manifest and checkpoint go last, because they list the files.

    If another file is in the way, raises OtherExport or DamagedExport before it removes anything.
    """
    export_files = list(_export_files(folder))
    _check_none_foreign(folder.out, sorted(set(_files_at_export_paths(folder.out)).difference(export_files)))
    last = (manifest_path(folder.out), folder.checkpoint)
    subfolders = {path.parent for path in export_files} - {folder.out}
    for path in export_files:
        path.unlink(missing_ok=True)
    # Deeper folders first.
    for subfolder in sorted(subfolders | {each.parent for each in subfolders} - {folder.out}, reverse=True):
        _remove_if_empty(subfolder)
    shutil.rmtree(folder.out / READINGS, ignore_errors=True)
    for path in last:
        path.unlink(missing_ok=True)


def _export_files(folder: ExportFolder) -> Iterator[Path]:
    out = folder.out
    for layer in reversed(read_layers(out)):
        yield from (layer.folder / file.name for file in layer.manifest.files)
        if layer.manifest.raw:
            yield from _raw_files((layer.folder / layer.manifest.raw.name).parent)
        if layer.name:
            yield manifest_path(layer.folder)
    if plan := checkpoints.read_plan(folder.checkpoint):
        yield from _unfinished_files(out, plan)
    if found := follow.load(follow.follow_path(out)):
        yield from (out / follow.changes_name(found), follow.follow_path(out))


def _unfinished_files(out: Path, plan: ExportPlan) -> Iterator[Path]:
    """Yield the files that the export of a checkpoint writes. It started in a folder without such names.

    A killed export can also have files that its checkpoint does not name yet.
    """
    written = calls_file_pattern(
        plan.partition, FORMATS[plan.format].suffix, (UNFINISHED_SUFFIX, SPOOL_SUFFIX)
    )
    yield from (path for path in out.glob("calls*") if written.fullmatch(path.name))
    yield out / DRIFT_FILE
    if plan.keeps_raw:
        yield from _raw_files(out / RAW_FOLDER)


def _raw_files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.glob("*") if RAW_NAMES.fullmatch(path.name))


def _files_at_export_paths(out: Path) -> Iterator[Path]:
    """Yield all files at paths where an export writes."""
    yield from out.glob("calls*")
    yield from out.glob(DRIFT_FILE)
    for top in (out / RAW_FOLDER, out / AMENDMENTS):
        if top.is_dir() and not top.is_symlink():
            yield from (path for path in top.rglob("*") if path.is_symlink() or not path.is_dir())
        else:
            yield from out.glob(top.name)


def _check_none_foreign(out: Path, foreign: list[Path]) -> None:
    if foreign:
        named = ", ".join(str(path.relative_to(out)) for path in foreign[:_MAX_NAMED])
        more = f" and {len(foreign) - _MAX_NAMED} more" if len(foreign) > _MAX_NAMED else ""
        raise OtherExport(
            f"{out} contains {named}{more}, which are not files of an earlier export; "
            "move them away, or choose another folder with --out"
        )


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()
