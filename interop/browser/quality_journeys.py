"""Figures: how a launch goes, seen by whoever watches it."""

import re
from typing import Final

from playwright.sync_api import Locator, expect

from interop.browser.journeys import View, journey
from interop.browser.visits import Visit

# The hours of made-up traffic, which begin at midnight.
HOURS: Final = "from=2026-06-29&to=2026-06-30&step=hour&compare=none"
QUALITY: Final = f"/quality?{HOURS}"
LAUNCH: Final = "/quality/launch?route=route-1&since=2026-06-29T06:00:00Z&to=2026-06-29T12:00:00Z"

VIEWS: Final = (
    View("quality", QUALITY),
    View("quality, table", f"{QUALITY}&view=table"),
    View("quality, nothing", "/quality?from=2026-01-01&to=2026-01-02"),
    View("launch", LAUNCH),
    View("launch, asked for", "/quality/launch"),
)
# A pixel that a chart drew has a colour. Read from a copy: it is asked for frame after frame until there is
# one, and of a canvas that is read so often the browser complains.
_CHART_DATA: Final = """(canvas) => {
    const size = [canvas.width, canvas.height];
    const copy = new OffscreenCanvas(...size).getContext("2d", { willReadFrequently: true });
    copy.drawImage(canvas, 0, 0);
    return copy.getImageData(0, 0, ...size).data.some((byte) => byte > 0);
}"""


# Hours stand under their own place of the axis, and the first label is the day.
_ALIGNED: Final = """(canvas) => Chart.getChart(canvas).scales.x.ticks.every(
    ({label, value}, at) => at === 0 ? label === "29 Jun" : Number(label.slice(0, 2)) === value)"""


def _canvas(charts: Locator, name: str) -> Locator:
    return charts.get_by_role("img", name=re.compile(name)).first


@journey
def operations_sees_rates_side_by_side(visit: Visit) -> None:
    """Operations looks at the hours of all routes: a chart for each rate and route, drawn."""
    page = visit.sign_in("operations", QUALITY)
    chart = _canvas(page.locator(".charts"), "Failure rate of route-1")
    chart.scroll_into_view_if_needed()
    expect(chart).to_be_visible()
    page.wait_for_function(f"(canvas) => ({_CHART_DATA})(canvas)", arg=chart.element_handle())
    assert chart.evaluate(_ALIGNED)


@journey
def operations_opens_the_calls_of_a_point(visit: Visit) -> None:
    """Operations clicks an hour of a route's failures, and has the failed calls of that hour."""
    page = visit.sign_in("operations", QUALITY)
    chart = _canvas(page.locator(".charts"), "Failure rate of route-2")
    chart.scroll_into_view_if_needed()
    page.wait_for_function(f"(canvas) => ({_CHART_DATA})(canvas)", arg=chart.element_handle())
    box = chart.bounding_box()
    assert box
    chart.click(position={"x": box["width"] / 3, "y": box["height"] / 2})
    expect(page).to_have_url(re.compile(r"/calls\?route=route-2&status=failed&from=2026-06-29T\d\d"))


@journey
def operations_selects_a_span(visit: Visit) -> None:
    """Operations drags over some hours of a chart, and the page is of those alone."""
    page = visit.sign_in("operations", QUALITY)
    chart = _canvas(page.locator(".charts"), "Answer rate of route-1")
    page.wait_for_function(f"(canvas) => ({_CHART_DATA})(canvas)", arg=chart.element_handle())
    box = chart.bounding_box()
    assert box
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.35, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, middle, steps=4)
    page.mouse.move(box["x"] + box["width"] * 0.6, middle, steps=4)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"from=2026-06-29T(?!00).*to=2026-06-29T"))
    expect(page.get_by_role("heading", name="Quality", exact=True)).to_be_visible()


@journey
def operations_reads_the_same_as_a_table(visit: Visit) -> None:
    """Operations presses t, reads the numbers, and opens a route's calls from them."""
    page = visit.sign_in("operations", QUALITY)
    numbers = page.get_by_role("region", name="Numbers")
    expect(numbers).to_be_hidden()
    page.keyboard.press("t")
    expect(numbers).to_be_visible()
    expect(page).to_have_url(re.compile("view=table"))
    numbers.get_by_role("row").nth(1).get_by_role("link").click()
    expect(page).to_have_url(re.compile(r"/calls\?route=route-1&from="))


@journey
def operations_changes_the_grouping(visit: Visit) -> None:
    """Operations asks for agents instead of routes, by the form, and the address says so."""
    page = visit.sign_in("operations", QUALITY)
    page.get_by_label("Group by").select_option("agent")
    page.get_by_role("button", name="Show").first.click()
    expect(page).to_have_url(re.compile("by=agent"))
    expect(page.get_by_role("columnheader", name="agent-1")).to_be_visible()


@journey
def a_reader_without_scripts_has_the_numbers(visit: Visit) -> None:
    """Read the table and the hours of the week without scripts."""
    page = visit.without_scripts().sign_in("reader", QUALITY)
    expect(page.get_by_role("region", name="Numbers")).to_be_visible()
    expect(page.get_by_role("region", name="Charts")).to_be_hidden()
    expect(page.get_by_role("region", name="Hours of the week")).to_be_visible()


@journey
def operations_takes_the_numbers_along(visit: Visit) -> None:
    """Operations downloads what the page shows as CSV."""
    page = visit.sign_in("operations", QUALITY)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as CSV").click()
    assert download.value.path().read_text(encoding="utf-8").startswith("route,hour,from,to,attempts")


@journey
def operations_measures_a_launch(visit: Visit) -> None:
    """Operations opens the launch of a route from its column, and reads the verdict and what it rests on."""
    page = visit.sign_in("operations", QUALITY)
    page.get_by_role("columnheader", name="route-1").get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Launch of route route-1")
    expect(page.get_by_role("status")).to_contain_text("baseline")
    expect(page.get_by_role("region", name="Evidence").get_by_role("row")).to_have_count(7)
