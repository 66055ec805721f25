"""Assembly of the files from the last readings of all slices, with each call once, and of the findings.

It needs no checkpoint: after an interruption it starts again from the readings.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import replace

from calltally.client.exporting.checkpoint import Drift, FileState, SlicesPosition
from calltally.client.exporting.files import AppendFile
from calltally.client.exporting.names import DRIFT_FILE
from calltally.client.exporting.output import READINGS, CallBatch, ExportWriter
from calltally.client.exporting.pages import ExportSource, decode_fields, ndjson_lines, read_batches
from calltally.client.exporting.request import partition_label
from calltally.client.exporting.sliced_window import MAX_ROUNDS
from calltally.client.exporting.slices import (
    GONE,
    HOLE,
    REPEAT,
    BoundaryCalls,
    DriftFinding,
    check_boundaries,
    find_drift,
    find_duplicates,
)

_encoder: Final = msgspec.json.Encoder()


class _AssemblyFindings(NamedTuple):
    """All findings, the boundary calls, and the ids of duplicates. `written` are the duplicates so far."""

    findings: list[DriftFinding]
    boundary: BoundaryCalls
    duplicates: set[str]
    written: set[str]


def assemble(source: ExportSource, writer: ExportWriter, position: SlicesPosition) -> None:
    """Write the files, and the file of findings if there are any."""
    out = writer.folder.out
    readings = [out / READINGS / each.readings[-1].state.name for each in position.slices]
    boundary = check_boundaries(source, writer.checkpoint.plan, position, readings)
    result = _collect_findings(position, readings, boundary)
    rows = [
        _write_slice(writer, number, each.from_us or 0, path, result)
        for number, (each, path) in enumerate(zip(position.slices, readings, strict=True))
    ]
    drift = replace(_drift(position, result, rows), file=_write_findings(out, result.findings))
    writer.finish(position, drift=drift)


def _collect_findings(
    position: SlicesPosition, readings: list[Path], boundary: BoundaryCalls
) -> _AssemblyFindings:
    findings: list[DriftFinding] = []
    for number, (each, path) in enumerate(zip(position.slices, readings, strict=True)):
        # Readings with the same ids in the same order have no findings.
        if len({reading.order for reading in each.readings}) > 1:
            paths = [path.with_name(reading.state.name) for reading in each.readings]
            findings += find_drift(number, paths)
    findings += [
        DriftFinding(HOLE, each.id, each.slice, len(position.slices[each.slice].readings))
        for each in boundary.missed
    ]
    duplicates = dict(find_duplicates(readings))
    findings += [
        DriftFinding(REPEAT, call_id, numbers[-1], len(position.slices[numbers[-1]].readings))
        for call_id, numbers in duplicates.items()
    ]
    order = sorted(set(findings), key=lambda each: (each.slice, each.reading, each.kind, each.id))
    return _AssemblyFindings(order, boundary, set(duplicates), set())


def _write_slice(
    writer: ExportWriter, number: int, from_us: int, path: Path, result: _AssemblyFindings
) -> int:
    """Write one slice, each duplicate only at its first occurrence, and return the number of calls."""
    label = partition_label(from_us, writer.checkpoint.plan.partition)
    missed = [each.record for each in result.boundary.missed if each.slice == number]
    rows = 0
    for records in chain([missed], read_batches(path)):
        batch = _select_calls(label, records, result)
        rows += len(batch.records)
        if batch.records:
            writer.add(batch)
    return rows


def _select_calls(label: str, records: list[bytes], result: _AssemblyFindings) -> CallBatch:
    """Return the calls in the window that were not written before, and mark written duplicates."""
    selected, calls = [], []
    for record in records:
        call = decode_fields(record)
        if call.id in result.written or call.id in result.boundary.outside:
            continue
        if call.id in result.duplicates:
            result.written.add(call.id)
        selected.append(record)
        calls.append(call)
    return CallBatch(label, selected, calls)


def _drift(position: SlicesPosition, result: _AssemblyFindings, rows: list[int]) -> Drift:
    kinds = Counter(finding.kind for finding in result.findings)
    unagreed = [number for number, each in enumerate(position.slices) if not each.is_agreed]
    # The server's last total is another number than that of the calls.
    miscounted = [
        number
        for number, each in enumerate(position.slices)
        if (totals := each.readings[-1].totals) and totals[-1] != rows[number]
    ]
    return Drift(
        kinds[REPEAT],
        kinds[HOLE],
        tuple(_notes(position, kinds, unagreed, miscounted)),
        is_whole=not unagreed and not miscounted,
    )


def _notes(
    position: SlicesPosition, kinds: Counter[str], unagreed: list[int], miscounted: list[int]
) -> Iterator[str]:
    slices = f"{len(position.slices)} slices"
    moved_totals = [
        each for each in position.slices if len({total for one in each.readings for total in one.totals}) > 1
    ]
    if moved_totals:
        yield f"the server's total changed in {len(moved_totals)} of {slices}"
    if kinds[GONE]:
        yield f"{kinds[GONE]} times a reading had a call that the last reading does not have"
    if unagreed:
        yield f"{len(unagreed)} of {slices} had no two equal readings in {MAX_ROUNDS} readings"
    if miscounted:
        yield f"{len(miscounted)} of {slices} have another number of calls than the server's total"


def _write_findings(out: Path, findings: list[DriftFinding]) -> FileState | None:
    if not findings:
        return None
    file = AppendFile(out / DRIFT_FILE)
    file.write(ndjson_lines([_encoder.encode(each) for each in findings]))
    state = file.state(DRIFT_FILE, len(findings))
    file.close(is_durable=True)
    return state
