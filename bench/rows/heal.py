"""A simulated month reconciled with a provider's list and healed: every fault named, and a second run clean.

It is done as an operator does it, by the command, against a stand-in of the provider in a process of its own.
"""

import asyncio
import csv
import json
import shutil
from pathlib import Path
from typing import Any, Final, NamedTuple

from bench.lab import Lab
from bench.measured import Ended, run_command
from bench.planting import LEDGER, TENANT, VARIABLE, Labels, planted
from bench.processes import application
from bench.table import Row, context, within

_MOST_BYTES: Final = 500_000_000


class _Run(NamedTuple):
    """One run of the command: its report, each finding as "kind SID", and what it took."""

    report: dict[str, Any]
    found: list[str]
    ended: Ended


async def heal(lab: Lab) -> list[Row]:
    """As many calls as were asked for. What was planted is kept for the next time; its copy is healed."""
    month, labels = await planted(lab.root, lab.size)
    folder = lab.new_folder()
    folder.mkdir()
    for name in (LEDGER, "secret.key"):
        shutil.copyfile(month / name, folder / name)
    environment = {VARIABLE: str(month)}
    async with application("provider_list", environment) as server:
        first, second = [await asyncio.to_thread(_reconciled, folder, server.port) for _ in range(2)]
    return [
        context("a month planted", f"{labels.facts:,} facts", f"{labels.seconds:.0f} s"),
        *_rows(labels, first, second),
    ]


def _reconciled(folder: Path, port: int) -> _Run:
    findings = folder / "findings.csv"
    options = ["--provider", "twilio", "--tenant", TENANT, "--month", "2026-10", "--heal", "--json"]
    environment = {
        "CALLTALLY_DATABASE_URL": f"sqlite:///{folder / LEDGER}",
        "CALLTALLY_TWILIO_API_URL": f"http://127.0.0.1:{port}",
    }
    ended = run_command(["reconcile", *options, "--csv", str(findings)], environment, folder)
    if ended.status not in {0, 1}:
        raise RuntimeError(f"calltally reconcile ended with {ended.status}")
    with findings.open(newline="", encoding="utf-8") as file:
        found = [f"{row['kind']} {row['call_sid']}" for row in csv.DictReader(file)]
    return _Run(json.loads(ended.printed), found, ended)


def _rows(labels: Labels, first: _Run, second: _Run) -> list[Row]:
    what = (
        f"{first.report['looked_at']['calls']:,} calls against {first.report['looked_at']['listed']:,} listed"
    )
    healed, again = first.report["healed"], second.report["healed"]
    most = max(run.ended.held_bytes for run in (first, second))
    return [
        within(
            f"{what}: faults named",
            f"{len(first.found):,} found, {len(set(first.found) - set(labels.faults)):,} invented",
            against=f"{len(labels.faults):,} put in",
            target="all, and no other",
            met=sorted(first.found) == sorted(labels.faults),
        ),
        within(
            f"{what}: healed, and run again",
            f"{healed['recorded']:,} healed, {healed['left']:,} left; then {len(second.found):,} found",
            target="none found again",
            met=not second.found and not again["recorded"] and healed["recorded"] == len(labels.faults),
        ),
        within(f"{what}: memory", f"{most / 1e6:.0f} MB", target="under 500 MB", met=most < _MOST_BYTES),
        *(_time(f"{what}: {name} run", run.ended) for name, run in (("first", first), ("second", second))),
    ]


def _time(what: str, ended: Ended) -> Row:
    mapped = f"{ended.cpu_seconds:.0f} s CPU, {ended.peak_bytes / 1e6:.0f} MB with mapped files"
    return context(what, f"{ended.seconds:.0f} s", mapped)
