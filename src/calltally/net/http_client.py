"""HTTP client for URLs from tenants: webhook endpoints and alert sinks.

It requires https unless the operator allows http. It checks the address when it connects, and connects to
that very address, so that a name cannot change in between. TLS is verified against the name. Redirects are
ordinary responses, and proxies of the environment are not used. Time and sizes are bounded. Every result of a
request is a value.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from calltally.net.addresses import Network, TargetUrl, parse_target, permitted_addresses, refusal_reason
from calltally.net.dns import HostAddresses, Resolver
from calltally.net.http_connection import (
    ConnectionPool,
    HttpConnection,
    OutgoingResponse,
    PooledConnection,
    RequestFailed,
)
from calltally.tracing import client_span

TIMEOUT_S: Final = 10.0
_LINE_BREAKS: Final = frozenset("\r\n\0")

Resolve: TypeAlias = Callable[[str, int], Awaitable[HostAddresses]]


class RequestFailure(NamedTuple):
    """A request without a response. `reason` is one of a few words, `detail` is for a person.

    bad-url, refused-address, no-such-host, unreachable, tls, timeout, reset, malformed, too-large.
    """

    reason: str
    detail: str


RequestOutcome: TypeAlias = OutgoingResponse | RequestFailure


class OutgoingPolicy(NamedTuple):
    """Exceptions to https and public addresses that the operator allows, and the time limit of a request."""

    allow_http: bool = False
    networks: Sequence[Network] = ()
    timeout_s: float = TIMEOUT_S


class OutgoingClient:
    """Client for all such requests of a process; it keeps connections open between them."""

    def __init__(
        self, policy: OutgoingPolicy, *, resolve: Resolve | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self._policy = policy
        self._resolve = resolve or Resolver()
        self._tls = tls
        self._pool = ConnectionPool()

    def check(self, url: str) -> TargetUrl:
        """Return the target of a URL, without a lookup. Raises ValueError with the reason of a refusal."""
        target = parse_target(url, allow_http=self._policy.allow_http)
        if _is_numeric(target.host) and (reason := refusal_reason(target.host, self._policy.networks)):
            raise ValueError(f"nothing may be sent there: {reason}")
        return target

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> RequestOutcome:
        """Post a body and return the outcome. Raises ValueError for invalid headers."""
        try:
            target = self.check(url)
        except ValueError as fault:
            return RequestFailure("bad-url", f"the URL is refused: {fault}")
        with client_span(target.host) as trace_headers:
            return await self._send(target, _request(target, {**headers, **trace_headers}, body))

    def close(self) -> None:
        self._pool.close()

    async def _send(self, target: TargetUrl, request: bytes) -> RequestOutcome:
        connection: HttpConnection | None = None
        try:
            async with asyncio.timeout(self._policy.timeout_s):
                pooled = self._pool.acquire(target[:3], _now_s()) or await self._connect(target)
                connection = pooled.connection
                try:
                    response = await connection.send(request)
                except RequestFailed:
                    # A server may close an idle connection at the moment of its next use.
                    if not (pooled.is_reused and connection.is_silent):
                        raise
                    pooled = await self._connect(target)
                    connection = pooled.connection
                    response = await connection.send(request)
        except TimeoutError:
            return self._timed_out(connection)
        except RequestFailed as fault:
            return RequestFailure(fault.reason, str(fault))
        except asyncio.CancelledError:
            if connection is not None:
                connection.close()
            raise
        self._pool.release(target[:3], pooled)
        return response

    def _timed_out(self, connection: HttpConnection | None) -> RequestOutcome:
        """Return the response if only the end of its body is missing, otherwise the failure."""
        if connection is None:
            return RequestFailure("timeout", f"no connection within {self._policy.timeout_s:g} s")
        response = connection.partial_response()
        connection.close()
        return response or RequestFailure("timeout", f"no answer within {self._policy.timeout_s:g} s")

    async def _connect(self, target: TargetUrl) -> PooledConnection:
        """Connect to the first permitted address that responds. Raises RequestFailed."""
        addresses = await self._permitted_addresses(target)
        faults: list[str] = []
        for index, address in enumerate(addresses):
            # Each address gets a share of the time, so that a silent one leaves some for the next.
            share_s = self._policy.timeout_s / (2 ** (index + 1)) if index + 1 < len(addresses) else None
            try:
                async with asyncio.timeout(share_s):
                    return await self._open(target, address)
            except ssl.SSLError as fault:
                raise RequestFailed(
                    "tls", f"the certificate of {target.host} is not trusted: {_error_text(fault)}"
                ) from fault
            except (OSError, TimeoutError) as fault:
                faults.append(f"{address}: {_error_text(fault)}")
        raise RequestFailed("unreachable", f"no connection: {'; '.join(faults)}")

    async def _permitted_addresses(self, target: TargetUrl) -> Sequence[str]:
        try:
            found = [target.host] if _is_numeric(target.host) else await self._resolve(*target[1:3])
        except OSError as fault:
            raise RequestFailed(
                "no-such-host", f"{target.host} has no address: {_error_text(fault)}"
            ) from fault
        try:
            return permitted_addresses(target.host, found, self._policy.networks)
        except ValueError as fault:
            raise RequestFailed("refused-address", str(fault)) from fault

    async def _open(self, target: TargetUrl, address: str) -> PooledConnection:
        loop = asyncio.get_running_loop()
        tls, name = (self._tls_context(), target.host) if target.is_secure else (None, None)
        _, connection = await loop.create_connection(
            HttpConnection, address, target.port, ssl=tls, server_hostname=name
        )
        return PooledConnection(connection, _now_s(), is_reused=False)

    def _tls_context(self) -> ssl.SSLContext:
        # Made on first use, because it reads all certificates of the machine.
        self._tls = self._tls or ssl.create_default_context()
        return self._tls


def _request(target: TargetUrl, headers: Mapping[str, str], body: bytes) -> bytes:
    own_headers = {"host": target.authority, "content-length": str(len(body)), "accept-encoding": "identity"}
    lines = [f"POST {target.path} HTTP/1.1"]
    for name, value in {**headers, **own_headers}.items():
        if _LINE_BREAKS & {*name, *value}:
            raise ValueError(f"the header {name!r} contains a line break")
        lines.append(f"{name}: {value}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def _is_numeric(host: str) -> bool:
    return ":" in host or (host.replace(".", "").isdigit() and host.count(".") == 3)  # noqa: PLR2004 (of four)


def _error_text(fault: BaseException) -> str:
    return str(getattr(fault, "strerror", None) or "") or str(fault) or type(fault).__name__


def _now_s() -> float:
    return asyncio.get_running_loop().time()
