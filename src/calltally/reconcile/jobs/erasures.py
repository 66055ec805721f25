"""Check of findings for calls that were erased since; such findings must not be served."""

from collections.abc import Set as AbstractSet

from calltally.exports.rows import contains_any
from calltally.reconcile.jobs.spec import FindingFiles
from calltally.store.jobs.folders import JobFolder


def names_any(folder: JobFolder, files: FindingFiles | None, ids: AbstractSet[bytes]) -> bool:
    """Return true if the findings name one of these calls. Reads a file: call it in a thread.

    Findings without a call (an unreadable line) may name any call, so the result is then true.
    """
    if files is None or files.unplaced:
        return bool(ids)
    return contains_any(folder, files.ids, ids)
