"""All end reasons of Vapi's API and their readings, as in `ended_reasons.csv`.

The words are the values of `endedReason` in Vapi's API schema, and those that its pages name besides. The
readings follow "Call ended reasons" in Vapi's documentation. Each report has a start time.
"""

import csv
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from calltally.calls.end_reasons import EndReason
from calltally.providers.callback import Callback
from calltally.providers.platform_reports import match_end_reason
from calltally.providers.vapi import normalise
from calltally.providers.vapi.words import END_REASON_PATTERNS
from tests.unit.providers.sampling import NOW_US
from tests.unit.providers.vapi.samples import TALK, call, message


class Reading(NamedTuple):
    """Row of the table: a word, and the expected reading of a report that ends with it."""

    word: str
    status: str
    end_reason: str
    side: str
    transfer: str


with (Path(__file__).parent / "ended_reasons.csv").open(newline="") as file:
    READINGS: Final = [Reading(*row) for row in list(csv.reader(file))[1:]]
# Reasons in Vapi's API schema, at least: a shorter table was cut by mistake.
SCHEMA_WORDS: Final = 604


def reading_of(word: str) -> Reading:
    """Return the reading of a report with a start time and this end reason."""
    report = message(
        "end-of-call-report",
        1_787_385_660_000,
        call(TALK),
        endedReason=word,
        startedAt="2026-08-22T08:00:10.000Z",
        endedAt="2026-08-22T08:00:52.700Z",
    )
    [fact] = normalise.facts_of(Callback("POST", "https://calls.example/", {}, report.body, NOW_US))
    transfer = fact.stated.get("transfer", {}).get("outcome", "")
    ending = match_end_reason(word, END_REASON_PATTERNS)
    assert ending is not None, f"{word} matches no pattern"
    return Reading(word, fact.stated["status"], ending.reason, ending.side or "", transfer)


@pytest.mark.parametrize("expected", READINGS, ids=lambda row: row.word)
def test_each_word_is_read_as_in_the_table(expected: Reading) -> None:
    assert reading_of(expected.word) == expected


def test_the_table_covers_the_schema_without_repeats() -> None:
    words = [row.word for row in READINGS]
    assert len(words) >= SCHEMA_WORDS
    assert sorted(set(words)) == words
    assert {row.end_reason for row in READINGS} == set(EndReason) - {EndReason.UNKNOWN}


def test_no_failed_hand_over_is_bridged() -> None:
    failed = [row for row in READINGS if "forwarding." in row.word or "transfer-" in row.word]
    failed += [row for row in READINGS if row.word.endswith(("-transfer", "transfer-failed"))]
    executed = {"call.ending.hook-executed-transfer", "call.ringing.hook-executed-transfer"}
    rung = {"call.ringing.hook-executed-transfer-failed"}
    assert {row.transfer for row in failed if row.word not in executed | rung} == {"failed"}
    assert {row.word for row in READINGS if row.transfer == "bridged"} == {
        "assistant-forwarded-call",
        "call.ending.hook-executed-transfer",
    }


NEVER_CONNECTED: Final = (
    *("call.start.", "call-start-", "call.ringing.", "outbound-sip-", "failed-to-connect", "never-connected"),
    *("no-call-received", "worker-not-available", "call-not-active", "assistant-not-", "assistant-request-"),
    *("customer-busy", "did-not-answer", "scheduled-call-deleted", "manually-canceled", "misdialed"),
    *("unallocated-number", "vonage-rejected", "microphone-permission"),
)


def test_no_call_that_never_connected_is_completed() -> None:
    unanswered = [row for row in READINGS if any(part in row.word for part in NEVER_CONNECTED)]
    assert len(unanswered) > 40
    assert {row.status for row in unanswered} == {"failed", "busy", "no-answer", "canceled"}
    rest = [row for row in READINGS if row not in unanswered]
    assert {row.status for row in rest} == {"completed"}


OUTAGES: Final = (
    "vapifault",
    "500-",
    "502-",
    "503-",
    "522-",
    "-voice-failed",
    "-transcriber-failed",
    "-llm-failed",
)


def test_outages_of_a_supplier_are_not_the_tenants_fault() -> None:
    own = ("-custom-",)  # The tenant runs its own model, voice or transcriber.
    outages = [row for row in READINGS if any(part in row.word for part in OUTAGES)]
    outages = [row for row in outages if "vapifault" in row.word or not any(each in row.word for each in own)]
    sides = {row.side for row in outages if "outbound-sip" not in row.word}
    assert len(outages) > 300
    assert sides == {"provider"}


@pytest.mark.parametrize("word", ["", "eaten-by-a-grue", "custome-busy", "call.dreaming"])
def test_other_words_match_no_pattern(word: str) -> None:
    assert match_end_reason(word, END_REASON_PATTERNS) is None
