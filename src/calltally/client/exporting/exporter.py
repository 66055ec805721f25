"""An export from its first question to its manifest: the table of contents."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from calltally.client.exporting import checkpoint as checkpoints
from calltally.client.exporting.assembly import assemble
from calltally.client.exporting.capabilities import probe
from calltally.client.exporting.checkpoint import Checkpoint, Held, Sliced
from calltally.client.exporting.errors import DamagedExport
from calltally.client.exporting.files import FOLDER_MODE, check_installed
from calltally.client.exporting.held_window import HeldWindow, Source
from calltally.client.exporting.manifest import Manifest, damaged, manifest_of, write_manifest
from calltally.client.exporting.output import Folder, Watcher, Writing, sweep
from calltally.client.exporting.raw_responses import RawAnswers
from calltally.client.exporting.request import Plan
from calltally.client.exporting.sliced_window import SlicedWindow
from calltally.client.exporting.slices import cut


def export(source: Source, plan: Plan, folder: Folder, watcher: Watcher) -> Manifest:
    """Bring the window into the folder, from where a checkpoint says that it was; returns its manifest.

    Raises OtherExport where the folder is of another one, InUse, DamagedExport, NotExportable, and
    ClientError.
    """
    check_installed(plan.format)
    folder.out.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
    checkpoint = _begun(source, plan, folder, watcher)
    if not checkpoint.is_done:
        _read(source, checkpoint, folder, watcher)
    return _finished(folder, watcher)


def _begun(source: Source, plan: Plan, folder: Folder, watcher: Watcher) -> Checkpoint:
    """The checkpoint to go on from, or the first one."""
    found = checkpoints.load(folder.checkpoint)
    if found:
        plan.check_same(found.plan, str(folder.checkpoint))
        watcher.say(f"going on after {found.tally.rows:,} calls")
        return found
    first = _first(source, plan, watcher)
    checkpoints.save(folder.checkpoint, first)
    return first


def _first(source: Source, plan: Plan, watcher: Watcher) -> Checkpoint:
    """As the server lets itself be read: by its snapshots, or slice by slice."""
    server = probe(source.sender, plan)
    if server.held:
        return Checkpoint(plan, server.held)
    if not plan.distrusts:
        watcher.say("the server has no snapshots: everything is read at least twice and compared")
    slices = cut(plan)
    return Checkpoint(plan, Sliced(slices, server.limit, due=tuple(range(len(slices)))))


def _read(source: Source, checkpoint: Checkpoint, folder: Folder, watcher: Watcher) -> None:
    with _open(checkpoint, folder) as (writing, raw):
        if isinstance(checkpoint.place, Held):
            HeldWindow(source, writing, raw).run(watcher)
            return
        SlicedWindow(source, folder, writing, raw).run(watcher)
        watcher.begin("writing files", None)
        assemble(source, folder, writing)


@contextmanager
def _open(checkpoint: Checkpoint, folder: Folder) -> Iterator[tuple[Writing, RawAnswers | None]]:
    with ExitStack() as stack:
        writing = Writing(folder, checkpoint)
        stack.callback(writing.close)
        raw = RawAnswers(folder.out, checkpoint.raw) if checkpoint.plan.keeps_raw else None
        if raw:
            stack.callback(raw.close)
        yield writing, raw


def _finished(folder: Folder, watcher: Watcher) -> Manifest:
    """Write the manifest, read the files again, and only then let the checkpoint go."""
    checkpoint = checkpoints.load(folder.checkpoint)
    assert checkpoint  # noqa: S101 (it was just written)
    sweep(folder.out, checkpoint.files)
    manifest = manifest_of(checkpoint)
    watcher.begin("verifying", None)
    faults = list(damaged(folder.out, manifest))
    if faults:
        raise DamagedExport(f"the files are not what was written: {'; '.join(faults)}; --restart begins anew")
    write_manifest(folder.out, manifest)
    folder.checkpoint.unlink()
    return manifest
