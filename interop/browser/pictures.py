"""Photographs of every page, at three widths and in both themes, to be looked at one by one.

`make screenshots` writes them to build/screenshots, and the six of the README to docs/pictures; words after
the command name those wanted.
"""

import re
import sys
from base64 import b64decode
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

from interop.browser.alerts_journeys import alert_line, strangers_call
from interop.browser.jobs_journeys import export_route
from interop.browser.journeys import HERE, View, found
from interop.browser.stage import KINDS, Stage, staged
from interop.browser.visits import running_browser, visiting

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


SIZES: Final = (Size(375, 812), Size(1280, 800), Size(2560, 1440))

README: Final = HERE.parents[1] / "docs" / "pictures"
CHOSEN: Final = (
    Chosen("calls", "calls", Size(1280, 720), "light"),
    Chosen("call", "one call", Size(1280, 720), "light"),
    Chosen("call-dark", "one call, disputed", Size(1280, 720), "dark"),
    Chosen("quality", "quality", Size(1280, 720), "light"),
    Chosen("launch-dark", "launch", Size(1280, 720), "dark"),
    Chosen("calls-small", "calls", Size(375, 720), "light"),
)
_QUALITY: Final = 82


def main(words: list[str]) -> int:
    """Returns the exit status."""
    wanted = re.compile("|".join(words) or ".")
    FOLDER.mkdir(parents=True, exist_ok=True)
    _journeys, view = found()
    with sync_playwright() as playwright, running_browser(playwright) as browser, staged(KINDS[0]) as stage:
        view = [*view, *_made(stage, browser)]
        for page in view:
            for file in _photographed(stage, browser, page, wanted):
                _print_size(file)
        for chosen in CHOSEN:
            if wanted.search(chosen.file):
                [page] = [each for each in view if each.name == chosen.view]
                _print_size(_for_readme(stage, browser, page, chosen))
    return 0


def _made(stage: Stage, browser: Browser) -> list[View]:
    """An export and an alert, so that their lists have something to show; and the page of each."""
    with visiting(stage, browser) as visit:
        strangers_call(visit)
        page = visit.sign_in("operations", "/exports")
        export_route(page, "Calls of route one")
        export = View("one export", urlsplit(page.url).path, "operations")
        page.goto("/alerts")
        alert_line(page).get_by_role("link").first.click()
        page.wait_for_url("**/alerts/*")
        return [export, View("one alert", urlsplit(page.url).path, "operations")]


def _photographed(stage: Stage, browser: Browser, view: View, wanted: re.Pattern[str]) -> list[Path]:
    """One page in all sizes and themes; signed in once."""
    named = {(size, theme): _file(view, size, theme) for theme in THEMES for size in SIZES}
    named = {which: file for which, file in named.items() if wanted.search(file.name)}
    if not named:
        return []
    with visiting(stage, browser) as visit:
        page = visit.open(view.who, view.path)
        for (size, theme), file in named.items():
            visit.choose_theme(theme)
            page.set_viewport_size(size._asdict())
            page.goto(view.path)
            page.wait_for_load_state("networkidle")
            _unfold(page, size)
            page.screenshot(path=file, full_page=True, animations="disabled")
    return list(named.values())


def _unfold(page: Page, size: Size) -> None:
    """A window as tall as the page: what sticks to its foot is there, and what is far away is drawn."""
    tall = page.evaluate("document.scrollingElement.scrollHeight")
    page.set_viewport_size({"width": size.width, "height": max(size.height, tall)})
    page.evaluate("dispatchEvent(new Event('beforeprint'))")


def _for_readme(stage: Stage, browser: Browser, view: View, chosen: Chosen) -> Path:
    """One of the README's: what a window shows, as WebP, a quarter of the bytes of PNG."""
    with visiting(stage, browser) as visit:
        visit.choose_theme(chosen.theme)
        page = visit.page
        page.set_viewport_size(chosen.size._asdict())
        visit.open(view.who, view.path)
        page.wait_for_load_state("networkidle")
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
