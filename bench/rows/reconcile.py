"""A simulated month reconciled against its events: every fault named and none made up, in what memory."""

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

from bench.lab import Lab
from bench.month import Fault, SentEvent, in_order_of_receipt, month, record_of
from bench.table import Row, context, within

_SEED: Final = 7
_MOST_BYTES: Final = 500_000_000


async def reconcile(lab: Lab) -> list[Row]:
    """As many calls as were asked for, about five events each, in a process of its own."""
    folder = lab.new_folder()
    folder.mkdir()
    planted = await asyncio.to_thread(_write, folder, lab.size)
    took = await _compared(folder)
    found = (folder / "found").read_text(encoding="utf-8").splitlines()
    return _rows(took, sorted(found), planted)


def _write(folder: Path, calls: int) -> list[str]:
    """Both files of the month; returns the faults as lines, sorted."""
    faults: list[Fault] = []
    with (folder / "calls.ndjson").open("wb") as records, (folder / "events.ndjson").open("wb") as events:
        sent = _written(month(_SEED, calls), records)
        events.writelines(in_order_of_receipt(sent, faults))
    return sorted(" ".join(fault) for fault in faults)


def _written(sent: Iterator[SentEvent], records: IO[bytes]) -> Iterator[SentEvent]:
    for each in sent:
        records.write(record_of(each.call))
        yield each


async def _compared(folder: Path) -> dict[str, Any]:
    files = [str(folder / name) for name in ("calls.ndjson", "events.ndjson", "found")]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.reconciling", *files, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"the comparison ended with {process.returncode}")
    took: dict[str, Any] = json.loads(printed)
    return took


def _rows(took: dict[str, Any], found: list[str], planted: list[str]) -> list[Row]:
    looked_at = took["looked_at"]
    what = f"{looked_at['calls']:,} calls against {looked_at['events']:,} events"
    pairs_s = (looked_at["calls"] + looked_at["events"]) / took["seconds"]
    return [
        within(
            f"{what}: faults named",
            f"{len(found):,} found",
            against=f"{len(planted):,} put in",
            target="all, and no other",
            met=found == planted,
        ),
        within(
            f"{what}: memory",
            f"{took['peak_bytes'] / 1e6:.0f} MB",
            target="under 500 MB",
            met=took["peak_bytes"] < _MOST_BYTES,
        ),
        context(f"{what}: time", f"{took['seconds']:.0f} s", f"{pairs_s:,.0f} lines/s"),
    ]
