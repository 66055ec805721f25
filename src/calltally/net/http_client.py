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

from calltally.net.addresses import Network, refusal
from calltally.net.connection_pool import KeptConnections, Opened
from calltally.net.dns import Found, Lookup
from calltally.net.http_connection import Answered, Broken, Conversation
from calltally.net.target_url import Target, read_target

TIMEOUT_S: Final = 10.0
_BREAKS: Final = frozenset("\r\n\0")

Resolve: TypeAlias = Callable[[str, int], Awaitable[Found]]


class Unanswered(NamedTuple):
    """No answer came. `reason` is one of a few words, `detail` says it to a person.

    bad-url, refused-address, no-such-host, unreachable, tls, timeout, reset, malformed, too-large.
    """

    reason: str
    detail: str


Outcome: TypeAlias = Answered | Unanswered


class Policy(NamedTuple):
    """What the operator allows beyond https to public addresses, and for how long a request may take."""

    allow_http: bool = False
    networks: Sequence[Network] = ()
    timeout_s: float = TIMEOUT_S


class Outgoing:
    """A client for all such requests of a process; connections are kept between them."""

    def __init__(
        self, policy: Policy, *, resolve: Resolve | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self._policy = policy
        self._resolve = resolve or Lookup()
        self._tls = tls
        self._kept = KeptConnections()

    def check(self, url: str) -> Target:
        """Where a URL leads; raises ValueError with what is wrong with it, before anything is looked up."""
        target = read_target(url, allow_http=self._policy.allow_http)
        if _is_numeric(target.host) and (why := refusal(target.host, self._policy.networks)):
            raise ValueError(f"nothing may be sent there: {why}")
        return target

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        """Send a body, and say what came of it. Raises ValueError for headers that are none."""
        try:
            target = self.check(url)
        except ValueError as fault:
            return Unanswered("bad-url", f"the URL is refused: {fault}")
        return await self._sent(target, _request(target, headers, body))

    def close(self) -> None:
        """End the connections that rest."""
        self._kept.close()

    async def _sent(self, target: Target, request: bytes) -> Outcome:
        conversation: Conversation | None = None
        try:
            async with asyncio.timeout(self._policy.timeout_s):
                opened = self._kept.take(target[:3], _now_s()) or await self._connected(target)
                conversation = opened.conversation
                try:
                    answered = await conversation.ask(request)
                except Broken:
                    # A server may end a connection that rests at the moment at which it is used again.
                    if not (opened.is_used and conversation.is_silent):
                        raise
                    opened = await self._connected(target)
                    conversation = opened.conversation
                    answered = await conversation.ask(request)
        except TimeoutError:
            return self._late(conversation)
        except Broken as fault:
            return Unanswered(fault.reason, str(fault))
        except asyncio.CancelledError:
            if conversation is not None:
                conversation.close()
            raise
        self._kept.keep(target[:3], opened)
        return answered

    def _late(self, conversation: Conversation | None) -> Outcome:
        """Where only the end of the body did not come, its sender has answered all the same."""
        answered = conversation.so_far() if conversation is not None else None
        if conversation is not None:
            conversation.close()
        doing = "it was connected to" if conversation is not None else "a connection was made"
        late = Unanswered("timeout", f"no answer within {self._policy.timeout_s:g} s: {doing}")
        return answered or late

    async def _connected(self, target: Target) -> Opened:
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
                raise Broken("tls", f"{target.host} is not trusted: {_said(fault)}") from fault
            except (OSError, TimeoutError) as fault:
                faults.append(f"{address}: {_said(fault)}")
        raise Broken("unreachable", f"no connection: {'; '.join(faults)}")

    async def _permitted(self, target: Target) -> Sequence[str]:
        try:
            found = [target.host] if _is_numeric(target.host) else await self._resolve(*target[1:3])
        except OSError as fault:
            raise Broken("no-such-host", f"{target.host} has no address: {_said(fault)}") from fault
        judged = {address: refusal(address, self._policy.networks) for address in found}
        permitted = [address for address, why in judged.items() if why is None]
        if not permitted:
            why = "; ".join(str(why) for why in judged.values()) or "it has no address"
            raise Broken("refused-address", f"nothing may be sent to {target.host}: {why}")
        return permitted

    async def _opened(self, target: Target, address: str) -> Opened:
        loop = asyncio.get_running_loop()
        tls, name = (self._context(), target.host) if target.is_secure else (None, None)
        _, conversation = await loop.create_connection(
            Conversation, address, target.port, ssl=tls, server_hostname=name
        )
        return Opened(conversation, _now_s(), is_used=False)

    def _context(self) -> ssl.SSLContext:
        # Made when it is first needed: it reads all the certificates of the machine.
        self._tls = self._tls or ssl.create_default_context()
        return self._tls


def _request(target: Target, headers: Mapping[str, str], body: bytes) -> bytes:
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
