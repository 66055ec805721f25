"""From the readings that count to the files: each call once, and what the other readings got wrong told.

It needs no checkpoint: the readings are there, and whoever was stopped here does it again.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import replace

from calltally.client.exporting.agreement import GONE, HOLE, REPEAT, Finding, across, findings
from calltally.client.exporting.checkpoint import Checkpoint, Drift, FileState, Slice, Sliced
from calltally.client.exporting.files import Appending
from calltally.client.exporting.held_window import Source
from calltally.client.exporting.output import READINGS, Folder, Portion, Writing
from calltally.client.exporting.pages import Glimpse, lines_of
from calltally.client.exporting.request import Plan, partition_of
from calltally.client.exporting.slice_boundaries import Edges, look_at_edges
from calltally.client.exporting.sliced_window import MOST_ROUNDS, last_readings

DRIFT: Final = "drift.ndjson"
_CHUNK: Final = 1_000
_glimpse: Final = msgspec.json.Decoder(Glimpse)
_encoder: Final = msgspec.json.Encoder()


class _Found(NamedTuple):
    """All findings, and what it takes to write each call once: the edges, and the calls that came twice."""

    findings: list[Finding]
    edges: Edges
    twice: set[str]


def assemble(source: Source, folder: Folder, writing: Writing) -> None:
    """Write the files, and the file of findings where there are any."""
    checkpoint = writing.checkpoint
    place = checkpoint.place
    assert isinstance(place, Sliced)  # noqa: S101 (whoever calls has looked)
    readings = list(last_readings(place, folder.out / READINGS))
    found = _look(source, checkpoint, folder.out / READINGS, readings)
    rows = [_write(writing, number, path, found) for number, path in enumerate(readings)]
    drift = replace(_drift(place, found, rows), file=_write_findings(folder.out, found.findings))
    writing.finish(place, drift=drift)


def _look(source: Source, checkpoint: Checkpoint, folder: Path, readings: list[Path]) -> _Found:
    place = checkpoint.place
    assert isinstance(place, Sliced)  # noqa: S101
    edges = look_at_edges(source, checkpoint.plan, place, readings)
    told = [
        finding for number, each in enumerate(place.slices) for finding in _of_slice(number, each, folder)
    ]
    told += [
        Finding(HOLE, each.id, each.slice, len(place.slices[each.slice].readings)) for each in edges.missed
    ]
    twice = dict(across(readings))
    told += [
        Finding(REPEAT, call_id, found[-1], len(place.slices[found[-1]].readings))
        for call_id, found in twice.items()
    ]
    order = sorted(set(told), key=lambda each: (each.slice, each.reading, each.kind, each.id))
    return _Found(order, edges, set(twice))


def _of_slice(number: int, each: Slice, folder: Path) -> Iterator[Finding]:
    """Readings in the same order have nothing to tell of one another."""
    if len({reading.order for reading in each.readings}) > 1:
        yield from findings(number, [folder / reading.state.name for reading in each.readings])


def _write(writing: Writing, number: int, path: Path, found: _Found) -> int:
    """One slice, each call that came twice only where it came first; returns how many calls that are."""
    plan: Plan = writing.checkpoint.plan
    place = writing.checkpoint.place
    assert isinstance(place, Sliced)  # noqa: S101
    part = partition_of(place.slices[number].from_us or 0, plan.partition)
    rows = 0
    for records in _chunks(path, [each.record for each in found.edges.missed if each.slice == number]):
        portion = _portion(part, records, found)
        rows += len(portion.records)
        if portion.records:
            writing.add(portion)
    return rows


def _chunks(path: Path, before: Sequence[bytes]) -> Iterator[list[bytes]]:
    if before:
        yield list(before)
    with path.open("rb") as file:
        while lines := list(islice(file, _CHUNK)):
            yield [line[:-1] for line in lines]


def _portion(part: str, records: list[bytes], found: _Found) -> Portion:
    """What is of the window and was not written before. A call that comes twice is marked when it is met."""
    kept, seen = [], []
    for record in records:
        glimpse = _glimpse.decode(record)
        met = f"{_MET}{glimpse.id}"
        if met in found.twice or glimpse.id in found.edges.beyond:
            continue
        if glimpse.id in found.twice:
            found.twice.add(met)
        kept.append(record)
        seen.append(glimpse)
    return Portion(part, kept, seen)


_MET: Final = "met "


def _drift(place: Sliced, found: _Found, rows: list[int]) -> Drift:
    kinds = Counter(finding.kind for finding in found.findings)
    torn = [number for number, each in enumerate(place.slices) if not each.is_agreed]
    off = [number for number, each in enumerate(place.slices) if _is_off(each, rows[number])]
    return Drift(
        kinds[REPEAT], kinds[HOLE], tuple(_notes(place, kinds, torn, off)), is_whole=not torn and not off
    )


def _is_off(each: Slice, rows: int) -> bool:
    """Whether the server told another total at last than there are calls."""
    totals = each.readings[-1].totals
    return bool(totals) and totals[-1] != rows


def _notes(place: Sliced, kinds: Counter[str], torn: list[int], off: list[int]) -> Iterator[str]:
    moved = [
        each for each in place.slices if len({total for one in each.readings for total in one.totals}) > 1
    ]
    if moved:
        yield f"the total that the server tells moved in {len(moved)} of {len(place.slices)} slices"
    if kinds[GONE]:
        yield f"{kinds[GONE]} times a call was told that the last reading does not tell any more"
    if torn:
        yield f"{len(torn)} of {len(place.slices)} slices were never the same twice in {MOST_ROUNDS} readings"
    if off:
        yield f"{len(off)} of {len(place.slices)} slices have more or fewer calls than the server counts"


def _write_findings(out: Path, told: list[Finding]) -> FileState | None:
    if not told:
        return None
    file = Appending(out / DRIFT)
    file.write(lines_of([_encoder.encode(each) for each in told]))
    state = file.state(DRIFT, len(told))
    file.close(is_durable=True)
    return state
