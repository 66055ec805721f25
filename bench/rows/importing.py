"""An import of a file, as a user runs it: the whole command on an empty ledger, and then once more."""

import asyncio
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from bench import call_resource
from bench.dataset import SEED, add_tenants
from bench.lab import Lab
from bench.processes import NOT_KEPT
from bench.table import Row, context, micros, within
from bench.timing import wall_us
from bench.traffic import BIG, Made, calls_of, history
from calltally.store.backends.open import migrate, open_store

_LEAST_PER_S: Final = 12_000
_MOST_RECORDS: Final = 200_000
_FILE: Final = "calls.ndjson"


class Imported(NamedTuple):
    """One run of the command: how long it took, what of the processor, and what it said."""

    wall_s: float
    cpu_s: float
    report: dict[str, Any]


async def importing(lab: Lab) -> list[Row]:
    """The big tenant's calls of 90 days as Call resources, a line each, twice."""
    folder = lab.new_folder()
    records = await asyncio.to_thread(_written, folder, lab.size)
    url = f"sqlite:///{folder / 'calltally.db'}"
    await asyncio.to_thread(migrate, url)
    store = open_store(url, wall_us)
    await add_tenants(store, folder)
    await store.close()
    first, again = [await asyncio.to_thread(_imported, folder, url) for _ in range(2)]
    assert (first.report["recorded"], again.report["known"]) == (records, records)
    return _rows(records, first, again)


def _written(folder: Path, size: int) -> int:
    folder.mkdir(parents=True)
    many = min(calls_of(size, BIG), _MOST_RECORDS)
    theirs = (made for made in history(size, SEED) if made.tenant == BIG)
    with (folder / _FILE).open("wb") as file:
        for _, made in zip(range(many), theirs, strict=False):
            file.write(msgspec.json.encode(_resource(made)) + b"\n")
    return many


def _resource(made: Made) -> call_resource.Resource:
    caller, called = made.numbers
    direction = "inbound" if made.direction == "inbound" else "outbound-api"
    parties = {"from": caller, "to": called, "from_formatted": caller, "to_formatted": called}
    return call_resource.resource(
        made.sid, made.created_us, made.status, made.talk_s, direction=direction, price="-0.00750", **parties
    )


def _imported(folder: Path, url: str) -> Imported:
    command = [sys.executable, "-m", "calltally", "import", "twilio", str(folder / _FILE)]
    # What is installed has its bytecode.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(NOT_KEPT)}
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [*command, "--tenant", BIG, "--json"],
        env=environment | {"CALLTALLY_DATABASE_URL": url},
        cwd=folder,
        capture_output=True,
        check=True,
    )
    wall_s, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Imported(wall_s, cpu_s, json.loads(done.stdout))


def _rows(records: int, first: Imported, again: Imported) -> list[Row]:
    load, _, _ = os.getloadavg()
    rate = records / first.wall_s
    return [
        within(
            f"import of a file, {records:,} records",
            f"{rate:,.0f}/s",
            # The command takes both of two processors: what others take of them it has not.
            against=f"load {load:.1f} of {os.cpu_count()} processors",
            target=f"at least {_LEAST_PER_S:,}/s",
            met=rate >= _LEAST_PER_S,
        ),
        context(
            "import of a file, a record",
            f"{micros(first.cpu_s / records)} CPU",
            f"the command's {first.cpu_s:.1f} s, in two processes",
        ),
        context(
            "import again, all known",
            f"{records / again.wall_s:,.0f}/s",
            f"{micros(again.cpu_s / records)} CPU a record",
        ),
    ]
