"""Raw responses of the server for `--raw`, unchanged, beside the exported files."""

from pathlib import Path
from typing import Final

from calltally.client.exporting.checkpoint import FileState
from calltally.client.exporting.files import FOLDER_MODE, AppendFile

RAW_FOLDER: Final = "raw"
CHECKSUM_FILE: Final = "SHA256SUMS"


class RawResponses:
    """One numbered file per response, and a list of checksums for `sha256sum -c`."""

    def __init__(self, out: Path, state: FileState | None) -> None:
        self._folder = out / RAW_FOLDER
        self._folder.mkdir(FOLDER_MODE, exist_ok=True)
        self._answers = state.rows if state else 0
        self._sums = AppendFile(self._folder / CHECKSUM_FILE, state)

    def add(self, body: bytes) -> FileState:
        """Write one response and return the state of the list, which counts the responses."""
        name = f"{self._answers:09d}.json"
        file = AppendFile(self._folder / name)
        file.write(body)
        file.close()
        self._sums.write(f"{file.state(name, 1).sha256}  {name}\n".encode())
        self._answers += 1
        return self.state()

    def state(self) -> FileState:
        """Return the state of the list of checksums, with the number of responses as rows."""
        return self._sums.state(f"{RAW_FOLDER}/{CHECKSUM_FILE}", self._answers)

    def close(self) -> None:
        """Close the list of checksums."""
        self._sums.close()
