"""Files that are made by `make setup` and ship in wheels, but are not committed: the charts' library."""

from functools import cache
from importlib.resources import files
from typing import Final

CHARTS: Final = "chart.js"


@cache
def built(name: str) -> bytes | None:
    """The bytes of a file that was built; None where nobody built it, and pages do without."""
    file = files("calltally.web.dashboard").joinpath("built", name)
    return file.read_bytes() if file.is_file() else None


def is_built(name: str) -> bool:
    """Whether pages may refer to it."""
    return built(name) is not None
