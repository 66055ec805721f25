"""Whether findings name calls that were erased since: then they must not be told any more."""

from collections.abc import Set as AbstractSet

from calltally.exports.erasures import holds_any
from calltally.reconcile.jobs.spec import Kept
from calltally.store.jobs.folders import JobFolder


def names_any(folder: JobFolder, kept: Kept | None, ids: AbstractSet[bytes]) -> bool:
    """Whether one of these calls is named. Reads a file, so it is for a thread.

    Where a finding is of no call that could be noted (a line that cannot be read), it says yes to any.
    """
    if kept is None or kept.unplaced:
        return bool(ids)
    return holds_any(folder, kept.ids, ids)
