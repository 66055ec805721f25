"""Requests to places that somebody else named: webhook endpoints, alert sinks.

Safe by construction: https unless allowed; the address is judged when the connection is made, and the
connection goes to that very address, so that no name can change between the look and the leap; TLS is
verified against the name; redirects are answers like any other; proxies of the environment are not used;
time and sizes are bounded. What comes of a request is a value, whatever it is.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from calltally.net.addresses import Network, refusal_reason
from calltally.net.connection_pool import ConnectionPool, PooledConnection
from calltally.net.dns import HostAddresses, Resolver
from calltally.net.http_connection import HttpConnection, OutgoingResponse, RequestFailed
from calltally.net.target_url import TargetUrl, parse_target

TIMEOUT_S: Final = 10.0
_BREAKS: Final = frozenset("\r\n\0")

Resolve: TypeAlias = Callable[[str, int], Awaitable[HostAddresses]]


class RequestFailure(NamedTuple):
    """No answer came. `reason` is one of a few words, `detail` says it to a person.

    bad-url, refused-address, no-such-host, unreachable, tls, timeout, reset, malformed, too-large.
    """

    reason: str
    detail: str


RequestOutcome: TypeAlias = OutgoingResponse | RequestFailure


class OutgoingPolicy(NamedTuple):
    """What the operator allows beyond https to public addresses, and for how long a request may take."""

    allow_http: bool = False
    networks: Sequence[Network] = ()
    timeout_s: float = TIMEOUT_S


class OutgoingClient:
    """A client for all such requests of a process; connections are kept between them."""

    def __init__(
        self, policy: OutgoingPolicy, *, resolve: Resolve | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self._policy = policy
        self._resolve = resolve or Resolver()
        self._tls = tls
        self._kept = ConnectionPool()

    def check(self, url: str) -> TargetUrl:
        """Where a URL leads; raises ValueError with what is wrong with it, before anything is looked up."""
        target = parse_target(url, allow_http=self._policy.allow_http)
        if _is_numeric(target.host) and (why := refusal_reason(target.host, self._policy.networks)):
            raise ValueError(f"nothing may be sent there: {why}")
        return target

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> RequestOutcome:
        """Send a body, and say what came of it. Raises ValueError for headers that are none."""
        try:
            target = self.check(url)
        except ValueError as fault:
            return RequestFailure("bad-url", f"the URL is refused: {fault}")
        return await self._sent(target, _request(target, headers, body))

    def close(self) -> None:
        """End the connections that rest."""
        self._kept.close()

    async def _sent(self, target: TargetUrl, request: bytes) -> RequestOutcome:
        conversation: HttpConnection | None = None
        try:
            async with asyncio.timeout(self._policy.timeout_s):
                opened = self._kept.take(target[:3], _now_s()) or await self._connected(target)
                conversation = opened.conversation
                try:
                    answered = await conversation.ask(request)
                except RequestFailed:
                    # A server may end a connection that rests at the moment at which it is used again.
                    if not (opened.is_used and conversation.is_silent):
                        raise
                    opened = await self._connected(target)
                    conversation = opened.conversation
                    answered = await conversation.ask(request)
        except TimeoutError:
            return self._late(conversation)
        except RequestFailed as fault:
            return RequestFailure(fault.reason, str(fault))
        except asyncio.CancelledError:
            if conversation is not None:
                conversation.close()
            raise
        self._kept.keep(target[:3], opened)
        return answered

    def _late(self, conversation: HttpConnection | None) -> RequestOutcome:
        """Where only the end of the body did not come, its sender has answered all the same."""
        answered = conversation.so_far() if conversation is not None else None
        if conversation is not None:
            conversation.close()
        doing = "it was connected to" if conversation is not None else "a connection was made"
        late = RequestFailure("timeout", f"no answer within {self._policy.timeout_s:g} s: {doing}")
        return answered or late

    async def _connected(self, target: TargetUrl) -> PooledConnection:
        """To the first address that may be used and answers. Raises Broken."""
        addresses = await self._permitted(target)
        faults: list[str] = []
        for place, address in enumerate(addresses):
            # Each has its share of the time, so that one that is silent leaves some for the next.
            share_s = self._policy.timeout_s / (2 ** (place + 1)) if place + 1 < len(addresses) else None
            try:
                async with asyncio.timeout(share_s):
                    return await self._opened(target, address)
            except ssl.SSLError as fault:
                raise RequestFailed("tls", f"{target.host} is not trusted: {_said(fault)}") from fault
            except (OSError, TimeoutError) as fault:
                faults.append(f"{address}: {_said(fault)}")
        raise RequestFailed("unreachable", f"no connection: {'; '.join(faults)}")

    async def _permitted(self, target: TargetUrl) -> Sequence[str]:
        try:
            found = [target.host] if _is_numeric(target.host) else await self._resolve(*target[1:3])
        except OSError as fault:
            raise RequestFailed("no-such-host", f"{target.host} has no address: {_said(fault)}") from fault
        judged = {address: refusal_reason(address, self._policy.networks) for address in found}
        permitted = [address for address, why in judged.items() if why is None]
        if not permitted:
            why = "; ".join(str(why) for why in judged.values()) or "it has no address"
            raise RequestFailed("refused-address", f"nothing may be sent to {target.host}: {why}")
        return permitted

    async def _opened(self, target: TargetUrl, address: str) -> PooledConnection:
        loop = asyncio.get_running_loop()
        tls, name = (self._context(), target.host) if target.is_secure else (None, None)
        _, conversation = await loop.create_connection(
            HttpConnection, address, target.port, ssl=tls, server_hostname=name
        )
        return PooledConnection(conversation, _now_s(), is_used=False)

    def _context(self) -> ssl.SSLContext:
        # Made when it is first needed: it reads all the certificates of the machine.
        self._tls = self._tls or ssl.create_default_context()
        return self._tls


def _request(target: TargetUrl, headers: Mapping[str, str], body: bytes) -> bytes:
    own = {"host": target.authority, "content-length": str(len(body)), "accept-encoding": "identity"}
    lines = [f"POST {target.path} HTTP/1.1"]
    for name, value in {**headers, **own}.items():
        if _BREAKS & {*name, *value}:
            raise ValueError(f"the header {name!r} has a line break in it")
        lines.append(f"{name}: {value}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def _is_numeric(host: str) -> bool:
    return ":" in host or (host.replace(".", "").isdigit() and host.count(".") == 3)  # noqa: PLR2004 (of four)


def _said(fault: BaseException) -> str:
    return str(getattr(fault, "strerror", None) or "") or str(fault) or type(fault).__name__


def _now_s() -> float:
    return asyncio.get_running_loop().time()
