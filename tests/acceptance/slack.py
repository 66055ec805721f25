"""Receiver on this machine for messages that would go to Slack's incoming webhook."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from tests.acceptance.live import HOST

Messages = list[dict[str, Any]]


@contextmanager
def receiving() -> Iterator[tuple[str, Messages]]:
    """Run the receiver during the block. Yields its address and the list that the messages go to."""
    messages: Messages = []

    class Receiver(BaseHTTPRequestHandler):
        """Handler that answers as Slack does."""

        def do_POST(self) -> None:
            messages.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer((HOST, 0), Receiver) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://{HOST}:{server.server_port}", messages
        finally:
            server.shutdown()
            thread.join()
