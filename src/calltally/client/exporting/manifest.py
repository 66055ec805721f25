"""`manifest.json`: what an export is, written last, and checked against the files that it names.

Nothing in it tells of how long it took or how often it was stopped, so that an export which was killed and
went on has the same one as an export that was not.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from calltally.client.exporting.checkpoint import Checkpoint, FileState, Held, Highest, Sliced, replace_file
from calltally.client.exporting.errors import DamagedExport
from calltally.client.exporting.files import checked, digest_of
from calltally.client.exporting.names import check_names

MANIFEST: Final = "manifest.json"


class Link(msgspec.Struct, frozen=True):
    """The manifest that an amendment goes on from: where it is, and its SHA-256."""

    name: str
    sha256: str


class Amended(msgspec.Struct, frozen=True):
    """What an amendment changes: calls that came in, that are other now, and that are gone."""

    base: Link
    added: int
    changed: int
    gone: int


class Manifest(msgspec.Struct, frozen=True):
    """An export, or an amendment of one. `next` is where the change feed goes on, where the server has one.

    `repeats` and `holes` are what single readings of a server without snapshots got wrong; `notes` say in
    words what a reader of the files should know, and why an export is not complete.
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
    highest: Highest | None
    readings: int
    repeats: int
    holes: int
    notes: list[str]
    files: list[FileState]
    next: str | None = None
    raw: FileState | None = None
    amends: Amended | None = None
    asked: str = ""
    version: int = 1


_decoder: Final = msgspec.json.Decoder(Manifest)


def manifest_of(checkpoint: Checkpoint) -> Manifest:
    """The manifest of an export whose files are all written."""
    plan, tally, place, drift = checkpoint.plan, checkpoint.tally, checkpoint.place, checkpoint.drift
    held = place if isinstance(place, Held) else None
    files = [*checkpoint.files, *([drift.file] if drift.file else [])]
    return Manifest(
        source=plan.base_url,
        window=plan.window.texts,
        filters=grouped(plan.filters),
        format=plan.format,
        partition=plan.partition,
        complete=tally.rows == held.total if held else drift.is_whole,
        rows=tally.rows,
        by_status=tally.by_status,
        snapshot=held.snapshot if held else None,
        revision=tally.revision,
        highest=tally.highest,
        readings=place.round if isinstance(place, Sliced) else 1,
        repeats=drift.repeats,
        holes=drift.holes,
        notes=list(drift.notes),
        files=files,
        next=held.snapshot if held else None,
        raw=checkpoint.raw,
        asked=plan.window.asked,
    )


def grouped(filters: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """Filters by their names."""
    names = dict.fromkeys(name for name, _ in filters)
    return {name: [value for other, value in filters if other == name] for name in names}


def write_manifest(out: Path, manifest: Manifest) -> None:
    """Put it into `out`, for good."""
    content = msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"
    replace_file(out / MANIFEST, content, is_durable=True)


def read_manifest(out: Path) -> Manifest | None:
    """The manifest in `out`, None where there is none.

    Raises DamagedExport where it cannot be read, or names what no export writes.
    """
    try:
        found = _decoder.decode((out / MANIFEST).read_bytes())
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        message = f"{out / MANIFEST} is no manifest of an export ({fault}); name another folder, or remove it"
        raise DamagedExport(message) from fault
    named = (*found.files, *([found.raw] if found.raw else []))
    check_names(out / MANIFEST, (file.name for file in named))
    return found


def link_to(out: Path, name: str) -> Link:
    """The link to the manifest in `out`, which an amendment calls `name`."""
    return Link(name, digest_of(out / MANIFEST))


def damaged(out: Path, manifest: Manifest) -> Iterator[str]:
    """What is wrong with the files of a manifest, in words; nothing where all is as it says."""
    rows = 0
    for told in manifest.files:
        if not checked(out / told.name, told.sha256, told.bytes):
            yield (
                f"{told.name} is not there" if not (out / told.name).is_file() else f"{told.name} was changed"
            )
        rows += told.rows if told.name.startswith("calls") else 0
    if rows != manifest.rows or rows != sum(manifest.by_status.values()):
        yield f"the files have {rows} calls, the manifest {manifest.rows}"
    if manifest.raw and not checked(out / manifest.raw.name, manifest.raw.sha256, manifest.raw.bytes):
        yield f"{manifest.raw.name} was changed"
