"""HTTP/1.1 as the server speaks it, with a problem document for what is no HTTP, and an end to long heads."""

from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from calltally.web.malformed import malformed_answer

# The parser keeps a head until it is whole, however long: without an end anybody could fill the memory.
# Some times what one read brings, so that the tail of a body before it in the same read does no harm.
MOST_HEAD_BYTES: Final = 1024 * 1024


class ProblemProtocol(HttpToolsProtocol):
    """The server's own protocol with our answer to what cannot be parsed."""

    _is_in_head = False
    _head_bytes = 0

    def data_received(self, data: bytes) -> None:
        """Parse; count what has come of a head that is not whole yet."""
        super().data_received(data)
        self._head_bytes += len(data) if self._is_in_head else 0
        if self._head_bytes > MOST_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("")

    def on_message_begin(self) -> None:
        """A head begins."""
        self._is_in_head, self._head_bytes = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """It is whole."""
        self._is_in_head, self._head_bytes = False, 0
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 (the server's signature)
        """Answer and hang up: where the next request would begin is not known."""
        self.transport.write(malformed_answer())
        self.transport.close()
