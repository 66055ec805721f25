"""Bound on the client connections of one process, and its timeouts.

At the bound, a new connection replaces the one that has waited longest for its client. However many idle or
half-sent connections there are, a client that sends a complete request is served.
"""

import resource
import select
from asyncio import BaseTransport
from itertools import islice
from typing import Final, NamedTuple, Protocol

from calltally.logs import get_logger
from calltally.settings.fields import Settings

# File descriptors for everything else: the database, deliveries, files, pipes.
_RESERVED_DESCRIPTORS: Final = 1024
# After a stall, many waiting connections contain a request. Each check is a system call.
_MAX_CHECKS: Final = 16
_LOG_PAUSE_S: Final = 60.0

log: Final = get_logger(__name__)


class Timeouts(NamedTuple):
    """Seconds that a client has for each part of a request. None of them runs during a response.

    At least `body_bytes` of a body must arrive every `body_s`, not counting pauses that the service causes.
    """

    first_byte_s: float = 20.0
    head_s: float = 20.0
    body_s: float = 10.0
    body_bytes: int = 10 * 1024


TIMEOUTS: Final = Timeouts()


class Waiting(Protocol):
    """Connection that waits for its client."""

    def make_room(self) -> bool:
        """End the connection at once. Return False if its client has sent or has to read something."""


class Connections:
    """Open connections of one process, and those that wait for their client, longest wait first."""

    def __init__(self, most: int, timeouts: Timeouts = TIMEOUTS) -> None:
        self.timeouts = timeouts
        self.most = most
        self._open: set[Waiting] = set()
        # A dict keeps the order in which waits began.
        self._waiting: dict[Waiting, None] = {}
        self._refused = 0
        self._logged_s = -_LOG_PAUSE_S

    def admit(self, connection: Waiting, now_s: float) -> bool:
        """Count a new connection. Return False at the bound if no other connection can be ended for it."""
        self._open.add(connection)
        is_admitted = len(self._open) <= self.most or self._end_longest_wait()
        if not is_admitted:
            self._log_refusal(now_s)
        return is_admitted

    def remove(self, connection: Waiting) -> None:
        """Forget a connection that has ended."""
        self._open.discard(connection)
        self._waiting.pop(connection, None)

    def begin_wait(self, connection: Waiting) -> None:
        """Append the connection to the waiting ones."""
        self._waiting.pop(connection, None)
        self._waiting[connection] = None

    def end_wait(self, connection: Waiting) -> None:
        """Remove the connection from the waiting ones, because it has a request."""
        self._waiting.pop(connection, None)

    def _end_longest_wait(self) -> bool:
        ended = next((each for each in islice(self._waiting, _MAX_CHECKS) if each.make_room()), None)
        if ended is not None:
            self.remove(ended)
        return ended is not None

    def _log_refusal(self, now_s: float) -> None:
        self._refused += 1
        if now_s - self._logged_s >= _LOG_PAUSE_S:
            log.warning("connections refused: all are in use", refused=self._refused, most=self.most)
            self._refused, self._logged_s = 0, now_s


def connections_of(settings: Settings) -> Connections:
    """Return the connections that the settings and the limit of file descriptors allow."""
    reserved = _RESERVED_DESCRIPTORS + 2 * settings.database_connections
    descriptors = _raise_descriptor_limit(settings.max_connections + reserved)
    most = min(settings.max_connections, max(descriptors - reserved, descriptors // 2))
    if most < settings.max_connections:
        log.warning("file descriptors limit the connections", most=most, descriptors=descriptors)
    return Connections(most)


def _raise_descriptor_limit(needed: int) -> int:
    """Raise the soft limit as far as it is needed and allowed, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return needed
    wanted = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if soft >= wanted:
        return soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):
        # macOS has an additional, lower limit.
        return soft
    return wanted


def has_unread_bytes(transport: BaseTransport) -> bool:
    """Return true if the socket has bytes, or an end, that the event loop has not read yet."""
    connected = transport.get_extra_info("socket")
    if connected is None or connected.fileno() < 0:
        return False
    poller = select.poll()
    poller.register(connected.fileno(), select.POLLIN)
    return bool(poller.poll(0))
