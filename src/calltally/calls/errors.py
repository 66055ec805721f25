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

    def __init_subclass__(cls, *, slug: str = "", title: str = "") -> None:
        """Set the slug and the title of a subclass, which inherits them if they are omitted."""
        if slug:
            cls.slug, cls.title = slug, title

    def __init__(self, detail: str, faults: tuple[Fault, ...] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.faults = faults


class InvalidInput(CalltallyError, slug="invalid-parameter", title="A parameter is not valid"):
    """Request with invalid parameters; `faults` lists each of them."""

    @classmethod
    def of(cls, parameter: str, detail: str) -> "InvalidInput":
        return cls(detail, (Fault(parameter, detail),))


class InvalidBody(InvalidInput, slug="invalid-body", title="The body cannot be read"):
    """Body that does not match its content type or schema."""


class RefusedEvents(InvalidInput, slug="events-refused", title="No event was accepted"):
    """Readable body of which every event was refused."""


class NotUnderstood(CalltallyError, slug="not-understood", title="The body was not understood"):
    """Genuine body of a provider that this release cannot parse; it becomes a dead letter."""


class UnknownKind(NotUnderstood):
    """Genuine message of an unknown kind that names no call's state; it is stored, but is no dead letter."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


class Unauthorized(CalltallyError, slug="unauthorized", title="A valid key is needed"):
    """Missing or wrong key; the message is the same for an unknown and a revoked one."""


class Forbidden(CalltallyError, slug="forbidden", title="This is not allowed"):
    """Valid key without a required scope."""


class WrongSignature(CalltallyError, slug="wrong-signature", title="The signature does not match"):
    """Callback that is not signed with the tenant's secret, or whose tenant does not exist."""


class NotFound(CalltallyError, slug="not-found", title="Not found"):
    """Resource that does not exist in this tenant."""


class Erased(CalltallyError, slug="erased", title="The call was erased"):
    """Call that was permanently erased."""


class SnapshotGone(CalltallyError, slug="snapshot-gone", title="The snapshot is no longer available"):
    """Snapshot that can no longer be read; start again without it."""


class FilesGone(CalltallyError, slug="files-gone", title="The files are no longer available"):
    """Files of a finished job that were deleted: they expired, or a call in them was erased."""


class Conflict(CalltallyError, slug="conflict", title="It already exists"):
    """Request that contradicts stored data."""


class TooLarge(CalltallyError, slug="too-large", title="The body is too large"):
    """Body that exceeds its size limit."""


class NotAcceptable(
    CalltallyError, slug="not-acceptable", title="None of the accepted media types can be served"
):
    """Request whose accepted media types cannot be served."""


class UnsupportedMedia(
    CalltallyError, slug="unsupported-media-type", title="The media type is not supported"
):
    """Body of a media type that this endpoint does not read."""


class _RetryLater(CalltallyError):
    """Request that may succeed after `retry_after_s`."""

    def __init__(self, detail: str, retry_after_s: int = 1) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class TooManyRequests(_RetryLater, slug="rate-limited", title="Too many requests"):
    """Exhausted rate limit of a key."""


class Unavailable(_RetryLater, slug="unavailable", title="The service cannot answer now"):
    """Store that cannot respond now; nothing was lost and nothing was done."""


class NothingCommitted(Unavailable):
    """The store commits no writes. The detail names nothing internal, so it is published."""


class NoFilesFolder(CalltallyError, slug="no-files-folder", title="This installation has no files folder"):
    """Installation without a folder for the files of jobs, so that no job can run."""


class FormatUnavailable(
    CalltallyError, slug="format-unavailable", title="This installation cannot write the format"
):
    """Format whose package is not installed on this server."""


class Misconfigured(CalltallyError, slug="misconfigured", title="The service is not set up correctly"):
    """Missing or wrong setting; the message names it and states valid values."""


class DamagedStore(CalltallyError, slug="damaged-store", title="Stored data cannot be read"):
    """Stored bytes that cannot be decoded; `calltally verify` finds them."""
