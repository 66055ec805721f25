"""The overview page over a real store: its numbers against an oracle, its links, and what each key sees."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from html import unescape
from random import Random
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import pytest

from calltally.alerts.evaluation.alert_lifecycle import new_alert
from calltally.alerts.model.finding import FindingChange
from calltally.alerts.model.series import Dimension, SeriesKey
from calltally.calls.identity import uuid_text
from calltally.calls.intervals import bounds
from calltally.calls.times import EPOCH, SECOND_US
from calltally.store.alerts.alerts import open_alert
from calltally.store.alerts.detector_state import StoredEvaluation, put_rules, save_evaluation
from calltally.store.jobs.jobs import JobEnd, JobKind, JobState, NewJob, add_job, end_job, start_job
from calltally.store.ledger.outbox import event_time
from calltally.store.maintenance.worker_presence import report_worker
from calltally.store.tenants.dead_letters import record_failures
from calltally.store.tenants.tenants import set_masking
from calltally.store.tenants.vault import put_provider_secrets, record_receipt
from calltally.store.webhooks.deliveries import EndpointNotice, put_notice
from calltally.store.webhooks.endpoints import EndpointSettings, add_endpoint, pause_endpoint
from calltally.web.dashboard.formats import interval, percent
from calltally.web.dashboard.overview import page as overview_page
from tests.conftest import NOW_US, TENANT, Bench
from tests.integration.alerts.evaluating import finding
from tests.integration.store.probing import submit
from tests.integration.web.dashboard.browsing import Browser
from tests.integration.web.service import ADMIN
from tests.sample_facts import START_US, fact, of_provider, own

# The tests' present is Wednesday, 18 November 2026, 11:06:40 UTC.
NOW_S = (NOW_US - START_US) // SECOND_US
DAY_S = 86_400
WEEK_S = 7 * DAY_S
STATUSES = ("completed", "no-answer", "failed", "busy", "canceled", "ringing")


class MadeCall(NamedTuple):
    """A call of the oracle: its second after the tests' start, and its course."""

    second: int
    status: str
    is_transferred: bool | None

    @property
    def is_final(self) -> bool:
        return self.status != "ringing"


def signed_in(browser: Browser, *scopes: str) -> Browser:
    browser.sign_in(browser.service.new_key("calls:read", *scopes)["authorization"].removeprefix("Bearer "))
    return browser


def page(browser: Browser, path: str = "/") -> str:
    answer = browser.get(path)
    assert answer.status_code == 200, answer.text
    return unescape(answer.text)


def made_calls(random: Random, count: int) -> Iterator[MadeCall]:
    """Make calls of the last nine days, most of them today and on the same weekday of last week."""
    for _ in range(count):
        day = random.choice((0, 0, 0, WEEK_S, WEEK_S, DAY_S, 8 * DAY_S, WEEK_S - DAY_S))
        status = random.choice(STATUSES)
        transferred = random.choice((None, True, False)) if status == "completed" else None
        yield MadeCall(NOW_S - day - random.randrange(1, DAY_S), status, transferred)


def record(bench: Bench, calls: list[MadeCall]) -> None:
    facts = []
    for number, call in enumerate(calls):
        # A carrier's call: carriers do not report transfers.
        sid = f"CA{number:032d}"
        # Two facts: a talk time alone would date the call's creation back.
        if call.status == "completed":
            facts.append(fact(call.second, sid, status="in-progress"))
        facts.append(fact(call.second + (call.status == "completed"), sid, status=call.status))
        if call.is_transferred is not None:
            outcome = {"target": "desk", "outcome": "bridged" if call.is_transferred else "failed"}
            facts.append(own(call.second + 1, sid, transfer=outcome))
    submit(bench, *facts)


def tiles(text: str) -> dict[str, str]:
    """Return the HTML of each tile by its heading."""
    return dict(re.findall(r"<li><h3>([^<]+)</h3>\n(.*?)</li>\n", text, re.DOTALL))


