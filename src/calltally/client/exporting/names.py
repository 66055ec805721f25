"""Names of the files of an export beside its calls.

Readers of a whole folder (pandas, pyarrow, Spark) skip names that begin with `_` or `.`, so they read the
calls alone. Earlier versions had the same names without the `_`; a folder that has them keeps them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

MANIFEST: Final = "_manifest.json"
AMENDMENTS: Final = "_amendments"
RAW_FOLDER: Final = "_raw"
DRIFT_FILE: Final = "_drift.ndjson"
CHANGES_FILE: Final = "_changes.ndjson"
FOLLOW_CHECKPOINT: Final = "_follow.checkpoint"
# In the folder of an amendment.
GONE_FILE: Final = "gone.ndjson"


def names_of(name: str) -> tuple[str, str]:
    """Return a name and the former one."""
    return name, name.removeprefix("_")


def existing_name(folder: Path, name: str) -> str:
    """Return the former name if the folder has only that, else the name."""
    present, former = names_of(name)
    return former if (folder / former).exists() and not (folder / present).exists() else present


def amendments_folder(out: Path) -> Path:
    """Return the folder of the amendments. A folder of another program with the former name is not one."""
    present, former = (out / name for name in names_of(AMENDMENTS))
    is_former = any((former / "0001" / name).is_file() for name in names_of(MANIFEST))
    return former if is_former and not present.exists() else present


def manifest_names(layer: int) -> Iterator[str]:
    """Yield all paths at which the manifest of an export (layer 0) or of an amendment can be."""
    folders = [""] if layer == 0 else [f"{name}/{layer:04d}/" for name in names_of(AMENDMENTS)]
    return (f"{folder}{name}" for folder in folders for name in names_of(MANIFEST))
