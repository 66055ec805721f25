"""A window that was exported before: what has changed in it since is written beside it, and nothing over it.

Late facts can move a call into a month that is closed, change its final state, or take it out. An amendment
says so: its calls stand in place of those of their ids, its `gone.ndjson` names those that are no longer
there.
"""

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import replace

from calltally.client.errors import BadRequest, NotFound
from calltally.client.errors import Gone as Refused
from calltally.client.exporting.checkpoint import FileState, Tally
from calltally.client.exporting.comparison import ADDED, CHANGED, Changes, Difference, Since, by_copy, by_feed
from calltally.client.exporting.errors import DamagedExport, OtherExport
from calltally.client.exporting.exported_state import AMENDMENTS, GONE_FILE, Layer
from calltally.client.exporting.exporter import export
from calltally.client.exporting.feed import TELLABLE
from calltally.client.exporting.files import Appending, opened
from calltally.client.exporting.held_window import Source
from calltally.client.exporting.manifest import (
    Amended,
    Manifest,
    damaged,
    grouped,
    link_to,
    write_manifest,
)
from calltally.client.exporting.output import Folder, Watcher, file_name, tallied
from calltally.client.exporting.pages import Glimpse
from calltally.client.exporting.request import Plan

_WORK: Final = ".amending"
_BATCH: Final = 1_000
_glimpse: Final = msgspec.json.Decoder(Glimpse)
_encoder: Final = msgspec.json.Encoder()


class _Written(NamedTuple):
    counts: Counter[str]
    files: list[FileState]
    tally: Tally


def amend(source: Source, plan: Plan, folder: Folder, layers: list[Layer], watcher: Watcher) -> Layer:
    """Write what has changed since the last layer, and return that; or the last one where nothing has.

    Raises OtherExport, DamagedExport and ClientError.
    """
    for layer in layers:
        if faults := list(damaged(layer.folder, layer.manifest)):
            raise DamagedExport(f"{layer.folder}: {'; '.join(faults)}; --restart exports the window anew")
    work = folder.out / _WORK
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        return _amended(source, plan, work, layers, watcher=watcher)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _amended(source: Source, plan: Plan, work: Path, layers: list[Layer], *, watcher: Watcher) -> Layer:
    with closing(Changes(work)) as changes:
        since = _since(source, plan, layers[-1].manifest, changes)
        if since:
            differences = by_feed(changes, plan, layers, work)
        else:
            watcher.say("the server cannot tell what changed: the window is exported again and compared")
            copied = _copied(source, plan, work, watcher)
            since = Since(copied.next, copied.revision)
            differences = by_copy(work / "copy" / "calls.ndjson", plan, layers, work)
        (work / "new").mkdir()
        written = _write(work / "new", plan, differences)
    if not written.counts:
        watcher.say("nothing has changed in it since")
        return layers[-1]
    return _put(work / "new", plan, layers, written, since=since)


def _since(source: Source, plan: Plan, last: Manifest, changes: Changes) -> Since | None:
    """Read the feed into `changes`; None where there is none, or it cannot tell of these filters."""
    if last.next is None or not {name for name, _ in plan.filters} <= TELLABLE:
        return None
    try:
        return changes.collect(source.sender, plan, last.next)
    except (BadRequest, NotFound, Refused):
        return None


def _copied(source: Source, plan: Plan, work: Path, watcher: Watcher) -> Manifest:
    copy = work / "copy"
    plain = replace(plan, format="ndjson", partition="none", keeps_raw=False)
    return export(source, plain, Folder(copy, copy / "checkpoint"), watcher)


def _write(folder: Path, plan: Plan, differences: Iterator[Difference]) -> _Written:
    """The two files of an amendment, each only where it has something to say."""
    counts: Counter[str] = Counter()
    name = file_name(plan, "")
    output = opened(folder, name, plan.format)
    gone = Appending(folder / GONE_FILE)
    tally = Tally()
    while batch := list(islice(differences, _BATCH)):
        counts.update(each.kind for each in batch)
        records = [each.record for each in batch if each.gone is None]
        tally = tallied(tally, [_glimpse.decode(record) for record in records])
        if records:
            output.add(records)
        gone.write(b"".join(_encoder.encode(each.gone) + b"\n" for each in batch if each.gone))
    states = [output.finish(), gone.state(GONE_FILE, counts["gone"])]
    output.forget()
    gone.close(is_durable=True)
    for state in states:
        if not state.rows:
            (folder / state.name).unlink()
    return _Written(counts, [state for state in states if state.rows], tally)


def _put(fresh: Path, plan: Plan, layers: list[Layer], written: _Written, *, since: Since) -> Layer:
    """Its manifest, and its place behind the last one."""
    last, out = layers[-1], layers[0].folder
    base = link_to(last.folder, f"{last.name}/manifest.json".removeprefix("/"))
    manifest = Manifest(
        source=plan.base_url,
        window=plan.window.texts,
        filters=grouped(plan.filters),
        format=plan.format,
        partition="none",
        complete=True,
        rows=written.tally.rows,
        by_status=written.tally.by_status,
        snapshot=None,
        revision=since.revision,
        highest=written.tally.highest,
        readings=1,
        repeats=0,
        holes=0,
        notes=[],
        files=written.files,
        next=since.next,
        amends=Amended(base, written.counts[ADDED], written.counts[CHANGED], written.counts["gone"]),
        asked=plan.window.asked,
    )
    write_manifest(fresh, manifest)
    name = f"{AMENDMENTS}/{len(layers):04d}"
    (out / AMENDMENTS).mkdir(exist_ok=True)
    fresh.rename(out / name)
    return Layer(out / name, name, manifest)


def check_same(plan: Plan, out: Path, base: Manifest, *, goes_on: bool = False) -> None:
    """Raises OtherExport naming what differs, or where the export is not whole.

    `goes_on`: the words for the window count. `the last 7d` has other ends each time.
    """
    is_same_words = goes_on and base.asked == plan.window.asked
    window = base.window if is_same_words else plan.window.texts
    mine = (plan.base_url, window, grouped(plan.filters), plan.format, plan.partition)
    theirs = (base.source, base.window, base.filters, base.format, base.partition)
    names = ("base-url", "window", "filters", "format", "partition")
    differing = [
        f"{name} was {_told(their)} and is {_told(my)} now"
        for name, my, their in zip(names, mine, theirs, strict=True)
        if my != their
    ]
    if differing:
        why = f"{out} holds another export: {'; '.join(differing)}"
        raise OtherExport(f"{why}; name another folder for this one, or --restart to replace that one")
    if not base.complete:
        raise OtherExport(f"the export in {out} is not whole: --restart exports the window anew")


def _told(value: object) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name} {_told(each)}" for name, each in value.items()) or "none"
    return " ".join(value) if isinstance(value, list) else str(value)
