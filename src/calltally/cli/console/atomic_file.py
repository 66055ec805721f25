"""Atomic writing of a command's output file."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TextIO

from calltally.calls.errors import InvalidInput

# Other folders below /dev, such as /dev/shm, contain ordinary files.
_DEVICES: Final = frozenset({Path("/dev"), Path("/dev/fd")})


@contextmanager
def atomic_writer(path: Path) -> Iterator[Callable[[str], object]]:
    """Yield a function that writes text to a file, which only its owner may read.

    The text is written to a temporary file in the same folder, which replaces the target at the end. A device
    is written to directly. Raises InvalidInput if the file cannot be written; an existing file then stays
    unchanged.
    """
    with _as_invalid_input(path):
        has_draft = _is_regular(path)
        # Replace the target of a link, not the link.
        target = path.resolve() if has_draft else path
        draft = _draft(target) if has_draft else path
        file = draft.open("w", encoding="utf-8", newline="")
    try:
        yield _writer(path, file)
        with _as_invalid_input(path):
            file.close()
            if has_draft:
                draft.replace(target)
    except BaseException:
        with suppress(OSError):
            file.close()
        if has_draft:
            draft.unlink(missing_ok=True)
        raise


def _is_regular(path: Path) -> bool:
    """Return true if the path is an ordinary file or does not exist.

    Paths in `/dev` count as devices: `/dev/stdout` may be a file that other programs write to as well.
    """
    return (path.is_file() or not path.exists()) and path.absolute().parent not in _DEVICES


def _draft(target: Path) -> Path:
    """Create an empty file of mode 0600 beside the target."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:64]}.")
    os.close(handle)
    return Path(name)


def _writer(path: Path, file: TextIO) -> Callable[[str], object]:
    def write(text: str) -> None:
        with _as_invalid_input(path):
            file.write(text)

    return write


@contextmanager
def _as_invalid_input(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        raise InvalidInput.of("file", f"{path} cannot be written: {fault.strerror or fault}") from fault
