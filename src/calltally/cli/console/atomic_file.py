"""A file that a command writes: whole or not at all."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TextIO

from calltally.calls.errors import InvalidInput

# Elsewhere below /dev, in /dev/shm, lie files as anywhere.
_DEVICES: Final = frozenset({Path("/dev"), Path("/dev/fd")})


@contextmanager
def written(path: Path) -> Iterator[Callable[[str], object]]:
    """Who is told text, and writes it to a file that only its owner may read.

    It is written beside the file and takes its place at the end; a device is written to as it is. Raises
    InvalidInput where it cannot be written; what stood there before then stays.
    """
    with _told(path):
        is_beside = _is_plain(path)
        # What a link leads to is replaced, not the link.
        place = path.resolve() if is_beside else path
        draft = _draft(place) if is_beside else path
        file = draft.open("w", encoding="utf-8", newline="")
    try:
        yield _teller(path, file)
        with _told(path):
            file.close()
            if is_beside:
                draft.replace(place)
    except BaseException:
        with suppress(OSError):
            file.close()
        if is_beside:
            draft.unlink(missing_ok=True)
        raise


def _is_plain(path: Path) -> bool:
    """Whether it is a file, or there is nothing yet; `/dev/stdout` may be a file too that others write to."""
    return (path.is_file() or not path.exists()) and path.absolute().parent not in _DEVICES


def _draft(place: Path) -> Path:
    """An empty file beside it, of mode 0600."""
    handle, name = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name[:64]}.")
    os.close(handle)
    return Path(name)


def _teller(path: Path, file: TextIO) -> Callable[[str], object]:
    def write(text: str) -> None:
        with _told(path):
            file.write(text)

    return write


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        raise InvalidInput.of("file", f"{path} cannot be written: {fault.strerror or fault}") from fault
