"""Assembly of the files from the last readings of all slices, with each call once, and of the findings.

It needs no checkpoint: after an interruption it starts again from the readings.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import replace

from calltally.client.exporting.agreement import GONE, HOLE, REPEAT, DriftFinding, find_drift, find_duplicates
from calltally.client.exporting.checkpoint import Checkpoint, Drift, FileState, SlicesPosition, WindowSlice
from calltally.client.exporting.files import AppendFile
from calltally.client.exporting.output import READINGS, CallBatch, ExportFolder, ExportWriter
from calltally.client.exporting.pages import CallFields, ndjson_lines
from calltally.client.exporting.request import ExportPlan, partition_label
from calltally.client.exporting.slice_boundaries import BoundaryCalls, check_boundaries
from calltally.client.exporting.sliced_window import MAX_ROUNDS, last_readings
from calltally.client.exporting.snapshot_window import ExportSource

DRIFT_FILE: Final = "drift.ndjson"
_CHUNK: Final = 1_000
_fields_decoder: Final = msgspec.json.Decoder(CallFields)
_encoder: Final = msgspec.json.Encoder()


class _AssemblyFindings(NamedTuple):
    """All findings, the boundary calls, and the ids of duplicates. `written` are the duplicates so far."""

    findings: list[DriftFinding]
    boundary: BoundaryCalls
    duplicates: set[str]
    written: set[str]


def assemble(source: ExportSource, folder: ExportFolder, writer: ExportWriter) -> None:
    """Write the files, and the file of findings if there are any."""
    checkpoint = writer.checkpoint
    position = checkpoint.position
    assert isinstance(position, SlicesPosition)  # noqa: S101 (the caller has checked)
    readings = list(last_readings(position, folder.out / READINGS))
    result = _collect_findings(source, checkpoint, folder.out / READINGS, readings)
    rows = [_write_slice(writer, number, path, result) for number, path in enumerate(readings)]
    drift = replace(_drift(position, result, rows), file=_write_findings(folder.out, result.findings))
    writer.finish(position, drift=drift)


def _collect_findings(
    source: ExportSource, checkpoint: Checkpoint, folder: Path, readings: list[Path]
) -> _AssemblyFindings:
    position = checkpoint.position
    assert isinstance(position, SlicesPosition)  # noqa: S101
    boundary = check_boundaries(source, checkpoint.plan, position, readings)
    findings = [
        finding
        for number, each in enumerate(position.slices)
        for finding in _slice_findings(number, each, folder)
    ]
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


def _slice_findings(number: int, each: WindowSlice, folder: Path) -> Iterator[DriftFinding]:
    """Yield the findings of a slice. Readings with the same ids in the same order have none."""
    if len({reading.order for reading in each.readings}) > 1:
        yield from find_drift(number, [folder / reading.state.name for reading in each.readings])


def _write_slice(writer: ExportWriter, number: int, path: Path, result: _AssemblyFindings) -> int:
    """Write one slice, each duplicate only at its first occurrence, and return the number of calls."""
    plan: ExportPlan = writer.checkpoint.plan
    position = writer.checkpoint.position
    assert isinstance(position, SlicesPosition)  # noqa: S101
    label = partition_label(position.slices[number].from_us or 0, plan.partition)
    rows = 0
    for records in _chunks(path, [each.record for each in result.boundary.missed if each.slice == number]):
        batch = _select_calls(label, records, result)
        rows += len(batch.records)
        if batch.records:
            writer.add(batch)
    return rows


def _chunks(path: Path, before: Sequence[bytes]) -> Iterator[list[bytes]]:
    if before:
        yield list(before)
    with path.open("rb") as file:
        while lines := list(islice(file, _CHUNK)):
            yield [line[:-1] for line in lines]


def _select_calls(label: str, records: list[bytes], result: _AssemblyFindings) -> CallBatch:
    """Return the calls in the window that were not written before, and mark written duplicates."""
    selected, calls = [], []
    for record in records:
        call = _fields_decoder.decode(record)
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
    miscounted = [
        number for number, each in enumerate(position.slices) if _differs_from_total(each, rows[number])
    ]
    return Drift(
        kinds[REPEAT],
        kinds[HOLE],
        tuple(_notes(position, kinds, unagreed, miscounted)),
        is_whole=not unagreed and not miscounted,
    )


def _differs_from_total(each: WindowSlice, rows: int) -> bool:
    """Return True if the server's last total differs from the number of calls."""
    totals = each.readings[-1].totals
    return bool(totals) and totals[-1] != rows


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
