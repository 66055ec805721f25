"""Manifest of an export (`manifest.json`), written last and verified against its files.

It contains neither durations nor interruptions: an export that was killed and resumed has the same manifest
as one without interruption.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from calltally.client.exporting.checkpoint import (
    Checkpoint,
    FileState,
    HighestCall,
    SlicesPosition,
    SnapshotPosition,
    replace_file,
)
from calltally.client.exporting.errors import DamagedExport
from calltally.client.exporting.files import file_sha256, matches_checksum
from calltally.client.exporting.names import check_names

MANIFEST: Final = "manifest.json"


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
    plan, tally, position, drift = checkpoint.plan, checkpoint.tally, checkpoint.position, checkpoint.drift
    snapshot_position = position if isinstance(position, SnapshotPosition) else None
    files = [*checkpoint.files, *([drift.file] if drift.file else [])]
    return Manifest(
        source=plan.base_url,
        window=plan.window.texts,
        filters=group_filters(plan.filters),
        format=plan.format,
        partition=plan.partition,
        complete=tally.rows == snapshot_position.total if snapshot_position else drift.is_whole,
        rows=tally.rows,
        by_status=tally.by_status,
        snapshot=snapshot_position.snapshot if snapshot_position else None,
        revision=tally.revision,
        highest=tally.highest,
        readings=position.round if isinstance(position, SlicesPosition) else 1,
        repeats=drift.repeats,
        holes=drift.holes,
        notes=list(drift.notes),
        files=files,
        next=snapshot_position.snapshot if snapshot_position else None,
        raw=checkpoint.raw,
        label=plan.window.label,
    )


def group_filters(filters: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the values of filters by name."""
    names = dict.fromkeys(name for name, _ in filters)
    return {name: [value for other, value in filters if other == name] for name in names}


def write_manifest(out: Path, manifest: Manifest) -> None:
    """Write the manifest into `out`, durably."""
    content = msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"
    replace_file(out / MANIFEST, content, is_durable=True)


def read_manifest(out: Path) -> Manifest | None:
    """Return the manifest in `out` or None.

    Raises DamagedExport if it cannot be read, or contains file names that no export uses.
    """
    try:
        found = _decoder.decode((out / MANIFEST).read_bytes())
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        detail = f"{out / MANIFEST} is not the manifest of an export ({fault})"
        raise DamagedExport(f"{detail}; choose another folder, or remove it") from fault
    named = (*found.files, *([found.raw] if found.raw else []))
    check_names(out / MANIFEST, (file.name for file in named))
    return found


def manifest_link(out: Path, name: str) -> ManifestLink:
    """Return the link to the manifest in `out` under the path `name`."""
    return ManifestLink(name, file_sha256(out / MANIFEST))


def find_damage(out: Path, manifest: Manifest) -> Iterator[str]:
    """Yield a message for each file that differs from the manifest, or for wrong counts."""
    rows = 0
    for file in manifest.files:
        if not matches_checksum(out / file.name, file.sha256, file.bytes):
            yield (
                f"{file.name} is missing" if not (out / file.name).is_file() else f"{file.name} was changed"
            )
        rows += file.rows if file.name.startswith("calls") else 0
    if rows != manifest.rows or rows != sum(manifest.by_status.values()):
        yield f"the files have {rows} calls, but the manifest has {manifest.rows}"
    if manifest.raw and not matches_checksum(
        out / manifest.raw.name, manifest.raw.sha256, manifest.raw.bytes
    ):
        yield f"{manifest.raw.name} was changed"
