"""Every error of the client, as one branch of Calltally's tree.

Where the tree has a word for what happened, the client's error is both: whoever catches
`calltally.calls.errors.SnapshotGone` catches it too.
"""

from typing import NamedTuple

from calltally.calls import errors
from calltally.calls.errors import CalltallyError, Fault, Misconfigured


class NotInstalled(Misconfigured):
    """A part of Calltally is asked for whose packages are not installed; `remedy` is the command for that."""

    slug = "not-installed"
    title = "It is not installed"

    def __init__(self, detail: str, *, remedy: str) -> None:
        super().__init__(detail)
        self.remedy = remedy

    @classmethod
    def of(cls, what: str, needed: str, *, extra: str) -> "NotInstalled":
        """`what` needs the part `needed`, which comes with an extra of the package."""
        remedy = f"pip install 'calltally[{extra}]'"
        return cls(f"{what} needs {needed}: {remedy}", remedy=remedy)


class Told(NamedTuple):
    """What an answer says of what went wrong: its status, its problem document's parts, and how to find it.

    `slug` is the stable word behind the `#` of the document's `type`, empty where there is no document.
    """

    status: int
    slug: str = ""
    request_id: str | None = None
    retry_after_s: float | None = None


class ClientError(CalltallyError):
    """The root of what can go wrong between client and server. `told` is None where nothing came back."""

    def __init__(self, detail: str, faults: tuple[Fault, ...] = (), *, told: Told | None = None) -> None:
        # Not super(): some of the tree's errors ask for more than a client is told.
        CalltallyError.__init__(self, detail, faults)
        self.told = told

    @property
    def status(self) -> int | None:
        """The status of the answer."""
        return self.told.status if self.told else None

    @property
    def request_id(self) -> str | None:
        """The id under which the server logged the request: name it to its operator."""
        return self.told.request_id if self.told else None

    @property
    def retry_after_s(self) -> float | None:
        """How long the server asks to wait before the next try, where it says so."""
        return self.told.retry_after_s if self.told else None


class Unreachable(ClientError):
    """No answer, or only a part of one, in time."""

    slug = "unreachable"
    title = "The server did not answer"


class UnexpectedAnswer(ClientError):
    """The answer is not of the contract: no JSON, another shape, a redirect, pages that lead nowhere."""

    slug = "unexpected-answer"
    title = "The answer is not of the contract"


class StreamCut(ClientError):
    """A stream ended before all of it was there. What was written is good, and not all."""

    slug = "stream-cut"
    title = "The stream was cut"


class Refusal(ClientError):
    """The server answered, and not with what was asked for. Its subclasses say why."""

    slug = "refused"
    title = "The server refused it"


class BadRequest(Refusal, errors.InvalidInput):
    """400, 422: it cannot be read as asked; `faults` names each parameter or field."""

    slug = errors.InvalidInput.slug


class Unauthorized(Refusal, errors.Unauthorized):
    """401: no key, or a wrong or revoked one."""

    slug = errors.Unauthorized.slug


class Forbidden(Refusal, errors.Forbidden):
    """403: the key lacks the scope."""

    slug = errors.Forbidden.slug


class NotFound(Refusal, errors.NotFound):
    """404: nothing of that id in this tenant, or no such path at that address."""

    slug = errors.NotFound.slug


class Conflict(Refusal, errors.Conflict):
    """409: it contradicts what is stored."""

    slug = errors.Conflict.slug


class Gone(Refusal):
    """410, for a reason that the server does not name as one of those below."""

    slug = "gone"
    title = "It is gone"


class Erased(Gone, errors.Erased):
    """410: the call was erased for good."""

    slug = errors.Erased.slug


class SnapshotGone(Gone, errors.SnapshotGone):
    """410: the snapshot, hold or position cannot be told any more; begin again without it."""

    slug = errors.SnapshotGone.slug


class TooManyRequests(Refusal):
    """429, and the client waited as often and as long as it may."""

    slug = errors.TooManyRequests.slug
    title = errors.TooManyRequests.title


class ServerFault(Refusal):
    """500 and the like: the server failed, and repeating it would hardly help."""

    slug = "server-fault"
    title = "The server failed"


class Unavailable(Refusal):
    """502, 503, 504, and the client tried as often and as long as it may."""

    slug = errors.Unavailable.slug
    title = errors.Unavailable.title


class WrongSignature(ClientError, errors.WrongSignature):
    """A webhook is not signed by one of the secrets, or not in time: it must not be acted on."""

    slug = errors.WrongSignature.slug
