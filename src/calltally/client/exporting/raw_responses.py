"""`--raw`: each answer of the server as it came, beside what was made of it."""

from pathlib import Path
from typing import Final

from calltally.client.exporting.checkpoint import FileState
from calltally.client.exporting.files import FOLDER_MODE, Appending

FOLDER: Final = "raw"
SUMS: Final = "SHA256SUMS"


class RawAnswers:
    """A file an answer, in their order, and their checksums in a list that `sha256sum -c` reads."""

    def __init__(self, out: Path, state: FileState | None) -> None:
        self._folder = out / FOLDER
        self._folder.mkdir(FOLDER_MODE, exist_ok=True)
        self._answers = state.rows if state else 0
        self._sums = Appending(self._folder / SUMS, state)

    def add(self, body: bytes) -> FileState:
        """Keep one more; returns the state of the list, which counts them."""
        name = f"{self._answers:09d}.json"
        file = Appending(self._folder / name)
        file.write(body)
        file.close()
        self._sums.write(f"{file.state(name, 1).sha256}  {name}\n".encode())
        self._answers += 1
        return self.state()

    def state(self) -> FileState:
        """How many answers there are, and what the list of their checksums is."""
        return self._sums.state(f"{FOLDER}/{SUMS}", self._answers)

    def close(self) -> None:
        """Let go of the list."""
        self._sums.close()
