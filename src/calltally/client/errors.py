"""Errors of the client, one branch of Calltally's error tree.

A client error also derives from the tree's error of the same meaning: `except
calltally.calls.errors.SnapshotGone` catches SnapshotGoneError too.
"""

from typing import NamedTuple

from calltally.calls import errors
from calltally.calls.errors import CalltallyError, Fault, Misconfigured


class ErrorResponse(NamedTuple):
    """Facts of an unsuccessful response.

    `slug` is the stable name after the `#` of the problem document's `type`, empty without a document.
    """

    status: int
    slug: str = ""
    request_id: str | None = None
    retry_after_s: float | None = None


class ClientError(CalltallyError):
    """Root of all errors of the client. `response` is None if no response arrived."""

    def __init__(
        self, detail: str, faults: tuple[Fault, ...] = (), *, response: ErrorResponse | None = None
    ) -> None:
        # Not super(): some of the tree's errors require arguments that a client does not receive.
        CalltallyError.__init__(self, detail, faults)
        self.response = response

    @property
    def status(self) -> int | None:
        return self.response.status if self.response else None

    @property
    def request_id(self) -> str | None:
        """Id of the request in the server's log, for reports to its operator."""
        return self.response.request_id if self.response else None

    @property
    def retry_after_s(self) -> float | None:
        """Seconds to wait before the next try, if the server sent Retry-After."""
        return self.response.retry_after_s if self.response else None


class InvalidArgument(ClientError, errors.InvalidInput):
    """An argument that cannot be sent; no request was made. `faults` names it."""

    slug = errors.InvalidInput.slug
    title = errors.InvalidInput.title


class UnknownArgument(InvalidArgument, TypeError):
    """A keyword that does not exist: a misspelt filter must not select all calls."""


class NotInstalled(ClientError, Misconfigured):
    """The packages of a requested part of Calltally are not installed. `remedy` is the install command."""

    slug = "not-installed"
    title = "A package is not installed"

    def __init__(self, detail: str, *, remedy: str) -> None:
        super().__init__(detail)
        self.remedy = remedy

    @classmethod
    def of(cls, what: str, needed: str, *, extra: str) -> "NotInstalled":
        """Return the error that `what` needs `needed`, which an extra of the package installs."""
        remedy = f"pip install 'calltally[{extra}]'"
        return cls(f"{what} needs {needed}: {remedy}", remedy=remedy)


class Unreachable(ClientError):
    """No response, or only a part of one, arrived in time."""

    slug = "unreachable"
    title = "The server did not respond"


class UnexpectedAnswer(ClientError):
    """The response does not match the contract: no JSON, another shape, a redirect, pages without an end."""

    slug = "unexpected-answer"
    title = "The response does not match the contract"


class StreamCut(ClientError):
    """A stream ended too early. The written part is correct but incomplete."""

    slug = "stream-cut"
    title = "The stream ended too early"


class ExportFailed(ClientError):
    """An export job ended without its files, or is not complete in time."""

    slug = "export-failed"
    title = "The export is not complete"


class Refusal(ClientError):
    """The server responded without success. The subclasses give the reason."""

    slug = "refused"
    title = "The server refused the request"


class BadRequestError(Refusal, errors.InvalidInput):
    """400, 422: the request is invalid; `faults` names each parameter or field."""

    slug = errors.InvalidInput.slug


class UnauthorizedError(Refusal, errors.Unauthorized):
    """401: the key is missing, wrong or revoked."""

    slug = errors.Unauthorized.slug


class ForbiddenError(Refusal, errors.Forbidden):
    """403: the key does not have the scope."""

    slug = errors.Forbidden.slug


class NotFoundError(Refusal, errors.NotFound):
    """404: the tenant has nothing with this id, or the address has no such path."""

    slug = errors.NotFound.slug


class ConflictError(Refusal, errors.Conflict):
    """409: the request contradicts stored data."""

    slug = errors.Conflict.slug


class GoneError(Refusal):
    """410 without a more precise reason from the server."""

    slug = "gone"
    title = "The resource is gone"


class ErasedError(GoneError, errors.Erased):
    """410: the call was erased for good."""

    slug = errors.Erased.slug


class SnapshotGoneError(GoneError, errors.SnapshotGone):
    """410: the snapshot, hold or position has expired; start again without it."""

    slug = errors.SnapshotGone.slug


class TooManyRequestsError(Refusal):
    """429 after all tries that the retry policy allows."""

    slug = errors.TooManyRequests.slug
    title = errors.TooManyRequests.title


class ServerFault(Refusal):
    """500 and similar: the server failed, and a retry would hardly help."""

    slug = "server-fault"
    title = "The server failed"


class UnavailableError(Refusal):
    """502, 503, 504 after all tries that the retry policy allows."""

    slug = errors.Unavailable.slug
    title = errors.Unavailable.title


class WrongSignatureError(ClientError, errors.WrongSignature):
    """A webhook without a valid and recent signature, which must not be processed."""

    slug = errors.WrongSignature.slug
