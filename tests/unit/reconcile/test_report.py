"""Report: exact counts, the first findings of each kind, and a page that runs no foreign code."""

import re

from calltally.reconcile.findings import (
    KIND_MEANINGS,
    Finding,
    FindingKind,
    FindingTally,
    ReconciliationReport,
    ReportWindow,
    times_of,
)
from calltally.reconcile.html_report import html_report, window_text

EVIL = '<script>alert("&")</script>'


def tallied(most: int | None) -> ReconciliationReport:
    tally = FindingTally(most)
    for number in range(5):
        tally.add(Finding(FindingKind.LATE_EVENT, "late", call_sid=f"CA{number}"))
        tally.add(Finding(FindingKind.MISSING_EVENT, "missing", call_sid=f"CA{number}"))
    return tally.report("events", ReportWindow("2026-10-01T00:00:00.000000Z", None), {"calls": 1_234})


def test_every_kind_has_texts() -> None:
    assert list(KIND_MEANINGS) == list(FindingKind)
    assert all(meaning.endswith(".") for meaning in KIND_MEANINGS.values())


def test_counts_are_exact_and_findings_are_the_first_of_each_kind() -> None:
    report = tallied(2)
    assert report.counts == {FindingKind.MISSING_EVENT: 5, FindingKind.LATE_EVENT: 5}
    assert [(each.kind.value, each.call_sid) for each in report.findings] == [
        ("missing-event", "CA0"),
        ("missing-event", "CA1"),
        ("late-event", "CA0"),
        ("late-event", "CA1"),
    ]
    assert not report.is_clean


def test_report_without_findings_is_clean() -> None:
    report = FindingTally(0).report("events", ReportWindow(), {})
    assert report.is_clean
    assert "No findings." in html_report(report)
    assert window_text(report) == "All calls"


def test_page_lists_findings_and_omitted_counts() -> None:
    page = html_report(tallied(2))
    assert "<h1>Reconciled with events</h1>" in page
    assert "Calls created from 2026-10-01 to the last" in page
    assert "<dd>1,234</dd>" in page
    assert page.count("The first 2 of 5.") == 2
    assert set(re.findall(r'href="#([\w-]+)"', page)) == set(re.findall(r'<h2 id="([\w-]+)"', page))
    assert html_report(tallied(0)).count("<table>") == 1


def test_page_is_self_contained_and_inert() -> None:
    tally = FindingTally()
    times = times_of(created_at=0, received_at=None)
    tally.add(Finding(FindingKind.CONTRADICTION, EVIL, EVIL, EVIL, EVIL, EVIL, (EVIL,), times | {EVIL: EVIL}))
    page = html_report(tally.report(EVIL, ReportWindow(EVIL, EVIL), {EVIL: 1}))
    assert "<script" not in page
    assert not re.search(r'(?:src|href)="(?!#)', page)
    assert "created at 1970-01-01T00:00:00Z" in page
