"""HTTP/1.1 as the server speaks it, except that bytes which are no HTTP get a problem document too."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from calltally.web.malformed import malformed_answer


class ProblemProtocol(HttpToolsProtocol):
    """The server's own protocol with our answer to what cannot be parsed."""

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 (the server's signature)
        """Answer and hang up: where the next request would begin is not known."""
        self.transport.write(malformed_answer())
        self.transport.close()
