"""A file that is taken away as it is written."""

from io import RawIOBase


class Sink(RawIOBase):
    """Buffer of written bytes, emptied by `taken`. The writer's own count of bytes goes on."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: object) -> int:
        """Keep a copy: the writer's buffer is its own."""
        piece = bytes(data)  # type: ignore[call-overload] # whatever has a buffer
        self._pieces.append(piece)
        return len(piece)

    def taken(self) -> bytes:
        """Everything since the last time."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)
