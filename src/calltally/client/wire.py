"""HTTP requests and responses as plain data."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

QueryParams = Sequence[tuple[str, str]]
REQUEST_ID: Final = "x-request-id"
_SAFE_METHODS: Final = frozenset({"GET", "HEAD"})
_NO_HEADERS: Final[Mapping[str, str]] = {}
_FIRST_UNSUCCESSFUL_STATUS: Final = 300
_NOT_MODIFIED: Final = 304


class Request(NamedTuple):
    """One request. `path` is relative to the client's base URL and already quoted; `params` are ordered.

    The transport adds the key, the user agent and the host, so that no request reveals a key. A request other
    than GET and HEAD is sent only once, unless it `is_idempotent`.
    """

    method: str
    path: str
    params: QueryParams = ()
    headers: Mapping[str, str] = _NO_HEADERS
    body: bytes | None = None
    is_idempotent: bool = False

    @property
    def is_repeatable(self) -> bool:
        """True if sending the request twice has the same effect as sending it once."""
        return self.is_idempotent or self.method in _SAFE_METHODS

    def with_params(self, **params: str) -> "Request":
        """Return the request with these parameters in place of those with the same names."""
        others = [pair for pair in self.params if pair[0] not in params]
        return self._replace(params=[*others, *params.items()])


class Answer(NamedTuple):
    """One response of any status. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def is_good(self) -> bool:
        """True for success, and for 304: the caller's copy is still current."""
        return self.status < _FIRST_UNSUCCESSFUL_STATUS or self.status == _NOT_MODIFIED

    @property
    def request_id(self) -> str | None:
        """Id of the request in the server's log."""
        return self.headers.get(REQUEST_ID)

    @property
    def media_type(self) -> str:
        """Content type in lower case and without parameters, or an empty text."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()
