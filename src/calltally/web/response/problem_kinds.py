"""What each slug means over HTTP: its status, and in a sentence what happened."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from calltally.calls import errors
from calltally.calls.errors import CalltallyError


class ProblemKind(NamedTuple):
    """What one slug means over HTTP. `meaning` is for the docs page."""

    slug: str
    status: int
    title: str
    description: str


class MethodNotAllowed(CalltallyError):
    """The path exists, the method does not; `allowed` are those that do."""

    slug = "method-not-allowed"
    title = "The method is not allowed"

    def __init__(self, detail: str, allowed: str) -> None:
        super().__init__(detail)
        self.allowed = allowed


class RangeNotSatisfiable(CalltallyError):
    """A range lies outside of a file of `size` bytes."""

    slug = "range-not-satisfiable"
    title = "The range is not in the file"

    def __init__(self, detail: str, size: int) -> None:
        super().__init__(detail)
        self.size = size


class BadRequest(CalltallyError):
    """HTTP itself was not spoken right: a header that cannot be, a body cut short."""

    slug = "bad-request"
    title = "The request is not well formed"


class HeadTooLarge(CalltallyError):
    """The URL and the headers are over their limit."""

    slug = "head-too-large"
    title = "The head of the request is too large"


class RequestTimeout(CalltallyError):
    """The rest of a request did not arrive in time."""

    slug = "request-timeout"
    title = "The request did not arrive in time"


def _kind(error: type[CalltallyError], status: int, description: str) -> ProblemKind:
    return ProblemKind(error.slug, status, error.title, description)


KINDS: Final[Mapping[str, ProblemKind]] = {
    kind.slug: kind
    for kind in (
        _kind(
            errors.InvalidInput,
            400,
            "A parameter is missing, unknown, given twice, or has a value that cannot be; `errors` names each"
            " with what would be valid. Nothing is ever clamped or ignored in silence.",
        ),
        _kind(
            errors.InvalidBody,
            400,
            "The body is not what its content type promises; nothing of it was applied.",
        ),
        _kind(BadRequest, 400, "A header or the body breaks the rules of HTTP."),
        _kind(
            errors.Unauthorized,
            401,
            "No key came with the request, or one that is wrong or revoked. Which of these is not told.",
        ),
        _kind(errors.Forbidden, 403, "The key is good but lacks the scope that this needs."),
        _kind(
            errors.WrongSignature,
            403,
            "The callback is not signed with the secret of this tenant and provider, or there is none.",
        ),
        _kind(errors.NotFound, 404, "There is no such path, or nothing of that id in this tenant."),
        _kind(MethodNotAllowed, 405, "The path exists; the Allow header lists its methods."),
        _kind(errors.NotAcceptable, 406, "None of the media types in Accept can be served here."),
        _kind(
            RequestTimeout,
            408,
            "The head or the body came too slowly. Nothing was done, and the connection is closed.",
        ),
        _kind(errors.Conflict, 409, "It contradicts what is stored already."),
        _kind(errors.Erased, 410, "The call was here, and was erased for good."),
        _kind(
            errors.SnapshotGone,
            410,
            "The snapshot, hold or position is older than what is kept, or of a ledger that was restored"
            " since. Begin again without it.",
        ),
        _kind(
            errors.FilesGone,
            410,
            "The files were kept for as long as they are kept, or a call in them was erased since. Ask for"
            " the same once more.",
        ),
        _kind(errors.TooLarge, 413, "The body is over the limit of this path, and was not read."),
        _kind(errors.UnsupportedMedia, 415, "The body's media type is not read here."),
        _kind(RangeNotSatisfiable, 416, "The file ends before the range begins; Content-Range has its size."),
        _kind(errors.RefusedEvents, 422, "The body was read, and every event in it was refused."),
        _kind(errors.NotUnderstood, 422, "The body is genuine but its meaning is not known."),
        _kind(
            errors.TooManyRequests,
            429,
            "The key's budget is used up, or too many jobs wait already; Retry-After says how many seconds.",
        ),
        _kind(HeadTooLarge, 431, "The URL and the headers are over 64 KiB. The connection is closed."),
        _kind(
            errors.Unavailable,
            503,
            "The store cannot answer now, or all connections are in use; try again after Retry-After"
            " seconds.",
        ),
        _kind(
            errors.NoFilesFolder,
            503,
            "Exports and reconciliations leave files, and whoever runs the service has not said where these"
            " are to be kept: it is the setting `files_folder`.",
        ),
        _kind(errors.Misconfigured, 500, "A setting of the server is wrong; its log says which."),
        _kind(errors.DamagedStore, 500, "Stored data cannot be read back; `calltally verify` says where."),
        _kind(CalltallyError, 500, "A fault of the server, logged under the request_id."),
    )
}
