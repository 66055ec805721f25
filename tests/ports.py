"""Ports for servers that must be named before they listen, or come back to the port that they had."""

import random
import socket
from contextlib import closing

# Below those that systems give to outgoing connections: one of another test could take the port meanwhile.
_PORTS = range(20_000, 30_000)


def free_port(host: str) -> int:
    """One that nobody listens on now, drawn anew each time: tests run beside each other."""
    while True:
        port = random.choice(_PORTS)
        try:
            with closing(socket.create_server((host, port))):
                return port
        except OSError:
            continue
