"""`calltally import`: a provider's own records, from files."""

import gc
import io
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, BinaryIO, Final, NamedTuple

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from calltally.bootstrap.clocks import wall_clock
from calltally.bootstrap.vaults import open_vault
from calltally.calls.errors import InvalidInput, NotUnderstood
from calltally.calls.events import Door, Fact
from calltally.cli.import_source import Lines, name_of, opened, unpacked
from calltally.cli.options import with_options
from calltally.cli.printing import AsJson, print_json
from calltally.cli.provider import read_mapping
from calltally.cli.session import with_store
from calltally.ingest.imports import ImportReport, import_facts
from calltally.providers.callback import Refusal, Source
from calltally.providers.generic.compiling import check_encoding, compile_mapping
from calltally.providers.generic.signature import MAPPING
from calltally.providers.local_time import zone_of
from calltally.providers.registry import GENERIC, RECORDS, ListFacts, registered_name
from calltally.settings import Settings
from calltally.store.secrets import find_provider_secrets
from calltally.store.store import Store

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
        Path | None,
        typer.Option(exists=True, dir_okay=False, readable=True, help="The mapping of a generic provider."),
    ] = None
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
    list_facts = _reader(options.provider)
    _check(options)
    gc.set_threshold(_COLLECT_AFTER)

    async def bring(store: Store, settings: Settings) -> ImportReport:
        source = await _source(options, store, settings)
        with ExitStack() as stack:
            kept = stack.enter_context(options.refused.open("wb")) if options.refused else None
            told = _Told(list_facts, source, stack.enter_context(_progress()), kept)
            items = (item for path in options.files for item in told.of(path))
            return await import_facts(store, options.tenant, told=items, deliver=options.deliver)

    report = with_store(bring)
    if options.as_json:
        print_json(report)
    else:
        _print_report(report)
    if report.refused:
        raise typer.Exit(1)


def _reader(name: str) -> ListFacts:
    registered = registered_name(name)
    if registered not in RECORDS:
        message = f"there is no provider {name!r} whose records are read; there are {', '.join(RECORDS)}"
        raise InvalidInput.of("provider", message)
    return RECORDS[registered]


def _check(options: ImportOptions) -> None:
    """What is asked wrongly is told before anything is read or written."""
    for name, check in (("time_zone", zone_of), ("encoding", check_encoding)):
        try:
            check(getattr(options, name))
        except ValueError as fault:
            raise InvalidInput.of(name, f"--{name.replace('_', '-')}: {fault}") from fault
    for path in options.files:
        with opened(path) if str(path) != "-" else io.BytesIO():
            pass
    if options.mapping is not None and registered_name(options.provider) != GENERIC.name:
        raise InvalidInput.of("mapping", f"{options.provider} is read without a mapping; say generic")


async def _source(options: ImportOptions, store: Store, settings: Settings) -> Source:
    return Source(
        door=Door.IMPORT,
        received_us=wall_clock(),
        account=options.account,
        time_zone=options.time_zone,
        columns=tuple(name.strip() for name in options.columns.split(",") if name.strip()),
        encoding=options.encoding,
        mapping=await _mapping(options, store, settings),
    )


async def _mapping(options: ImportOptions, store: Store, settings: Settings) -> str:
    """That of the file, else the one that is stored under the provider's name."""
    if registered_name(options.provider) != GENERIC.name:
        return ""
    if options.mapping is not None:
        text = read_mapping(options.mapping)
    else:
        sealed = await store.read(find_provider_secrets(options.tenant, options.provider))
        told = open_vault(settings).open(options.tenant, options.provider, sealed) if sealed else {}
        text = told.get(MAPPING, "")
    if not text:
        message = f"there is no mapping of {options.provider}: name its file with --mapping, or store it"
        raise InvalidInput.of("mapping", message)
    compile_mapping(text)
    return text


class _Told:
    """What files tell; a refusal says which file it is of, and its line is kept where that was asked for."""

    def __init__(
        self, list_facts: ListFacts, source: Source, progress: Progress, kept: BinaryIO | None
    ) -> None:
        self._list_facts = list_facts
        self._source = source
        self._progress = progress
        self._kept = kept

    def of(self, path: Path) -> Iterator[Fact | Refusal]:
        """The items of one file in their order."""
        name = name_of(path)
        size = path.stat().st_size if path.is_file() else None
        task = self._progress.add_task(name, total=size)
        with opened(path) as raw:
            lines = Lines(unpacked(raw))
            for count, item in enumerate(self._items(lines)):
                if isinstance(item, Fact):
                    yield item
                else:
                    self._keep(lines.at(item.position))
                    yield msgspec.structs.replace(item, position=f"{name}: {item.position}")
                if size and not count % 500:
                    self._progress.update(task, completed=raw.tell())
            if lines.fault:
                yield Refusal(name, lines.fault)

    def _items(self, lines: Lines) -> Iterator[Fact | Refusal]:
        try:
            yield from self._list_facts(lines, self._source)
        except NotUnderstood as fault:
            yield Refusal("the file", fault.detail)

    def _keep(self, line: bytes) -> None:
        if self._kept is not None and line:
            self._kept.write(line if line.endswith(b"\n") else line + b"\n")


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
