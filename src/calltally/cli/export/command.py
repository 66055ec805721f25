"""`calltally export`: a window of calls as files, from any server of the contract."""

import errno
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import typer

from calltally.calls.errors import InvalidInput, Misconfigured
from calltally.cli.console.option_groups import with_options
from calltally.cli.console.output import print_json
from calltally.cli.export.options import ExportOptions, check_together, needed, plan_of
from calltally.cli.export.progress import View, amendment, summary
from calltally.cli.runtime.malloc import keep_freed_memory
from calltally.client.clients import Client
from calltally.client.exporting.destinations import is_bucket_url, run_bucket_export
from calltally.client.exporting.errors import DamagedExport
from calltally.client.exporting.exported_state import ExportLayer, read_layers
from calltally.client.exporting.follow import Follower
from calltally.client.exporting.manifest import Manifest, find_damage
from calltally.client.exporting.output import ExportFolder
from calltally.client.exporting.request import ExportPlan
from calltally.client.exporting.runs import RerunMode, exclusive_access, run_export
from calltally.client.exporting.snapshot_window import ExportSource

CHECKPOINT: Final = "export.checkpoint"
STOPPED: Final = 130
# The thread that asks for the next page waits for the interpreter at each step, by default for 5 ms: while a
# page was written, the server stood idle.
_SWITCH_S: Final = 0.0005
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@with_options(ExportOptions)
def export(options: ExportOptions) -> None:
    """Export a window of calls into files, page by page. Stopped anywhere, the same command goes on there.

    Works against any server that keeps the contract of /api/v1/call-logs. Where it has snapshots, the window
    is of one; where not, everything is read until two readings agree. Run again once it is done, it writes
    what has changed since as an amendment. The exit code is 1 where the export is not whole.
    """
    check_together(options)
    if options.verify is not None:
        with _told_where(options.verify):
            layers = _verified(Path(options.verify))
        _print_all(layers, options.verify, options)
        return
    sys.setswitchinterval(_SWITCH_S)
    keep_freed_memory()
    began_s, plan = time.monotonic(), plan_of(options, time.time_ns() // 1_000)
    key = needed(options.key, "key", "CALLTALLY_API_KEY")
    out = needed(options.out, "out")
    with (
        View(is_quiet=options.quiet or options.as_json) as view,
        Client(plan.base_url, key) as client,
        _told_where(out),
        _stoppable(view),
    ):
        source = ExportSource(client, is_local=client.config.is_local)
        done = _run(source, plan, out, options, view=view)
    _print_all([done], out, options, took_s=time.monotonic() - began_s)


def _run(
    source: ExportSource, plan: ExportPlan, out: str, options: ExportOptions, *, view: View
) -> ExportLayer:
    rerun = RerunMode.RESTART if options.restart else RerunMode.KEEP if options.follow else RerunMode.AMEND
    if is_bucket_url(out):
        if options.follow:
            raise InvalidInput.of("follow", "--follow appends to a file, which s3:// has not: name a folder")
        if options.checkpoint:
            message = "an export to s3:// keeps its checkpoint in the current directory"
            raise InvalidInput.of("checkpoint", f"{message}: it goes without --checkpoint")
        return run_bucket_export(source, plan, out, view, rerun=rerun)
    folder = ExportFolder(Path(out), options.checkpoint or Path(out) / CHECKPOINT)
    with exclusive_access(folder):
        done = run_export(source, plan, folder, view, rerun=rerun)
        if options.follow:
            _follow(source, plan, folder, done.manifest, view)
    return done


def _follow(
    source: ExportSource, plan: ExportPlan, folder: ExportFolder, manifest: Manifest, view: View
) -> None:
    """Until it is stopped, which is how following ends well."""
    view.notify(f"{manifest.rows:,} calls are exported; following what changes. Ctrl+C ends it")
    with closing(Follower(source, plan, folder, manifest)) as follower:
        try:
            follower.run(view)
        except KeyboardInterrupt:
            view.notify("stopped; the same command goes on there")


@contextmanager
def _told_where(out: str) -> Iterator[None]:
    """What the system says of a file, as one line. A write that fails does not say which file it was."""
    try:
        yield
    except OSError as fault:
        place = fault.filename or out
        why = fault.strerror or type(fault).__name__
        what = f"{place} cannot be written or read ({why})"
        if fault.errno in _FULL:
            raise Misconfigured(f"{what}: make room; the same command goes on there") from fault
        raise Misconfigured(f"{what}: name a folder that can be, with --out") from fault


@contextmanager
def _stoppable(view: View) -> Iterator[None]:
    """SIGTERM ends it as Ctrl+C does: what the checkpoint names is kept."""
    former = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        view.notify("stopped; the same command goes on there")
        raise typer.Exit(STOPPED) from None
    finally:
        signal.signal(signal.SIGTERM, former)


def _verified(out: Path) -> list[ExportLayer]:
    """The export in a folder and its amendments. Raises DamagedExport naming what is not as told."""
    layers = read_layers(out)
    if not layers:
        raise DamagedExport(f"{out} has no manifest: the export was never finished, or is somewhere else")
    faults = [fault for layer in layers for fault in find_damage(layer.folder, layer.manifest)]
    if faults:
        raise DamagedExport(f"{out}: {'; '.join(faults)}")
    return layers


def _print_all(
    done: list[ExportLayer], out: str, options: ExportOptions, *, took_s: float | None = None
) -> None:
    """The export, or its amendment; all of them where they are verified."""
    for layer in done:
        if options.as_json:
            print_json(layer.manifest)
        elif not options.quiet:
            place = "/".join(filter(None, (out.rstrip("/"), layer.name)))
            for line in _lines(layer.manifest, place, took_s):
                typer.echo(line)
    if not all(layer.manifest.complete for layer in done):
        raise typer.Exit(1)


def _lines(manifest: Manifest, place: str, took_s: float | None) -> Iterator[str]:
    if manifest.amends:
        return amendment(manifest, place)
    return summary(manifest, place, width=shutil.get_terminal_size().columns, took_s=took_s)
