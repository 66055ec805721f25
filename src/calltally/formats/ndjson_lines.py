"""NDJSON: a call a line, each as the list has it."""


class NdjsonLines:
    """Nothing is decoded: records come as lines already."""

    def begin(self) -> bytes:
        """Nothing."""
        return b""

    def add(self, records: bytes) -> bytes:
        """A line each."""
        return records + b"\n"

    def end(self) -> bytes:
        """Nothing: each line has its end."""
        return b""
