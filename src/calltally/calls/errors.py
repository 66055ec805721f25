"""Every error that Calltally raises on purpose, as one tree with stable slugs.

Nothing here knows HTTP. `calltally.web.response.problems` maps the slugs to status codes, once.
"""

from typing import ClassVar, NamedTuple


class Fault(NamedTuple):
    """One thing that is wrong, and where: a parameter, a field or an event of a batch."""

    parameter: str
    detail: str


class CalltallyError(Exception):
    """The root. `slug` is stable and public; `detail` says what is wrong, where, and what to do."""

    slug: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong"

    def __init__(self, detail: str, faults: tuple[Fault, ...] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.faults = faults


class InvalidInput(CalltallyError):
    """The request cannot be read as asked; `faults` names each part that is wrong."""

    slug = "invalid-parameter"
    title = "A parameter is not valid"

    @classmethod
    def of(cls, parameter: str, detail: str) -> "InvalidInput":
        """One fault that is also the whole message."""
        return cls(detail, (Fault(parameter, detail),))


class InvalidBody(InvalidInput):
    """The body is not what its content type promises."""

    slug = "invalid-body"
    title = "The body cannot be read"


class RefusedEvents(InvalidInput):
    """The body was read, and every event in it was refused."""

    slug = "events-refused"
    title = "No event was accepted"


class NotUnderstood(CalltallyError):
    """A genuine provider body that the code cannot read yet: it becomes a dead letter."""

    slug = "not-understood"
    title = "The body was not understood"


class UnknownKind(NotUnderstood):
    """A genuine message of a kind in no table that names no call's state: kept, and no dead letter."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


class Unauthorized(CalltallyError):
    """No key, or a wrong one: the same words for both."""

    slug = "unauthorized"
    title = "A valid key is needed"


class Forbidden(CalltallyError):
    """The key is good but lacks a scope."""

    slug = "forbidden"
    title = "The key may not do this"


class WrongSignature(CalltallyError):
    """The callback is not signed with the tenant's secret (or there is no such tenant)."""

    slug = "wrong-signature"
    title = "The signature does not match"


class NotFound(CalltallyError):
    """No such thing in this tenant."""

    slug = "not-found"
    title = "Not found"


class Erased(CalltallyError):
    """The call was here, and was erased for good."""

    slug = "erased"
    title = "The call was erased"


class SnapshotGone(CalltallyError):
    """The snapshot cannot be answered any more; begin again without it."""

    slug = "snapshot-gone"
    title = "The snapshot is no longer kept"


class FilesGone(CalltallyError):
    """The job was done, and its files are gone: their time was up, or a call in them was erased."""

    slug = "files-gone"
    title = "The files are no longer kept"


class Conflict(CalltallyError):
    """What is asked for contradicts what is stored."""

    slug = "conflict"
    title = "It already exists"


class TooLarge(CalltallyError):
    """The body is over its limit."""

    slug = "too-large"
    title = "The body is too large"


class NotAcceptable(CalltallyError):
    """None of the media types asked for can be served."""

    slug = "not-acceptable"
    title = "None of the accepted media types can be served"


class UnsupportedMedia(CalltallyError):
    """The body's media type is not read here."""

    slug = "unsupported-media-type"
    title = "The media type is not supported"


class TooManyRequests(CalltallyError):
    """The key's rate limit is used up; try again after `retry_after_s`."""

    slug = "rate-limited"
    title = "Too many requests"

    def __init__(self, detail: str, retry_after_s: int) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class Unavailable(CalltallyError):
    """The store cannot answer now; nothing was lost and nothing was done."""

    slug = "unavailable"
    title = "The service cannot answer now"

    def __init__(self, detail: str, retry_after_s: int = 1) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class NothingCommitted(Unavailable):
    """The store commits no writes. The detail names nothing internal, so it is published."""


class NoFilesFolder(CalltallyError):
    """There is no folder for the files of jobs, so no job can be done."""

    slug = "no-files-folder"
    title = "This installation keeps no files"


class Misconfigured(CalltallyError):
    """A setting is missing or wrong; the message names it and says what it should be."""

    slug = "misconfigured"
    title = "A setting is wrong"


class DamagedStore(CalltallyError):
    """Stored bytes cannot be read back; `calltally verify` says where."""

    slug = "damaged-store"
    title = "Stored data cannot be read"
