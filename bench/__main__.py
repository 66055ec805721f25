"""`python -m bench --size 10k|100k|1m|10m [--only NAME ...]`: measure, and print one table.

`python -m bench score|score-calls|traffic` makes months of calls with labelled incidents, and scores the
detectors.
"""

import argparse
import asyncio
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import uvloop

from bench.detection.commands import DETECTION, detection
from bench.lab import Lab
from bench.processes import Missing
from bench.rows import MEASURES
from bench.table import Row, failure, render
from calltally.calls.errors import CalltallyError
from calltally.cli.runtime.malloc import keep_freed_memory

_FOLDER: Final = Path("var", "bench")
_UNITS: Final = {"": 1, "k": 1_000, "m": 1_000_000}
_LEAST_CALLS: Final = 1_000
_EPILOG: Final = f"Of the detectors: {', '.join(DETECTION)}, each with --help of its own."


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 1 if a line could not be measured. A missed target is a result."""
    given = sys.argv[1:] if arguments is None else arguments
    if given and given[0] in DETECTION:
        return _detection(given)
    options = _parser().parse_args(given)
    # What is asked of the store in this process is what the service does, whose memory is kept so.
    keep_freed_memory()
    with (
        Lab(options.folder, options.size) as lab,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        rows = [row for name in options.only or MEASURES for row in runner.run(_measured(lab, name))]
    print(f"{options.size:,} calls\n\n{render(rows)}")
    return 1 if any(row.failed for row in rows) else 0


def _detection(given: Sequence[str]) -> int:
    try:
        detection(given, prog_name="python -m bench")
    except CalltallyError as error:
        print(f"bench: {error.detail}", file=sys.stderr)
        return 2
    return 0


async def _measured(lab: Lab, name: str) -> list[Row]:
    """Print the rows of a measurement, or the reason why it is missing."""
    print(f"{name} ...", file=sys.stderr)
    try:
        return await MEASURES[name](lab)
    except Missing as fault:
        return [failure(name, str(fault))]
    except Exception as fault:  # noqa: BLE001 - one that fails must not cost the others, and is printed
        return [failure(name, f"{type(fault).__name__}: {fault}")]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Calltally.", epilog=_EPILOG)
    parser.add_argument("--size", type=_size, default="10k", help="how many calls: 10k, 100k, 1m, 10m")
    parser.add_argument("--only", nargs="+", choices=tuple(MEASURES), help="these measurements alone")
    parser.add_argument("--folder", type=Path, default=_FOLDER, help="where databases are kept")
    return parser


def _size(text: str) -> int:
    found = re.fullmatch(r"([1-9][0-9]{0,8})([km]?)", text.lower())
    calls = int(found[1]) * _UNITS[found[2]] if found else 0
    if calls < _LEAST_CALLS:
        raise argparse.ArgumentTypeError(f"write a number of calls from {_LEAST_CALLS}, such as 10k or 1m")
    return calls


if __name__ == "__main__":
    sys.exit(main())
