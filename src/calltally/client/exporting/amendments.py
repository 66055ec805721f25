"""Amendments of an exported window: later changes in a folder of their own, without overwriting the export.

Late facts can move a call into a closed month, change its final state, or remove it. The calls of an
amendment replace those with the same ids, and its `gone.ndjson` lists the removed calls.
"""

import shutil
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import replace

from calltally.calls.times import parse_instant
from calltally.client.errors import BadRequestError, NotFoundError
from calltally.client.errors import GoneError as GoneResponse
from calltally.client.exporting.checkpoint import ExportTally, FileState
from calltally.client.exporting.comparison import (
    ADDED,
    CHANGED,
    GONE,
    Difference,
    FeedPosition,
    collect_changes,
    differences_by_copy,
    differences_by_feed,
)
from calltally.client.exporting.errors import DamagedExport, OtherExport
from calltally.client.exporting.exported_state import ExportLayer
from calltally.client.exporting.exporter import export
from calltally.client.exporting.feed import LOCAL_FILTERS
from calltally.client.exporting.files import AppendFile, file_sha256, open_output
from calltally.client.exporting.manifest import (
    AmendmentSummary,
    Manifest,
    ManifestLink,
    find_damage,
    group_filters,
    manifest_path,
    new_manifest,
    write_manifest,
)
from calltally.client.exporting.names import GONE_FILE, amendments_folder
from calltally.client.exporting.output import ExportFolder, ExportRun, add_to_tally
from calltally.client.exporting.pages import decode_fields, read_batches
from calltally.client.exporting.request import ExportPlan, file_name
from calltally.external_sort import ExternalSorter

_WORK_FOLDER: Final = ".amending"
_BATCH: Final = 1_000
_encoder: Final = msgspec.json.Encoder()


class _AmendmentContent(NamedTuple):
    counts: Counter[str]
    files: list[FileState]
    tally: ExportTally


def amend(run: ExportRun, layers: list[ExportLayer]) -> ExportLayer:
    """Write the changes since the last layer as an amendment and return it, or the last layer if unchanged.

    The window may end later than that of the last layer.

    Raises OtherExport, DamagedExport and ClientError.
    """
    for layer in layers:
        if faults := list(find_damage(layer.folder, layer.manifest)):
            detail = f"{layer.folder}: {'; '.join(faults)}"
            raise DamagedExport(f"{detail}; export the window again with --restart")
    work = run.folder.out / _WORK_FOLDER
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        return _write_amendment(run, work, layers)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _write_amendment(run: ExportRun, work: Path, layers: list[ExportLayer]) -> ExportLayer:
    plan, progress = run.plan, run.progress
    with ExternalSorter(work) as changes:
        position = _try_feed(run, work, layers[-1].manifest, changes)
        if position:
            differences = differences_by_feed(changes, plan, layers, work)
        else:
            progress.notify(
                "the server cannot list the changes, so the window is exported again and compared"
            )
            copied = _export_copy(run, work / "copy", plan)
            position = FeedPosition(copied.next, copied.revision)
            differences = differences_by_copy(work / "copy" / "calls.ndjson", plan, layers, work)
        (work / "new").mkdir()
        written = _write_files(work / "new", plan, differences)
    if not written.counts:
        progress.notify("there are no changes since the export")
        return layers[-1]
    return _publish(work / "new", plan, layers, written, position=position)


def _export_copy(run: ExportRun, copy: Path, plan: ExportPlan) -> Manifest:
    """Export the window of the plan as one NDJSON file into the folder `copy`."""
    plain = replace(plan, format="ndjson", partition="none", keeps_raw=False)
    return export(run._replace(plan=plain, folder=ExportFolder(copy, copy / "checkpoint")))


def _try_feed(run: ExportRun, work: Path, last: Manifest, changes: ExternalSorter) -> FeedPosition | None:
    """Read the feed into `changes`. Return None without a feed, or with filters that need the server."""
    plan = run.plan
    if last.next is None or not {name for name, _ in plan.filters} <= LOCAL_FILTERS:
        return None
    _add_later_calls(run, work / "later", last, changes)
    try:
        return collect_changes(changes, run.source.sender, plan, last.next)
    except (BadRequestError, NotFoundError, GoneResponse):
        return None


