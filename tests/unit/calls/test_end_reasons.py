"""Reasons of the end of calls: translation of words and codes, and the side at fault."""

from typing import Any

import pytest

from calltally.calls.end_reasons import (
    EXPLANATIONS,
    EndCodes,
    EndReason,
    EndWord,
    attribution_of,
    resolve_ending,
    resolve_ending_by_codes,
)
from calltally.calls.events import Fact
from calltally.calls.failure_causes import FailureCause, FaultSide
from calltally.calls.fold import fold, fold_ending
from calltally.calls.identity import Node
from tests.sample_facts import SID, fact, own

NODE = Node(SID, is_carrier=True)


def platform(at: float, **stated: Any) -> Fact:  # noqa: ANN401 (values of every kind)
    return fact(at, "vapi-1", provider="vapi", is_carrier=False, **stated)


def reason(*facts: Fact) -> str | None:
    ending = fold_ending(facts)
    assert fold("acme", NODE, facts).call.end_reason == ending.reason
    return ending.reason


def test_every_reason_has_explanation_and_stable_slug() -> None:
    assert {*EXPLANATIONS} == {*EndReason}
    assert [*EndReason] == [
        *("remote-hung-up", "local-hung-up", "transferred", "voicemail", "no-answer", "busy", "rejected"),
        *("invalid-number", "provider-error", "network", "timeout", "silence", "limit-reached"),
        *("agent-error", "unknown"),
    ]


def test_open_call_has_no_reason() -> None:
    assert reason(fact(1, status="ringing", end_reason="busy")) is None


@pytest.mark.parametrize(
    ("status", "stated", "expected", "side"),
    [
        ("busy", {}, "busy", FaultSide.CALLED),
        ("no-answer", {}, "no-answer", FaultSide.CALLED),
        ("canceled", {"direction": "inbound"}, "remote-hung-up", FaultSide.CALLER),
        ("canceled", {"direction": "outbound"}, "local-hung-up", FaultSide.CALLER),
        ("failed", {"sip_code": 404}, "invalid-number", FaultSide.CALLER),
        ("failed", {"sip_code": 603}, "rejected", FaultSide.CALLED),
        ("failed", {"sip_code": 503}, "provider-error", FaultSide.PROVIDER),
        ("failed", {"hangup_cause": 38}, "network", FaultSide.NETWORK),
        ("failed", {"hangup_cause": 1}, "invalid-number", FaultSide.CALLER),
        ("failed", {"hangup_cause": 19}, "no-answer", FaultSide.CALLED),
        ("failed", {"sip_code": 433}, "rejected", FaultSide.CALLED),
        ("failed", {"sip_code": 488}, "rejected", FaultSide.CALLED),
        ("failed", {"sip_code": 606}, "rejected", FaultSide.CALLED),
        ("failed", {"sip_code": 607}, "rejected", FaultSide.CALLED),
        ("failed", {"sip_code": 608}, "rejected", FaultSide.NETWORK),
        ("failed", {"sip_code": 487, "direction": "inbound"}, "remote-hung-up", FaultSide.CALLER),
        ("failed", {"sip_code": 487, "direction": "outbound"}, "local-hung-up", FaultSide.CALLER),
        ("failed", {"sip_code": 607, "hangup_cause": 31}, "rejected", FaultSide.CALLED),
        ("failed", {"sip_code": 410}, "invalid-number", FaultSide.CALLER),
        ("failed", {}, "unknown", None),
        ("completed", {}, "unknown", None),
        ("completed", {"sip_code": 200, "hangup_cause": 16}, "unknown", None),
        ("failed", {"end_reason": "CALL_REJECTED"}, "rejected", None),
        ("completed", {"end_reason": "user hangup"}, "remote-hung-up", None),
        ("completed", {"end_reason": "transferred"}, "transferred", None),
    ],
)
def test_state_codes_and_words_give_one_reason(
    status: str, stated: dict[str, Any], expected: str, side: FaultSide | None
) -> None:
    ended = fact(9, status=status, **stated)
    assert reason(ended) == expected
    assert fold_ending([ended]).side == side


def test_platform_decides_reason_of_answered_call() -> None:
    ended = fact(9, status="completed", talk_seconds=5, end_reason="normal_clearing", hangup_cause=16)
    stated = platform(8, end_reason="silence", end_word="silence-timed-out")
    for facts in ((ended, stated), (stated, ended)):
        ending = fold_ending(facts)
        assert (ending.reason, ending.provider_word) == ("silence", "silence-timed-out")


def test_carrier_decides_reason_of_unanswered_call() -> None:
    ended = fact(9, status="busy", sip_code=486)
    stated = platform(
        20, status="failed", end_reason="agent-error", end_side="tenant", end_word="pipeline-error"
    )
    assert reason(ended, stated) == "busy"
    assert reason(stated, fact(9, status="failed")) == "agent-error"
    assert fold_ending([stated, fact(9, status="failed")]).side is FaultSide.TENANT


def test_unknown_word_is_stored_with_unknown_reason() -> None:
    ending = fold_ending([own(9, status="completed", end_reason="fell into the sea")])
    assert (ending.reason, ending.provider_word) == ("unknown", "fell into the sea")
    assert attribution_of("fell into the sea") is None


@pytest.mark.parametrize("status", ["completed", "busy", "failed", "no-answer", "canceled"])
@pytest.mark.parametrize("direction", [None, "inbound", "outbound"])
@pytest.mark.parametrize("codes", [(None, None), (503, None), (None, 17), (486, 21)])
def test_codes_decide_without_words(
    status: str, direction: str | None, codes: tuple[int | None, int | None]
) -> None:
    cause = (*codes, None, "twilio", True)
    nothing = EndWord(None, None)
    spoken = resolve_ending(EndCodes(status, FailureCause(*cause), direction), nothing, nothing)
    assert resolve_ending_by_codes(status, direction, cause) == spoken


def test_word_wins_over_source_without_word() -> None:
    facts = [own(9, status="completed", end_reason="voicemail"), fact(10, status="completed", sip_code=200)]
    assert reason(*facts) == "voicemail"
