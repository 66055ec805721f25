"""Chart and API reference libraries: `make setup` fetches them, wheels contain them, git does not."""

from functools import cache
from importlib.resources import files
from typing import Final

from calltally.web.dashboard.rendering import version

CHARTS: Final = "chart.js"
REFERENCE_SCRIPT: Final = "swagger-ui-bundle.js"
REFERENCE_STYLE: Final = "swagger-ui.css"


@cache
def built_file(name: str) -> bytes | None:
    """Return the bytes of a fetched library; None if it is missing."""
    file = files("calltally.web.dashboard").joinpath("built", name)
    return file.read_bytes() if file.is_file() else None


def built_path(name: str) -> str | None:
    """Return the URL of a library, which changes with its bytes; None if it is missing."""
    content = built_file(name)
    return None if content is None else f"/assets/{name}?{version(content)}"
