"""Keeps this process on the loopback interface, and remembers what would have left it."""

import sys
from ipaddress import ip_address
from typing import Any, Final

_attempts: Final[list[str]] = []


def forbid_the_network() -> None:
    """From now on, looking up or connecting to anything but this machine fails. Cannot be undone."""
    sys.addaudithook(_refuse)


def outside_attempts() -> list[str]:
    """Return the refused hosts, each once: the caller may have swallowed the refusal."""
    return sorted(set(_attempts))


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    host = _host_of(event, arguments)
    if host is not None and not _is_here(host):
        _attempts.append(host)
        raise PermissionError(f"{event} to {host}: only this machine may be asked")


def _host_of(event: str, arguments: tuple[Any, ...]) -> str | None:
    if event == "socket.getaddrinfo":
        return str(arguments[0] or "localhost")
    # The address of an internet socket is a tuple; others never leave the machine.
    is_remote = event in {"socket.connect", "socket.sendto"} and isinstance(arguments[1], tuple)
    return str(arguments[1][0]) if is_remote else None


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
