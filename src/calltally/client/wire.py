"""What goes to a server and what comes back, as plain data."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

Pairs = Sequence[tuple[str, str]]
REQUEST_ID: Final = "x-request-id"
_SAFE: Final = frozenset({"GET", "HEAD"})
_NOTHING: Final[Mapping[str, str]] = {}
_FIRST_ERROR: Final = 300
_NOT_MODIFIED: Final = 304


class Request(NamedTuple):
    """One request: `path` is under the client's base URL and already quoted, `params` are in their order.

    The key, the user agent and the host are added where it is sent, so that no request shows a key. A request
    that is not a GET or a HEAD is sent once, unless it says that it `is_idempotent`.
    """

    method: str
    path: str
    params: Pairs = ()
    headers: Mapping[str, str] = _NOTHING
    body: bytes | None = None
    is_idempotent: bool = False

    @property
    def may_repeat(self) -> bool:
        """Whether sending it twice does what sending it once does."""
        return self.is_idempotent or self.method in _SAFE

    def asking(self, **params: str) -> "Request":
        """The same with these parameters in place of those of the same names."""
        kept = [pair for pair in self.params if pair[0] not in params]
        return self._replace(params=[*kept, *params.items()])


class Answer(NamedTuple):
    """What came back, whatever its status. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def is_good(self) -> bool:
        """Whether it is what was asked for; 304 says that what the caller has is still so."""
        return self.status < _FIRST_ERROR or self.status == _NOT_MODIFIED

    @property
    def request_id(self) -> str | None:
        """The id under which the server logged the request."""
        return self.headers.get(REQUEST_ID)

    @property
    def media_type(self) -> str:
        """The content type in lower case, without parameters; empty where there is none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()
