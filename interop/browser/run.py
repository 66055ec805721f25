"""Real Chromium goes through the dashboard as people do, on both databases; axe and Lighthouse look at it."""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Final

from playwright.sync_api import Browser, Error, sync_playwright

from interop.browser.axe import Axe
from interop.browser.journeys import HERE, Journey, View, found
from interop.browser.lighthouse import LEAST, PAGES, PRESETS, Lighthouse
from interop.browser.stage import KINDS, Stage, staged
from interop.browser.visits import Visit, running_browser, visiting
from interop.checks import Check, run_checks
from interop.packages import installed
from interop.service import Failed

# Where a picture of the page lies on which a journey ended too early.
FAILED: Final = HERE.parents[1] / "build" / "browser"
THEMES: Final = ("light", "dark")
# From a small telephone to a large screen.
WIDTHS: Final = (320, 375, 720, 721, 1280, 3840)
_MOST_CHARS: Final = 600
# The search of the guide moves out of a narrower window.
_SETTLE: Final = """Promise.allSettled(
    document.getAnimations().filter((each) => each instanceof CSSTransition).map((each) => each.finished)
)"""
# Pages of what journeys have made before: the first that the list of it leads to.
_MADE: Final = (
    (View("one export", "/exports", "operations"), "a[href^='/exports/']"),
    (View("one reconciliation", "/reconciliations", "operations"), "a[href^='/reconciliations/']"),
    (View("one alert", "/alerts?state=all", "operations"), "a[href^='/alerts/']"),
)


def main(words: list[str]) -> int:
    """Returns the exit status. Plays only what has one of the words in its name, where any are given."""
    wanted = re.compile("|".join(words) or ".")
    status = 0
    with sync_playwright() as playwright, running_browser(playwright) as browser:
        print(f"  Chromium {browser.version}")
        for kind in KINDS:
            print(f"  on {kind}:")
            with staged(kind) as stage:
                status |= run_checks(_checks(stage, browser, wanted))
    return status


def _checks(stage: Stage, browser: Browser, wanted: re.Pattern[str]) -> dict[str, Check]:
    journeys, displayed = found()
    checks = {each.name: _played(stage, browser, each) for each in journeys}
    if stage.kind == KINDS[0]:
        # The pages are the same on the other.
        packages = installed(HERE, stage.service.folder)
        axe, lighthouse = Axe(packages), Lighthouse(packages)
        checks |= {f"axe: {each.name}": _judged(stage, browser, axe, each) for each in displayed}
        checks |= {f"axe: {each.name}": _judged(stage, browser, axe, each, link) for each, link in _MADE}
        checks |= {f"fits: {each.name}": _measured(stage, browser, each) for each in displayed}
        looked_at = [each for each in displayed if each.name in PAGES]
        checks |= {
            f"lighthouse, {preset}: {each.name}": _scored(stage, browser, lighthouse, each, preset)
            for preset in PRESETS
            for each in looked_at
        }
    return {name: check for name, check in checks.items() if wanted.search(name)}


def _played(stage: Stage, browser: Browser, journey: Journey) -> Check:
    def check() -> str:
        began = monotonic()
        with visiting(stage, browser) as visit, _reported(visit, f"{stage.kind}-{journey.name}"):
            journey.play(visit)
        return f"{monotonic() - began:.1f} s"

    return _failing(check)


def _judged(stage: Stage, browser: Browser, axe: Axe, displayed: View, link: str = "") -> Check:
    """Of the page itself, or of the first one that a link on it leads to."""

    def check() -> str:
        for theme in THEMES:
            with visiting(stage, browser) as visit:
                visit.choose_theme(theme)
                page = visit.open(displayed.who, displayed.path)
                # The reference renders what it fetches.
                page.wait_for_load_state("networkidle")
                if link:
                    page.locator(f"main {link}").first.click()
                    page.wait_for_url(lambda url: not url.endswith(displayed.path))
                if findings := axe.findings(page):
                    raise Failed(f"{theme}: {'; '.join(findings)}")
        return "nothing in both themes"

    return _failing(check)


def _measured(stage: Stage, browser: Browser, displayed: View) -> Check:
    def check() -> str:
        with visiting(stage, browser) as visit:
            page = visit.open(displayed.who, displayed.path)
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 800})
                page.evaluate(_SETTLE)
                wide = page.evaluate("document.scrollingElement.scrollWidth")
                if wide > width:
                    raise Failed(f"{wide} pixels wide in a window of {width}")
        return f"in {WIDTHS[0]} to {WIDTHS[-1]} pixels"

    return _failing(check)


def _scored(stage: Stage, browser: Browser, lighthouse: Lighthouse, displayed: View, preset: str) -> Check:
    def check() -> str:
        with visiting(stage, browser) as visit:
            visit.open(displayed.who, displayed.path)
            cookies = {each.get("name", ""): each.get("value", "") for each in visit.context.cookies()}
        scores = lighthouse.scores(f"{stage.service.url}{displayed.path}", cookies, preset)
        reported = ", ".join(f"{name} {score:.0f}" for name, score in scores.items())
        if min(scores.values()) < LEAST:
            raise Failed(f"{reported}, wanted {LEAST} of each")
        return reported

    return _failing(check)


def _failing(check: Callable[[], str]) -> Check:
    """The check with Playwright's errors and plain assertions as the failures that they are."""

    def checked() -> str:
        try:
            return check()
        except (AssertionError, Error) as fault:
            raise Failed(str(fault)[:_MOST_CHARS]) from fault

    return checked


@contextmanager
def _reported(visit: Visit, name: str) -> Iterator[None]:
    """Leaves a picture of the page behind where the block fails."""
    try:
        yield
    except (AssertionError, Error):
        visit.page.screenshot(path=FAILED / f"{name.replace(' ', '-')}.png")
        raise


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