def proportions(calls: list[MadeCall]) -> dict[str, tuple[int, int]]:
    """Return the numerator and denominator of each rate."""
    final = [call for call in calls if call.is_final]
    completed = [call for call in final if call.status == "completed"]
    known = [call for call in completed if call.is_transferred is not None]
    return {
        "Answer rate": (len(completed), len(final)),
        "Completion rate": (len(completed), len(final)),
        "Transfer rate": (sum(bool(call.is_transferred) for call in known), len(known)),
        "No-answer rate": (sum(call.status == "no-answer" for call in final), len(final)),
        "Failure rate": (sum(call.status == "failed" for call in final), len(final)),
    }


def in_window(calls: list[MadeCall], lo: datetime, hi: datetime) -> list[MadeCall]:
    return [
        call for call in calls if lo <= EPOCH + timedelta(microseconds=START_US, seconds=call.second) < hi
    ]


def day_of(zone: str, days_ago: int) -> tuple[datetime, datetime]:
    """Return a local day from midnight to the present time of day."""
    now = (EPOCH + timedelta(microseconds=NOW_US)).astimezone(ZoneInfo(zone)) - timedelta(days=days_ago)
    return now.replace(hour=0, minute=0, second=0, microsecond=0), now


def put_zone(bench: Bench, zone: str) -> None:
    bench.run(bench.store.write(put_rules(TENANT, msgspec.json.encode({"tz": zone}), bench.now_us)))


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/Los_Angeles"])
def test_numbers_of_today_equal_those_of_the_calls(bench: Bench, browser: Browser, zone: str) -> None:
    calls = list(made_calls(Random(7), 250))
    record(bench, calls)
    put_zone(bench, zone)
    text = page(signed_in(browser))
    assert f"The day begins at midnight in {zone}" in text
    today, before = (in_window(calls, *day_of(zone, days)) for days in (0, 7))
    shown = tiles(text)
    assert re.findall(r">(\d+)</a>", shown["Calls"]) == [str(len(today)), str(len(before))]
    assert f"{sum(not call.is_final for call in today)} still open" in shown["Calls"]
    for name, (numerator, denominator) in proportions(today).items():
        values = re.findall(r'<a href="[^"]+">([^<]+)</a>', shown[name])
        earlier_events, earlier_calls = proportions(before)[name]
        assert values == [percent(numerator / denominator), percent(earlier_events / earlier_calls)]
        assert f"{numerator} of {denominator}" in shown[name]
        assert interval(*bounds(numerator, denominator)) in shown[name]


def test_each_number_of_today_leads_to_its_calls(bench: Bench, browser: Browser) -> None:
    calls = list(made_calls(Random(8), 120))
    record(bench, calls)
    signed_in(browser)
    shown = tiles(page(browser))
    today = in_window(calls, *day_of("UTC", 0))
    expected = {
        "Calls": len(today),
        "Answer rate": sum(call.is_final for call in today),
        "Completion rate": sum(call.status == "completed" for call in today),
        "Transfer rate": sum(call.is_final for call in today),
        "No-answer rate": sum(call.status == "no-answer" for call in today),
        "Failure rate": sum(call.status == "failed" for call in today),
    }
    for name, count in expected.items():
        path = re.findall(r'href="(/calls[^"]+)"', shown[name])[0]
        assert page(browser, f"{path}&limit=1000").count('class="call"') == count, name


def test_many_calls_of_the_current_hour_are_not_read_one_by_one(
    bench: Bench, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview_page, "MOST_EDGE_CALLS", 3)
    record(bench, [MadeCall(NOW_S - 60 * minute, "completed", None) for minute in (1, 2, 3, 4, 30, 90)])
    text = page(signed_in(browser))
    assert "from 00:00 to 11:00 UTC" in text
    assert "Only whole hours are counted" in text
    assert ">2</a>" in tiles(text)["Calls"]
    bench.now_us -= 11 * 3_600 * SECOND_US
    # Just after midnight no hour is over.
    submit(bench, *(fact(NOW_S - 11 * 3_600 - at, f"night-{at}", status="failed") for at in range(1, 9)))
    assert "The first whole hour of today is not over yet." in page(browser)


