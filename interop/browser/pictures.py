"""Photographs of every page of the demo, at three widths and in both themes, to be looked at one by one.

`make screenshots` writes them to build/screenshots, and those of the README to docs/pictures; words after the
command name those wanted. axe judges each page too. A page of the service without a picture is a fault.
"""

import re
import sys
from base64 import b64decode
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

from interop.browser.axe import Axe
from interop.browser.demo_pages import Picture, all_pictures
from interop.browser.demo_stage import running_demo
from interop.browser.journeys import HERE, View
from interop.browser.page_routes import unphotographed
from interop.browser.stage import Stage
from interop.browser.visits import running_browser, visiting
from interop.packages import installed

FOLDER: Final = HERE.parents[1] / "build" / "screenshots"
THEMES: Final = ("light", "dark")


class Size(NamedTuple):
    """A window, in CSS pixels."""

    width: int
    height: int


class Chosen(NamedTuple):
    """One of the README's: which page, how large, in which theme, under which name."""

    file: str
    view: str
    size: Size
    theme: str


class Photographed(NamedTuple):
    """Path of a photographed page, and what axe found on it."""

    path: str
    findings: list[str]


SIZES: Final = (Size(390, 844), Size(1280, 800), Size(1920, 1080))

README: Final = HERE.parents[1] / "docs" / "pictures"
CHOSEN: Final = (
    Chosen("call", "an escalated call", Size(1280, 720), "light"),
    Chosen("call-dark", "a contradicted call", Size(1280, 720), "dark"),
    Chosen("quality", "quality", Size(1280, 720), "light"),
    Chosen("launch-dark", "the launch of an agent", Size(1280, 720), "dark"),
    Chosen("alert", "an outage that is over", Size(1280, 720), "light"),
    # After the others, so that live calls have come in.
    Chosen("overview", "the overview", Size(1280, 720), "light"),
    Chosen("calls", "calls", Size(1280, 720), "light"),
    Chosen("calls-small", "calls", Size(375, 720), "light"),
)
# axe judges these; between them the layout is the same.
_JUDGED_WIDTHS: Final = (390, 1280)
# It is plain text, without a page around it.
_NOT_JUDGED: Final = ("the received deliveries",)
_QUALITY: Final = 82
# Charts are drawn when they come into view, or to be printed.
_DRAW_ALL: Final = "dispatchEvent(new Event('beforeprint'))"


# With what the list of calls scrolls inside of the page.
_WHOLE_HEIGHT: Final = """() => {
    const list = document.querySelector(".list .wide");
    return document.scrollingElement.scrollHeight + (list ? list.scrollHeight - list.clientHeight : 0);
}"""


def main(words: list[str]) -> int:
    """Returns the exit status."""
    wanted = re.compile("|".join(words) or ".")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, running_browser(playwright) as browser, running_demo() as demo:
        pictures = all_pictures(demo)
        for chosen in CHOSEN:
            if wanted.search(chosen.file):
                [view] = [each.view for each in pictures if each.view.name == chosen.view]
                _print_size(_for_readme(demo.stage, browser, view, chosen))
        axe = Axe(installed(HERE, demo.stage.service.folder))
        found = [_photograph(demo.stage, browser, axe, each, wanted) for each in pictures]
    faults = [f"axe: {finding}" for each in found for finding in each.findings]
    if not words:
        faults += [f"no picture: {route}" for route in unphotographed(each.path for each in found)]
    for fault in faults:
        print(f"  {fault}")
    return 1 if faults else 0


def _photograph(
    stage: Stage, browser: Browser, axe: Axe, picture: Picture, wanted: re.Pattern[str]
) -> Photographed:
    """Photograph a page in all sizes and themes. Signs in once."""
    view, findings = picture.view, []
    named = {(size, theme): _file(view, size, theme) for theme in THEMES for size in SIZES}
    named = {which: file for which, file in named.items() if wanted.search(file.name)}
    if not named:
        return Photographed(view.path, [])
    with visiting(stage, browser) as visit:
        page = visit.sign_in(view.who) if view.who else visit.page
        for (size, theme), file in named.items():
            visit.choose_theme(theme)
            page.set_viewport_size(size._asdict())
            page.goto(view.path)
            page.wait_for_load_state("networkidle")
            picture.prepare(page)
            _unfold(page, size)
            page.screenshot(path=file, full_page=True, animations="disabled")
            _print_size(file)
            if size.width in _JUDGED_WIDTHS and view.name not in _NOT_JUDGED:
                findings += [f"{file.stem}: {finding}" for finding in axe.findings(page)]
        return Photographed(urlsplit(page.url).path, findings)


def _unfold(page: Page, size: Size) -> None:
    """A window as tall as the page: what sticks to its foot is there, and what is far away is drawn."""
    # Twice: what may be as tall as the window grows with it.
    for _ in range(2):
        tall = page.evaluate(_WHOLE_HEIGHT)
        page.set_viewport_size({"width": size.width, "height": max(size.height, tall)})
    page.evaluate(_DRAW_ALL)


def _for_readme(stage: Stage, browser: Browser, view: View, chosen: Chosen) -> Path:
    """One of the README's: what a window shows, as WebP, a quarter of the bytes of PNG."""
    with visiting(stage, browser) as visit:
        visit.choose_theme(chosen.theme)
        page = visit.page
        page.set_viewport_size(chosen.size._asdict())
        visit.open(view.who, view.path)
        page.wait_for_load_state("networkidle")
        page.evaluate(_DRAW_ALL)
        file = README / f"{chosen.file}.webp"
        file.write_bytes(_webp(page))
    return file


def _webp(page: Page) -> bytes:
    requested = {"format": "webp", "quality": _QUALITY}
    answer = page.context.new_cdp_session(page).send("Page.captureScreenshot", requested)
    return b64decode(answer["data"])


def _print_size(file: Path) -> None:
    print(f"  {file.relative_to(HERE.parents[1])}: {file.stat().st_size // 1000} kB")


def _file(view: View, size: Size, theme: str) -> Path:
    name = re.sub(r"\W+", "-", view.name)
    return FOLDER / f"{name}-{size.width}-{theme}.png"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
