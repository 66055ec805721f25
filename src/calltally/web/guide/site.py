"""Files of the built documentation site."""

import re
from importlib.resources import files
from pathlib import PurePosixPath
from typing import Final

INDEX: Final = "index.html"
_TYPES: Final = {
    ".css": b"text/css; charset=utf-8",
    ".html": b"text/html; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".json": b"application/json",
    ".md": b"text/markdown; charset=utf-8",
    ".png": b"image/png",
    ".svg": b"image/svg+xml",
    ".webp": b"image/webp",
}
_TEXT: Final = b"text/plain; charset=utf-8"
# The builder and the theme put a digest of their bytes into the names of scripts and styles.
_DIGEST: Final = re.compile(r"\.[0-9a-f]{8}\.")
_OUTSIDE: Final = frozenset({"", ".", ".."})
# More than any path of the site, and fewer than a file system refuses with an error.
_MAX_PATH_CHARS: Final = 200


def site_file(name: str) -> bytes | None:
    """Return the bytes of a file by its path in the site; None if there is no such file."""
    segments = name.split("/")
    if not _OUTSIDE.isdisjoint(segments) or not name.isascii() or len(name) > _MAX_PATH_CHARS:
        return None
    file = files("calltally.web.guide").joinpath("built", *segments)
    return file.read_bytes() if file.is_file() else None


def is_built() -> bool:
    return site_file(INDEX) is not None


def media_type(name: str) -> bytes:
    return _TYPES.get(PurePosixPath(name).suffix, _TEXT)


def is_immutable(name: str) -> bool:
    """Return whether the name of a file changes with its bytes."""
    return _DIGEST.search(name) is not None
