"""When a page is first painted, and what scrolling through a long one takes.

`python -m bench --only browser` starts this. CALLTALLY_URL and CALLTALLY_COOKIE name a service and a session
of it; what is printed is one JSON object. Others use the machine too, so that a frame is told by the
processor time of the page's main thread, beside the time at which it came.
"""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Final

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from interop.browser.visits import running_browser

URL: Final = "CALLTALLY_URL"
COOKIE: Final = "CALLTALLY_COOKIE"
# What people look at most, and the longest page there is.
PAGES: Final = {"the list": "/calls", "the list, 1,000 rows": "/calls?limit=1000"}
WIDTHS: Final = (1280, 2560)
_HEIGHT: Final = 900
_LOOKS: Final = 7
_STEP_PIXELS: Final = 80
# From the first row to the last, as fast as a wheel that is turned steadily.
_SCROLL: Final = """async ([step]) => {
    const list = document.querySelector("main > .wide");
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    const times = [await frame()];
    let before = -1;
    while (list.scrollTop > before) {
        before = list.scrollTop;
        list.scrollTop += step;
        times.push(await frame());
    }
    return times;
}"""
_PAINTED: Final = """() => new Promise((resolve) => {
    new PerformanceObserver((list) => {
        const found = list.getEntriesByName("first-contentful-paint")[0];
        if (found) resolve(found.startTime);
    }).observe({type: "paint", buffered: true});
})"""
_CATEGORIES: Final = ("disabled-by-default-devtools.timeline", "devtools.timeline", "toplevel", "__metadata")
_MAIN: Final = "CrRendererMain"
_TASK: Final = "RunTask"
_FRAME: Final = "FireAnimationFrame"


def main() -> int:
    """Returns the exit status."""
    name, _, value = os.environ[COOKIE].partition("=")
    with sync_playwright() as playwright, running_browser(playwright) as browser:
        context = browser.new_context(base_url=os.environ[URL], viewport={"width": 1280, "height": _HEIGHT})
        context.add_cookies([{"name": name, "value": value, "url": os.environ[URL]}])
        reported = {
            "paints": {displayed: _painted_ms(context, path) for displayed, path in PAGES.items()},
            "scrolls": {f"{width:,} pixels": _scrolled(browser, context, width) for width in WIDTHS},
        }
        context.close()
    print(json.dumps(reported))
    return 0


def _painted_ms(context: BrowserContext, path: str) -> list[float]:
    """From the click to the first words that are seen, of each look; the first of all is not told."""
    page = context.new_page()
    taken = []
    for _ in range(_LOOKS + 1):
        page.goto(path, wait_until="load")
        taken.append(float(page.evaluate(_PAINTED)))
    page.close()
    return taken[1:]


def _scrolled(browser: Browser, context: BrowserContext, width: int) -> dict[str, Any]:
    """Of each frame of a scroll through 1,000 rows: the main thread's work, and the time to the next (ms)."""
    page = context.new_page()
    page.set_viewport_size({"width": width, "height": _HEIGHT})
    page.goto(PAGES["the list, 1,000 rows"], wait_until="load")
    page.wait_for_timeout(500)
    browser.start_tracing(page=page, categories=list(_CATEGORIES))
    times = _scroll(page)
    events = json.loads(browser.stop_tracing())["traceEvents"]
    page.close()
    work = list(_work_of_frames_ms(events))
    return {"work_ms": work, "between_ms": [after - before for before, after in pairwise(times)]}


def _scroll(page: Page) -> list[float]:
    times: list[float] = page.evaluate(_SCROLL, [_STEP_PIXELS])
    return times


def _work_of_frames_ms(events: Sequence[dict[str, Any]]) -> Iterator[float]:
    """The main thread's processor time from frame to frame; the page's is the one with most frames."""
    mains = {
        (each["pid"], each["tid"])
        for each in events
        if each["name"] == "thread_name" and each["args"]["name"] == _MAIN
    }
    frames = {main: sorted(_starts(events, main)) for main in mains}
    [(main, starts)] = sorted(frames.items(), key=lambda pair: len(pair[1]))[-1:]
    tasks = [each for each in events if _is_task(each) and (each["pid"], each["tid"]) == main]
    for begin, end in pairwise(starts):
        yield sum(each.get("tdur", 0) for each in tasks if begin <= each["ts"] < end) / 1_000


def _starts(events: Sequence[dict[str, Any]], main: tuple[int, int]) -> Iterator[int]:
    return (each["ts"] for each in events if each["name"] == _FRAME and (each["pid"], each["tid"]) == main)


def _is_task(event: dict[str, Any]) -> bool:
    return bool(event["name"] == _TASK and event["ph"] == "X")


if __name__ == "__main__":
    sys.exit(main())
