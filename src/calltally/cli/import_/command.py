"""`calltally import`: import of call records from a provider's files."""

import gc
import io
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, nullcontext
from functools import partial
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

from calltally.bootstrap.clocks import wall_clock
from calltally.bootstrap.vaults import open_vault
from calltally.calls.errors import InvalidInput
from calltally.calls.events import Channel
from calltally.cli.console.options import AsJson, with_options
from calltally.cli.console.output import print_result
from calltally.cli.console.session import with_store
from calltally.cli.import_.reader import Reading, name_of, opened
from calltally.cli.provider import read_mapping
from calltally.cli.runtime.malloc import keep_freed_memory
from calltally.ingest.ahead import reading_ahead
from calltally.ingest.imports import Chunk, ImportReport, import_chunks, routes_for
from calltally.ingest.routes import RouteTable
from calltally.providers.callback import RecordSource
from calltally.providers.generic.mapping_compiler import check_encoding, compile_mapping
from calltally.providers.generic.signature import MAPPING
from calltally.providers.local_time import zone_of
from calltally.providers.provider import ListFacts
from calltally.providers.registry import GENERIC, RECORDS, registered_name
from calltally.settings.fields import Settings
from calltally.store.db.interface import Store
from calltally.store.tenants.vault import find_provider_secrets

# Facts live for one chunk. With its default threshold the garbage collector would take a fifth of the time.
COLLECT_AFTER: Final = 100_000


class ImportOptions(NamedTuple):
    """Arguments and options of the command, one per field."""

    provider: Annotated[
        str, typer.Argument(help=f"One of {', '.join(RECORDS)}; or generic-NAME, with its stored mapping.")
    ]
    files: Annotated[
        list[Path], typer.Argument(help="Files of its records, also .gz or .zst; - is standard input.")
    ]
    tenant: Annotated[str, typer.Option(help="The tenant's id.")]
    account: Annotated[str, typer.Option(help="The account or switch that the records come from.")] = ""
    time_zone: Annotated[
        str, typer.Option(help="Time zone of times without an offset, such as Europe/Berlin.")
    ] = "UTC"
    columns: Annotated[
        str, typer.Option(help="Column names, separated by commas, of a table without a header line.")
    ] = ""
    encoding: Annotated[str, typer.Option(help="Character encoding of the files, such as latin-1.")] = "utf-8"
    mapping: Annotated[
        str, typer.Option(help="File with the mapping of a generic provider, or the name of a mapping pack.")
    ] = ""
    refused: Annotated[
        Path | None,
        typer.Option(help="Write the refused lines to this file, for correction.", dir_okay=False),
    ] = None
    deliver: Annotated[
        bool, typer.Option("--deliver", help="Also deliver events of the changes to the tenant's endpoints.")
    ] = False
    as_json: AsJson = False


@with_options(ImportOptions)
def import_calls(options: ImportOptions) -> None:
    """Import call records from a provider's files. After an interruption, the same command continues.

    Records that are already stored change nothing. Records that cannot be read are printed with their
    position and skipped; the exit code is then 1. All others are imported.
    """
    named = registered_name(options.provider)
    reading = Reading(_reader(options.provider), options.files, options.refused, named)
    _check(options)
    gc.set_threshold(COLLECT_AFTER)
    keep_freed_memory()
    # The store is closed again before the reading process is forked.
    source, table = with_store(partial(_terms, options))
    chunks = reading.chunks(source, options.tenant, table, deliver=options.deliver)
    with reading_ahead(chunks) if reading.is_long() else nullcontext(_here(chunks)) as ready:
        report = with_store(partial(_record, options, ready))
    print_result(report, _print_report, as_json=options.as_json)
    if report.refused:
        raise typer.Exit(1)


async def _terms(options: ImportOptions, store: Store, settings: Settings) -> tuple[RecordSource, RouteTable]:
    """Return the settings of the records' reader, and the tenant's routes."""
    source = RecordSource(
        channel=Channel.IMPORT,
        received_us=wall_clock(),
        account=options.account,
        time_zone=options.time_zone,
        columns=tuple(name.strip() for name in options.columns.split(",") if name.strip()),
        encoding=options.encoding,
        mapping=await _mapping(options, store, settings),
    )
    return source, await routes_for(store, options.tenant)


