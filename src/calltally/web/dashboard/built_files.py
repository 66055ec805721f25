"""Libraries for charts and API reference: `make setup` fetches them, wheels ship them, git has them not."""

from functools import cache
from importlib.resources import files
from typing import Final

from calltally.web.dashboard.rendering import version

CHARTS: Final = "chart.js"
REFERENCE_SCRIPT: Final = "swagger-ui-bundle.js"
REFERENCE_STYLE: Final = "swagger-ui.css"


@cache
def built_file(name: str) -> bytes | None:
    """The bytes of a file that was built; None where nobody built it, and pages do without."""
    file = files("calltally.web.dashboard").joinpath("built", name)
    return file.read_bytes() if file.is_file() else None


def built_path(name: str) -> str | None:
    """Where pages find it, by a URL that changes with its bytes; None where it was not built."""
    content = built_file(name)
    return None if content is None else f"/assets/{name}?{version(content)}"
