"""Routes of the service that are pages, to find a page that no picture has."""

import os
import re
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

_PRINT_ROUTES: Final = """
from calltally.web.app import HANDLERS
from calltally.web.dashboard.routes import PAGE_HANDLERS
from calltally.web.guide.routes import GUIDE_HANDLERS
from calltally.web.openapi.routes import document_handlers

for each in (*PAGE_HANDLERS, *GUIDE_HANDLERS, *document_handlers(HANDLERS, None)):
    if "GET" in each.http_methods:
        print(*each.paths, sep="\\n")
"""
# Files, downloads and parts of pages.
_NO_PAGE: Final = re.compile(
    r"/assets/.*|/schemas/.*|/openapi\.json|/docs/style\.css|/calls-(export|count|news)|/quality-export"
    r"|/exports/.*/(manifest\.json|files/.*)|/reconciliations/.*/findings\.ndjson"
)
_PARAMETER: Final = re.compile(r"\\\{\w+:(\w+)\\\}")


def unphotographed(paths: Iterable[str]) -> Sequence[str]:
    """Return the routes of pages to which none of the photographed paths belongs."""
    paths = {path.rstrip("/") or "/" for path in paths}
    return [route for route in _page_routes() if not any(map(_pattern(route).fullmatch, paths))]


def _page_routes() -> Sequence[str]:
    # By the interpreter of the service: this environment does not have it.
    python = Path(os.environ["CALLTALLY"]).with_name("python")
    done = subprocess.run([str(python), "-c", _PRINT_ROUTES], capture_output=True, text=True, check=True)
    return [route for route in done.stdout.split() if not _NO_PAGE.fullmatch(route)]


def _pattern(route: str) -> re.Pattern[str]:
    """Return the pattern of the paths of a route such as `/calls/{id:str}`."""
    return re.compile(_PARAMETER.sub(lambda one: ".+" if one[1] == "path" else "[^/]+", re.escape(route)))
