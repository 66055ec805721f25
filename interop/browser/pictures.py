"""Photographs of every page, at three widths and in both themes, to be looked at one by one.

`make screenshots` writes them to build/screenshots; words after the command name those wanted.
"""

import re
import sys
from pathlib import Path
from typing import Final, NamedTuple

from playwright.sync_api import Browser, sync_playwright

from interop.browser.journeys import HERE, Shown, found
from interop.browser.stage import KINDS, Stage, staged
from interop.browser.visits import running_browser, visiting

FOLDER: Final = HERE.parents[1] / "build" / "screenshots"
THEMES: Final = ("light", "dark")


class Size(NamedTuple):
    """A window, in CSS pixels."""

    width: int
    height: int


SIZES: Final = (Size(375, 812), Size(1280, 800), Size(2560, 1440))


def main(words: list[str]) -> int:
    """Returns the exit status."""
    wanted = re.compile("|".join(words) or ".")
    FOLDER.mkdir(parents=True, exist_ok=True)
    _journeys, shown = found()
    with sync_playwright() as playwright, running_browser(playwright) as browser, staged(KINDS[0]) as stage:
        for page in shown:
            for file in _photographed(stage, browser, page, wanted):
                print(f"  {file.relative_to(HERE.parents[1])}: {file.stat().st_size // 1000} kB")
    return 0


def _photographed(stage: Stage, browser: Browser, shown: Shown, wanted: re.Pattern[str]) -> list[Path]:
    """One page in all sizes and themes; signed in once."""
    named = {(size, theme): _file(shown, size, theme) for theme in THEMES for size in SIZES}
    named = {which: file for which, file in named.items() if wanted.search(file.name)}
    if not named:
        return []
    with visiting(stage, browser) as visit:
        page = visit.open(shown.who, shown.path)
        for (size, theme), file in named.items():
            visit.choose_theme(theme)
            page.set_viewport_size(size._asdict())
            page.goto(shown.path)
            page.wait_for_load_state("networkidle")
            page.screenshot(path=file, full_page=True, animations="disabled")
    return list(named.values())


def _file(shown: Shown, size: Size, theme: str) -> Path:
    name = re.sub(r"\W+", "-", shown.name)
    return FOLDER / f"{name}-{size.width}-{theme}.png"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
