"""`--restart`: what earlier runs made in a folder, told from what somebody else put there."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from calltally.client.exporting import checkpoint as checkpoints
from calltally.client.exporting import follow
from calltally.client.exporting.assembly import DRIFT
from calltally.client.exporting.errors import OtherExport
from calltally.client.exporting.exported_state import AMENDMENTS, layers_of
from calltally.client.exporting.files import SPOOL, UNFINISHED
from calltally.client.exporting.manifest import MANIFEST
from calltally.client.exporting.names import calls_file, is_raw
from calltally.client.exporting.output import READINGS, Folder
from calltally.client.exporting.raw_responses import FOLDER as RAW
from calltally.client.exporting.request import Plan
from calltally.formats.table import FORMATS

_TOLD: Final = 3


def check_vacant(out: Path) -> None:
    """Raises OtherExport where a new export would write over, or mix with, what is not of one."""
    _refuse(out, sorted(_claimed(out)))


def remove_earlier(folder: Folder) -> None:
    """All that earlier runs made, and nothing else. Manifest and checkpoint go last: they tell what is ours.

    Raises OtherExport and DamagedExport before anything is removed, where something is not ours.
    """
    ours = list(_ours(folder))
    _refuse(folder.out, sorted(set(_claimed(folder.out)).difference(ours)))
    for path in ours:
        path.unlink(missing_ok=True)
    for made in (*(folder.out / AMENDMENTS).glob("*/raw"), *(folder.out / AMENDMENTS).glob("*")):
        _drop(made)
    for name in (AMENDMENTS, RAW):
        _drop(folder.out / name)
    shutil.rmtree(folder.out / READINGS, ignore_errors=True)
    for path in (folder.out / MANIFEST, folder.checkpoint):
        path.unlink(missing_ok=True)


def _ours(folder: Folder) -> Iterator[Path]:
    out = folder.out
    for layer in reversed(layers_of(out)):
        yield from (layer.folder / file.name for file in layer.manifest.files)
        if layer.manifest.raw:
            yield from _raw(layer.folder)
        if layer.name:
            yield layer.folder / MANIFEST
    if plan := checkpoints.plan_in(folder.checkpoint):
        yield from _unfinished(out, plan)
    if follow.load(out / follow.CHECKPOINT):
        yield from (out / follow.FILE, out / follow.CHECKPOINT)


def _unfinished(out: Path, plan: Plan) -> Iterator[Path]:
    """What the export of a checkpoint writes. It began in a folder that had nothing of such a name.

    A killed one has also files that its checkpoint does not name yet.
    """
    written = calls_file(plan.partition, FORMATS[plan.format].suffix, (UNFINISHED, SPOOL))
    yield from (path for path in out.glob("calls*") if written.fullmatch(path.name))
    yield out / DRIFT
    if plan.keeps_raw:
        yield from _raw(out)


def _raw(folder: Path) -> Iterator[Path]:
    return (path for path in (folder / RAW).glob("*") if is_raw(path.name))


def _claimed(out: Path) -> Iterator[Path]:
    """All that lies where an export writes."""
    yield from out.glob("calls*")
    yield from out.glob(DRIFT)
    for top in (out / RAW, out / AMENDMENTS):
        if top.is_dir() and not top.is_symlink():
            yield from (path for path in top.rglob("*") if path.is_symlink() or not path.is_dir())
        else:
            yield from out.glob(top.name)


def _refuse(out: Path, strangers: list[Path]) -> None:
    if strangers:
        told = ", ".join(str(path.relative_to(out)) for path in strangers[:_TOLD])
        more = f" and {len(strangers) - _TOLD} more" if len(strangers) > _TOLD else ""
        raise OtherExport(
            f"{out} holds {told}{more}, which no export that is known here made; "
            "move that away, or name another folder with --out"
        )


def _drop(folder: Path) -> None:
    """Only where it is empty."""
    with suppress(OSError):
        folder.rmdir()
