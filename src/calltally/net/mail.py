"""Mail by SMTP to servers that tenants name, with the same address checks as HTTP requests.

It uses the standard library's client in a thread. The connection goes to the checked address, and TLS is
verified against the name. The client bounds the time of each response only, and a server may send endless
responses a byte at a time. So the total time is bounded as well, and the connection is then aborted.
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

from calltally.net.addresses import Network, permitted_addresses
from calltally.net.dns import run_in_own_thread

# For each response, and in total.
RESPONSE_TIMEOUT_S: Final = 15.0
TOTAL_TIMEOUT_S: Final = 45.0
# Each running transfer has a thread.
_SLOTS: Final = BoundedSemaphore(64)
TLS: Final = "tls"
STARTTLS: Final = "starttls"


class MailServer(NamedTuple):
    """Mail server. `security` is `tls`, `starttls` or `none`; no user name if it needs no login."""

    host: str
    port: int
    security: str
    username: str | None = None
    password: str | None = None


SendMail: TypeAlias = Callable[[MailServer, EmailMessage], Awaitable[str | None]]


async def send_mail(
    server: MailServer, mail: EmailMessage, allowed: Sequence[Network], *, timeout_s: float = TOTAL_TIMEOUT_S
) -> str | None:
    """Send a mail; returns the error text, or None. A mail that times out is not sent later."""
    transfer = _MailTransfer(server, mail, allowed)
    try:
        async with asyncio.timeout(timeout_s):
            await run_in_own_thread(transfer.run, "calltally-mail")
    except TimeoutError:
        return f"{server.host} did not answer in time"
    except smtplib.SMTPException as fault:
        return f"the mail server refused the mail: {_error_text(fault)}"
    except ssl.SSLError as fault:
        return f"the certificate of {server.host} is not trusted: {fault.strerror or fault}"
    except OSError as fault:
        return f"no mail server at {server.host}:{server.port}: {fault.strerror or fault}"
    except ValueError as fault:
        return str(fault)
    finally:
        transfer.abort()
    return None


class _MailTransfer:
    """Transfer of one mail: `run` in a thread, `abort` from any thread."""

    def __init__(self, server: MailServer, mail: EmailMessage, allowed: Sequence[Network]) -> None:
        self._server = server
        self._mail = mail
        self._allowed = allowed
        self._lock = Lock()
        self._is_aborted = False
        self._socket_handle: socket.socket | None = None

    def run(self) -> None:
        """Send the mail. Raises SMTPException, OSError, ValueError."""
        if not _SLOTS.acquire(blocking=False):
            raise ValueError("too many mails are being sent; this one will be retried")
        try:
            self._transfer()
        finally:
            _SLOTS.release()

    def _transfer(self) -> None:
        server, context = self._server, ssl.create_default_context()
        found = socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)
        address = permitted_addresses(server.host, (str(each[0]) for *_, each in found), self._allowed)[0]
        tls = context if server.security == TLS else None
        with _Client(server, address, tls, self._on_connect) as client:
            if server.security == STARTTLS:
                client.starttls(context=context)
            if server.username is not None:
                client.login(server.username, server.password or "")
            client.send_message(self._mail)

    def abort(self) -> None:
        """Close the connection, which ends the wait in `run`."""
        with self._lock:
            self._is_aborted = True
            handle, self._socket_handle = self._socket_handle, None
        if handle is not None:
            with suppress(OSError):
                handle.shutdown(socket.SHUT_RDWR)
            handle.close()

    def _on_connect(self, connection: socket.socket) -> None:
        # A duplicate handle: TLS detaches the connection from its socket.
        with self._lock:
            if self._is_aborted:
                connection.close()
                raise TimeoutError("the transfer was aborted")
            self._socket_handle = connection.dup()


class _Client(smtplib.SMTP):
    """Connects to the checked address, even if the name resolves elsewhere by now."""

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
