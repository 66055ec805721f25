"""Manifest of an export (`_manifest.json`), written last and verified against its files.

It contains neither durations nor interruptions: an export that was killed and resumed has the same manifest
as one without interruption.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from calltally.client.exporting.checkpoint import (
    Checkpoint,
    ExportTally,
    FileState,
    HighestCall,
    SlicesPosition,
    SnapshotPosition,
    replace_file,
)
from calltally.client.exporting.errors import DamagedExport
from calltally.client.exporting.files import matches_checksum
from calltally.client.exporting.names import MANIFEST, existing_name
from calltally.client.exporting.request import ExportPlan, check_names


class ManifestLink(msgspec.Struct, frozen=True):
    """Link to the manifest before an amendment: its path and its SHA-256."""

    name: str
    sha256: str


class AmendmentSummary(msgspec.Struct, frozen=True):
    """Counts of an amendment's added, changed and removed calls, with its base."""

    base: ManifestLink
    added: int
    changed: int
    gone: int


class Manifest(msgspec.Struct, frozen=True):
    """Manifest of an export or an amendment. `next` is the position in the change feed, if there is one.

    `repeats` and `holes` count errors of single readings of a server without snapshots. `notes` are remarks
    for readers of the files, with the reasons why an export is incomplete. `label` names the window as the
    options did.
    """

    source: str
    window: dict[str, str | None]
    filters: dict[str, list[str]]
    format: str
    partition: str
    complete: bool
    rows: int
    by_status: dict[str, int]
    snapshot: str | None
    revision: int | None
    highest: HighestCall | None
    readings: int
    repeats: int
    holes: int
    notes: list[str]
    files: list[FileState]
    next: str | None = None
    raw: FileState | None = None
    amends: AmendmentSummary | None = None
    label: str = msgspec.field(default="", name="asked")
    version: int = 1


_decoder: Final = msgspec.json.Decoder(Manifest)


def build_manifest(checkpoint: Checkpoint) -> Manifest:
    """Return the manifest of an export with all files written."""
    position, drift, rows = checkpoint.position, checkpoint.drift, checkpoint.tally.rows
    snapshot = position.snapshot if isinstance(position, SnapshotPosition) else None
    return new_manifest(
        checkpoint.plan,
        checkpoint.tally,
        partition=checkpoint.plan.partition,
        complete=drift.is_whole if isinstance(position, SlicesPosition) else rows == position.total,
        snapshot=snapshot,
        revision=checkpoint.tally.revision,
        readings=position.round if isinstance(position, SlicesPosition) else 1,
        repeats=drift.repeats,
        holes=drift.holes,
        notes=list(drift.notes),
        files=[*checkpoint.files, *([drift.file] if drift.file else [])],
        next=snapshot,
        raw=checkpoint.raw,
    )


def new_manifest(plan: ExportPlan, tally: ExportTally, **others: Any) -> Manifest:  # noqa: ANN401 (fields of a manifest)
    """Return the manifest of an export or an amendment with this plan."""
    return Manifest(
        source=plan.base_url,
        window=plan.window.texts,
        filters=group_filters(plan.filters),
        format=plan.format,
        rows=tally.rows,
        by_status=tally.by_status,
        highest=tally.highest,
        label=plan.window.label,
        **others,
    )


def group_filters(filters: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    names = dict.fromkeys(name for name, _ in filters)
    return {name: [value for other, value in filters if other == name] for name in names}


def write_manifest(out: Path, manifest: Manifest) -> None:
    """Write the manifest into `out`, durably."""
    content = msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"
    replace_file(out / MANIFEST, content, is_durable=True)


def manifest_path(out: Path) -> Path:
    """Return the path of the manifest in `out`, whether it exists or not."""
    return out / existing_name(out, MANIFEST)


def read_manifest(out: Path) -> Manifest | None:
    """Return the manifest in `out` or None.

    Raises DamagedExport if it cannot be read, or contains file names that no export uses.
    """
    path = manifest_path(out)
    try:
        found = _decoder.decode(path.read_bytes())
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        detail = f"{path} is not the manifest of an export ({fault})"
        raise DamagedExport(f"{detail}; choose another folder, or remove it") from fault
    named = (*found.files, *([found.raw] if found.raw else []))
    check_names(path, (file.name for file in named))
    return found


def find_damage(out: Path, manifest: Manifest) -> Iterator[str]:
    """Yield a message for each file that differs from the manifest, or for wrong counts."""
    rows = 0
    for file in manifest.files:
        if not matches_checksum(out / file.name, file.sha256, file.bytes):
            yield f"{file.name} {'was changed' if (out / file.name).is_file() else 'is missing'}"
        rows += file.rows if file.name.startswith("calls") else 0
    if rows != manifest.rows or rows != sum(manifest.by_status.values()):
        yield f"the files have {rows} calls, but the manifest has {manifest.rows}"
    raw = manifest.raw
    if raw and not matches_checksum(out / raw.name, raw.sha256, raw.bytes):
        yield f"{raw.name} was changed"