def test_the_last_hour_is_drawn_by_minute_with_the_same_numbers_in_a_table(
    bench: Bench, browser: Browser
) -> None:
    minute = NOW_S - NOW_US // SECOND_US % 60
    courses = [
        (minute, "failed"),
        (minute, "completed"),
        (minute - 600, "no-answer"),
        (minute - 3_540, "busy"),
    ]
    outside = [(minute - 3_541, "failed")]
    record(bench, [MadeCall(second, status, None) for second, status in courses + outside])
    text = page(signed_in(browser))
    assert "4 calls</a>: 1 completed, 1 not answered, 1 failed; at most 2 a minute." in text
    table = re.findall(r'<tr><th scope="row"><a href="([^"]+)">([\d:]+)</a></th>(.*?)</tr>', text)
    numbers = {clock: re.findall(r">(\d+)</td>", cells) for _, clock, cells in table}
    assert numbers == {
        "10:07": ["1", "0", "0", "0"],
        "10:56": ["1", "0", "1", "0"],
        "11:06": ["2", "1", "0", "1"],
    }
    assert page(browser, table[-1][0]).count('class="call"') == 2
    heights = re.findall(r'<rect class="([a-z-]+)" x="590" y="([\d.]+)" width="9" height="([\d.]+)"/>', text)
    assert heights == [("failed", "80.0", "20.0"), ("others", "60.0", "20.0")]


def test_calls_beyond_the_limits_of_the_rules_are_counted_and_linked(bench: Bench, browser: Browser) -> None:
    stuck = [fact(NOW_S - 400 - at, f"ring-{at}", status="ringing") for at in range(3)]
    talking = [fact(NOW_S - 5 * 3_600, "talk-1", status="in-progress")]
    usual = [
        fact(NOW_S - 100, "ring-new", status="ringing"),
        fact(NOW_S - 3 * 3_600, "talk-2", status="in-progress"),
    ]
    submit(bench, *stuck, *talking, *usual)
    signed_in(browser)
    text = page(browser)
    lines = re.findall(r'<li><a href="(/calls\?status[^"]+)">([^<]+)</a></li>', text)
    assert [line for _, line in lines] == [
        "3 calls initiated or ringing, begun more than 5 min ago",
        "1 call in progress, begun more than 4 h ago",
    ]
    assert [page(browser, path).count('class="call"') for path, _ in lines] == [3, 1]
    assert '<a href="#open-calls">4 calls open for too long</a>' in text


def test_providers_have_the_time_of_their_last_call(bench: Bench, browser: Browser) -> None:
    submit(
        bench,
        of_provider(fact(NOW_S - 180, "a", status="completed"), "twilio"),
        *(of_provider(fact(NOW_S - 170 - at, f"b{at}", status="completed"), "telnyx") for at in range(2)),
    )
    bench.run(bench.store.write(record_failures((TENANT, "vonage"), 7, bench.now_us)))
    text = page(signed_in(browser))
    rows = dict(re.findall(r'<tr><th scope="row">(?:<a[^>]+>)?(\w+)(?:</a>)?</th><td>(.*?)</td></tr>', text))
    assert rows["telnyx"] == "2 min ago"
    assert rows["twilio"] == "3 min ago"
    assert "nothing received yet" in rows["vonage"]
    assert "7 wrong signatures in the last 30 minutes" in rows["vonage"]


def test_provider_of_merged_calls_has_the_time_of_its_last_callback(bench: Bench, browser: Browser) -> None:
    submit(bench, of_provider(fact(NOW_S - 60, "a", status="completed"), "twilio"))
    for provider in ("vapi", "retell"):
        bench.run(bench.store.write(put_provider_secrets(TENANT, provider, b"sealed", 1)))
    for minutes in (3, 5):
        received_us = bench.now_us - minutes * 60 * SECOND_US
        bench.run(bench.store.write(record_receipt((TENANT, "vapi"), received_us)))
    text = page(signed_in(browser))
    rows = re.findall(r'<tr><th scope="row">(?:<a[^>]+>)?(\w+)(?:</a>)?</th><td>(.*?)</td></tr>', text)
    assert rows == [("twilio", "1 min ago"), ("vapi", "3 min ago"), ("retell", "nothing received yet")]


