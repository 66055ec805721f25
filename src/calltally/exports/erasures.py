"""Check of an export's files for calls that were erased after the export; such files must not be served."""

import sys
from collections.abc import Set as AbstractSet
from typing import Final

from calltally.exports.rows import ID_BYTES
from calltally.store.jobs.folders import JobFolder

_READ_BYTES: Final = ID_BYTES * 128 * 1024


def contains_any(folder: JobFolder, ids_name: str, ids: AbstractSet[bytes]) -> bool:
    """Return true if the file of ids contains one of these calls. Reads the whole file: call it in a thread.

    A missing file counts as true, because its content is unknown.
    """
    if not ids:
        return False
    wanted = {int.from_bytes(call_id[:ID_BYTES], sys.byteorder) for call_id in ids}
    try:
        with folder.path_of(ids_name).open("rb") as file:
            while block := file.read(_READ_BYTES):
                # A comparison of numbers creates no Python object for each id.
                if not wanted.isdisjoint(memoryview(block[: len(block) // ID_BYTES * ID_BYTES]).cast("Q")):
                    return True
    except FileNotFoundError:
        return True
    return False
