"""All pages of the demo to photograph: as each person sees them, with open menus, and with refused forms."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

from playwright.sync_api import Page

from interop.browser.demo_stage import NEWCOMER, READER, VIEWER, DemoStage
from interop.browser.journeys import View
from interop.browser.stage import ADMIN

_NOTHING: Final = "12345678-1234-8234-8234-123456789012"
# The browser's own checks would hold back what the service must refuse.
_UNCHECKED: Final = "form => { form.noValidate = true }"


class Picture(NamedTuple):
    """A page, and what to do on it before it is photographed."""

    view: View
    prepare: Callable[[Page], None] = lambda _page: None


def all_pictures(demo: DemoStage) -> Sequence[Picture]:
    call = demo.paths["an escalated call"]
    printed = [View(subject, path, VIEWER) for subject, path in demo.paths.items()]
    tabs = [
        View(f"call, {tab}", f"{call}?tab={tab}", VIEWER) for tab in ("deliveries", "record", "json", "print")
    ]
    views = [Picture(view) for view in (*printed, *tabs, *_VIEWS)]
    others = [
        Picture(View("call, on paper", f"{call}?tab=print", VIEWER), _print_media),
        Picture(View("one dead letter", "/dead-letters", VIEWER), _open_dead_letter),
        Picture(View("guide, search", "/docs/guide/", ""), _search_guide),
        Picture(View("form of another site", "/settings", VIEWER), _forge),
        Picture(View("internal error", "/dead-letters", VIEWER), _fail(demo.database)),
    ]
    menus = [_opened(*each) for each in _MENUS]
    return [*views, *others, *menus, *(_refused(*each) for each in _FORMS)]


_VIEWS: Final = (
    View("wall display", "/?wall=1", VIEWER),
    View("overview, reader", "/", READER),
    View("overview, no calls", "/", NEWCOMER),
    View("calls", "/calls", VIEWER),
    View("calls, filtered", "/calls?status=failed&status=busy&route=support", VIEWER),
    View("calls, a number", "/calls?find=0164", VIEWER),
    View("calls, nothing found", "/calls?find=%28415%29+555-9999", VIEWER),
    View("calls, none", "/calls?route=nowhere", VIEWER),
    View("calls, no calls", "/calls", NEWCOMER),
    View("calls, 100 rows", "/calls?limit=100", VIEWER),
    View("quality", "/quality", VIEWER),
    View("quality, table", "/quality?view=table&step=week", VIEWER),
    View("quality, agents", "/quality?by=agent&step=hour", VIEWER),
    View("quality, none", "/quality?route=nowhere", VIEWER),
    View("launch, form", "/quality/launch", VIEWER),
    View("alerts", "/alerts", VIEWER),
    View("alerts, all", "/alerts?state=all", READER),
    View("alerts, none", "/alerts?route=nowhere", VIEWER),
    View("exports", "/exports", VIEWER),
    View("exports, reader", "/exports", READER),
    View("reconciliations", "/reconciliations", VIEWER),
    View("reconciliations, reader", "/reconciliations", READER),
    *(
        View(f"{subject}, no calls", path, NEWCOMER)
        for subject, path in (
            ("quality", "/quality"),
            ("launch", "/quality/launch"),
            ("alerts", "/alerts"),
            ("exports", "/exports"),
            ("reconciliations", "/reconciliations"),
            ("dead letters", "/dead-letters"),
            ("settings", "/settings"),
        )
    ),
    View("dead letters, reader", "/dead-letters", READER),
    View("settings", "/settings", VIEWER),
    View("settings, reader", "/settings", READER),
    View("settings, administrator", "/settings", ADMIN),
    View("settings, secrets", "/settings?provider=twilio", ADMIN),
    View("installation", "/doctor", ADMIN),
    View("settings, a route", "/settings?route=support", ADMIN),
    *(
        View(f"settings, {kind}", f"/settings?sink={kind}", VIEWER)
        for kind in ("webhook", "slack", "pagerduty", "alertmanager", "email")
    ),
    View("sign in", "/sign-in", ""),
    View("not found, stranger", "/nothing", ""),
    View("not found", "/nothing", VIEWER),
    View("no such call", f"/calls/{_NOTHING}", VIEWER),
    View("no such alert", f"/alerts/{_NOTHING}", VIEWER),
    View("wrong filter", "/calls?status=gone", VIEWER),
    View("reference", "/docs", ""),
    View("problems", "/docs/problems", ""),
    View("guide", "/docs/guide/", ""),
    View("guide, tutorial", "/docs/guide/tutorials/first-call.html", ""),
    View("guide, tables", "/docs/guide/how-to/get-alerts.html", ""),
    View("guide, no such page", "/docs/guide/nothing.html", ""),
)
# The page, and the menu that is opened on it.
_MENUS: Final = (
    ("filter menu", "/calls", "Filter"),
    ("columns menu", "/calls", "Columns"),
    ("views menu", "/calls", "Views"),
    ("export menu", "/calls", "Export"),
    ("preferences", "/quality", "Times in UTC"),
)
# The person, the form by its address, and its values.
_FORMS: Final[Sequence[tuple[str, str, str, str, Mapping[str, str]]]] = (
    ("key", ADMIN, "/settings", "/settings/keys", {"name": "front desk", "scope": ""}),
    ("endpoint", VIEWER, "/settings", "/settings/endpoints", {"url": "nowhere in particular"}),
    (
        "destination",
        VIEWER,
        "/settings?sink=slack",
        "/settings/sinks",
        {"name": "ops", "setting.url": "slack"},
    ),
    ("rules", VIEWER, "/settings", "/settings/alert-rules", {"least_calls": "many", "tz": "Mars"}),
    ("route", ADMIN, "/settings", "/settings/routes", {"route": "sales", "numbers": "hello"}),
    ("secrets", ADMIN, "/settings?provider=twilio", "/settings/providers", {}),
    ("retention", ADMIN, "/settings", "/settings/retention", {"days": "soon"}),
    ("country", ADMIN, "/settings", "/settings/country", {"country": "Germany"}),
    ("tenant", ADMIN, "/settings", "/settings/tenants", {"id": "Not An Id"}),
    (
        "export",
        VIEWER,
        "/exports",
        "/exports",
        {"route": "support", "from_local": "2026-11-02T00:00", "to_local": "2026-11-01T00:00"},
    ),
    (
        "comparison",
        VIEWER,
        "/reconciliations",
        "/reconciliations",
        {"from_local": "2026-11-02T00:00", "to_local": "2026-11-01T00:00"},
    ),
    ("sign-in", "", "/sign-in", "/sign-in", {"key": "ct_demo_not-this-one"}),
)


def _print_media(page: Page) -> None:
    page.emulate_media(media="print")


def _open_dead_letter(page: Page) -> None:
    page.locator("main a[href^='/dead-letters/']").first.click()
    page.wait_for_load_state("networkidle")


def _search_guide(page: Page) -> None:
    icon = page.locator("label.md-header__button[for=__search]")
    if icon.is_visible():
        icon.click()
    page.get_by_role("textbox", name="Search").press_sequentially("signature")
    page.locator(".md-search-result__item").first.wait_for()


def _forge(page: Page) -> None:
    """Send a form without the token of the session."""
    form = page.locator("form[action='/preferences']")
    form.evaluate("form => { form.csrf.value = 'of another site'; form.submit() }")
    page.wait_for_url("**/preferences")


def _fail(database: Path) -> Callable[[Page], None]:
    """Return an action that reloads the page of dead letters while their table is missing."""

    def reload(page: Page) -> None:
        with closing(sqlite3.connect(database, isolation_level=None)) as connection:
            connection.execute("ALTER TABLE dead_letters RENAME TO missing")
            try:
                page.reload()
            finally:
                connection.execute("ALTER TABLE missing RENAME TO dead_letters")

    return reload


def _opened(name: str, path: str, summary: str) -> Picture:
    return Picture(View(name, path, VIEWER), lambda page: page.get_by_text(summary, exact=True).first.click())


def _refused(name: str, who: str, path: str, action: str, values: Mapping[str, str]) -> Picture:
    """Return the picture of a form that the service refused; what was typed is still there."""

    def submit(page: Page) -> None:
        form = page.locator(f"main form[action='{action}'][method=post]").first
        form.evaluate(_UNCHECKED)
        for field, value in values.items():
            inputs = form.locator(f"[name='{field}']")
            if value:
                inputs.first.fill(value)
            else:
                for box in inputs.all():
                    box.uncheck()
        form.locator("button:not([formaction])").first.click()
        page.wait_for_load_state()

    return Picture(View(f"refused {name}", path, who), submit)