def test_provider_whose_calls_are_long_ago_has_their_hour(bench: Bench, browser: Browser) -> None:
    submit(bench, of_provider(fact(NOW_S - 2 * DAY_S, "old", status="completed"), "plivo"))
    newer = [fact(NOW_S - at, f"new-{at}", status="completed") for at in range(1, 502)]
    submit(bench, *(of_provider(each, "telnyx") for each in newer))
    text = page(signed_in(browser))
    assert "<td>2026-11-16 11:00 to 12:00</td>" in text


def test_endpoints_in_trouble_are_named_to_keys_that_manage_them(bench: Bench, browser: Browser) -> None:
    submit(bench, fact(NOW_S - 60, "a", status="completed"))

    def write(operation: Any) -> Any:  # noqa: ANN401 (any operation and its result)
        return bench.run(bench.store.write(operation))

    for number, name in enumerate(("Billing", "CRM", "Fine")):
        settings = EndpointSettings(f"https://{number}.example/", name)
        write(add_endpoint(TENANT, bytes([number]) * 16, settings, b"sealed", bench.now_us))
    for number in range(3):
        event_id = event_time(bench.now_us - 3_600 * SECOND_US) + bytes([number]) * 10
        notice = EndpointNotice("voice.webhook.delivery_failed", event_id, b"{}")
        write(put_notice(TENANT, bytes(16), notice, bench.now_us))
    write(pause_endpoint(TENANT, b"\1" * 16, "it answered 410", bench.now_us))
    text = page(signed_in(browser, "webhooks:write"))
    assert 'Billing</a> <span class="worse">3 deliveries wait, the oldest for 1 h 0 min</span>' in text
    assert 'CRM</a> <span class="worse">paused: it answered 410</span>' in text
    assert "Fine</a>" not in text
    assert "2 endpoints in trouble" in text
    reader = page(signed_in(browser))
    assert "To see deliveries, your key needs the scope webhooks:write. It has calls:read." in reader
    assert "Billing" not in reader
    assert "endpoints in trouble" not in reader


def test_failed_jobs_are_linked(bench: Bench, browser: Browser) -> None:
    submit(bench, fact(NOW_S - 60, "a", status="completed"))
    spec = msgspec.json.encode({"against": "events", "from_us": 0, "to_us": 1})
    job = NewJob(b"\7" * 16, JobKind.RECONCILIATION, spec, 0)
    bench.run(bench.store.write(add_job(TENANT, job, bench.now_us)))
    run = bench.run(bench.store.write(start_job(TENANT, job.job, bench.now_us)))
    assert run is not None
    assert "No export or reconciliation failed" in page(signed_in(browser))
    outcome = msgspec.json.encode({"error": {"slug": "not-found", "detail": "the provider refused"}})
    end = JobEnd(JobState.FAILED, outcome, bench.now_us + DAY_S * SECOND_US)
    bench.run(bench.store.write(end_job(TENANT, job.job, end, bench.now_us, run_number=run.run_number)))
    text = page(browser)
    assert f'<a href="/reconciliations/{uuid_text(job.job)}">Reconciliation, 2026-11-18 11:06 UTC</a>' in text
    assert "failed: the provider refused" in text


def test_alerts_that_fire_come_first(bench: Bench, browser: Browser) -> None:
    submit(bench, fact(NOW_S - 60, "a", status="completed"))
    for number in range(8):
        found = finding(FindingChange.BEGAN, SeriesKey(Dimension.ROUTE, f"r{number}"), NOW_US)
        alert = new_alert(TENANT, found, f"on r{number}", NOW_US + number)
        bench.run(bench.store.write(open_alert(TENANT, alert)))
    text = page(signed_in(browser))
    assert re.findall(r'<a href="/alerts/[^"]+">(on r\d)</a>', text) == [
        f"on r{n}" for n in (7, 6, 5, 4, 3, 2)
    ]
    assert '<a href="/alerts">All 8 alerts</a>' in text


