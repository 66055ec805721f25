"""Where operations meet the network: the only place of the client that knows the HTTP library.

The library is loaded with the first request, for it takes as long to import as all the rest.
"""

from collections.abc import Callable
from threading import Lock
from typing import Any, Final

from calltally import __version__
from calltally.client.config import CONNECT_S, Key, Plan
from calltally.client.errors import ClientError, Unreachable
from calltally.client.response_parsing import unexpected
from calltally.client.sans_io import Attempt, Effect, Pause, Reply
from calltally.client.wire import Answer, Request

USER_AGENT: Final = f"calltally/{__version__}"
_SHORTEST_S: Final = 0.001
# What the library has no words for, or others on each system.
_WORDS: Final = {
    "ConnectTimeout": "it did not take the connection in time",
    "ReadTimeout": "it did not answer in time",
    "WriteTimeout": "it did not take the request in time",
    "PoolTimeout": "all connections were busy for too long",
}


class _Sending:
    """One attempt: the request as the library wants it, and the answer as it comes in."""

    def __init__(self, plan: Plan, attempt: Attempt) -> None:
        self._plan = plan
        self._attempt = attempt
        self._pieces: list[bytes] = []
        self._size = 0
        self._take: Callable[[bytes], object] = self._keep
        self._answer = Answer(0, {})

    def arguments(self) -> dict[str, Any]:
        """What `stream` of either client takes."""
        request = self._attempt.request
        own = {**_credentials(self._plan.key, request), "user-agent": USER_AGENT}
        return {
            "method": request.method,
            "url": self._plan.base + request.path,
            "params": list(request.params) or None,
            "headers": {**request.headers, **own},
            "content": request.body,
            "timeout": self._timeouts(),
        }

    def _timeouts(self) -> tuple[float, float, float, float]:
        """To connect, to read, to write, for a place among the connections; none beyond the end of all."""
        left_s = max(self._attempt.ends_s - self._plan.surroundings.now_s(), _SHORTEST_S)
        bound_s = min(self._attempt.read_s, left_s)
        return min(CONNECT_S, bound_s), bound_s, min(self._plan.timeout_s, bound_s), bound_s

    def open(self, status: int, headers: Any) -> None:  # noqa: ANN401 (the library's headers)
        """The head is there."""
        self._answer = Answer(status, {name.lower(): value for name, value in headers.items()})
        if self._attempt.into is not None and self._answer.is_good:
            self._attempt.into.open(self._answer)
            self._take = self._attempt.into.write

    def take(self, piece: bytes) -> None:
        """A piece of the body is there, unpacked. Raises Unreachable where the body takes too long.

        Raises UnexpectedAnswer where it is longer than the client keeps, whatever it was packed to.
        """
        self._take(piece)

    def _keep(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._plan.longest_bytes:
            raise unexpected(self._answer, f"it is longer than {self._plan.longest_bytes:,} bytes")
        self._pieces.append(piece)
        if self._plan.surroundings.now_s() > self._attempt.ends_s:
            message = "it was still sending its answer when the time for all tries was over"
            raise Unreachable(f"{self._plan.base}: {message}")

    def answer(self) -> Answer:
        """The whole answer; its body is empty where a sink took it."""
        return self._answer._replace(body=b"".join(self._pieces))

    def failed(self, fault: Exception) -> Unreachable:
        """What the library says of a connection, in our words."""
        request, kind = self._attempt.request, type(fault).__name__
        why = _WORDS.get(kind) or str(fault) or kind
        error = Unreachable(f"no answer to {request.method} {self._plan.base}{request.path}: {why}")
        error.__cause__ = fault
        return error


def _credentials(key: Key, request: Request) -> dict[str, str]:
    """Who names a tenant is an administrator: a tenant's key names its own, and no parameter can widen it."""
    if any(name == "tenant" for name, _ in request.params):
        return {"x-admin-key": key.reveal()}
    return {"authorization": f"Bearer {key.reveal()}"}


class BlockingTransport:
    """Does what operations want, and blocks until it is done. Threads may share it."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._http: Any = None
        self._is_closed = False
        self._opening = Lock()

    def perform(self, effect: Effect) -> Reply:
        """Send a request once, or wait."""
        if isinstance(effect, Pause):
            self._plan.surroundings.sleep(effect.seconds)
            return None
        return self._exchange(_Sending(self._plan, effect))

    def _exchange(self, sending: _Sending) -> Reply:
        import httpx2  # deferred: takes 100 ms

        try:
            with self._opened().stream(**sending.arguments()) as response:
                sending.open(response.status_code, response.headers)
                for piece in response.iter_bytes():
                    sending.take(piece)
            return sending.answer()
        except Unreachable as fault:
            return fault
        except httpx2.RequestError as fault:
            return sending.failed(fault)

    def _opened(self) -> Any:  # noqa: ANN401 (the library is not loaded yet)
        import httpx2  # deferred: takes 100 ms

        with self._opening:
            _refuse_closed(is_closed=self._is_closed)
            if self._http is None:
                self._http = httpx2.Client(**_options(self._plan))
            return self._http

    def close(self) -> None:
        """Close all connections; there will be no other request."""
        with self._opening:
            self._is_closed = True
            if self._http is not None:
                self._http.close()


class AwaitingTransport:
    """Does what operations want, in an asyncio loop."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._http: Any = None
        self._is_closed = False

    async def perform(self, effect: Effect) -> Reply:
        """Send a request once, or wait."""
        if isinstance(effect, Pause):
            await self._plan.surroundings.sleep_async(effect.seconds)
            return None
        return await self._exchange(_Sending(self._plan, effect))

    async def _exchange(self, sending: _Sending) -> Reply:
        import httpx2  # deferred: takes 100 ms

        try:
            async with self._opened().stream(**sending.arguments()) as response:
                sending.open(response.status_code, response.headers)
                async for piece in response.aiter_bytes():
                    sending.take(piece)
            return sending.answer()
        except Unreachable as fault:
            return fault
        except httpx2.RequestError as fault:
            return sending.failed(fault)

    def _opened(self) -> Any:  # noqa: ANN401 (the library is not loaded yet)
        import httpx2  # deferred: takes 100 ms

        _refuse_closed(is_closed=self._is_closed)
        if self._http is None:
            self._http = httpx2.AsyncClient(**_options(self._plan))
        return self._http

    async def close(self) -> None:
        """Close all connections; there will be no other request."""
        self._is_closed = True
        if self._http is not None:
            await self._http.aclose()


def _options(plan: Plan) -> dict[str, Any]:
    return {"trust_env": not plan.is_local, "follow_redirects": False, "timeout": plan.timeout_s}


def _refuse_closed(*, is_closed: bool) -> None:
    if is_closed:
        raise ClientError("the client is closed: open another one")
