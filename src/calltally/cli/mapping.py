"""`calltally mapping`: the mapping packs, and a test of a mapping on a sample before it is stored."""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from calltally.bootstrap.clocks import wall_clock
from calltally.calls.errors import InvalidInput
from calltally.calls.events import Channel, Fact
from calltally.calls.fold import fold
from calltally.calls.identity import Node
from calltally.calls.times import utc_text
from calltally.cli.console.options import AsJson
from calltally.cli.console.output import print_result
from calltally.cli.provider import read_mapping
from calltally.providers.callback import RecordSource, UnreadableRecord
from calltally.providers.generic.bodies import list_facts
from calltally.providers.generic.mapping_compiler import compile_mapping
from calltally.providers.generic.mapping_packs import pack_names, pack_text, pack_title

commands: Final = typer.Typer(
    help="Test mappings of generic providers, and list the mapping packs.", no_args_is_help=True
)
MAX_SAMPLE_BYTES: Final = 16 * 1024 * 1024
_MAX_PRINTED: Final = 20
_PACK_NAME_CHARS: Final = 24
_OMITTED_FIELDS: Final = ("provider",)
_EMPTY_VALUES: Final[tuple[object, ...]] = (None, [])


class MappedFact(msgspec.Struct, frozen=True):
    """Fact from a sample: its call, id, time, stated fields and linked SIDs."""

    call_sid: str
    event_id: str
    occurred_at: str
    stated: dict[str, Any] = msgspec.field(name="says")
    links: list[str]


class MappingTrial(msgspec.Struct, frozen=True):
    """Result of a mapping on a sample: the facts, the refusals, and the record of each call."""

    provider: str
    facts: list[MappedFact]
    refusals: list[UnreadableRecord]
    records: list[dict[str, Any]]


@commands.command("try")
def try_mapping(
    mapping: Annotated[
        str, typer.Argument(help="File with the mapping, in TOML, or the name of a mapping pack.")
    ],
    sample: Annotated[
        Path,
        typer.Argument(allow_dash=True, help="A body or a file from the provider; - reads standard input."),
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Print the facts and records that a mapping produces from a sample. Stores nothing, needs no database.

    Refused items are printed with their position and make the exit code 1.
    """
    text = read_mapping(mapping)
    compiled = compile_mapping(text)
    items = list(list_facts(_lines_of(sample), RecordSource(Channel.CALLBACK, wall_clock(), mapping=text)))
    facts = [_mapped(item) for item in items if isinstance(item, Fact)]
    refusals = [item for item in items if isinstance(item, UnreadableRecord)]
    records = _records([item for item in items if isinstance(item, Fact)])
    trial = MappingTrial(compiled.provider, facts, refusals, records)
    print_result(trial, _print, as_json=as_json)
    if trial.refusals:
        raise typer.Exit(1)


@commands.command("packs")
def print_packs(
    name: Annotated[
        str, typer.Argument(help="A pack to print, for example as a template for a mapping of your own.")
    ] = "",
) -> None:
    """List the mapping packs, or print the mapping of one pack."""
    if not name:
        for each in pack_names():
            typer.echo(f"{each:{_PACK_NAME_CHARS}}{pack_title(each)}")
    elif name in pack_names():
        typer.echo(pack_text(name), nl=False)
    else:
        raise InvalidInput.of("name", f"there is no pack {name!r}; the packs are {', '.join(pack_names())}")


def _lines_of(sample: Path) -> list[bytes]:
    if str(sample) == "-":
        body = sys.stdin.buffer.read(MAX_SAMPLE_BYTES + 1)
    elif not sample.is_file():
        raise InvalidInput.of("sample", f"the file {str(sample)!r} does not exist")
    else:
        with sample.open("rb") as file:
            body = file.read(MAX_SAMPLE_BYTES + 1)
    if len(body) > MAX_SAMPLE_BYTES:
        raise InvalidInput.of(
            "sample", f"the sample is longer than {MAX_SAMPLE_BYTES} bytes; use a part of it"
        )
    return body.splitlines(keepends=True)


def _mapped(fact: Fact) -> MappedFact:
    stated: dict[str, Any] = {}
    for name, value in fact.stated.items():
        if name.endswith("_us") and isinstance(value, int):
            stated[f"{name.removesuffix('_us')}_at"] = utc_text(value)
        elif name not in _OMITTED_FIELDS:
            stated["duration_seconds" if name == "talk_seconds" else name] = value
    links = [link.call_sid for link in fact.links]
    return MappedFact(fact.call_sid, fact.event_id, utc_text(fact.occurred_us), stated, links)


def _records(facts: list[Fact]) -> list[dict[str, Any]]:
    """Fold the facts of each SID. Links are ignored: a sample rarely contains the linked calls."""
    calls: dict[Node, list[Fact]] = {}
    for fact in facts:
        calls.setdefault(Node(fact.call_sid, fact.is_carrier), []).append(fact)
    records = [msgspec.to_builtins(fold("", node, of_call).call) for node, of_call in calls.items()]
    # The id depends on the tenant, and nothing is stored here.
    return [
        {name: value for name, value in record.items() if name != "id" and value not in _EMPTY_VALUES}
        for record in records
    ]


def _print(trial: MappingTrial) -> None:
    console = Console(highlight=False)
    for number, fact in enumerate(trial.facts[:_MAX_PRINTED], start=1):
        _print_table(console, f"{number}. {fact.call_sid}", _rows(fact))
    for record in trial.records[:_MAX_PRINTED]:
        fields = ((name, _text(value)) for name, value in record.items() if name != "call_sid")
        _print_table(console, f"Record of {record['call_sid']}", fields)
    for refusal in trial.refusals[:_MAX_PRINTED]:
        console.print(f"refused: {escape(refusal.position)}: {escape(refusal.reason)}", soft_wrap=True)
    count = (
        f"{len(trial.facts)} of {escape(trial.provider)} would be recorded, {len(trial.refusals)} refused."
    )
    console.print(count)


def _print_table(console: Console, title: str, rows: Iterable[tuple[str, str]]) -> None:
    table = Table(title=escape(title), title_justify="left", show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, escape(value))
    console.print(table)


def _rows(fact: MappedFact) -> Iterable[tuple[str, str]]:
    yield "occurred_at", fact.occurred_at
    if fact.event_id:
        yield "id", fact.event_id
    for name, value in fact.stated.items():
        yield name, _text(value)
    for link in fact.links:
        yield "linked SID", link


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {part}" for name, part in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