def _add_later_calls(run: ExportRun, copy: Path, last: Manifest, changes: ExternalSorter) -> None:
    """Add the calls between the end of the last window and of this one, before their changes in the feed.

    The feed alone would lack those that were stored before the last export: it left out the newest calls.
    """
    ends = last.window["to"]
    if ends is None or ends == run.plan.window.texts["to"]:
        return
    window = replace(run.plan.window, from_us=parse_instant(ends))
    _export_copy(run, copy, replace(run.plan, window=window))
    for records in read_batches(copy / "calls.ndjson"):
        for record in records:
            changes.add(decode_fields(record).id.encode(), record)


def _write_files(folder: Path, plan: ExportPlan, differences: Iterator[Difference]) -> _AmendmentContent:
    """Write the two files of an amendment, without empty ones."""
    counts: Counter[str] = Counter()
    name = file_name(plan, "")
    output = open_output(folder, name, plan.format)
    removed = AppendFile(folder / GONE_FILE)
    tally = ExportTally()
    while batch := list(islice(differences, _BATCH)):
        counts.update(each.kind for each in batch)
        records = [each.record for each in batch if each.removed is None]
        tally = add_to_tally(tally, [decode_fields(record) for record in records])
        if records:
            output.add(records)
        removed.write(b"".join(_encoder.encode(each.removed) + b"\n" for each in batch if each.removed))
    states = [output.finish(), removed.state(GONE_FILE, counts[GONE])]
    output.remove_spool()
    removed.close(is_durable=True)
    for state in states:
        if not state.rows:
            (folder / state.name).unlink()
    return _AmendmentContent(counts, [state for state in states if state.rows], tally)


def _publish(
    fresh: Path,
    plan: ExportPlan,
    layers: list[ExportLayer],
    written: _AmendmentContent,
    *,
    position: FeedPosition,
) -> ExportLayer:
    """Write the manifest, and move the amendment to its folder after the last layer."""
    last, out = layers[-1], layers[0].folder
    former, parent = manifest_path(last.folder), amendments_folder(out)
    base = ManifestLink(f"{last.name}/{former.name}".removeprefix("/"), file_sha256(former))
    manifest = new_manifest(
        plan,
        written.tally,
        partition="none",
        complete=True,
        snapshot=None,
        revision=position.revision,
        readings=1,
        repeats=0,
        holes=0,
        notes=[],
        files=written.files,
        next=position.next,
        amends=AmendmentSummary(base, written.counts[ADDED], written.counts[CHANGED], written.counts[GONE]),
    )
    write_manifest(fresh, manifest)
    name = f"{parent.name}/{len(layers):04d}"
    parent.mkdir(exist_ok=True)
    fresh.rename(out / name)
    return ExportLayer(out / name, name, manifest)


def continued(plan: ExportPlan, base: Manifest, last: Manifest) -> ExportPlan:
    """Return the plan with a window that ends no earlier than that of the `last` layer.

    A window such as the current month ends at the present, so the same options have a later end each time.
    """
    ends, window = last.window["to"], plan.window
    is_same = base.label == window.label and base.window["from"] == window.texts["from"]
    if not is_same or ends is None or window.to_us is None:
        return plan
    return replace(plan, window=replace(window, to_us=max(window.to_us, parse_instant(ends))))


def check_same_export(plan: ExportPlan, out: Path, base: Manifest, *, is_resumed: bool = False) -> None:
    """Raise OtherExport naming the differences from the export in `out`, or if that is incomplete.

    Equal labels of the windows suffice if both begin at the same time: the current month ends later each
    time. With `is_resumed` they suffice alone: `last 7d` has other ends each time.
    """
    begins_same = is_resumed or base.window["from"] == plan.window.texts["from"]
    has_same_label = begins_same and base.label == plan.window.label
    window = base.window if has_same_label else plan.window.texts
    mine = (plan.base_url, window, group_filters(plan.filters), plan.format, plan.partition)
    theirs = (base.source, base.window, base.filters, base.format, base.partition)
    names = ("base-url", "window", "filters", "format", "partition")
    differing = [
        f"{name} was {_value_text(their)} and is now {_value_text(my)}"
        for name, my, their in zip(names, mine, theirs, strict=True)
        if my != their
    ]
    if differing:
        detail = f"{out} contains another export: {'; '.join(differing)}"
        raise OtherExport(f"{detail}; choose another folder, or replace that export with --restart")
    if not base.complete:
        raise OtherExport(f"the export in {out} is incomplete; export the window again with --restart")


def _value_text(value: object) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name} {_value_text(each)}" for name, each in value.items()) or "none"
    return " ".join(value) if isinstance(value, list) else str(value)
