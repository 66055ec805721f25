"""Mail by SMTP, to servers that somebody else named: judged like every other place that is sent to.

The standard library's client, in a thread. The connection goes to the address that was judged; TLS is
verified against the name. The client bounds each answer that it waits for, and a server may give as many of
them as it likes, a byte at a time: so the whole is bounded too, and then broken off.
"""

import asyncio
import smtplib
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from email.message import EmailMessage
from threading import BoundedSemaphore, Lock
from typing import Final, NamedTuple, TypeAlias

from calltally.net.addresses import Network, refusal_reason
from calltally.net.threads import run_in_own_thread

# For each answer, and for all of it.
RESPONSE_TIMEOUT_S: Final = 15.0
TOTAL_TIMEOUT_S: Final = 45.0
# Each under way has a thread.
_SLOTS: Final = BoundedSemaphore(64)
TLS: Final = "tls"
STARTTLS: Final = "starttls"


class MailServer(NamedTuple):
    """Where mail goes. `security` is `tls`, `starttls` or `none`; no user where it asks for none."""

    host: str
    port: int
    security: str
    username: str | None = None
    password: str | None = None


SendMail: TypeAlias = Callable[[MailServer, EmailMessage], Awaitable[str | None]]


async def send_mail(
    server: MailServer, mail: EmailMessage, allowed: Sequence[Network], *, timeout_s: float = TOTAL_TIMEOUT_S
) -> str | None:
    """Hand a mail over; returns what went wrong, in words, or None. One that is late is not sent any more."""
    transfer = _MailTransfer(server, mail, allowed)
    try:
        async with asyncio.timeout(timeout_s):
            await run_in_own_thread(transfer.run, "calltally-mail")
    except TimeoutError:
        return f"{server.host} did not answer in time"
    except smtplib.SMTPException as fault:
        return f"the mail server refused it: {_error_text(fault)}"
    except ssl.SSLError as fault:
        return f"{server.host} is not trusted: {fault.strerror or fault}"
    except OSError as fault:
        return f"no mail server at {server.host}:{server.port}: {fault.strerror or fault}"
    except ValueError as fault:
        return str(fault)
    finally:
        transfer.abort()
    return None


class _MailTransfer:
    """One mail on its way: `run` in a thread, `break_off` from anywhere."""

    def __init__(self, server: MailServer, mail: EmailMessage, allowed: Sequence[Network]) -> None:
        self._server = server
        self._mail = mail
        self._allowed = allowed
        self._lock = Lock()
        self._is_aborted = False
        self._socket_handle: socket.socket | None = None

    def run(self) -> None:
        """Hand it over. Raises SMTPException, OSError, ValueError."""
        if not _SLOTS.acquire(blocking=False):
            raise ValueError("too many mails are under way; it is tried again")
        try:
            self._transfer()
        finally:
            _SLOTS.release()

    def _transfer(self) -> None:
        server, context = self._server, ssl.create_default_context()
        address = _permitted_address(server, self._allowed)
        tls = context if server.security == TLS else None
        with _Client(server, address, tls, self._on_connect) as client:
            if server.security == STARTTLS:
                client.starttls(context=context)
            if server.username is not None:
                client.login(server.username, server.password or "")
            client.send_message(self._mail)

    def abort(self) -> None:
        """Whoever waits for an answer is told that the connection is gone."""
        with self._lock:
            self._is_aborted = True
            handle, self._socket_handle = self._socket_handle, None
        if handle is not None:
            with suppress(OSError):
                handle.shutdown(socket.SHUT_RDWR)
            handle.close()

    def _on_connect(self, connection: socket.socket) -> None:
        # A handle of its own: TLS takes the connection away from the socket that it was opened by.
        with self._lock:
            if self._is_aborted:
                connection.close()
                raise TimeoutError("nobody waits for it any more")
            self._socket_handle = connection.dup()


def _permitted_address(server: MailServer, allowed: Sequence[Network]) -> str:
    """The first address of the server that mail may be sent to. Raises ValueError, OSError."""
    found = socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)
    refusals = {str(address[0]): refusal_reason(str(address[0]), allowed) for *_, address in found}
    permitted = [address for address, reason in refusals.items() if reason is None]
    if not permitted:
        raise ValueError(f"nothing may be sent to {server.host}: {'; '.join(map(str, refusals.values()))}")
    return permitted[0]


class _Client(smtplib.SMTP):
    """Connects to an address that was judged, whatever the name leads to by now."""

    def __init__(
        self,
        server: MailServer,
        address: str,
        tls: ssl.SSLContext | None,
        on_connect: Callable[[socket.socket], None],
    ) -> None:
        self._address = address
        self._tls = tls
        self._on_connect = on_connect
        super().__init__(server.host, server.port, timeout=RESPONSE_TIMEOUT_S)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connection = socket.create_connection((self._address, port), timeout)
        self._on_connect(connection)
        return self._tls.wrap_socket(connection, server_hostname=host) if self._tls else connection


def _error_text(fault: smtplib.SMTPException) -> str:
    if isinstance(fault, smtplib.SMTPResponseException):
        message = fault.smtp_error
        text = message.decode("utf-8", "replace") if isinstance(message, bytes) else str(message)
        return f"{fault.smtp_code} {text}"[:300]
    return str(fault)[:300] or type(fault).__name__
