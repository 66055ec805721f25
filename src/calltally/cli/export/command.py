"""`calltally export`: export of a window of calls to files, from any server with the call-log API."""

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
from calltally.calls.plurals import counted
from calltally.cli.console.options import with_options
from calltally.cli.console.output import print_json
from calltally.cli.export.options import ExportOptions, check_together, plan_of, required
from calltally.cli.export.progress import ExportView, amendment, summary
from calltally.cli.runtime.malloc import keep_freed_memory
from calltally.client.clients import Client
from calltally.client.exporting.destinations import is_bucket_url, run_bucket_export
from calltally.client.exporting.errors import DamagedExport
from calltally.client.exporting.exported_state import ExportLayer, read_layers
from calltally.client.exporting.follow import Follower
from calltally.client.exporting.manifest import Manifest, find_damage
from calltally.client.exporting.output import ExportFolder, ExportRun
from calltally.client.exporting.pages import ExportSource
from calltally.client.exporting.request import ExportPlan
from calltally.client.exporting.runs import RerunMode, exclusive_access, run_export

CHECKPOINT: Final = "export.checkpoint"
STOPPED: Final = 130
# The thread that requests the next page waits for the interpreter at each step, by default for 5 ms. The
# server would stay idle while a page is written.
_SWITCH_S: Final = 0.0005
_NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@with_options(ExportOptions)
def export(options: ExportOptions) -> None:
    """Export a window of calls to files, page by page. After an interruption, the same command continues.

    Works with any server that implements the contract of /api/v1/call-logs. The export is one snapshot if the
    server has snapshots. Otherwise the window is read until two consecutive readings agree. After a complete
    export, the same command writes later changes as an amendment. The exit code is 1 if the export is not
    complete.
    """
    check_together(options)
    if options.verify is not None:
        with _explain_os_errors(options.verify):
            layers = _verified(Path(options.verify))
        _print_all(layers, options.verify, options)
        return
    sys.setswitchinterval(_SWITCH_S)
    keep_freed_memory()
    start_s, plan = time.monotonic(), plan_of(options, time.time_ns() // 1_000)
    key = required(options.key, "key", "CALLTALLY_API_KEY")
    out = required(options.out, "out")
    with (
        ExportView(is_quiet=options.quiet or options.as_json) as view,
        Client(plan.base_url, key) as client,
        _explain_os_errors(out),
        _stoppable(view),
    ):
        source = ExportSource(client, is_local=client.config.is_local)
        layer = _run(source, plan, out, options, view=view)
    _print_all([layer], out, options, took_s=time.monotonic() - start_s)


def _run(
    source: ExportSource, plan: ExportPlan, out: str, options: ExportOptions, *, view: ExportView
) -> ExportLayer:
    rerun = RerunMode.RESTART if options.restart else RerunMode.KEEP if options.follow else RerunMode.AMEND
    if is_bucket_url(out):
        if options.follow:
            raise InvalidInput.of(
                "follow", "--follow appends to files, which s3:// does not support; set --out to a folder"
            )
        if options.checkpoint:
            message = "an export to s3:// stores its checkpoint in the current directory"
            raise InvalidInput.of("checkpoint", f"{message}; leave out --checkpoint")
        return run_bucket_export(source, plan, out, view, rerun=rerun)
    folder = ExportFolder(Path(out), options.checkpoint or Path(out) / CHECKPOINT)
    with exclusive_access(folder):
        run = ExportRun(source, plan, folder, view)
        layer = run_export(run, rerun)
        if options.follow:
            _follow(run, layer.manifest)
    return layer


def _follow(run: ExportRun, manifest: Manifest) -> None:
    """Follow changes until the user stops the command, which is a success."""
    run.progress.notify(f"{counted(manifest.rows, 'call')} exported; now following changes. Stop with Ctrl+C")
    with closing(Follower(run, manifest)) as follower:
        try:
            follower.run()
        except KeyboardInterrupt:
            run.progress.notify("stopped; run the same command to continue")


@contextmanager
def _explain_os_errors(out: str) -> Iterator[None]:
    """Raise Misconfigured for an OSError. The error of a failed write does not name its file."""
    try:
        yield
    except OSError as fault:
        path = fault.filename or out
        reason = fault.strerror or type(fault).__name__
        message = f"{path} cannot be written or read ({reason})"
        if fault.errno in _NO_SPACE:
            raise Misconfigured(
                f"{message}: free some space, then run the same command to continue"
            ) from fault
        raise Misconfigured(f"{message}: set --out to another folder") from fault


@contextmanager
def _stoppable(view: ExportView) -> Iterator[None]:
    """Handle SIGTERM like Ctrl+C: files in the checkpoint stay."""
    former = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        view.notify("stopped; run the same command to continue")
        raise typer.Exit(STOPPED) from None
    finally:
        signal.signal(signal.SIGTERM, former)


def _verified(out: Path) -> list[ExportLayer]:
    """Return the export in a folder and its amendments. Raises DamagedExport with the files that differ."""
    layers = read_layers(out)
    if not layers:
        raise DamagedExport(f"{out} has no manifest: the export was not completed, or is in another folder")
    faults = [fault for layer in layers for fault in find_damage(layer.folder, layer.manifest)]
    if faults:
        raise DamagedExport(f"{out}: {'; '.join(faults)}")
    return layers


def _print_all(
    layers: list[ExportLayer], out: str, options: ExportOptions, *, took_s: float | None = None
) -> None:
    """Print the summaries of an export or amendment, or of all verified layers."""
    for layer in layers:
        if options.as_json:
            print_json(layer.manifest)
        elif not options.quiet:
            path = "/".join(filter(None, (out.rstrip("/"), layer.name)))
            for line in _lines(layer.manifest, path, took_s):
                typer.echo(line)
    if not all(layer.manifest.complete for layer in layers):
        raise typer.Exit(1)


def _lines(manifest: Manifest, path: str, took_s: float | None) -> Iterator[str]:
    if manifest.amends:
        return amendment(manifest, path)
    return summary(manifest, path, width=shutil.get_terminal_size().columns, took_s=took_s)
