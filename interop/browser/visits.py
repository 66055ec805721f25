"""One person in front of a browser: who they are, what they open, and what went wrong on the way."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Self
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, Request, Response, expect

from interop.browser.stage import Stage
from interop.service import HOST, Failed

BROWSER: Final = "CALLTALLY_BROWSER"
_USUAL: Final = "/usr/bin/chromium"
# It must ask nobody for updates, and the root of a machine of its own has no sandbox.
_FLAGS: Final = (
    *("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
_WAIT_MS: Final = 10_000
_BAD: Final = 400


def browser_program() -> str:
    """The Chromium at $CALLTALLY_BROWSER, else Debian's. Raises Failed where there is none."""
    program = os.environ.get(BROWSER, _USUAL)
    if not os.access(program, os.X_OK):
        raise Failed(f"there is no browser at {program}: apt-get install chromium, or name one in {BROWSER}")
    return program


def browser_flags() -> list[str]:
    """With what it is started."""
    return [*_FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]


@contextmanager
def running_browser(playwright: Playwright) -> Iterator[Browser]:
    """The Chromium of `browser_program`. Raises Failed where there is none."""
    browser = playwright.chromium.launch(executable_path=browser_program(), args=browser_flags())
    expect.set_options(timeout=_WAIT_MS)
    try:
        yield browser
    finally:
        browser.close()


class Visit:
    """A fresh browser with a page; nobody is signed in yet."""

    def __init__(self, stage: Stage, browser: Browser) -> None:
        self.stage = stage
        self.faults: list[str] = []
        self._browser = browser
        self._begin()

    def without_scripts(self) -> Self:
        """The same person, with a browser that runs no scripts."""
        self.context.close()
        self._begin(java_script_enabled=False)
        return self

    def _begin(self, **options: Any) -> None:  # noqa: ANN401 (Playwright's)
        self.context = self._browser.new_context(base_url=self.stage.service.url, **options)
        self.context.set_default_timeout(_WAIT_MS)
        self.context.on("page", self._watch)
        self.page: Page = self.context.new_page()

    def sign_in(self, who: str, path: str = "/calls") -> Page:
        """Sign in as one of `stage.PEOPLE`, by the form, on the way to `path`."""
        self.page.goto(path)
        for label, value in self.stage.credentials(who).items():
            self.page.get_by_label(label, exact=True).fill(value)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(lambda url: "/sign-in" not in url)
        return self.page

    def open(self, who: str, path: str) -> Page:
        """A page as somebody sees it; as a stranger where `who` is empty."""
        if who:
            return self.sign_in(who, path)
        self.page.goto(path)
        return self.page

    def choose_theme(self, theme: str) -> None:
        """Choose the theme: by the cookie of the form, and as the system's for the guide."""
        cookie = {"name": "calltally_theme", "value": theme, "url": self.stage.service.url}
        self.context.add_cookies([cookie])
        self.page.emulate_media(color_scheme=theme)

    def close(self) -> None:
        """End the visit. Raises Failed with whatever went wrong unseen."""
        self.context.close()
        if self.faults:
            raise Failed("; ".join(self.faults))

    def _watch(self, page: Page) -> None:
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.faults.append(f"the script failed: {error}"))
        page.on("request", self._see)
        page.on("response", self._judge)

    def _hear(self, stated: ConsoleMessage) -> None:
        # A page that answers 404 because it was asked to is told here too; `_judge` knows those apart.
        if stated.type in {"error", "warning"} and not stated.text.startswith("Failed to load resource"):
            self.faults.append(f"the console says: {stated.text[:300]}")

    def _see(self, request: Request) -> None:
        position = urlsplit(request.url)
        if position.scheme in {"http", "https", "ws"} and position.hostname != HOST:
            self.faults.append(f"another machine was asked: {request.url[:100]}")

    def _judge(self, answer: Response) -> None:
        if answer.status >= _BAD and not answer.request.is_navigation_request():
            self.faults.append(f"{answer.url} answered {answer.status}")


@contextmanager
def visiting(stage: Stage, browser: Browser) -> Iterator[Visit]:
    """A visit for as long as the block runs. Raises Failed at its end for what went wrong unseen."""
    visit = Visit(stage, browser)
    try:
        yield visit
    except BaseException:
        visit.context.close()
        raise
    visit.close()
