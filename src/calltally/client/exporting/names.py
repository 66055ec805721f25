"""Checks of the file names in a manifest or checkpoint.

Both can come from elsewhere, such as a bucket, and the export writes, reads and removes the files they name.
So names that no export uses are refused.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from calltally.client.exporting.errors import DamagedExport

_FILE_NAMES: Final = re.compile(
    r"calls(-[0-9A-Za-z-]+)?\.[a-z]+|drift\.ndjson|gone\.ndjson|raw/SHA256SUMS", re.ASCII
)
_READING_NAMES: Final = re.compile(r"[0-9]{5,}-[0-9]+\.ndjson", re.ASCII)
_RAW_NAMES: Final = re.compile(r"[0-9]{9,}\.json|SHA256SUMS", re.ASCII)
_LABEL_PATTERNS: Final = {"none": "", "day": r"-[0-9]{4}-[0-9]{2}-[0-9]{2}", "month": r"-[0-9]{4}-[0-9]{2}"}


def check_names(location: Path, names: Iterable[str]) -> None:
    """Raise DamagedExport if the file at `location` contains a name that no export uses."""
    _check_matches(location, names, _FILE_NAMES)


def check_reading_names(location: Path, names: Iterable[str]) -> None:
    """Raise DamagedExport for the names of readings that no export uses."""
    _check_matches(location, names, _READING_NAMES)


def _check_matches(location: Path, names: Iterable[str], pattern: re.Pattern[str]) -> None:
    for name in names:
        if not pattern.fullmatch(name):
            raise DamagedExport(
                f"{location} contains the file name {name!r}, which no export uses, so it was changed or is "
                "not of an export; use another path, or remove it"
            )


def is_raw_name(name: str) -> bool:
    """Return True if `name` is a file of the folder of raw responses."""
    return _RAW_NAMES.fullmatch(name) is not None


def calls_file_pattern(partition: str, suffix: str, endings: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern for the file names of an export, with or without one of the `endings`."""
    ending = "|".join(map(re.escape, endings))
    return re.compile(rf"calls{_LABEL_PATTERNS[partition]}{re.escape(suffix)}({ending})?", re.ASCII)
