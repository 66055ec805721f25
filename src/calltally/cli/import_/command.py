"""`calltally import`: a provider's own records, from files."""

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
from calltally.settings import Settings
from calltally.store.db.interface import Store
from calltally.store.tenants.vault import find_provider_secrets

# Facts live for one chunk: a collector that looks at them each few hundred takes a fifth of the time.
_COLLECT_AFTER: Final = 100_000


class ImportOptions(NamedTuple):
    """Each field is an argument or an option of its name."""

    provider: Annotated[
        str, typer.Argument(help=f"One of {', '.join(RECORDS)}; or generic-NAME, by its stored mapping.")
    ]
    files: Annotated[
        list[Path], typer.Argument(help="Its records, also packed by gzip or Zstandard; - is standard input.")
    ]
    tenant: Annotated[str, typer.Option(help="Whose calls they are.")]
    account: Annotated[str, typer.Option(help="The account or switch that they are of.")] = ""
    time_zone: Annotated[
        str, typer.Option(help="The clock of times without an offset, such as Europe/Berlin.")
    ] = "UTC"
    columns: Annotated[
        str, typer.Option(help="A table's columns, where it has no header: names with commas between them.")
    ] = ""
    encoding: Annotated[str, typer.Option(help="How text is written, such as latin-1.")] = "utf-8"
    mapping: Annotated[
        str, typer.Option(help="The mapping of a generic provider: its file, or the name of a pack.")
    ] = ""
    refused: Annotated[
        Path | None, typer.Option(help="Keep the lines that are refused here, to be mended.", dir_okay=False)
    ] = None
    deliver: Annotated[bool, typer.Option("--deliver", help="Tell the tenant's endpoints too.")] = False
    as_json: AsJson = False


@with_options(ImportOptions)
def import_calls(options: ImportOptions) -> None:
    """Import a provider's records. Stopped anywhere and run again, it goes on; what is known changes nothing.

    What cannot be read is refused, told with its place, and makes the exit code 1; the rest goes in.
    """
    reading = Reading(_reader(options.provider), options.files, options.refused)
    _check(options)
    gc.set_threshold(_COLLECT_AFTER)
    keep_freed_memory()
    # Before the reading process is forked, the store is closed again.
    source, table = with_store(partial(_terms, options))
    chunks = reading.chunks(source, options.tenant, table, deliver=options.deliver)
    with reading_ahead(chunks) if reading.is_long() else nullcontext(_here(chunks)) as ready:
        report = with_store(partial(_record, options, ready))
    print_result(report, _print_report, as_json=options.as_json)
    if report.refused:
        raise typer.Exit(1)


async def _terms(options: ImportOptions, store: Store, settings: Settings) -> tuple[RecordSource, RouteTable]:
    """Return what the records are read by."""
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
    """Read in this process: a short file is read before another process would have begun."""
    for chunk in chunks:
        yield chunk


def _reader(name: str) -> ListFacts:
    registered = registered_name(name)
    if registered not in RECORDS:
        message = f"there is no provider {name!r} whose records are read; there are {', '.join(RECORDS)}"
        raise InvalidInput.of("provider", message)
    return RECORDS[registered]


def _check(options: ImportOptions) -> None:
    """Refuse wrong options before anything is read or written."""
    for name, check in (("time_zone", zone_of), ("encoding", check_encoding)):
        try:
            check(getattr(options, name))
        except ValueError as fault:
            raise InvalidInput.of(name, f"--{name.replace('_', '-')}: {fault}") from fault
    for path in options.files:
        with opened(path) if str(path) != "-" else io.BytesIO():
            pass
    if options.mapping and registered_name(options.provider) != GENERIC.name:
        raise InvalidInput.of("mapping", f"{options.provider} is read without a mapping; say generic")


async def _mapping(options: ImportOptions, store: Store, settings: Settings) -> str:
    """That of the file, else the one that is stored under the provider's name."""
    if registered_name(options.provider) != GENERIC.name:
        return ""
    if options.mapping:
        text = read_mapping(options.mapping)
    else:
        sealed = await store.read(find_provider_secrets(options.tenant, options.provider))
        secrets = open_vault(settings).open(options.tenant, options.provider, sealed) if sealed else {}
        text = secrets.get(MAPPING, "")
    if not text:
        message = f"there is no mapping of {options.provider}: name its file with --mapping, or store it"
        raise InvalidInput.of("mapping", message)
    compile_mapping(text)
    return text


class _Bars:
    """A bar over each file's bytes."""

    def __init__(self, files: list[Path], progress: Progress) -> None:
        self._files = files
        self._progress = progress
        self._tasks: dict[int, TaskID] = {}

    def show(self, chunk: Chunk) -> None:
        """Update the bar of the file that is read; the files before it are done."""
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
    """A bar over each file's bytes, on a terminal's stderr only."""
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
        f" {report.known} known already, {report.unchanged} with nothing new, {report.refused} refused."
    )
