"""`calltally mapping`: tries a mapping on a sample before it is stored."""

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
from calltally.calls.identity import Node
from calltally.calls.lifecycle import fold
from calltally.calls.model import Call
from calltally.calls.times import utc_text
from calltally.cli.console.output import AsJson, print_json
from calltally.cli.provider import read_mapping
from calltally.providers.callback import RecordSource, UnreadableRecord
from calltally.providers.generic.bodies import list_facts
from calltally.providers.generic.mapping_compiler import compile_mapping

commands: Final = typer.Typer(help="Try mappings of generic providers.", no_args_is_help=True)
MAX_SAMPLE_BYTES: Final = 16 * 1024 * 1024
_MOST_SHOWN: Final = 20
_LEFT_OUT: Final = ("provider",)
_UNSAID: Final[tuple[object, ...]] = (None, [])


class Tried(msgspec.Struct, frozen=True):
    """One fact that a sample tells: its call, its id, when it happened, and what it says."""

    call_sid: str
    event_id: str
    occurred_at: str
    says: dict[str, Any]
    links: list[str]


class Trial(msgspec.Struct, frozen=True):
    """What a mapping makes of a sample: its facts, and the record of each call that they are of."""

    provider: str
    facts: list[Tried]
    refusals: list[UnreadableRecord]
    records: list[dict[str, Any]]


@commands.callback()
def group() -> None:
    """Keep `try` a command of its own while it is the only one."""


@commands.command("try")
def try_mapping(
    mapping: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="The mapping, in TOML.")
    ],
    sample: Annotated[
        Path, typer.Argument(allow_dash=True, help="A body or a file of the provider's; - is standard input.")
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Print what would be recorded of a sample. Nothing is stored, and no database is needed.

    What cannot be read is told with its place, and makes the exit code 1.
    """
    text = read_mapping(mapping)
    compiled = compile_mapping(text)
    told = list(list_facts(_lines_of(sample), RecordSource(Channel.CALLBACK, wall_clock(), mapping=text)))
    facts = [_tried(item) for item in told if isinstance(item, Fact)]
    refusals = [item for item in told if isinstance(item, UnreadableRecord)]
    records = _records([item for item in told if isinstance(item, Fact)])
    trial = Trial(compiled.provider, facts, refusals, records)
    if as_json:
        print_json(trial)
    else:
        _print(trial)
    if trial.refusals:
        raise typer.Exit(1)


def _lines_of(sample: Path) -> list[bytes]:
    if str(sample) == "-":
        body = sys.stdin.buffer.read(MAX_SAMPLE_BYTES + 1)
    elif not sample.is_file():
        raise InvalidInput.of("sample", f"there is no file {str(sample)!r}")
    else:
        with sample.open("rb") as file:
            body = file.read(MAX_SAMPLE_BYTES + 1)
    if len(body) > MAX_SAMPLE_BYTES:
        raise InvalidInput.of("sample", f"a sample has at most {MAX_SAMPLE_BYTES} bytes; cut a part of it")
    return body.splitlines(keepends=True)


def _tried(fact: Fact) -> Tried:
    says = {
        _outside(name): _shown(name, value) for name, value in fact.stated.items() if name not in _LEFT_OUT
    }
    links = [link.call_sid for link in fact.links]
    return Tried(fact.call_sid, fact.event_id, utc_text(fact.occurred_us), says, links)


def _records(facts: list[Fact]) -> list[dict[str, Any]]:
    """Fold the facts of each SID. Links are left out: a sample seldom has the calls that they lead to."""
    calls: dict[Node, list[Fact]] = {}
    for fact in facts:
        calls.setdefault(Node(fact.call_sid, fact.is_carrier), []).append(fact)
    records = [fold("", node, of_call).call for node, of_call in calls.items()]
    return [{name: value for name, value in _fields(record) if value not in _UNSAID} for record in records]


def _fields(record: Call) -> Iterable[tuple[str, Any]]:
    # The id depends on the tenant, and nothing is stored here.
    return ((name, value) for name, value in msgspec.to_builtins(record).items() if name != "id")


def _outside(name: str) -> str:
    """An inner name as the API has it."""
    return "duration_seconds" if name == "talk_seconds" else name.replace("_us", "_at")


def _shown(name: str, value: object) -> object:
    return utc_text(value) if name.endswith("_us") and isinstance(value, int) else value


def _print(trial: Trial) -> None:
    console = Console(highlight=False)
    for number, fact in enumerate(trial.facts[:_MOST_SHOWN], start=1):
        _print_table(console, f"{number}. {fact.call_sid}", _rows(fact))
    for record in trial.records[:_MOST_SHOWN]:
        shown = ((name, _text(value)) for name, value in record.items() if name != "call_sid")
        _print_table(console, f"Record of {record['call_sid']}", shown)
    for refusal in trial.refusals[:_MOST_SHOWN]:
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


def _rows(fact: Tried) -> Iterable[tuple[str, str]]:
    yield "occurred_at", fact.occurred_at
    if fact.event_id:
        yield "id", fact.event_id
    for name, value in fact.says.items():
        yield name, _text(value)
    for link in fact.links:
        yield "is the call", link


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {part}" for name, part in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
