"""What can go wrong with an export, beside what the client tells of the server."""

from calltally.calls.errors import CalltallyError, InvalidInput


class OtherExport(InvalidInput):
    """What is in the folder, or in the checkpoint, is not what is asked for now."""

    slug = "other-export"
    title = "It is another export"


class InUse(CalltallyError):
    """Another process works in the same folder, or on the same checkpoint."""

    slug = "export-in-use"
    title = "Another export works on it"


class DamagedExport(CalltallyError):
    """Files are not what the checkpoint or the manifest says of them."""

    slug = "damaged-export"
    title = "The files are not what they were"


class NotExportable(CalltallyError):
    """The server does not do what an export of this window needs."""

    slug = "not-exportable"
    title = "The server cannot be exported so"


class Drifted(CalltallyError):
    """A snapshot did not hold still."""

    slug = "drifted"
    title = "The snapshot did not hold still"


class BucketRefused(CalltallyError):
    """The bucket could not be read or written."""

    slug = "bucket-refused"
    title = "The bucket did not take it"


class SnapshotLost(CalltallyError):
    """The snapshot of an export under way is no longer kept."""

    slug = "snapshot-lost"
    title = "The snapshot is no longer kept"
