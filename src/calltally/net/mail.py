"""Mail by SMTP, to servers that somebody else named: judged like every other place that is sent to.

The standard library's client, in a thread. The connection goes to the address that was judged; TLS is
verified against the name.
"""

import asyncio
import smtplib
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from email.message import EmailMessage
from typing import Final, NamedTuple, TypeAlias

from calltally.net.addresses import Network, refusal

TIMEOUT_S: Final = 15.0
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


async def send_mail(server: MailServer, mail: EmailMessage, allowed: Sequence[Network]) -> str | None:
    """Hand a mail over; returns what went wrong, in words, or None."""
    try:
        await asyncio.to_thread(_send, server, mail, allowed)
    except smtplib.SMTPException as fault:
        return f"the mail server refused it: {_said(fault)}"
    except ssl.SSLError as fault:
        return f"{server.host} is not trusted: {fault.strerror or fault}"
    except OSError as fault:
        return f"no mail server at {server.host}:{server.port}: {fault.strerror or fault}"
    except ValueError as fault:
        return str(fault)
    return None


def _send(server: MailServer, mail: EmailMessage, allowed: Sequence[Network]) -> None:
    context = ssl.create_default_context()
    with _Client(server, _permitted(server, allowed), context if server.security == TLS else None) as client:
        if server.security == STARTTLS:
            client.starttls(context=context)
        if server.username is not None:
            client.login(server.username, server.password or "")
        client.send_message(mail)


def _permitted(server: MailServer, allowed: Sequence[Network]) -> str:
    """The first address of the server that mail may be sent to. Raises ValueError, OSError."""
    found = socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)
    judged = {str(address[0]): refusal(str(address[0]), allowed) for *_, address in found}
    permitted = [address for address, why in judged.items() if why is None]
    if not permitted:
        raise ValueError(f"nothing may be sent to {server.host}: {'; '.join(map(str, judged.values()))}")
    return permitted[0]


class _Client(smtplib.SMTP):
    """Connects to an address that was judged, whatever the name leads to by now."""

    def __init__(self, server: MailServer, address: str, tls: ssl.SSLContext | None) -> None:
        self._address = address
        self._tls = tls
        super().__init__(server.host, server.port, timeout=TIMEOUT_S)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        opened = socket.create_connection((self._address, port), timeout)
        return self._tls.wrap_socket(opened, server_hostname=host) if self._tls else opened


def _said(fault: smtplib.SMTPException) -> str:
    if isinstance(fault, smtplib.SMTPResponseException):
        said = fault.smtp_error
        words = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        return f"{fault.smtp_code} {words}"[:300]
    return str(fault)[:300] or type(fault).__name__
