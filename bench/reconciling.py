"""One comparison of a simulated month in a process of its own: what it found, and what it took.

`python -m bench.reconciling CALLS EVENTS FOUND`: two NDJSON files; the findings go to a third one.
"""

import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from bench.month import AS_OF_US, BEGIN_US, LATE_US, MONTH_US, TENANT
from calltally.reconcile.against_events import EventComparison
from calltally.reconcile.call_states import CallState, chunk_states
from calltally.reconcile.event_rules import EXPECTABLE, EventTerms
from calltally.reconcile.events import read_events
from calltally.reconcile.findings import Finding

TERMS: Final = EventTerms(
    AS_OF_US,
    BEGIN_US,
    BEGIN_US + MONTH_US,
    late_us=LATE_US,
    tenant=TENANT,
    expected=EXPECTABLE,
)


def main(calls: Path, events: Path, found: Path) -> None:
    """Compare, and print what it took as JSON."""
    started_s = time.perf_counter()
    counts: Counter[str] = Counter()
    with EventComparison(TERMS, found.parent) as comparison, found.open("w", encoding="utf-8") as file:
        for finding in _findings(comparison, calls, events):
            counts[finding.kind] += 1
            key = finding.event_ids[0] if finding.event_ids else finding.ours
            file.write(f"{finding.kind} {finding.call_sid} {key}\n")
    took = {
        "looked_at": comparison.examined,
        "counts": counts,
        "seconds": time.perf_counter() - started_s,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    print(json.dumps(took))


def _findings(comparison: EventComparison, calls: Path, events: Path) -> Iterator[Finding]:
    with calls.open("rb") as file:
        comparison.add_calls(_states(file))
    with events.open("rb") as file:
        yield from comparison.add_events(read_events(file, events.name))
    yield from comparison.findings()


def _states(lines: Iterable[bytes]) -> Iterator[CallState]:
    for line in lines:
        yield from chunk_states(line)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
