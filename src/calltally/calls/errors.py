"""Errors that Calltally raises on purpose, as one tree with stable slugs.

The module contains no HTTP. `calltally.web.response.problems` maps the slugs to status codes, once.
"""

from typing import ClassVar, NamedTuple


class Fault(NamedTuple):
    """Fault in one parameter, field or event of a batch."""

    parameter: str
    detail: str


class CalltallyError(Exception):
    """Root of all errors. `slug` is stable and public; `detail` names the fault and its remedy."""

    slug: ClassVar[str] = "internal"
    title: ClassVar[str] = "Internal error"

    def __init__(self, detail: str, faults: tuple[Fault, ...] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.faults = faults


class InvalidInput(CalltallyError):
    """Request with invalid parameters; `faults` lists each of them."""

    slug = "invalid-parameter"
    title = "A parameter is not valid"

    @classmethod
    def of(cls, parameter: str, detail: str) -> "InvalidInput":
        """Return the error for a single fault."""
        return cls(detail, (Fault(parameter, detail),))


class InvalidBody(InvalidInput):
    """Body that does not match its content type or schema."""

    slug = "invalid-body"
    title = "The body cannot be read"


class RefusedEvents(InvalidInput):
    """Readable body of which every event was refused."""

    slug = "events-refused"
    title = "No event was accepted"


class NotUnderstood(CalltallyError):
    """Genuine body of a provider that this release cannot parse; it becomes a dead letter."""

    slug = "not-understood"
    title = "The body was not understood"


class UnknownKind(NotUnderstood):
    """Genuine message of an unknown kind that names no call's state; it is stored, but is no dead letter."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


class Unauthorized(CalltallyError):
    """Missing or wrong key; the message is the same for both."""

    slug = "unauthorized"
    title = "A valid key is needed"


class Forbidden(CalltallyError):
    """Valid key without a required scope."""

    slug = "forbidden"
    title = "The key may not do this"


class WrongSignature(CalltallyError):
    """Callback that is not signed with the tenant's secret, or whose tenant does not exist."""

    slug = "wrong-signature"
    title = "The signature does not match"


class NotFound(CalltallyError):
    """Resource that does not exist in this tenant."""

    slug = "not-found"
    title = "Not found"


class Erased(CalltallyError):
    """Call that was permanently erased."""

    slug = "erased"
    title = "The call was erased"


class SnapshotGone(CalltallyError):
    """Snapshot that can no longer be read; start again without it."""

    slug = "snapshot-gone"
    title = "The snapshot is no longer available"


class FilesGone(CalltallyError):
    """Files of a finished job that were deleted: they expired, or a call in them was erased."""

    slug = "files-gone"
    title = "The files are no longer available"


class Conflict(CalltallyError):
    """Request that contradicts stored data."""

    slug = "conflict"
    title = "It already exists"


class TooLarge(CalltallyError):
    """Body that exceeds its size limit."""

    slug = "too-large"
    title = "The body is too large"


class NotAcceptable(CalltallyError):
    """Request whose accepted media types cannot be served."""

    slug = "not-acceptable"
    title = "None of the accepted media types can be served"


class UnsupportedMedia(CalltallyError):
    """Body of a media type that this endpoint does not read."""

    slug = "unsupported-media-type"
    title = "The media type is not supported"


class TooManyRequests(CalltallyError):
    """Exhausted rate limit of a key; retry after `retry_after_s`."""

    slug = "rate-limited"
    title = "Too many requests"

    def __init__(self, detail: str, retry_after_s: int) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class Unavailable(CalltallyError):
    """Store that cannot respond now; nothing was lost and nothing was done."""

    slug = "unavailable"
    title = "The service cannot answer now"

    def __init__(self, detail: str, retry_after_s: int = 1) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class NothingCommitted(Unavailable):
    """The store commits no writes. The detail names nothing internal, so it is published."""


class NoFilesFolder(CalltallyError):
    """Installation without a folder for the files of jobs, so that no job can run."""

    slug = "no-files-folder"
    title = "This installation has no files folder"


class Misconfigured(CalltallyError):
    """Missing or wrong setting; the message names it and states valid values."""

    slug = "misconfigured"
    title = "A setting is wrong"


class DamagedStore(CalltallyError):
    """Stored bytes that cannot be decoded; `calltally verify` finds them."""

    slug = "damaged-store"
    title = "Stored data cannot be read"
