"""The names that an export gives its files. A manifest or checkpoint that has others is not followed.

Both can come from somewhere else, a bucket above all, and what they name is written, read and removed.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from calltally.client.exporting.errors import DamagedExport

_FILES: Final = re.compile(
    r"calls(-[0-9A-Za-z-]+)?\.[a-z]+|drift\.ndjson|gone\.ndjson|raw/SHA256SUMS", re.ASCII
)
_READINGS: Final = re.compile(r"[0-9]{5,}-[0-9]+\.ndjson", re.ASCII)
_RAW: Final = re.compile(r"[0-9]{9,}\.json|SHA256SUMS", re.ASCII)
_PARTS: Final = {"none": "", "day": r"-[0-9]{4}-[0-9]{2}-[0-9]{2}", "month": r"-[0-9]{4}-[0-9]{2}"}


def check_names(place: Path, names: Iterable[str]) -> None:
    """Raises DamagedExport where `place` names a file that no export writes."""
    _check(place, names, _FILES)


def check_reading_names(place: Path, names: Iterable[str]) -> None:
    """The same for the readings of a server without snapshots."""
    _check(place, names, _READINGS)


def _check(place: Path, names: Iterable[str], known: re.Pattern[str]) -> None:
    for name in names:
        if not known.fullmatch(name):
            raise DamagedExport(
                f"{place} names {name!r}, which no export writes: it was changed, or is of something else; "
                "name another place, or remove it"
            )


def is_raw(name: str) -> bool:
    """Whether an export that keeps raw answers has such a file in their folder."""
    return _RAW.fullmatch(name) is not None


def calls_file(partition: str, suffix: str, endings: Iterable[str]) -> re.Pattern[str]:
    """Matches the names of the files of an export, and of those that end in one of `endings` besides."""
    ending = "|".join(map(re.escape, endings))
    return re.compile(rf"calls{_PARTS[partition]}{re.escape(suffix)}({ending})?", re.ASCII)
