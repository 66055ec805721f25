"""The traps that providers set and the pains that users of others reported: each has a test of its own.

One that is renamed or lost is missed here.
"""

import ast
from pathlib import Path
from typing import Final

import pytest

TESTS: Final = Path(__file__).parents[1]
PEERS, TELLERS = "acceptance/test_peers.py", "integration/ingest/test_platform_and_carrier.py"
PROVIDERS: Final = "unit/providers"

TRAPS: Final = {
    "Vonage says completed after busy, failed, timeout and unanswered": (
        (f"{PROVIDERS}/vonage/test_traps.py", "test_completed_does_not_replace_an_unanswered_end"),
        (
            "unit/calls/test_fold.py",
            "test_unanswered_state_stays_after_vonages_completed",
        ),
    ),
    "Telnyx says user_busy": (
        (f"{PROVIDERS}/telnyx/test_traps.py", "test_user_busy_is_busy_and_not_completed"),
    ),
    "Telnyx tells no duration": (
        (
            f"{PROVIDERS}/telnyx/test_traps.py",
            "test_talk_time_without_a_duration_is_from_answer_to_hangup",
        ),
    ),
    "Twilio's Duration is in minutes": (
        (f"{PROVIDERS}/twilio/test_normalise.py", "test_duration_in_minutes_is_not_read"),
    ),
    "Twilio's answered arrives as in-progress": (
        (f"{PROVIDERS}/twilio/test_normalise.py", "test_each_status_word"),
    ),
    "Twilio's events come out of order, and SequenceNumber orders them": (
        (f"{PROVIDERS}/twilio/test_normalise.py", "test_events_out_of_order_fold_to_the_call"),
        ("unit/calls/test_fold.py", "test_sequence_outranks_time"),
    ),
    "Asterisk writes several rows for one call": (
        (
            f"{PROVIDERS}/asterisk/test_asterisk_rows.py",
            "test_rows_of_one_linkedid_are_one_call_in_any_order",
        ),
    ),
    "Asterisk's duration includes ringing": (
        (
            f"{PROVIDERS}/asterisk/test_asterisk_rows.py",
            "test_duration_includes_the_ringing_and_talk_time_does_not",
        ),
    ),
    "FreeSWITCH's answer_epoch of 0 was never answered": (
        (
            f"{PROVIDERS}/freeswitch/test_freeswitch_records.py",
            "test_an_answer_epoch_of_0_is_unanswered",
        ),
    ),
    "a report comes before the carrier's last status, once or twice": (
        (TELLERS, "test_platform_report_and_carrier_callbacks_are_one_call"),
    ),
    "a report never comes": (
        (TELLERS, "test_missing_report_leaves_the_carriers_data"),
        (
            "integration/test_platform_lists.py",
            "test_missing_reports_are_found_by_platform_id_and_healed",
        ),
    ),
}
PAINS: Final = {
    4: ((PEERS, "test_pain_4_callbacks_in_any_order_make_the_same_call"),),
    5: (
        (PEERS, "test_pain_5_no_call_is_closed_because_time_passed"),
        (PEERS, "test_pain_5_what_is_still_open_can_be_listed"),
        ("integration/test_carrier_lists.py", "test_facts_missed_by_callbacks_are_found_and_healed"),
        (
            "integration/alerts/notify/test_notifier.py",
            "test_provider_is_polled_before_a_stuck_call_alert",
        ),
    ),
    6: (
        (PEERS, "test_pain_6_a_repeated_webhook_has_its_effect_once"),
        (PEERS, "test_pain_6_a_retry_with_a_fresh_id_bills_once"),
        (PEERS, "test_pain_6_later_states_of_a_known_call_are_not_taken_for_repeats"),
    ),
    7: (
        (PEERS, "test_pain_7_two_calls_with_interleaved_events_never_mix"),
        (PEERS, "test_pain_7_one_id_for_two_calls_is_kept_whole_and_counted"),
    ),
    8: (
        (PEERS, "test_pain_8_a_total_is_the_rows_and_the_same_in_each_run"),
        (PEERS, "test_pain_8_another_tenants_calls_are_in_no_total"),
        ("integration/analytics/test_quality_api.py", "test_pain_8_answer_rate_is_not_stuck_at_100_percent"),
    ),
    9: ((PEERS, "test_pain_9_ringing_is_no_talk"),),
    16: (
        (PEERS, "test_pain_16_a_word_that_is_not_known_is_never_guessed"),
        (PEERS, "test_pain_16_an_unanswered_state_is_not_overwritten_by_completed"),
        (f"{PROVIDERS}/telnyx/test_traps.py", "test_user_busy_is_busy_and_not_completed"),
    ),
}
NAMED: Final = [
    *((trap, *each) for trap, tests in TRAPS.items() for each in tests),
    *((f"pain {number}", *each) for number, tests in PAINS.items() for each in tests),
]


def named_in(path: Path) -> set[str]:
    """The tests that a file has."""
    return {each.name for each in ast.parse(path.read_text()).body if isinstance(each, ast.FunctionDef)}


@pytest.mark.parametrize(("trap", "file", "name"), NAMED)
def test_each_has_its_test(trap: str, file: str, name: str) -> None:
    assert name in named_in(TESTS / file), trap
