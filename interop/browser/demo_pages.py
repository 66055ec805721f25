"""All pages of the demo to photograph: as each person sees them, with open menus, and with refused forms."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from playwright.sync_api import Page

from interop.browser.demo_stage import NEWCOMER, READER, VIEWER
from interop.browser.journeys import View
from interop.browser.stage import ADMIN

_NOTHING: Final = "12345678-1234-8234-8234-123456789012"
# The browser's own checks would hold back what the service must refuse.
_UNCHECKED: Final = "form => { form.noValidate = true }"


class Picture(NamedTuple):
    """A page, and what to do on it before it is photographed."""

    view: View
    prepare: Callable[[Page], None] = lambda _page: None


def all_pictures(paths: Mapping[str, str]) -> Sequence[Picture]:
    """Return all pictures. `paths` has the pages that the demo prints, by their subjects."""
    call = paths["an escalated call"]
    printed = [View(subject, path, VIEWER) for subject, path in paths.items()]
    tabs = [
        View(f"call, {tab}", f"{call}?tab={tab}", VIEWER) for tab in ("deliveries", "record", "json", "print")
    ]
    views = [Picture(view) for view in (*printed, *tabs, *_VIEWS)]
    return [*views, *(_opened(*each) for each in _MENUS), *(_refused(*each) for each in _FORMS)]


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
    View("dead letters", "/dead-letters", VIEWER),
    View("settings", "/settings", VIEWER),
    View("settings, reader", "/settings", READER),
    View("settings, administrator", "/settings", ADMIN),
    View("settings, secrets", "/settings?provider=twilio", ADMIN),
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
