"""Whether an export holds calls that were erased since: then its files must not be handed out any more."""

import sys
from collections.abc import Set as AbstractSet
from typing import Final

from calltally.exports.rows import ID_BYTES
from calltally.store.jobs.folders import JobFolder

_READ_AT_ONCE: Final = ID_BYTES * 128 * 1024


def holds_any(folder: JobFolder, ids_name: str, ids: AbstractSet[bytes]) -> bool:
    """Whether a file of ids names one of these calls. Reads all of it, so it is for a thread.

    A file that is not there says yes: what it was about cannot be vouched for.
    """
    if not ids:
        return False
    wanted = {int.from_bytes(call_id[:ID_BYTES], sys.byteorder) for call_id in ids}
    try:
        with folder.path_of(ids_name).open("rb") as file:
            while block := file.read(_READ_AT_ONCE):
                # As numbers they are compared without an object of Python's for each.
                if not wanted.isdisjoint(memoryview(block[: len(block) // ID_BYTES * ID_BYTES]).cast("Q")):
                    return True
    except FileNotFoundError:
        return True
    return False
