"""Weight of pages: nobody should wait for the network."""

from typing import Final

from interop.browser import cast
from interop.browser.journeys import View, journey
from interop.browser.quality_journeys import LAUNCH, QUALITY
from interop.browser.visits import Visit

VIEWS: Final[tuple[View, ...]] = ()
# Scripts and styles of a page, as a browser gets them that takes gzip alone.
MOST_BYTES: Final = 200_000
_FILES: Final = """[...document.querySelectorAll("script[src], link[rel=stylesheet]")]
    .map((each) => each.src || each.href)"""
_PAGES: Final = ("/calls?limit=1000", f"/calls/{cast.HANDED_OVER}", QUALITY, LAUNCH, "/alerts", "/settings")


@journey
def scripts_and_styles_of_a_page_are_light(visit: Visit) -> None:
    """Support comes to each page for the first time: what it loads of scripts and styles is little."""
    page = visit.sign_in("support", "/exports")
    for path in _PAGES:
        page.goto(path)
        files = page.evaluate(_FILES)
        assert len(files) > 1, f"{path} loads nothing"
        weight = sum(_bytes(visit, file) for file in files)
        assert weight <= MOST_BYTES, f"{path} loads {weight:,} bytes"


def _bytes(visit: Visit, file: str) -> int:
    answer = visit.context.request.get(file, headers={"accept-encoding": "gzip"})
    assert answer.ok, f"{file} answered {answer.status}"
    return int(answer.headers["content-length"])
