"""Errors of an export."""

from calltally.client.errors import ClientError, InvalidArgument


class OtherExport(InvalidArgument):
    """The folder or the checkpoint belongs to another export, or to something else."""

    slug = "other-export"
    title = "The folder belongs to another export"


class ExportInUse(ClientError):
    """Another process uses the same folder or checkpoint."""

    slug = "export-in-use"
    title = "Another export uses the folder"


class DamagedExport(ClientError):
    """Files differ from the checkpoint or the manifest."""

    slug = "damaged-export"
    title = "The files of the export were changed"


class NotExportable(ClientError):
    """The server lacks a capability that this export needs."""

    slug = "not-exportable"
    title = "The server does not support this export"


class SnapshotDrifted(ClientError):
    """The pages of a snapshot changed during the export."""

    slug = "drifted"
    title = "The snapshot changed during the export"


class BucketRefused(ClientError):
    """The bucket cannot be read or written."""

    slug = "bucket-refused"
    title = "The bucket refused the request"


class SnapshotLost(ClientError):
    """The snapshot of an unfinished export has expired."""

    slug = "snapshot-lost"
    title = "The snapshot has expired"