def test_learning_ends_after_two_weeks_of_calls(bench: Bench, browser: Browser) -> None:
    submit(bench, fact(NOW_S - 3 * DAY_S, "first", status="completed", route="sales"))
    text = page(signed_in(browser))
    assert "begin after two weeks of calls: on 29 November 2026 at the earliest" in text
    assert "route sales" not in text
    submit(bench, fact(NOW_S - 20 * DAY_S, "older", status="completed", route="support"))
    text = page(browser)
    assert "two weeks of calls: on" not in text
    assert '<a href="/calls?route=sales">route sales</a> <span class="soft">29 November 2026</span>' in text
    assert "route support" not in text


def test_overdue_evaluation_of_alerts_is_a_warning(bench: Bench, browser: Browser) -> None:
    submit(bench, fact(NOW_S - 60, "a", status="completed"))
    # A first call is evaluated soon.
    assert "evaluated" not in page(signed_in(browser))
    submit(bench, fact(NOW_S - 3 * 3_600, "b", status="completed"))
    assert "Alerts have never been evaluated." in page(browser)
    hour_ago_us = bench.now_us - 3_600 * SECOND_US
    bench.run(bench.store.write(save_evaluation(TENANT, StoredEvaluation(), hour_ago_us, b"")))
    assert "they are evaluated until 2026-11-18 10:06 UTC" in page(browser)
    bench.run(bench.store.write(save_evaluation(TENANT, StoredEvaluation(1), bench.now_us, b"")))
    assert "evaluated" not in page(browser)


def test_a_missing_worker_is_a_warning(bench: Bench, browser: Browser) -> None:
    submit(bench, fact(NOW_S - 60, "a", status="completed"))
    bench.now_us += 660 * SECOND_US
    assert "No background worker has reported yet, so deliveries, exports" in page(signed_in(browser))
    bench.run(bench.store.write(report_worker("one", bench.now_us)))
    assert "No background worker" not in page(browser)
    bench.now_us += 180 * SECOND_US
    assert "No background worker has reported since 2026-11-18 " in page(browser)


def test_tenant_without_calls_gets_the_first_steps(browser: Browser) -> None:
    text = page(signed_in(browser))
    assert "No calls recorded yet" in text
    assert "calltally provider put acme twilio" in text
    assert "http://test/api/v1/ingest/twilio/acme" in text
    assert 'href="/settings#providers"' not in text
    browser.sign_in(ADMIN["x-admin-key"], tenant=TENANT)
    assert 'href="/settings#providers"' in page(browser)


def test_other_tenants_are_not_on_the_page(bench: Bench, browser: Browser) -> None:
    bench.add_tenant("other")
    theirs = of_provider(fact(NOW_S - 60, "theirs", status="failed"), "telnyx")
    submit(bench, theirs, tenant="other")
    assert "No calls recorded yet" in page(signed_in(browser))
    submit(bench, fact(NOW_S - 60, "ours", status="completed"))
    text = page(browser)
    assert ">1</a>" in tiles(text)["Calls"]
    assert "telnyx" not in text


def test_wall_display_reloads_and_no_other_page_does(bench: Bench, browser: Browser) -> None:
    submit(bench, fact(NOW_S - 60, "a", status="completed"))
    signed_in(browser)
    wall = browser.get("/?wall=1")
    assert wall.headers["refresh"] == "60"
    assert "This page reloads every 60 seconds." in wall.text
    assert 'class="overview wall"' in wall.text
    assert "refresh" not in browser.get("/").headers


def test_visitor_without_a_session_signs_in_first(browser: Browser) -> None:
    answer = browser.get("/?wall=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2F%3Fwall%3D1")
    assert browser.sign_in().headers["location"] == "/"


def test_phone_numbers_in_names_are_masked(bench: Bench, browser: Browser) -> None:
    bench.run(bench.store.write(set_masking(TENANT, masks=True)))
    submit(bench, fact(NOW_S - 20 * DAY_S, "a", status="completed"))
    submit(bench, fact(NOW_S - 60, "b", status="completed", route="line +14155550100"))
    assert "4155550100" in page(signed_in(browser, "pii:read"))
    assert "4155550100" not in page(signed_in(browser))
