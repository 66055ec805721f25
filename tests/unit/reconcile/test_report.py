"""What a report says: exact counts, the first of each kind, and a page in which nothing of others runs."""

import re

from calltally.reconcile.findings import WORDS, Finding, Kind, Report, Span, Tally, times_of
from calltally.reconcile.html_report import html_report, window_words

EVIL = '<script>alert("&")</script>'


def tallied(most: int | None) -> Report:
    tally = Tally(most)
    for number in range(5):
        tally.add(Finding(Kind.LATE_EVENT, "late", call_sid=f"CA{number}"))
        tally.add(Finding(Kind.MISSING_EVENT, "missing", call_sid=f"CA{number}"))
    return tally.report("events", Span("2026-10-01T00:00:00.000000Z", None), {"calls": 1_234})


def test_every_kind_has_its_words() -> None:
    assert list(WORDS) == list(Kind)
    assert all(words.meaning.endswith(".") for words in WORDS.values())


def test_counts_are_exact_and_findings_the_first_of_each_kind() -> None:
    report = tallied(2)
    assert report.counts == {Kind.MISSING_EVENT: 5, Kind.LATE_EVENT: 5}
    assert [(each.kind.value, each.call_sid) for each in report.findings] == [
        ("missing-event", "CA0"),
        ("missing-event", "CA1"),
        ("late-event", "CA0"),
        ("late-event", "CA1"),
    ]
    assert not report.is_clean


def test_a_report_of_nothing_is_clean() -> None:
    report = Tally(0).report("events", Span(), {})
    assert report.is_clean
    assert "Nothing was found." in html_report(report)
    assert window_words(report) == "All calls"


def test_the_page_says_what_was_found_and_what_is_left_out() -> None:
    page = html_report(tallied(2))
    assert "<h1>Reconciled with events</h1>" in page
    assert "Calls created from 2026-10-01 to the last" in page
    assert "<dd>1,234</dd>" in page
    assert page.count("The first 2 of 5.") == 2
    assert set(re.findall(r'href="#([\w-]+)"', page)) == set(re.findall(r'<h2 id="([\w-]+)"', page))
    assert html_report(tallied(0)).count("<table>") == 1


def test_the_page_needs_nothing_else_and_nothing_in_it_runs() -> None:
    tally = Tally()
    times = times_of(created_at=0, received_at=None)
    tally.add(Finding(Kind.CONTRADICTION, EVIL, EVIL, EVIL, EVIL, EVIL, (EVIL,), times | {EVIL: EVIL}))
    page = html_report(tally.report(EVIL, Span(EVIL, EVIL), {EVIL: 1}))
    assert "<script" not in page
    assert not re.search(r'(?:src|href)="(?!#)', page)
    assert "created at 1970-01-01T00:00:00Z" in page