async def _record(
    options: ImportOptions, chunks: AsyncGenerator[Chunk, None], store: Store, _settings: Settings
) -> ImportReport:
    with _progress() as progress:
        bars = _Bars(options.files, progress)
        async with aclosing(chunks):
            return await import_chunks(store, options.tenant, chunks, on_chunk=bars.show)


async def _here(chunks: Iterator[Chunk]) -> AsyncGenerator[Chunk, None]:
    """Read in this process: a short file takes less time than the start of another process."""
    for chunk in chunks:
        yield chunk


def _reader(name: str) -> ListFacts:
    registered = registered_name(name)
    if registered not in RECORDS:
        message = f"records of {name!r} cannot be imported; choose one of {', '.join(RECORDS)}"
        raise InvalidInput.of("provider", message)
    return RECORDS[registered]


def _check(options: ImportOptions) -> None:
    """Raise InvalidInput for wrong options before anything is read or written."""
    for name, check in (("time_zone", zone_of), ("encoding", check_encoding)):
        try:
            check(getattr(options, name))
        except ValueError as fault:
            raise InvalidInput.of(name, f"--{name.replace('_', '-')}: {fault}") from fault
    for path in options.files:
        with opened(path) if str(path) != "-" else io.BytesIO():
            pass
    if options.mapping and registered_name(options.provider) != GENERIC.name:
        raise InvalidInput.of("mapping", f"{options.provider} takes no --mapping; use the provider generic")


async def _mapping(options: ImportOptions, store: Store, settings: Settings) -> str:
    """Return the mapping of the option, or else the stored one; empty if the provider needs none."""
    if registered_name(options.provider) != GENERIC.name:
        return ""
    if options.mapping:
        text = read_mapping(options.mapping)
    else:
        sealed = await store.read(find_provider_secrets(options.tenant, options.provider))
        secrets = open_vault(settings).open(options.tenant, options.provider, sealed) if sealed else {}
        text = secrets.get(MAPPING, "")
    if not text:
        message = f"there is no mapping of {options.provider}; give its file with --mapping, or store it"
        raise InvalidInput.of("mapping", message)
    compile_mapping(text)
    return text


class _Bars:
    """Progress bars, one per file, over its bytes."""

    def __init__(self, files: list[Path], progress: Progress) -> None:
        self._files = files
        self._progress = progress
        self._tasks: dict[int, TaskID] = {}

    def show(self, chunk: Chunk) -> None:
        """Update the bar of the current file, and finish those of the files before it."""
        read = chunk.read
        if read is None:
            return
        for file in range(read.file):
            if (task := self._tasks.get(file)) is not None:
                self._progress.stop_task(task)
        if read.file not in self._tasks:
            name = name_of(self._files[read.file])
            self._tasks[read.file] = self._progress.add_task(name, total=read.size)
        if read.size:
            self._progress.update(self._tasks[read.file], completed=read.done)


def _progress() -> Progress:
    """Return progress bars on standard error, hidden if that is not a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _print_report(report: ImportReport) -> None:
    for refusal in report.refusals:
        typer.echo(f"refused: {refusal.position}: {refusal.reason}", err=True)
    if unlisted := report.refused - len(report.refusals):
        typer.echo(f"refused: {unlisted} more", err=True)
    typer.echo(
        f"{report.total} read: {report.recorded} recorded ({report.conflicting} of them conflicting),"
        f" {report.known} already known, {report.unchanged} without changes, {report.refused} refused."
    )
    if report.unread_fields:
        values = "value" if report.unread_fields == 1 else "values"
        typer.echo(f"{report.unread_fields} {values} could not be read and were left out.")
    if report.unlisted:
        typer.echo(f"Not documented by the provider: {', '.join(report.unlisted)}.")
