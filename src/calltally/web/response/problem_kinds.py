"""HTTP status, title and description of each problem slug."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from calltally.calls import errors
from calltally.calls.errors import CalltallyError


class ProblemKind(NamedTuple):
    """One problem type: its slug, HTTP status, title and a description for the docs page."""

    slug: str
    status: int
    title: str
    description: str


class MethodNotAllowed(CalltallyError):
    """The path exists, but not for this method. `allowed` lists its methods."""

    slug = "method-not-allowed"
    title = "The method is not allowed"

    def __init__(self, detail: str, allowed: str) -> None:
        super().__init__(detail)
        self.allowed = allowed


class RangeNotSatisfiable(CalltallyError):
    """The range lies outside the file of `size` bytes."""

    slug = "range-not-satisfiable"
    title = "The range is outside the file"

    def __init__(self, detail: str, size: int) -> None:
        super().__init__(detail)
        self.size = size


class BadRequest(CalltallyError):
    """The request violates HTTP: an invalid header, or a truncated body."""

    slug = "bad-request"
    title = "The request is malformed"


class HeadTooLarge(CalltallyError):
    """The URL and the headers exceed their limit."""

    slug = "head-too-large"
    title = "The head of the request is too large"


class RequestTimeout(CalltallyError):
    """The rest of the request did not arrive in time."""

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
            "A parameter is missing, unknown, repeated or invalid. `errors` names each parameter and its"
            " valid values. The server never clamps or ignores a value.",
        ),
        _kind(
            errors.InvalidBody,
            400,
            "The body does not match its content type or schema. Nothing was applied.",
        ),
        _kind(BadRequest, 400, "A header or the body violates HTTP."),
        _kind(
            errors.Unauthorized,
            401,
            "The key is missing, is not sent as Bearer, or is unknown or revoked; `detail` says which.",
        ),
        _kind(errors.Forbidden, 403, "The key is valid but lacks the required scope."),
        _kind(
            errors.WrongSignature,
            403,
            "The callback is not signed with the stored secret of this tenant and provider, or no secret is"
            " stored.",
        ),
        _kind(errors.NotFound, 404, "The path does not exist, or this tenant has no object with that id."),
        _kind(
            MethodNotAllowed,
            405,
            "The path exists, but not for this method. The Allow header lists its methods.",
        ),
        _kind(errors.NotAcceptable, 406, "The server cannot produce any media type in Accept."),
        _kind(
            RequestTimeout,
            408,
            "The head or the body arrived too slowly. Nothing was done, and the connection is closed.",
        ),
        _kind(errors.Conflict, 409, "The request contradicts stored data."),
        _kind(errors.Erased, 410, "The call existed and was erased permanently."),
        _kind(
            errors.SnapshotGone,
            410,
            "The snapshot, hold or position is older than the retained history, or the ledger was restored"
            " from a backup since. Start again without it.",
        ),
        _kind(
            errors.FilesGone,
            410,
            "The files have expired, or a call in them was erased since. Request the export or"
            " reconciliation again.",
        ),
        _kind(errors.TooLarge, 413, "The body exceeds the limit of this path and was not read."),
        _kind(errors.UnsupportedMedia, 415, "This path does not accept the media type of the body."),
        _kind(
            RangeNotSatisfiable,
            416,
            "The range starts after the end of the file. Content-Range has the file's size.",
        ),
        _kind(errors.RefusedEvents, 422, "The body was read, but every event in it was refused."),
        _kind(errors.NotUnderstood, 422, "The body is authentic, but its content is unknown to the server."),
        _kind(
            errors.TooManyRequests,
            429,
            "The request budget of the key is used up, or too many jobs are waiting. Retry after"
            " Retry-After seconds.",
        ),
        _kind(HeadTooLarge, 431, "The URL and the headers exceed 64 KiB. The connection is closed."),
        _kind(
            errors.Unavailable,
            503,
            "The database does not respond, or all connections are in use. Retry after Retry-After seconds.",
        ),
        _kind(
            errors.NoFilesFolder,
            503,
            "Exports and reconciliations need a folder for their files. The operator sets it as"
            " `files_folder`.",
        ),
        _kind(
            errors.FormatUnavailable,
            501,
            "Parquet and Arrow need the package `calltally[parquet]` on the server. CSV and NDJSON are always"
            " available.",
        ),
        _kind(errors.Misconfigured, 500, "A server setting is wrong. The server's log names it."),
        _kind(errors.DamagedStore, 500, "Stored data is damaged. Run `calltally verify` to locate it."),
        _kind(CalltallyError, 500, "Internal error; the server's log has it under the request_id."),
    )
}
