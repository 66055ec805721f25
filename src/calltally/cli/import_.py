"""`calltally import`: a provider's own list of calls, from files."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from calltally.bootstrap import wall_clock
from calltally.calls.errors import InvalidInput
from calltally.calls.events import Door, Fact
from calltally.cli.printing import AsJson, print_json
from calltally.cli.session import with_store
from calltally.ingest.imports import ImportReport, import_facts
from calltally.providers.callback import Refusal, Source
from calltally.providers.registry import RECORDS, ListFacts


def import_calls(
    provider: Annotated[str, typer.Argument(help=f"One of {', '.join(RECORDS)}.")],
    files: Annotated[
        list[Path],
        typer.Argument(
            exists=True, dir_okay=False, readable=True, help="Call resources: pages, an array, or NDJSON."
        ),
    ],
    *,
    tenant: Annotated[str, typer.Option(help="Whose calls they are.")],
    deliver: Annotated[bool, typer.Option("--deliver", help="Tell the tenant's endpoints too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Import a provider's list of calls. Safe to repeat: what is known already changes nothing.

    What cannot be read is refused, told with its place, and makes the exit code 1; the rest goes in.
    """
    with _progress() as progress:
        told = _told(_reader(provider), files, progress)
        report = with_store(lambda store, _: import_facts(store, tenant, told=told, deliver=deliver))
    if as_json:
        print_json(report)
    else:
        _print_report(report)
    if report.refused:
        raise typer.Exit(1)


def _reader(name: str) -> ListFacts:
    if name not in RECORDS:
        message = f"there is no provider {name!r} whose records are read; there are {', '.join(RECORDS)}"
        raise InvalidInput.of("provider", message)
    return RECORDS[name]


def _progress() -> Progress:
    """A bar over each file's bytes, on a terminal's stderr only."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _told(list_facts: ListFacts, files: Iterable[Path], progress: Progress) -> Iterator[Fact | Refusal]:
    """What the files tell, one after the other; a refusal says which file it is of."""
    source = Source(Door.IMPORT, wall_clock())
    for path in files:
        with progress.open(path, "rb", description=path.name) as file:
            for item in list_facts(file, source):
                yield _placed(item, path)


def _placed(item: Fact | Refusal, path: Path) -> Fact | Refusal:
    if isinstance(item, Fact):
        return item
    return msgspec.structs.replace(item, position=f"{path.name}: {item.position}")


def _print_report(report: ImportReport) -> None:
    for refusal in report.refusals:
        typer.echo(f"refused: {refusal.position}: {refusal.reason}", err=True)
    if unlisted := report.refused - len(report.refusals):
        typer.echo(f"refused: {unlisted} more", err=True)
    typer.echo(
        f"{report.total} read: {report.recorded} recorded, {report.known} known already, "
        f"{report.unchanged} with nothing new, {report.refused} refused."
    )
